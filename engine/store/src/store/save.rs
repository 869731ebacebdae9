//! Snapshots of a store: one file a shard, written by its owner, and their loading.
//!
//! All shards stand still together while they write, so their files are of one moment (as Redis's
//! `SAVE`). Each writes a file beside its snapshot, and when all of them are durable each takes its
//! snapshot's place; a crash in the midst of that is made good when the store is opened, and files of
//! different saves are never loaded together. Where logs are kept they are what a store is opened from,
//! since they know more; snapshots are loaded where every log is empty, and then become their beginnings.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::config::StoreError;
use super::load;
use crate::command::server::FLUSHALL;
use crate::effect::Effects;
use crate::log::Log;
use crate::op::Op;
use crate::shard::{Out, Shard};
use crate::snapshot::{Meta, Reader};
use crate::time::Millis;

/// The snapshot of shard `number` in `dir`.
pub(super) fn path(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("shard-{number:04}.snapshot"))
}

/// The snapshot that is to be that of shard `number`.
fn next(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("shard-{number:04}.snapshot-next"))
}

/// Writes what is to be the snapshot of `shard` to `dir`.
pub(super) fn write(dir: &Path, meta: &Meta, shard: &mut Shard) -> Result<(), StoreError> {
    let path = next(dir, meta.shard as usize);
    let keyspace = shard.keyspace();
    let mut meta = meta.clone();
    keyspace.describe(&mut meta);
    crate::snapshot::write(&path, &meta, |writer| keyspace.write_to(writer))?;
    Ok(())
}

/// Lets what was written last be the snapshot of shard `number`, or drops it.
pub(super) fn publish(dir: &Path, number: usize, keep: bool) -> Result<(), StoreError> {
    let next = next(dir, number);
    let done = if keep {
        fs::rename(&next, path(dir, number))
    } else if next.exists() {
        fs::remove_file(&next)
    } else {
        Ok(())
    };
    let synced = done.and_then(|()| File::open(dir)?.sync_all());
    synced.map_err(|source| StoreError::Mark {
        file: next.display().to_string(),
        source,
    })
}

/// The save that a file is of; `None` where there is no such file, or it is not whole.
fn save_of(path: &Path) -> Option<u64> {
    Some(Reader::open(path).ok()?.meta().save)
}

/// Makes good what a crash left of a save: where one shard's file had taken its place, all were durable,
/// and the others' take theirs; where none had, they go.
pub(super) fn finish(dir: &Path, shards: usize) -> Result<(), StoreError> {
    let left: Vec<(usize, Option<u64>)> = (0..shards)
        .filter(|&number| next(dir, number).exists())
        .map(|number| (number, save_of(&next(dir, number))))
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let published: Vec<u64> = (0..shards).filter_map(|n| save_of(&path(dir, n))).collect();
    for (number, save) in left {
        let begun = save.is_some_and(|save| published.contains(&save));
        publish(dir, number, begun)?;
    }
    Ok(())
}

/// Refuses snapshots of which some are of one save and some of another, or some are missing.
pub(super) fn check(dir: &Path, shards: usize) -> Result<(), StoreError> {
    let there: Vec<usize> = (0..shards).filter(|&n| path(dir, n).exists()).collect();
    let Some(&first) = there.first() else {
        return Ok(());
    };
    let first = Reader::open(&path(dir, first))?;
    let meta = first.meta();
    if meta.shards as usize != shards {
        // Of another layout: loading says so.
        return Ok(());
    }
    for number in 0..shards {
        let path = path(dir, number);
        if !path.exists() || Reader::open(&path)?.meta().save != meta.save {
            return Err(StoreError::Mixed {
                file: path.display().to_string(),
            });
        }
    }
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
    let keys = reader.len();
    load::into_shard(reader, shard)?;
    Ok(Some(keys))
}

/// The seed by which the snapshots in `dir` were hashed, where they are of as many shards.
pub(super) fn seed(dir: &Path, shards: usize) -> Option<u64> {
    let reader = Reader::open(&path(dir, 0)).ok()?;
    let meta = reader.meta();
    (meta.shards as usize == shards).then_some(meta.seed)
}

/// Whether there is a snapshot of any shard.
pub(super) fn is_there(dir: &Path, shards: usize) -> bool {
    (0..shards).any(|number| path(dir, number).exists())
}

/// The mark that the log of shard `number` is being begun from its snapshot.
fn mark(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("shard-{number:04}.log-begins"))
}

/// Whether a crash left logs with parts of their snapshots, and nothing else: nobody was served before
/// the last mark was gone.
pub(super) fn logs_are_half_begun(dir: &Path, shards: usize) -> bool {
    (0..shards).any(|number| mark(dir, number).exists())
}

/// Marks that every log is being begun from its snapshot. After a crash what logs have of them is dropped
/// ([`drop_half`]), the snapshots are loaded again, and the logs begin anew with a `FLUSHALL`.
pub(super) fn mark_logs(dir: &Path, shards: usize) -> Result<(), StoreError> {
    each_mark(dir, shards, |mark| File::create(mark)?.sync_all())
}

/// The logs have their snapshots, durably.
pub(super) fn unmark_logs(dir: &Path, shards: usize) -> Result<(), StoreError> {
    each_mark(dir, shards, |mark| fs::remove_file(mark))
}

fn each_mark(
    dir: &Path,
    shards: usize,
    change: impl Fn(&Path) -> io::Result<()>,
) -> Result<(), StoreError> {
    for number in 0..shards {
        let mark = mark(dir, number);
        let changed = change(&mark).and_then(|()| File::open(dir)?.sync_all());
        changed.map_err(|source| StoreError::Mark {
            file: mark.display().to_string(),
            source,
        })?;
    }
    Ok(())
}

/// Empties `shard` of what a half begun log has.
pub(super) fn drop_half(shard: &mut Shard) {
    let dropped = shard.replay(&Op::new(&FLUSHALL), &mut Out::default());
    dropped.expect("FLUSHALL without arguments is never refused");
}

/// Makes what was loaded the beginning of a log, which is empty or half begun.
pub(super) fn begin_log(shard: &mut Shard, log: &mut Log) -> Result<(), StoreError> {
    load::settle(shard, u64::MAX)?;
    let mut effects = Effects::default();
    effects.push(&Op::new(&FLUSHALL));
    log.append(&effects);
    shard.dump(Millis(0), &mut |op| {
        effects.clear();
        effects.push(op);
        log.append(&effects);
    });
    Ok(log.sync().map(drop)?)
}
