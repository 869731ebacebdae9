//! A reader: strings of a shard, on any core, without its owner.
//!
//! Pin an epoch, probe the index, look at the value while the epoch is pinned. What the reader cannot answer alone (an expired key,
//! a collection, a shard in the midst of a multi-shard command) it leaves to the owner.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_epoch::Guard;
use rapidhash::v3::RapidSecrets;

use super::Keyspace;
use super::databases::Places;
use super::eviction::{SharedRule, mark_hit};
use super::lookup::hash;
use super::version::{Seen, Version};
use crate::event::Class;
use crate::evict::{EntryId, MarkRule};
use crate::index::{Bucket, Index, Table};
use crate::mem::{Arena, Item, ItemId, SharedItems};
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
    /// Whether all keys are in memory.
    whole: Arc<AtomicBool>,
}

/// Where a reader searches a key: for it to be fetched ahead, and then read, under one guard.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'g> {
    hash: u64,
    bucket: Bucket,
    /// What was seen before anything else.
    version: Seen,
    /// The item that the key most likely is, seen in the index under the guard.
    near: Option<ItemId>,
    place: u8,
    guard: PhantomData<&'g Guard>,
}

/// What a reader found, for as long as its guard.
#[derive(Clone, Copy)]
pub enum Found<'g> {
    /// The key holds this string.
    Hit(Item<'g>),
    /// There is no such key.
    Miss,
    /// The owner has to answer.
    Ask,
}

impl KeyReader {
    /// Where `key` of `database` is searched; the processor is asked to fetch it.
    #[inline]
    pub fn probe<'g>(&self, database: u8, key: &[u8], _guard: &'g Guard) -> Probe<'g> {
        let version = self.version.look();
        let place = self.places.of(database);
        let hash = hash(place, key, &self.secrets);
        let bucket = self.table.prefetch(hash);
        Probe {
            hash,
            bucket,
            version,
            place,
            near: None,
            guard: PhantomData,
        }
    }

    /// Looks which item `probe` most likely means; the processor is asked to fetch its first `bytes`. `true`:
    /// it lies further off, and is to be [approached again](KeyReader::approach_far).
    #[inline]
    pub fn approach(&self, probe: &mut Probe<'_>, bytes: usize) -> bool {
        let (near, further) = self.table.glance(probe.bucket, probe.hash);
        self.note(probe, near, bytes);
        further
    }

    /// As [`KeyReader::approach`], wherever it lies.
    pub fn approach_far(&self, probe: &mut Probe<'_>, bytes: usize) {
        let near = self.table.hint(probe.hash);
        self.note(probe, near, bytes);
    }

    #[inline]
    fn note(&self, probe: &mut Probe<'_>, near: Option<ItemId>, bytes: usize) {
        probe.near = near;
        if let Some(id) = near {
            self.items.prefetch(id, bytes);
        }
    }

    /// The string at `key`, which `probe` is of, made under `guard`. What the probe saw `holds` where it was made for
    /// this key alone, or where nobody but the caller changes the index; otherwise it only helped to fetch, and the
    /// index is searched now: who reads several keys, one after the other, must not be told of the second as it
    /// was before the first. The processor is asked to fetch the first `bytes` of what the search meets. `now`
    /// is asked where the key expires; marks go by `lately`, the time of the last turn. An item that does not
    /// `suffice` is the owner's to answer, as if nobody had looked. `touched` hears of a hit where the policy
    /// must.
    #[expect(clippy::too_many_arguments, reason = "all that a read goes by")]
    #[inline]
    pub fn read<'g>(
        &'g self,
        probe: Probe<'g>,
        guard: &'g Guard,
        (holds, bytes): (bool, usize),
        key: &[u8],
        now: impl Fn() -> Millis,
        lately: Millis,
        suffices: impl FnOnce(Item<'g>) -> bool,
        touched: impl FnOnce(Touched),
    ) -> Found<'g> {
        let Probe { hash, place, .. } = probe;
        let near = probe.near.filter(|_| holds);
        let near = near.and_then(|id| Some((self.items.item_of(id, (place, key), guard)?, id)));
        let mut is_known = true;
        let wanted = near.or_else(|| {
            let id;
            (id, is_known) = self.search(hash, (place, key), bytes, guard);
            id.map(|id| (self.items.item(id, guard), id))
        });
        // Several keys that began to change together may have been seen in part. What was found itself
        // does not change, so it is looked at after the version.
        if !self.version.is_still(probe.version) {
            return Found::Ask;
        }
        let Some((item, id)) = wanted else {
            return if is_known { Found::Miss } else { Found::Ask };
        };
        let is_over = || item.expires().is_some_and(|at| now() > at);
        if !item.is_string() || is_over() || !suffices(item) {
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
        Found::Hit(item)
    }
}

impl KeyReader {
    /// The item of `key`, and whether there is none where none is found; the processor is asked to fetch the first
    /// `bytes` of what may be it.
    #[inline(never)]
    fn search(
        &self,
        hash: u64,
        key: (u8, &[u8]),
        bytes: usize,
        guard: &Guard,
    ) -> (Option<ItemId>, bool) {
        // Acquire: pairs with the release in `Keyspace::all_warm`. Looked at before the search: who sees that all
        // keys are there finds the last of them.
        let whole = self.whole.load(Ordering::Acquire);
        let found = self.table.find(hash, |id| {
            self.items.prefetch(id, bytes);
            self.items.item_of(id, key, guard).is_some()
        });
        (found, whole)
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
            whole: Arc::clone(&self.whole),
        }
    }

    /// The string at `key` of `database`, as `GET` reads it at `now`; by the owner, who has to take the long
    /// way where it is answered [`Found::Ask`].
    #[inline]
    pub(crate) fn read(&mut self, now: Millis, database: u8, key: &[u8]) -> Found<'_> {
        let place = self.databases.place(database);
        let hash = hash(place, key, &self.secrets);
        let mut near = self.index.near(hash);
        let wanted = near.find_map(|(_, id)| {
            self.arena.prefetch_whole(id);
            Some((self.arena.own_of(id, (place, key))?, id))
        });
        let beyond = || {
            let id = find_beyond((&self.index, &self.arena), near.link()?, hash, (place, key))?;
            Some((self.arena.own(id), id))
        };
        let wanted = wanted.or_else(beyond);
        let Some((item, id)) = wanted else {
            if self.notify.wants(Class::KeyMiss) || self.is_cold() {
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
        Found::Hit(item)
    }

    /// Counts reads that were answered without it.
    pub(crate) fn count(&mut self, hits: u32, misses: u32) {
        self.stats.hits += u64::from(hits);
        self.stats.misses += u64::from(misses);
    }

    /// Hits on other cores.
    pub(crate) fn touched(&mut self, touched: &[Touched]) {
        for touch in touched {
            self.eviction.touch(touch.entry, touch.id);
        }
    }
}

/// The item of `key`, where the index has it behind the first line of its bucket.
#[inline(never)]
fn find_beyond(
    (index, arena): (&Index, &Arena),
    link: u32,
    hash: u64,
    key: (u8, &[u8]),
) -> Option<ItemId> {
    index.find_beyond(link, hash, |id| {
        arena.prefetch_whole(id);
        arena.own_of(id, key).is_some()
    })
}
