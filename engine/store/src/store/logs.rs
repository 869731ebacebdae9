//! The logs of a store's folder, all together.

use std::path::PathBuf;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::config::{SHARDS_MAX, StoreConfig, StoreError};
use super::save::Saved;
use crate::log::device::DeviceKind;
use crate::log::{Found, LogConfig};

/// How the logs of so many shards are kept, those that are begun now told from others by `number` as well.
///
/// # Errors
/// There is no folder to keep them in.
pub(super) fn config(
    config: &StoreConfig,
    shards: usize,
    number: u64,
) -> Result<LogConfig, StoreError> {
    let dir = match (&config.device, &config.dir) {
        (DeviceKind::Memory(_), None) => PathBuf::new(),
        (_, None) => return Err(StoreError::NoFolder),
        (_, Some(dir)) => dir.clone(),
    };
    let begun = [config.opened.0, number].map(u64::to_le_bytes).concat();
    Ok(LogConfig {
        device: config.device.clone(),
        fsync: config.appendfsync,
        segment_bytes: config.segment_bytes,
        // Another store, or this one at another time, begins other logs.
        id: xxh3_64_with_seed(&begun, config.seed) | 1,
        ..LogConfig::new(dir, shards as u32, config.seed)
    })
}

/// How many shards the folder's logs are of, which no snapshot knows; `None` where there are none.
///
/// # Errors
/// They cannot be read, or there is no folder to keep them in.
pub(super) fn shards(config: &StoreConfig) -> Result<Option<usize>, StoreError> {
    let found = self::config(config, config.shards, 0)?.shards_found()?;
    // What a head counts is believed as far as there can be so many: whoever reads it tells of the others.
    Ok(found.map(|shards| (shards as usize).clamp(1, SHARDS_MAX)))
}

/// The logs of so many shards, from `base` on, compared with each other; and the number of the last joint. Nothing of
/// any is changed where one is damaged.
///
/// # Errors
/// They cannot be read or locked, are not those that `base` knows, or are damaged.
pub(super) fn find(
    config: &StoreConfig,
    shards: usize,
    base: Option<&Saved>,
) -> Result<(Vec<Found>, u64), StoreError> {
    let log_config = self::config(config, shards, 0)?;
    let mut logs = Vec::with_capacity(shards);
    for shard in 0..shards {
        let covered = base.and_then(|base| base.shards.get(shard));
        let (covered, known) = covered.map_or((0, 0), |written| (written.sequence, written.log));
        let found = Found::find(&log_config, shard as u32, covered, known)?;
        if base.is_some()
            && let Some(absent) = found.absent()
        {
            return Err(absent.into());
        }
        logs.push(found);
    }
    let joints = Found::compare(&mut logs)?;
    let joints = joints.max(base.map_or(0, |base| base.joints));
    Ok((logs, joints))
}
