//! Moving slots: how a cluster that knows its map brings keys to a new shard with their data.
//!
//! A batch of slots at a time, all of it or nothing: requests for the batch are held back,
//! what is under way comes to its end, the keys are read from the primary that has them and written to
//! the primary that will, and then the map changes. A client that is held back tries again. What a shard kept of keys that
//! had left it is deleted there before they come back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seawall_cluster::{Nanos, Sharding};
use seawall_store::command::key;
use seawall_store::{Op, Slot};

use super::World;
use super::queue::Happening;
use crate::history::{Carriage, OpId, Wanted};

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
    /// What is left of earlier stays is being deleted; the keys are written after that.
    Clearing { missing: usize, keys: Vec<Op> },
    /// Its keys are being written: so many ops are missing, up to this one.
    Writing { missing: usize, last: OpId },
}

/// A resize under way.
#[derive(Default)]
pub(super) struct Moves {
    maps: Option<Maps>,
    state: State,
    /// The first slot of the batch.
    first: u16,
    began: Nanos,
    /// What the resizes before took.
    spent: Nanos,
    pub(super) toll: Toll,
}

/// What resizes took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Toll {
    /// How long it took, over all of them, until the last slot had moved; none where no data moves, or not all has.
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
    /// Whether slots are being moved.
    pub(super) fn is_under_way(&self) -> bool {
        self.maps.is_some()
    }

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
        self.maps.before.shards().max(self.maps.after.shards())
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        self.maps.after.resized(shards)
    }
}

impl World<'_> {
    pub(super) fn begin_moving(&mut self, after: Box<dyn Sharding>) {
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
            spent: self.moves.toll.took.unwrap_or_default(),
            toll: Toll {
                took: None,
                ..self.moves.toll
            },
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
        let Some((left, keys)) = self.leftovers().zip(self.read_batch()) else {
            self.queue.push(self.now + RETRY, Happening::Move);
            return;
        };
        if left.is_empty() {
            self.write_batch(keys);
            return;
        }
        let missing = left.len();
        self.moves.state = State::Clearing { missing, keys };
        let ids: Vec<OpId> = left
            .into_iter()
            .map(|op| self.history.ask(op, Wanted::Cleared, self.now))
            .collect();
        for id in ids {
            self.send(id);
        }
    }

    /// Writes the keys of the batch to their new shards.
    fn write_batch(&mut self, ops: Vec<Op>) {
        let missing = ops.len();
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
        let last = ids.last().copied().unwrap_or_default();
        self.moves.state = State::Writing { missing, last };
        self.moves.toll.keys += written.len() as u64;
        self.carry_history(&written);
        if ids.is_empty() {
            self.next_batch();
        }
        for id in ids {
            if !self.is_next_of_key(id) {
                self.send(id);
            }
        }
    }

    /// Whether an op goes on with the key that the op before it writes: requests may overtake each other, so a key of several
    /// ops is written one by one.
    fn is_next_of_key(&self, id: OpId) -> bool {
        let writes = |id: OpId| {
            let is_ours = self.history.wanted(id) == Some(Wanted::Moved);
            is_ours.then(|| self.history.ops[id as usize].op.key())
        };
        id.checked_sub(1)
            .is_some_and(|before| writes(id).is_some() && writes(id) == writes(before))
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
            let held = self
                .primary_of(shard)
                .is_some_and(|node| self.history.holds(&node.lineage, write));
            let how = match written.get(&key) {
                // What the donor itself had lost is not made good by the move.
                _ if !held => Carriage::Lost,
                Some(by) => Carriage::By(*by),
                None => Carriage::Absent,
            };
            self.history.carry(&key, shard, how);
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

    /// The keys of the batch that their new shards kept from earlier stays, as ops that delete them; `None` where one does not
    /// answer.
    fn leftovers(&self) -> Option<Vec<Op>> {
        let maps = self.moves.maps.as_ref()?;
        let mut left = BTreeSet::new();
        for shard in 0..maps.after.shards() {
            let receiver = self.primary_of(shard)?;
            receiver.shard.dump(self.now.millis(), &mut |op| {
                let comes =
                    |key: &&[u8]| self.moves.in_batch(key) && maps.after.shard_of(key) == shard;
                left.extend(op.key().filter(comes).map(<[u8]>::to_vec));
            });
        }
        let delete = |key: &Vec<u8>| Op::new(&key::DEL).arg(key);
        Some(left.iter().map(delete).collect())
    }

    /// An op was done that deletes a key in its new shard or writes it there.
    pub(super) fn moved_one(&mut self, op: OpId) {
        if let State::Writing { last, .. } = self.moves.state
            && op < last
            && self.is_next_of_key(op + 1)
        {
            self.send(op + 1);
        }
        let (State::Clearing { missing, .. } | State::Writing { missing, .. }) =
            &mut self.moves.state
        else {
            return;
        };
        *missing -= 1;
        if *missing > 0 {
            return;
        }
        match std::mem::take(&mut self.moves.state) {
            State::Clearing { keys, .. } => self.write_batch(keys),
            _ => self.next_batch(),
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
            let took = self.moves.spent + self.now.since(self.moves.began);
            self.moves.toll.took = Some(took);
            if let Some(maps) = self.moves.maps.take() {
                self.sharding = maps.after.resized(maps.after.shards());
            }
            self.resized();
            return;
        }
        self.moves.state = State::Quiet;
        self.show_map();
        self.queue.push(self.now + QUIET, Happening::Move);
    }
}
