//! `WATCH`: a handle that learns whether one of its keys changed.
//!
//! The owner of each key has the handle's flag by key, and raises it at any change, expiry and eviction
//! among them (`keyspace/observe.rs`). The handle knows its keys, so that a transaction can make their
//! shards stand still before it looks at the flag. Dropping the handle ends the watch.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::keyspace::DbKey;
use crate::slot::Slot;

/// The watched keys of one connection. Clones are the same watch.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    keys: Arc<Mutex<HashSet<DbKey>>>,
    changed: Arc<AtomicBool>,
}

impl Watch {
    /// Nothing is watched yet.
    pub fn new() -> Watch {
        Watch::default()
    }

    /// Whether a watched key is known to have changed. A transaction looks again, with the keys' shards
    /// standing still.
    pub fn is_changed(&self) -> bool {
        // Acquire: pairs with the release of the owner that raises it.
        self.changed.load(Ordering::Acquire)
    }

    /// The flag that owners raise.
    pub(super) fn flag(&self) -> &Arc<AtomicBool> {
        &self.changed
    }

    /// Notes that `key` is watched; whether it was not before.
    pub(super) fn add(&self, database: u8, key: &[u8]) -> bool {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(DbKey::new(database, key))
    }

    /// Shows the keys that lie in `shard` of `shards`.
    pub(super) fn each_of(&self, shard: usize, shards: usize, mut each: impl FnMut(&DbKey)) {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let here = |key: &&DbKey| Slot::of(key.key()).shard(shards) == shard;
        for key in keys.iter().filter(here) {
            each(key);
        }
    }

    /// The shards of its keys, of `shards`, each once and in order.
    pub(super) fn shards(&self, shards: usize) -> Vec<usize> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<usize> = (keys.iter())
            .map(|key| Slot::of(key.key()).shard(shards))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
