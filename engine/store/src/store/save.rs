//! Snapshots of a store: one file a shard, written by its owner, and their loading.
//!
//! All shards stand still together while they write, so their files are of one moment (as Redis's
//! `SAVE`). Where a log is kept the log is what a store is opened from, since it knows more; a
//! snapshot is loaded where the log is empty, and then becomes its beginning.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::config::StoreError;
use crate::command::server::FLUSHALL;
use crate::effect::Effects;
use crate::keyspace::record_ops;
use crate::log::Log;
use crate::op::Op;
use crate::shard::{Out, Shard};
use crate::snapshot::{Meta, Reader};
use crate::time::Millis;

/// The snapshot of shard `number` in `dir`.
pub(super) fn path(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("shard-{number:04}.snapshot"))
}

/// Writes the snapshot of `shard` to `dir`.
pub(super) fn write(dir: &Path, meta: &Meta, shard: &mut Shard) -> Result<(), StoreError> {
    let path = path(dir, meta.shard as usize);
    crate::snapshot::write(&path, meta, |writer| {
        shard.keyspace().for_each(|entry| writer.push(entry));
    })?;
    Ok(())
}

/// Loads the snapshot of shard `number` of `shards`, where `dir` has one; its number of records.
pub(super) fn load(
    dir: &Path,
    number: usize,
    shards: usize,
    shard: &mut Shard,
) -> Result<Option<u64>, StoreError> {
    let path = path(dir, number);
    if !path.exists() {
        return Ok(None);
    }
    let reader = Reader::open(&path)?;
    let meta = reader.meta();
    if (meta.shard as usize, meta.shards as usize) != (number, shards) {
        return Err(StoreError::Layout {
            file: path.display().to_string(),
            shard: meta.shard,
            shards: meta.shards,
            wanted: shards,
        });
    }
    let mut out = Out::default();
    let mut refused = None;
    reader.for_each(|record| {
        record_ops(&record, &mut |op| {
            if let Err(error) = shard.replay(op, &mut out) {
                refused.get_or_insert(error);
            }
        });
    })?;
    match refused {
        Some(error) => Err(StoreError::Replay {
            file: path.display().to_string(),
            error,
        }),
        None => Ok(Some(reader.len())),
    }
}

/// The mark that the log of shard `number` is being begun from its snapshot.
fn mark(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("shard-{number:04}.log-begins"))
}

/// Whether a crash left the log of shard `number` with a part of its snapshot, and nothing else.
pub(super) fn log_is_half_begun(dir: &Path, number: usize) -> bool {
    mark(dir, number).exists() && path(dir, number).exists()
}

/// Empties `shard` of what a half begun log has.
pub(super) fn drop_half(shard: &mut Shard) {
    let dropped = shard.replay(&Op::new(&FLUSHALL), &mut Out::default());
    dropped.expect("FLUSHALL without arguments is never refused");
}

/// Makes what was loaded the beginning of the log of shard `number`, which is empty or half begun.
///
/// A mark stands beside the log meanwhile: after a crash the log's part of it is dropped
/// ([`drop_half`]), the snapshot is loaded again, and the log begins anew with a `FLUSHALL`.
pub(super) fn begin_log(
    dir: &Path,
    number: usize,
    shard: &Shard,
    log: &mut Log,
) -> Result<(), StoreError> {
    let mark = mark(dir, number);
    let failed = |source| StoreError::Mark {
        file: mark.display().to_string(),
        source,
    };
    let sync_folder = || File::open(dir)?.sync_all();
    File::create(&mark)
        .and_then(|file| file.sync_all())
        .and_then(|()| sync_folder())
        .map_err(failed)?;
    let mut effects = Effects::default();
    effects.push(&Op::new(&FLUSHALL));
    log.append(&effects);
    shard.dump(Millis(0), &mut |op| {
        effects.clear();
        effects.push(op);
        log.append(&effects);
    });
    log.sync()?;
    fs::remove_file(&mark)
        .and_then(|()| sync_folder())
        .map_err(failed)
}
