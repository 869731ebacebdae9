//! Loading: how what a snapshot holds comes into a shard.
//!
//! The one idea: a shard that hashes as the snapshot does needs nothing of it but the index to serve, and loads
//! keys as they are asked for, and the rest in slices of its turns (`keyspace::cold`). Any other layout is
//! loaded record by record before anybody is served, and so is what is small: that takes less time than to
//! tell clients to come again.

use super::config::StoreError;
use crate::command::CommandError;
use crate::keyspace::record_ops;
use crate::shard::{Out, Shard};
use crate::slot::Slot;
use crate::snapshot::{Reader, Record};

/// Lets `shard`, which has no keys, have those of `reader`.
///
/// # Errors
/// The snapshot is damaged as far as it was looked at, or has what a shard refuses.
pub(super) fn into_shard(reader: Reader, shard: &mut Shard) -> Result<(), StoreError> {
    match shard.keyspace().open_cold(reader) {
        Ok(()) => Ok(()),
        Err(reader) => whole(&reader, |record| replay(shard, record)),
    }
}

/// Lets `shards`, which have no keys, have those of `readers`, each in the shard that owns it: for snapshots of as
/// many shards as there were.
///
/// # Errors
/// As [`into_shard`].
pub(super) fn into_others(readers: &[Reader], shards: &mut [&mut Shard]) -> Result<(), StoreError> {
    let count = shards.len();
    readers.iter().try_for_each(|reader| {
        whole(reader, |record| {
            let owner = Slot::of(record.key).shard(count);
            replay(shards[owner], record)
        })
    })
}

/// Loads what is left of a snapshot, where that is at most `bytes`.
///
/// # Errors
/// It is damaged.
pub(super) fn settle(shard: &mut Shard, bytes: u64) -> Result<(), StoreError> {
    let keyspace = shard.keyspace();
    let is_small = keyspace.loading().is_some_and(|it| it.bytes <= bytes);
    let loaded = if is_small {
        keyspace.load_rest()
    } else {
        Ok(())
    };
    loaded.map_err(|error| StoreError::Refused(error.to_string()))
}

/// Gives every record to `take`.
fn whole(
    reader: &Reader,
    mut take: impl FnMut(&Record<'_>) -> Result<(), CommandError>,
) -> Result<(), StoreError> {
    let mut taken = Ok(());
    reader.for_each(|record| {
        if taken.is_ok() {
            taken = take(&record);
        }
    })?;
    taken.map_err(|error| StoreError::Replay {
        file: reader.name().to_owned(),
        error,
    })
}

fn replay(shard: &mut Shard, record: &Record<'_>) -> Result<(), CommandError> {
    let (mut taken, mut out) = (Ok(()), Out::default());
    record_ops(record, &mut |op| {
        if taken.is_ok() {
            taken = shard.replay(op, &mut out);
        }
    });
    taken
}
