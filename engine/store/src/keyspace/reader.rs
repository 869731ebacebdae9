//! A reader: strings of a shard, on any core, without its owner.
//!
//! Pin an epoch, probe the index, copy the value. What the reader cannot answer alone (an expired key,
//! a collection, a shard in the midst of a multi-shard command) it leaves to the owner.

use std::sync::Arc;

use crossbeam_epoch::Guard;
use rapidhash::v3::RapidSecrets;

use super::databases::Places;
use super::eviction::{SharedRule, mark_hit};
use super::version::Version;
use super::{Keyspace, hash};
use crate::evict::{EntryId, MarkRule};
use crate::index::Table;
use crate::mem::{ItemId, SharedItems};
use crate::time::Millis;

/// What a read on any core came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// The key holds a string, which was appended.
    Hit,
    /// There is no such key.
    Miss,
    /// The owner has to answer.
    Ask,
}

/// A hit that the owner's policy must hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    entry: EntryId,
    id: ItemId,
}

/// Reads the strings of one shard.
#[derive(Clone, Debug)]
pub struct KeyReader {
    table: Arc<Table>,
    places: Arc<Places>,
    items: SharedItems,
    secrets: RapidSecrets,
    rule: SharedRule,
    version: Arc<Version>,
}

impl KeyReader {
    /// Lets `write` append the string at `key` of `database` to `to`. `touched` hears of a hit where the policy
    /// must.
    #[inline]
    pub fn get(
        &self,
        (database, key): (u8, &[u8]),
        now: impl Fn() -> Millis,
        to: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>, &[u8]),
        guard: &Guard,
        touched: impl FnOnce(Touched),
    ) -> Read {
        let Some(version) = self.version.look() else {
            return Read::Ask;
        };
        let place = self.places.of(database);
        let hash = hash(place, key, &self.secrets);
        let is_wanted = |id| {
            let item = self.items.item(id, guard);
            item.key() == key && item.database() == place
        };
        let Some(id) = self.table.find(hash, is_wanted) else {
            return self.unless_changed(version, Read::Miss);
        };
        let item = self.items.item(id, guard);
        if !item.is_string() {
            return Read::Ask;
        }
        let expires = item.expires();
        if expires.is_some_and(|at| now() > at) {
            return Read::Ask;
        }
        let length = to.len();
        write(to, item.value());
        let read = self.unless_changed(version, Read::Hit);
        if read == Read::Ask {
            to.truncate(length);
            return read;
        }
        match self.rule.get() {
            MarkRule::Nothing => {}
            MarkRule::Touch => touched(Touched {
                entry: item.entry(),
                id,
            }),
            // The logarithmic counter wants a random word: key and time spread well enough.
            rule => {
                let now = now();
                mark_hit(rule, item, now, || {
                    (hash >> 32) as u32 ^ (now.0 as u32).wrapping_mul(0x9e37_79b9)
                });
            }
        }
        read
    }

    /// `read`, unless several keys began to change together: what changed may have been seen in part.
    #[inline]
    fn unless_changed(&self, version: u64, read: Read) -> Read {
        if self.version.is_still(version) {
            read
        } else {
            Read::Ask
        }
    }
}

impl Keyspace {
    /// A reader for other cores, by this shard's version.
    pub(crate) fn reader(&self, version: Arc<Version>) -> KeyReader {
        KeyReader {
            table: Arc::clone(self.index.table()),
            places: Arc::clone(self.databases.places()),
            items: self.arena.share(),
            secrets: self.secrets,
            rule: self.eviction.shared_rule(),
            version,
        }
    }

    /// Asks the processor to fetch where `key` of `database` is searched.
    #[inline]
    pub(crate) fn prefetch(&self, database: u8, key: &[u8]) {
        let place = self.databases.place(database);
        let hash = hash(place, key, &self.secrets);
        self.index.table().prefetch(hash);
    }

    /// Asks the processor to fetch the item that `key` of `database` most likely is; after
    /// [`Keyspace::prefetch`].
    #[inline]
    pub(crate) fn prefetch_item(&self, database: u8, key: &[u8]) {
        let place = self.databases.place(database);
        if let Some(id) = self.index.table().hint(hash(place, key, &self.secrets)) {
            self.arena.prefetch(id);
        }
    }

    /// Hits on other cores.
    pub(crate) fn touched(&mut self, touched: &[Touched]) {
        for touch in touched {
            self.eviction.touch(touch.entry, touch.id);
        }
    }
}
