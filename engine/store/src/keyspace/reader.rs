//! A reader: strings of a shard, on any core, without its owner.
//!
//! Pin an epoch, probe the index, look at the value while the epoch is pinned. What the reader cannot answer alone (an expired key,
//! a collection, a shard in the midst of a multi-shard command) it leaves to the owner.

use std::sync::Arc;

use crossbeam_epoch::Guard;
use rapidhash::v3::RapidSecrets;

use super::Keyspace;
use super::databases::Places;
use super::eviction::{SharedRule, mark_hit};
use super::lookup::hash;
use super::version::Version;
use crate::event::Class;
use crate::evict::{EntryId, MarkRule};
use crate::index::Table;
use crate::mem::{ItemId, SharedItems};
use crate::time::Millis;

/// A hit that the owner's policy must hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    entry: Option<EntryId>,
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

/// Where a reader searches a key: for it to be fetched ahead, and then read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Probe {
    hash: u64,
    database: u8,
    place: u8,
}

/// What a reader found, for as long as its guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'g> {
    /// The key holds this string.
    Hit(&'g [u8]),
    /// There is no such key.
    Miss,
    /// The owner has to answer.
    Ask,
}

impl KeyReader {
    /// Where `key` of `database` is searched; the processor is asked to fetch it.
    #[inline]
    pub fn probe(&self, database: u8, key: &[u8]) -> Probe {
        let place = self.places.of(database);
        let hash = hash(place, key, &self.secrets);
        self.table.prefetch(hash);
        Probe {
            hash,
            database,
            place,
        }
    }

    /// Asks the processor to fetch the first `bytes` of the item that `probe` most likely means.
    #[inline]
    pub fn prefetch_item(&self, probe: Probe, bytes: usize) {
        if let Some(id) = self.table.hint(probe.hash) {
            self.items.prefetch(id, bytes);
        }
    }

    /// The string at `key`, which `probe` is of. `now` is asked where the key expires; marks go by
    /// `lately`, the time of the last turn. `touched` hears of a hit where the policy must.
    #[inline]
    pub fn read<'g>(
        &'g self,
        probe: Probe,
        key: &[u8],
        now: impl Fn() -> Millis,
        lately: Millis,
        guard: &'g Guard,
        touched: impl FnOnce(Touched),
    ) -> Found<'g> {
        let Some(version) = self.version.look() else {
            return Found::Ask;
        };
        let Probe { hash, place, .. } = probe;
        // The version does not tell of what happened since the probe and before it was looked at.
        if self.places.of(probe.database) != place {
            return Found::Ask;
        }
        let mut wanted = None;
        let is_wanted = |id| {
            let item = self.items.item(id, guard);
            let is_it = item.key() == key && item.database() == place;
            if is_it {
                wanted = Some((item, id));
            }
            is_it
        };
        self.table.find(hash, is_wanted);
        // Several keys that began to change together may have been seen in part. What was found itself
        // does not change, so it is looked at after the version.
        if !self.version.is_still(version) {
            return Found::Ask;
        }
        let Some((item, id)) = wanted else {
            return Found::Miss;
        };
        if !item.is_string() || item.expires().is_some_and(|at| now() > at) {
            return Found::Ask;
        }
        match self.rule.get() {
            MarkRule::Nothing => {}
            MarkRule::Touch => touched(Touched {
                entry: item.entry(),
                id,
            }),
            // The logarithmic counter wants a random word: key and time spread well enough.
            rule => mark_hit(rule, item, lately, || {
                (hash >> 32) as u32 ^ (lately.0 as u32).wrapping_mul(0x9e37_79b9)
            }),
        }
        Found::Hit(item.value())
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

    /// The string at `key` of `database`, as `GET` reads it at `now`; by the owner, who has to take the long
    /// way where it is answered [`Found::Ask`].
    #[inline]
    pub(crate) fn read(&mut self, now: Millis, database: u8, key: &[u8]) -> Found<'_> {
        let place = self.databases.place(database);
        let mut wanted = None;
        let arena = &self.arena;
        let is_wanted = |id| {
            let item = arena.own(id);
            let is_it = item.key() == key && item.database() == place;
            if is_it {
                wanted = Some((item, id));
            }
            is_it
        };
        self.index.find(hash(place, key, &self.secrets), is_wanted);
        let Some((item, id)) = wanted else {
            if self.notify.wants(Class::KeyMiss) {
                return Found::Ask;
            }
            self.stats.misses += 1;
            return Found::Miss;
        };
        if !item.is_string() || item.expires().is_some_and(|at| now > at) {
            return Found::Ask;
        }
        self.stats.hits += 1;
        self.latest = self.latest.max(now);
        self.eviction.hit(item, id, self.latest, &mut self.random);
        Found::Hit(item.value())
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
