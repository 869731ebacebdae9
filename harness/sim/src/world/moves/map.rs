//! The maps before and after a resize, what has moved between them, and which keys are where.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seawall_cluster::Sharding;

use crate::history::{History, KeyId};

/// What the slots go between: the shard that has them, and the one that is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) source: u16,
    pub(super) target: u16,
}

/// The maps before and after.
#[derive(Clone)]
pub(super) struct Maps {
    pub(super) before: Arc<dyn Sharding>,
    pub(super) after: Arc<dyn Sharding>,
}

impl Maps {
    /// Between whom a key moves, if it does.
    pub(super) fn pair_of(&self, key: &[u8]) -> Option<Pair> {
        let pair = Pair {
            source: self.before.shard_of(key),
            target: self.after.shard_of(key),
        };
        (pair.source != pair.target).then_some(pair)
    }

    /// What moves: the slots of each pair. Where a slot is not of one shard, all that there is, between those that stay and
    /// those that come or go.
    pub(super) fn jobs(&self) -> Vec<(Pair, Vec<u16>)> {
        let mut jobs: BTreeMap<Pair, Vec<u16>> = BTreeMap::new();
        let (before, after) = (self.before.slots(), self.after.slots());
        for (slot, (&source, &target)) in (0..).zip(before.iter().zip(after)) {
            if source != target {
                jobs.entry(Pair { source, target }).or_default().push(slot);
            }
        }
        if before.is_empty() {
            let (old, new) = (self.before.shards(), self.after.shards());
            for one in 0..old.min(new) {
                for other in old.min(new)..old.max(new) {
                    let (source, target) = if new > old {
                        (one, other)
                    } else {
                        (other, one)
                    };
                    jobs.insert(Pair { source, target }, vec![0]);
                }
            }
        }
        jobs.into_iter().collect()
    }
}

/// The map while slots move.
#[derive(Clone)]
pub(super) struct Between {
    pub(super) maps: Maps,
    /// What has moved whole.
    pairs: BTreeSet<Pair>,
    /// By slot, of the pair that is moving now: whether it has moved.
    slots: Vec<bool>,
}

impl Between {
    pub(super) fn new(maps: Maps) -> Between {
        Between {
            slots: vec![false; maps.before.slots().len().max(1)],
            pairs: BTreeSet::new(),
            maps,
        }
    }

    pub(super) fn slot_moved(&mut self, slot: u16) {
        self.slots[usize::from(slot)] = true;
    }

    pub(super) fn pair_moved(&mut self, pair: Pair) {
        self.pairs.insert(pair);
        self.slots.fill(false);
    }
}

impl Sharding for Between {
    fn shard_of(&self, key: &[u8]) -> u16 {
        match self.maps.pair_of(key) {
            Some(pair) if self.pairs.contains(&pair) => pair.target,
            Some(pair) if self.slots[usize::from(self.slot_of(key))] => pair.target,
            Some(pair) => pair.source,
            None => self.maps.before.shard_of(key),
        }
    }

    fn slot_of(&self, key: &[u8]) -> u16 {
        self.maps.before.slot_of(key)
    }

    fn shards(&self) -> u16 {
        self.maps.before.shards().max(self.maps.after.shards())
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        self.maps.after.resized(shards)
    }
}

/// The keys that move, by who with and by slot, in the order in which they were first asked for.
#[derive(Default)]
pub(super) struct Index {
    /// So many of the history's keys are in it.
    seen: usize,
    keys: BTreeMap<(Pair, u16), Vec<KeyId>>,
}

impl Index {
    /// Takes in the keys that were first asked for since.
    pub(super) fn go_on(&mut self, maps: &Maps, history: &History) {
        for (id, key) in (0..).map(KeyId::new).zip(history.keys()).skip(self.seen) {
            self.seen += 1;
            if let Some(pair) = maps.pair_of(key) {
                let slot = maps.before.slot_of(key);
                self.keys.entry((pair, slot)).or_default().push(id);
            }
        }
    }

    /// The keys of a pair's slot.
    pub(super) fn of(&self, pair: Pair, slot: u16) -> impl Iterator<Item = KeyId> {
        self.keys.get(&(pair, slot)).into_iter().flatten().copied()
    }
}
