//! Copying keys from one shard to another, and what is known of them with them.
//!
//! A key is read at the source when its turn comes, and written by ops that go through the target's replication. They
//! travel on one stream: one after the other on the link, so many keys at a time unanswered.

use std::collections::{BTreeMap, VecDeque};

use seawall_cluster::migration::Event;
use seawall_cluster::{Nanos, RequestId};
use seawall_store::Op;
use seawall_store::command::key::DEL;

use super::super::World;
use super::super::network::Stream;
use super::super::queue::Happening;
use super::super::request::request_bytes;
use super::RETRY;
use crate::history::{Carriage, Mark, OpId, Wanted};

/// So many keys are under way at a time: enough to fill a link of 10 Gbit/s and 1 ms with values of 16 KiB.
const WINDOW: usize = 128;

/// What goes to the target.
#[derive(Default)]
pub(super) struct Errand {
    what: What,
    /// Ops before this one belong to what was given up.
    first: OpId,
    /// The latencies of what travels now.
    pub(super) stream: Option<Stream>,
    /// By key: how it was copied last.
    copies: BTreeMap<Vec<u8>, Copied>,
}

#[derive(Default)]
enum What {
    #[default]
    Nothing,
    /// Keys.
    Keys {
        /// Whether they are deleted, and not copied.
        clears: bool,
        /// Those that have not left.
        left: VecDeque<Vec<u8>>,
        /// How many are unanswered.
        under_way: usize,
        /// When the last byte that was sent has left.
        link_free_at: Nanos,
    },
}

/// A key on its way.
struct Copied {
    /// The last of its ops.
    last: OpId,
    /// The attempts that brought what it is, acknowledged by the target.
    brought: Vec<RequestId>,
    /// What the source held when it was read.
    mark: Mark,
    /// Whether it was there.
    is_there: bool,
}

impl World<'_> {
    /// The keys of a slot that the job moves.
    pub(super) fn keys_of_slot(&mut self, slot: u16) -> Vec<Vec<u8>> {
        let Some(resize) = &mut self.moves.resize else {
            return Vec::new();
        };
        let history = &self.history;
        resize.index.go_on(&resize.between.maps, history);
        let keys = resize.index.of(resize.job.pair, slot);
        keys.map(|id| history.key(id).to_vec())
            .filter(|key| !resize.job.given.contains(key))
            .collect()
    }

    /// What makes a key what it is at a shard's primary, as ops; the first deletes it. None where nobody serves the shard.
    fn read_key(&mut self, shard: u16, key: &[u8]) -> Option<Vec<Op>> {
        let primary = self.primary_of(shard)?.id;
        let mut ops = Vec::new();
        let shard = &mut self.node_mut(primary).shard;
        shard.dump_key(key, &mut |op| ops.push(op.clone()));
        Some(ops)
    }

    fn has_key(&mut self, shard: u16, key: &[u8]) -> bool {
        self.read_key(shard, key).is_some_and(|ops| ops.len() > 1)
    }

    /// The keys that the source has of these slots.
    pub(super) fn list(&mut self, slots: &[u16], most: usize) -> Event {
        let mut keys = Vec::new();
        let source = self.moves.source().unwrap_or_default();
        for slot in slots {
            for key in self.keys_of_slot(*slot) {
                if keys.len() < most && self.has_key(source, &key) {
                    keys.push(key);
                }
            }
        }
        Event::Listed { keys }
    }

    /// Deletes at the target what it has of the job's slots.
    pub(super) fn clear(&mut self) -> Option<Event> {
        let resize = self.moves.resize.as_ref()?;
        let (target, slots) = (resize.job.pair.target, resize.job.slots());
        let mut left = VecDeque::new();
        for slot in slots {
            for key in self.keys_of_slot(slot) {
                if self.has_key(target, &key) {
                    left.push_back(key);
                }
            }
        }
        self.set_out(true, left)
    }

    pub(super) fn copy(&mut self, keys: Vec<Vec<u8>>) -> Option<Event> {
        self.set_out(false, keys.into())
    }

    fn set_out(&mut self, clears: bool, left: VecDeque<Vec<u8>>) -> Option<Event> {
        let sides = self.moves.resize.as_ref()?.job.sides?;
        let [source, target] = sides.map(|(id, _)| self.node(id).zone);
        let stream = self.network.stream(source, target);
        let errand = &mut self.moves.resize.as_mut()?.job.errand;
        errand.stream = Some(stream);
        errand.what = What::Keys {
            clears,
            left,
            under_way: 0,
            link_free_at: self.now,
        };
        self.fill_window()
    }

    /// Sends keys until enough are under way; the event that tells of the end where none is left.
    fn fill_window(&mut self) -> Option<Event> {
        loop {
            let errand = &mut self.moves.resize.as_mut()?.job.errand;
            let What::Keys {
                clears,
                left,
                under_way,
                ..
            } = &mut errand.what
            else {
                return None;
            };
            let clears = *clears;
            if *under_way == WINDOW {
                return None;
            }
            let Some(key) = left.pop_front() else {
                if *under_way > 0 {
                    return None;
                }
                errand.what = What::Nothing;
                if clears {
                    // What the source held then says nothing of what will be copied.
                    errand.copies.clear();
                    return Some(Event::Cleared);
                }
                return Some(Event::Copied);
            };
            *under_way += 1;
            self.send_key(key, clears);
        }
    }

    /// Begins to write a key at the target as it is at the source, or to delete it there.
    fn send_key(&mut self, key: Vec<u8>, clears: bool) {
        let Some(source) = self.moves.source() else {
            return;
        };
        // Where nobody serves it, all of this is given up as soon as that is seen.
        let mut ops = if clears {
            vec![Op::new(&DEL).arg(&key)]
        } else {
            self.read_key(source, &key).unwrap_or_default()
        };
        let is_there = ops.len() > 1;
        // A string is replaced whole.
        if let [_, set] = &ops[..]
            && set.command().name == "set"
        {
            ops.remove(0);
        }
        let Some(lineage) = self.primary_of(source).map(|node| &node.lineage) else {
            return;
        };
        let mark = self.history.mark(lineage, &key);
        let mut ids = Vec::new();
        for op in ops {
            let deletes = op.command().name == DEL.name;
            let wanted = if deletes {
                Wanted::Cleared
            } else {
                Wanted::Moved
            };
            ids.push(self.history.ask(op, wanted, self.now));
        }
        let (Some(&first), Some(&last)) = (ids.first(), ids.last()) else {
            return;
        };
        let bytes = ids
            .iter()
            .map(|id| request_bytes(&self.history.ops[*id as usize].op))
            .sum();
        let takes = self.network.transmission(bytes);
        let Some(resize) = &mut self.moves.resize else {
            return;
        };
        let copied = Copied {
            last,
            brought: Vec::new(),
            mark,
            is_there,
        };
        let before = resize.job.errand.copies.insert(key, copied);
        let What::Keys { link_free_at, .. } = &mut resize.job.errand.what else {
            return;
        };
        let at = self.now.max(*link_free_at);
        *link_free_at = at + takes;
        self.queue.push(at, Happening::Send { op: first });
        self.forget_copy(before);
    }

    /// What became of a copy matters no more: a later one went over it, or all was given up.
    fn forget_copy(&mut self, copied: Option<Copied>) {
        for id in copied.into_iter().flat_map(|copied| copied.brought) {
            let op = self.history.attempt_of(id).op;
            self.history.ops[op as usize].done = true;
        }
    }

    /// Whether an op of the control plane is of what it does still.
    pub(in super::super) fn is_wanted(&self, op: OpId) -> bool {
        let resize = self.moves.resize.as_ref();
        resize.is_some_and(|resize| op >= resize.job.errand.first)
    }

    /// An attempt at an op of the control plane was done at the target.
    pub(in super::super) fn moved_one(&mut self, id: RequestId) {
        let op = self.history.attempt_of(id).op;
        let wanted = self.history.ops[op as usize].wanted;
        if wanted == Wanted::Cleared {
            self.history.acknowledge(id, self.now);
        }
        let key = self.history.ops[op as usize].op.key().map(<[u8]>::to_vec);
        let Some((resize, key)) = self.moves.resize.as_mut().zip(key) else {
            return;
        };
        let errand = &mut resize.job.errand;
        let What::Keys { under_way, .. } = &mut errand.what else {
            return;
        };
        let Some(copied) = errand.copies.get_mut(&key) else {
            return;
        };
        if wanted == Wanted::Moved {
            copied.brought.push(id);
        }
        // Requests may overtake each other: a key of several ops is written one by one.
        if op < copied.last {
            self.send(op + 1);
            return;
        }
        *under_way -= 1;
        let event = self.fill_window();
        if self.are_sides_as_they_were()
            && let Some(event) = event
        {
            self.migrate(event);
        }
    }

    /// A write of the control plane was refused or lost.
    pub(in super::super) fn retry_moved(&mut self, op: OpId) {
        self.queue.push(self.now + RETRY, Happening::Send { op });
    }

    /// What was on its way to the target is given up.
    pub(super) fn abandon_errand(&mut self) {
        let next = self.history.next_op();
        let Some(resize) = &mut self.moves.resize else {
            return;
        };
        let errand = std::mem::take(&mut resize.job.errand);
        resize.job.errand.first = next;
        for (_, copied) in errand.copies {
            self.forget_copy(Some(copied));
        }
        self.history.give_up(errand.first..next);
    }

    /// The target serves a key from now on. What its history was in the shard that it leaves goes with it: whoever reads it in its
    /// new place sees all that came before if the write that brought it there is seen. A deleted key is brought by no write;
    /// that it is not there moves too.
    pub(super) fn give(&mut self, key: Vec<u8>) {
        let Some(resize) = &mut self.moves.resize else {
            return;
        };
        let source = resize.job.pair.source;
        let copied = resize.job.errand.copies.remove(&key);
        if let Some((write, shard)) = self.history.newest_acked(&key) {
            let held = match &copied {
                Some(copied) if shard == source => self.history.was_held(copied.mark, write),
                _ => self
                    .primary_of(shard)
                    .is_some_and(|node| self.history.holds(&node.lineage, write)),
            };
            let how = match &copied {
                // What the source itself had lost is not made good by the move.
                _ if !held => Carriage::Lost,
                Some(copied) if copied.is_there => Carriage::By(copied.last),
                None if self.has_key(source, &key) => Carriage::Lost,
                _ => Carriage::Absent,
            };
            self.history.carry(&key, shard, how);
        }
        let is_there = copied.as_ref().is_some_and(|copied| copied.is_there);
        self.moves.toll.keys += u64::from(is_there);
        for id in copied.into_iter().flat_map(|copied| copied.brought) {
            self.history.acknowledge(id, self.now);
        }
        if let Some(resize) = &mut self.moves.resize {
            resize.job.given.insert(key);
        }
    }

    /// Whether a node of the source has a key, or may have it soon: a request for it is under way there, beside this one.
    pub(super) fn is_at_source(&mut self, id: RequestId, key: &[u8]) -> bool {
        let Some(resize) = &self.moves.resize else {
            return false;
        };
        let (source, waiting) = (resize.job.pair.source, &resize.job.waiting);
        let longest = Nanos::from_millis(self.plan.scenario.timeout_ms);
        let since = Nanos(self.now.0.saturating_sub(longest.0));
        let is_of_key = |op: OpId| self.history.ops[op as usize].op.key() == Some(key);
        let is_asked_for = self.history.open_since(since).any(|(other, attempt)| {
            other != id
                && attempt.shard == source
                && is_of_key(attempt.op)
                && !waiting.iter().any(|(waits, _)| *waits == other)
        });
        let is_of_source = |node: &&mut super::super::Node| {
            node.up && node.shard_number == source && !node.keeps_log
        };
        is_asked_for
            || self.nodes.iter_mut().filter(is_of_source).any(|node| {
                let mut ops = 0;
                node.shard.dump_key(key, &mut |_| ops += 1);
                ops > 1
            })
    }
}
