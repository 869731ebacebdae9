//! Moving slots: how a cluster that knows its map brings keys to a new shard with their data.
//!
//! A batch of slots at a time, atomically, as Valkey 9 does it: requests for the batch are held back,
//! what is under way comes to its end, the keys are read from the primary that has them and written to
//! the primary that will, and then the map changes. A client that is held back tries again.

use std::collections::BTreeMap;
use std::sync::Arc;

use seawall_cluster::{Nanos, Sharding};
use seawall_store::{Op, Slot};

use super::World;
use super::queue::Happening;
use crate::history::{OpId, Wanted};

/// Slots in one batch.
const BATCH: u16 = 256;
/// Between looks at whether the requests under way have come to their end.
const QUIET: Nanos = Nanos::from_millis(2);
/// Between attempts where a primary does not answer.
const RETRY: Nanos = Nanos::from_millis(100);

#[derive(Default)]
enum State {
    #[default]
    Idle,
    /// The batch is held back, until what is under way is done.
    Quiet,
    /// Its keys are being written: so many are missing.
    Writing { missing: usize },
}

/// A resize under way.
#[derive(Default)]
pub(super) struct Moves {
    maps: Option<Maps>,
    state: State,
    /// The first slot of the batch.
    first: u16,
    began: Nanos,
    pub(super) toll: Toll,
}

/// What a resize took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Toll {
    /// How long it took until the last slot had moved; none where no data moves, or not all has.
    pub(crate) took: Option<Nanos>,
    /// Keys that were written to their new shard.
    pub(crate) keys: u64,
}

/// The maps before and after.
#[derive(Clone)]
struct Maps {
    before: Arc<dyn Sharding>,
    after: Arc<dyn Sharding>,
}

impl Maps {
    fn moves(&self, key: &[u8]) -> bool {
        self.before.shard_of(key) != self.after.shard_of(key)
    }
}

impl Moves {
    fn in_batch(&self, key: &[u8]) -> bool {
        let slot = Slot::of(key).index();
        slot / usize::from(BATCH) == usize::from(self.first / BATCH)
            && self.maps.as_ref().is_some_and(|maps| maps.moves(key))
    }

    /// Whether requests for `key` must wait.
    pub(super) fn holds_back(&self, key: &[u8]) -> bool {
        !matches!(self.state, State::Idle) && self.in_batch(key)
    }

    /// Where a key that is being moved is written to.
    pub(super) fn target(&self, key: &[u8]) -> Option<u16> {
        self.maps.as_ref().map(|maps| maps.after.shard_of(key))
    }
}

/// The map while slots move: those before `moved` follow the new one.
struct Between {
    maps: Maps,
    moved: u16,
}

impl Sharding for Between {
    fn shard_of(&self, key: &[u8]) -> u16 {
        if Slot::of(key).index() < usize::from(self.moved) {
            self.maps.after.shard_of(key)
        } else {
            self.maps.before.shard_of(key)
        }
    }

    fn shards(&self) -> u16 {
        self.maps.after.shards()
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        self.maps.after.resized(shards)
    }
}

impl World<'_> {
    pub(super) fn begin_moving(&mut self, after: Box<dyn Sharding>) {
        // A second resize during the first begins from what the first was to reach.
        let before = std::mem::replace(&mut self.sharding, after.resized(after.shards()));
        let maps = Maps {
            before: Arc::from(before),
            after: Arc::from(after),
        };
        self.moves = Moves {
            maps: Some(maps),
            state: State::Quiet,
            first: 0,
            began: self.now,
            toll: Toll::default(),
        };
        self.show_map();
        self.queue.push(self.now + QUIET, Happening::Move);
    }

    /// Tells everybody which slots have moved.
    fn show_map(&mut self) {
        if let Some(maps) = &self.moves.maps {
            self.sharding = Box::new(Between {
                maps: maps.clone(),
                moved: self.moves.first,
            });
        }
    }

    pub(super) fn go_on_moving(&mut self) {
        if !matches!(self.moves.state, State::Quiet) {
            return;
        }
        if self.batch_is_busy() {
            self.queue.push(self.now + QUIET, Happening::Move);
            return;
        }
        let Some(ops) = self.read_batch() else {
            self.queue.push(self.now + RETRY, Happening::Move);
            return;
        };
        self.moves.state = State::Writing { missing: ops.len() };
        let mut written = BTreeMap::new();
        let ids: Vec<OpId> = ops
            .into_iter()
            .map(|op| {
                let key = op.key().map(<[u8]>::to_vec);
                let id = self.history.ask(op, Wanted::Moved, self.now);
                written.extend(key.map(|key| (key, id)));
                id
            })
            .collect();
        self.moves.toll.keys += written.len() as u64;
        self.carry_history(&written);
        if ids.is_empty() {
            self.next_batch();
        }
        for id in ids {
            self.send(id);
        }
    }

    /// Whether a client still waits for an attempt at a key of the batch. What no client waits for
    /// any more will never be acknowledged.
    fn batch_is_busy(&self) -> bool {
        let longest = Nanos::from_millis(self.plan.scenario.timeout_ms);
        self.history
            .open_since(Nanos(self.now.0.saturating_sub(longest.0)))
            .filter_map(|attempt| self.history.ops[attempt.op as usize].op.key())
            .any(|key| self.moves.in_batch(key))
    }

    /// What a key's history was in the shard that it leaves goes with it: whoever reads it in its new
    /// place sees all that came before if the write that brought it there is seen. A deleted key is
    /// brought by no write; that it is not there moves too.
    fn carry_history(&mut self, written: &BTreeMap<Vec<u8>, OpId>) {
        let keys: Vec<Vec<u8>> = self
            .history
            .keys()
            .filter(|key| self.moves.in_batch(key))
            .map(<[u8]>::to_vec)
            .collect();
        for key in keys {
            let Some((write, shard)) = self.history.newest_acked(&key) else {
                continue;
            };
            // What the donor itself had lost is not made good by the move.
            if self
                .primary_of(shard)
                .is_some_and(|node| self.history.holds(&node.lineage, write))
            {
                self.history.carry(&key, shard, written.get(&key).copied());
            }
        }
    }

    /// The keys of the batch as ops that write them; `None` where a shard does not answer.
    fn read_batch(&self) -> Option<Vec<Op>> {
        let maps = self.moves.maps.as_ref()?;
        let mut ops = Vec::new();
        for shard in 0..maps.before.shards() {
            let donor = self.primary_of(shard)?;
            donor.shard.dump(self.now.millis(), &mut |op| {
                let ours =
                    |key: &[u8]| self.moves.in_batch(key) && maps.before.shard_of(key) == shard;
                if op.key().is_some_and(ours) {
                    ops.push(op.clone());
                }
            });
        }
        (0..maps.after.shards())
            .all(|shard| self.primary_of(shard).is_some())
            .then_some(ops)
    }

    /// A key was written to its new shard.
    pub(super) fn moved_one(&mut self) {
        if let State::Writing { missing } = &mut self.moves.state {
            *missing -= 1;
            if *missing == 0 {
                self.next_batch();
            }
        }
    }

    /// A write was refused or lost.
    pub(super) fn retry_moved(&mut self, op: OpId) {
        self.queue.push(self.now + RETRY, Happening::Send { op });
    }

    /// The batch has moved. What it leaves behind is out of reach: nodes refuse what is not theirs.
    fn next_batch(&mut self) {
        self.moves.first += BATCH;
        if self.moves.first == Slot::COUNT {
            self.moves.state = State::Idle;
            self.moves.toll.took = Some(self.now.since(self.moves.began));
            if let Some(maps) = self.moves.maps.take() {
                self.sharding = maps.after.resized(maps.after.shards());
            }
            return;
        }
        self.moves.state = State::Quiet;
        self.show_map();
        self.queue.push(self.now + QUIET, Happening::Move);
    }
}
