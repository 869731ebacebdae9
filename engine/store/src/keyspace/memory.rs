//! Memory: what counts as used, and making room before a write.
//!
//! Used are the blocks of items, those in limbo among them, and what collections take on the heap, those that
//! leave among them.
//! The index and the policy's own state are not counted: `maxmemory` bounds keys and values. What a
//! command evicts while other cores read is limbo for a moment, and passes the bound by no more than that and
//! 256 KiB a shard, or a 64th where that is more.

use smallvec::SmallVec;

use super::Keyspace;
use crate::command::{CommandError, Flag};
use crate::effect::Effects;
use crate::event::Class;
use crate::mem::{Arena, ItemId, NewItem, Populator};
use crate::op::Op;
use crate::time::Millis;

/// So much of a shard's limbo lies beside `maxmemory`, or a 64th of that where it is more: what ordinary readers delay
/// evicts nothing, and a cache is as large as it was made.
const LIMBO_BYTES_BESIDE: u64 = 256 << 10;
/// Evictions of one slice of those that no write asks for.
const SLICE_EVICTIONS: usize = 64;

/// A store that grows by less than that in this time rests.
const GROWTH_BYTES: u64 = 64 << 10;
const GROWTH_MS: u64 = 500;

/// What was in use when it was last looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Growth {
    at: Millis,
    bytes: u64,
}

/// Strings that go with a write, and what each took off its need.
type Replaced = SmallVec<[(ItemId, u64); 1]>;

/// The bytes of `maxmemory` that a string takes in a store that evicts: its key, its value and what lies beside
/// them, in a block of one of the arena's sizes. As `SET` makes it, in database 0.
pub fn string_bytes(key: usize, value: usize, expires: bool) -> u64 {
    Arena::block_bytes(NewItem::bytes_evicted(key, value, expires))
}

impl Keyspace {
    /// Bytes counted against `maxmemory`.
    pub fn used_bytes(&self) -> u64 {
        self.arena.used_bytes() + self.collection_bytes + self.leaving.bytes()
    }

    /// What of them is on its way out, as soon as no reader sees it, or there is time to free it.
    fn leaving_bytes(&self) -> u64 {
        self.arena.limbo_bytes() + self.leaving.bytes()
    }

    /// Reuses memory that no reader sees any more, and pushes the rest along.
    pub fn collect(&mut self) {
        if self.arena.limbo_bytes() > 0 {
            self.arena.quiesce();
        }
    }

    /// Asks `populator` for pages before they are needed, from now on.
    pub(crate) fn populate_by(&mut self, populator: Populator) {
        self.index.populate_by(&populator);
        self.arena.populate_by(populator.clone());
        self.populator = Some(populator);
    }

    /// Gives back what was asked for ahead, where the store does not grow any more.
    pub(crate) fn rest(&mut self) {
        if self.latest.since(self.growth.at) < GROWTH_MS {
            return;
        }
        let bytes = self.arena.used_bytes() + self.index.bytes() as u64;
        if bytes < self.growth.bytes + GROWTH_BYTES {
            self.arena.rest();
            self.index.rest();
        }
        self.arena.lapse();
        self.growth = Growth {
            at: self.latest,
            bytes,
        };
    }

    /// Frees a part of the collections that leave; whether more is left.
    pub(crate) fn dismantle_step(&mut self) -> bool {
        self.leaving.step()
    }

    /// Places items, from now on, in the memory of NUMA node `node`.
    pub(crate) fn bind(&self, node: usize) -> std::io::Result<()> {
        self.arena.bind(node)
    }

    /// Makes room for a write before it runs, so that nothing is evicted in its midst; how many bytes.
    ///
    /// # Errors
    /// `OOM` where nothing may go.
    pub fn prepare(&mut self, op: &Op) -> Result<u64, CommandError> {
        if self.maxmemory == 0 || !op.command().flags.has(Flag::Denyoom) {
            return Ok(0);
        }
        let keys = op.keys().count().max(1);
        let all: usize = op.args().map(<[u8]>::len).sum();
        let key_bytes: usize = op.keys().map(<[u8]>::len).sum();
        let each = (all - key_bytes) / keys;
        let mut need = 0;
        let mut replaced = Replaced::new();
        for key in op.keys() {
            need += self.need_at(key, each, &mut replaced);
        }
        replaced.sort_unstable();
        self.make_room(need, &replaced)?;
        Ok(need)
    }

    /// As [`Keyspace::prepare`], of a write at `key` without an op, whose other arguments are so many bytes.
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub(crate) fn prepare_at(&mut self, key: &[u8], beside: usize) -> Result<(), CommandError> {
        if self.is_cold() {
            self.warm(key)?;
        }
        if self.maxmemory == 0 {
            return Ok(());
        }
        let mut replaced = Replaced::new();
        let need = self.need_at(key, beside, &mut replaced);
        self.make_room(need, &replaced)
    }

    /// How many bytes a write of `beside` bytes at `key` needs beyond those of the string there, which goes to
    /// `replaced`.
    fn need_at(&mut self, key: &[u8], beside: usize, replaced: &mut Replaced) -> u64 {
        let evicts = self.eviction.evicts();
        let size = Arena::block_bytes(NewItem::bytes_narrow(key.len(), beside, evicts));
        let Some((_, id)) = self.locate(key) else {
            // A refusal is advice for callers that may decline; a store has to keep what it acknowledges.
            self.eviction.arrive(self.hash(key), size);
            return size;
        };
        let item = self.arena.own(id);
        // Items that the policy still has to learn of may be made anew for that, and are then not known by
        // their ids.
        if !item.is_string() || self.is_walking() {
            return size;
        }
        let old = Arena::block_bytes(item.bytes()).min(size);
        replaced.push((id, old));
        size - old
    }

    /// Makes room for `need` bytes of writes that were each found room for, as far as that goes: a later
    /// one is not to evict what an earlier one wrote.
    pub fn prepare_together(&mut self, need: u64) {
        if self.maxmemory > 0 {
            let _ = self.make_room(need, &Replaced::new());
        }
    }

    /// Evicts until `need` more bytes fit, without those of `replaced`, which is sorted.
    fn make_room(&mut self, mut need: u64, replaced: &Replaced) -> Result<(), CommandError> {
        if self.used_bytes() + need <= self.maxmemory {
            return Ok(());
        }
        self.arena.collect();
        let mut limbo = self.arena.limbo_bytes();
        let beside = LIMBO_BYTES_BESIDE.max(self.maxmemory / 64);
        let mut evicted = 0;
        loop {
            let live = self.used_bytes() - self.leaving_bytes();
            let room = self.maxmemory.saturating_sub(limbo.saturating_sub(beside));
            if live + need <= room {
                return Ok(());
            }
            // A reader that stalls costs memory for a while, not the contents of the cache.
            if evicted >= 2 * need && live + need <= self.maxmemory {
                return Ok(());
            }
            let Some(id) = self.victim() else {
                // Less than the bound is no reason to refuse what another write needs.
                self.full = live > self.maxmemory;
                // What is in limbo is on its way out.
                let fits = live + need <= self.maxmemory;
                return fits.then_some(()).ok_or(CommandError::OUT_OF_MEMORY);
            };
            if let Ok(at) = replaced.binary_search_by_key(&id, |(old, _)| *old) {
                need += replaced[at].1;
            }
            evicted += Arena::block_bytes(self.arena.own(id).bytes());
            self.evict(id);
            limbo = limbo.min(self.arena.limbo_bytes());
        }
    }

    /// Evicts what is above the bound since that was lowered, some keys at a time, though no write asks for
    /// room; whether more are to go. Their `DEL`s go to `effects`.
    pub(crate) fn evict_slice(&mut self, effects: &mut Effects) -> bool {
        self.full = false;
        let mut evictions = 0;
        while self.is_above() && evictions < SLICE_EVICTIONS {
            let Some(id) = self.victim() else {
                self.full = true;
                break;
            };
            self.evict(id);
            evictions += 1;
        }
        self.drain_removed(effects);
        self.is_above() && !self.full
    }

    /// Whether nothing that needs memory may run: the bound is passed, and nothing may go.
    pub(crate) fn is_full(&self) -> bool {
        self.full && self.is_above()
    }

    pub(super) fn is_above(&self) -> bool {
        self.maxmemory > 0 && self.used_bytes() - self.leaving_bytes() > self.maxmemory
    }

    fn evict(&mut self, id: ItemId) {
        let found = self.index.find(self.item_hash(id), |other| other == id);
        let (place, id) = found.expect("a policy names what is resident");
        self.stats.evicted += 1;
        self.within_database_of(id, |keyspace| {
            let op = keyspace.tell_removal(id);
            keyspace.unlink_forgotten(place, id);
            keyspace.notify(Class::Evicted, "evicted", &op[0]);
        });
    }
}
