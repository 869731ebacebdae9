//! Lookup: where a key is, unless it has expired, and what looking costs and counts.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

use super::Keyspace;
use crate::event::Class;
use crate::index::Place;
use crate::mem::ItemId;

impl Keyspace {
    /// The hash of `key` in the database: its place in the index, and its identity for the policy.
    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        let known = self.foreseen.hash(self.place, key);
        debug_assert!(known.is_none_or(|known| known == hash(self.place, key, &self.secrets)));
        known.unwrap_or_else(|| hash(self.place, key, &self.secrets))
    }

    /// The hash of an item's key.
    pub(super) fn item_hash(&self, id: ItemId) -> u64 {
        let item = self.arena.own(id);
        hash(item.database(), item.key(), &self.secrets)
    }

    /// Where `key` is, though it may have expired.
    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Option<(Place, ItemId)> {
        let (arena, database) = (&self.arena, self.place);
        let is_it = |id| arena.own_of(id, (database, key)).is_some();
        if let Some((place, id)) = self.foreseen.near(database, key)
            && self.index.holds(place, id)
            && is_it(id)
        {
            return Some((place, id));
        }
        self.index.find(self.hash(key), is_it)
    }

    /// Where `key` is, unless it has expired: then it is removed.
    #[inline]
    pub(super) fn locate(&mut self, key: &[u8]) -> Option<(Place, ItemId)> {
        if self.is_cold() {
            // What is damaged is told by whoever asked for the op: nothing that it says now is.
            let _ = self.warm(key);
        }
        let (place, id) = self.find(key)?;
        if let Some(at) = self.arena.own(id).expires()
            && self.now > at
        {
            self.expire(place, id);
            return None;
        }
        Some((place, id))
    }

    /// As [`Keyspace::locate`]; for a command that reads it counts as a hit or a miss.
    #[inline]
    pub(super) fn look_up(&mut self, key: &[u8]) -> Option<ItemId> {
        let found = self.locate(key).map(|(_, id)| id);
        if self.reads {
            if found.is_some() {
                self.stats.hits += 1;
            } else {
                self.stats.misses += 1;
                self.notify(Class::KeyMiss, "keymiss", key);
            }
        }
        found
    }

    /// As [`Keyspace::look_up`], as an access.
    #[inline]
    pub(super) fn access(&mut self, key: &[u8]) -> Option<ItemId> {
        let found = self.look_up(key);
        if let Some(id) = found {
            let item = self.arena.own(id);
            self.eviction.hit(item, id, self.latest, &mut self.random);
        }
        found
    }
}

/// The hash of `key` in the database at `place`.
#[inline]
pub(super) fn hash(place: u8, key: &[u8], secrets: &RapidSecrets) -> u64 {
    // Database 0 pays nothing; for others the golden ratio spreads equal keys.
    rapidhash_v3_seeded(key, secrets) ^ u64::from(place).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
