//! An op that each shard does a part of: `MGET`, `MSET`, `DEL`, `DBSIZE`, `FLUSHALL`.

use super::merge::Merge;
use super::plan::Step;
use crate::command::{CommandError, Keys};
use crate::op::Op;
use crate::store::caller::shard_of;
use crate::store::link::{Ask, Body};

/// How `op` is put together from parts, where it is.
pub(super) fn merge(op: &Op) -> Option<Merge> {
    Some(match op.command().name {
        "del" | "unlink" | "exists" | "touch" | "dbsize" => Merge::Sum,
        "mget" | "debug|digest-value" => Merge::Gather,
        "keys" => Merge::Join,
        "debug|digest" => Merge::Digests,
        "mset" | "flushall" | "flushdb" | "swapdb" | "arrived" | "debug|reload" => Merge::AllOk,
        _ => return None,
    })
}

/// A shard's part.
pub(super) struct Part {
    pub(super) shard: usize,
    pub(super) ask: PartAsk,
    /// The places of its keys among all keys.
    pub(super) places: Vec<usize>,
}

/// What a shard is asked for its part.
pub(super) enum PartAsk {
    /// To apply an op while it stands still.
    Op(Op),
    /// This, as it goes.
    Now(Option<Ask>),
}

/// Parts, and how their replies become one.
pub(in crate::store) struct Parts {
    merge: Merge,
    parts: Vec<Part>,
}

impl Parts {
    pub(super) fn new(merge: Merge, parts: Vec<Part>) -> Parts {
        Parts { merge, parts }
    }

    /// `op`, which has no keys, for every shard.
    pub(super) fn everywhere(op: &Op, merge: Merge, shards: usize) -> Parts {
        let part = |shard| Part {
            shard,
            ask: PartAsk::Op(op.clone()),
            places: Vec::new(),
        };
        Parts::new(merge, (0..shards).map(part).collect())
    }

    /// The parts of `op` by the shards of its keys.
    ///
    /// # Errors
    /// A key lacks what belongs to it.
    pub(super) fn split(op: &Op, merge: Merge, shards: usize) -> Result<Parts, CommandError> {
        let step = match op.command().keys {
            Keys::Range { step, .. } => step,
            Keys::Counted { .. } | Keys::After { .. } | Keys::Every => 1,
        };
        if step == 2 && op.len() % 2 == 1 {
            return Err(CommandError::arity(op.command()));
        }
        let mut part_of = vec![usize::MAX; shards];
        let mut split: Vec<(usize, Op, Vec<usize>)> = Vec::new();
        for (place, at) in op.command().keys.positions(op).into_iter().enumerate() {
            let shard = shard_of(&op[at], shards);
            if part_of[shard] == usize::MAX {
                part_of[shard] = split.len();
                let part = Op::new(op.command()).within(op.database());
                split.push((shard, part.answered_in(op.protocol()), Vec::new()));
            }
            let (_, part, places) = &mut split[part_of[shard]];
            // A key and what belongs to it.
            (at..at + step).for_each(|arg| part.push(&op[arg]));
            places.push(place);
        }
        let parts = split.into_iter().map(|(shard, op, places)| Part {
            shard,
            ask: PartAsk::Op(op),
            places,
        });
        Ok(Parts::new(merge, parts.collect()))
    }

    pub(super) fn holds(&self) -> Vec<usize> {
        let held = self.parts.iter();
        held.filter(|part| matches!(part.ask, PartAsk::Op(_)))
            .map(|part| part.shard)
            .collect()
    }

    /// What `shard` is to apply while it stands still.
    pub(super) fn op_of(&self, shard: usize) -> Option<&Op> {
        let part = self.parts.iter().find(|part| part.shard == shard)?;
        match &part.ask {
            PartAsk::Op(op) => Some(op),
            PartAsk::Now(_) => None,
        }
    }

    pub(super) fn next(&mut self, answers: &[Body]) -> Step {
        if answers.is_empty() && !self.parts.is_empty() {
            let asks = self.parts.iter_mut().filter_map(|part| {
                let ask = match &mut part.ask {
                    PartAsk::Op(op) => Some(Ask::Part(op.clone())),
                    PartAsk::Now(ask) => ask.take(),
                };
                Some((part.shard, ask?))
            });
            return Step::Ask(asks.collect());
        }
        let places: Vec<&[usize]> = self.parts.iter().map(|part| &*part.places).collect();
        Step::Done(self.merge.all(&places, answers))
    }
}
