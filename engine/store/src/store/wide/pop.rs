//! Ops that take from the first of several keys that has something: `LMPOP`, `ZMPOP`, `BLPOP`.
//!
//! Every owner says which of its keys are there, and the first of all is popped: nothing but what is
//! taken travels.

use std::collections::BTreeMap;

use super::merge::bytes_of;
use super::plan::{Desk, Step};
use super::scratch::Nothing;
use crate::command::Keys;
use crate::keyspace::DbKey;
use crate::op::Op;
use crate::store::caller::shard_of;
use crate::store::link::{Ask, Body};
use crate::value::Kind;

/// Such an op, and how far it is.
pub(in crate::store) struct Pop {
    op: Op,
    stage: Stage,
}

enum Stage {
    Begin,
    /// What the keys of each asked shard are, by their places among all keys; and the answer where
    /// there are none.
    Kinds(Vec<Vec<usize>>, Nothing),
    /// One of them is popped.
    Pop,
}

impl Pop {
    pub(super) fn new(op: &Op) -> Pop {
        Pop {
            op: op.clone(),
            stage: Stage::Begin,
        }
    }

    /// What it is the plan of.
    pub(super) fn op(&self) -> &Op {
        &self.op
    }

    /// Begins anew.
    pub(super) fn again(&mut self) {
        self.stage = Stage::Begin;
    }

    pub(super) fn next(&mut self, answers: Vec<Body>, desk: &mut Desk<'_>) -> Step {
        match std::mem::replace(&mut self.stage, Stage::Pop) {
            Stage::Begin => match desk.scratch.on_nothing(desk.now, &self.op, desk.may_park) {
                Ok(Nothing::Reply(body)) if body.refusal().is_some() => Step::Done(body),
                Ok(nothing) => self.look(nothing, desk),
                Err(refusal) => Step::Done(*refusal),
            },
            Stage::Kinds(places, nothing) => {
                let mut first = None;
                for (places, answer) in places.iter().zip(&answers) {
                    if answer.refusal().is_some() {
                        return Step::Done(Body::Reply(bytes_of(answer).into()));
                    }
                    let there = places.iter().zip(kinds(answer));
                    let mut there = there.filter(|(_, kind)| kind.is_some());
                    first = first
                        .into_iter()
                        .chain(there.next().map(|(&at, _)| at))
                        .min();
                }
                match (first.and_then(|at| self.op.keys().nth(at)), nothing) {
                    (Some(key), _) => {
                        let ask = desk.apply(narrowed(&self.op, key));
                        Step::Ask(vec![(shard_of(key, desk.shards), ask)])
                    }
                    (None, Nothing::Parked(until)) => Step::Park {
                        op: self.op.clone(),
                        until,
                        elsewhere: false,
                    },
                    (None, Nothing::Reply(body)) => Step::Done(body),
                }
            }
            Stage::Pop => Step::Done(answers.into_iter().next().unwrap_or(Body::Cancelled)),
        }
    }

    /// Asks every owner at once what its keys are.
    fn look(&mut self, nothing: Nothing, desk: &Desk<'_>) -> Step {
        let mut by_shard: BTreeMap<usize, (Vec<usize>, Vec<DbKey>)> = BTreeMap::new();
        for (place, key) in self.op.keys().enumerate() {
            let (places, keys) = by_shard.entry(shard_of(key, desk.shards)).or_default();
            places.push(place);
            keys.push(DbKey::new(self.op.database(), key));
        }
        let (mut asks, mut all) = (Vec::new(), Vec::new());
        for (shard, (places, keys)) in by_shard {
            asks.push((shard, Ask::Kinds(keys)));
            all.push(places);
        }
        self.stage = Stage::Kinds(all, nothing);
        Step::Ask(asks)
    }
}

/// The kinds of values that an owner tells of.
pub(super) fn kinds(answer: &Body) -> impl Iterator<Item = Option<Kind>> {
    let kinds: &[Option<Kind>] = match answer {
        Body::Kinds(kinds) => kinds,
        _ => &[],
    };
    kinds.iter().copied()
}

/// The shards of the keys of `op`, each once and in order.
pub(super) fn shards_of(op: &Op, shards: usize) -> Vec<usize> {
    let mut all: Vec<usize> = op.keys().map(|key| shard_of(key, shards)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// `op` for one of its keys.
fn narrowed(op: &Op, key: &[u8]) -> Op {
    let mut narrow = Op::new(op.command())
        .within(op.database())
        .answered_in(op.protocol());
    let positions = op.command().keys.positions(op);
    let (first, end) = match (positions.first(), positions.last()) {
        (Some(&first), Some(&last)) => (first, last + 1),
        _ => (op.len(), op.len()),
    };
    let counted = match op.command().keys {
        Keys::Counted { count, .. } => Some(count),
        _ => None,
    };
    for at in 0..first {
        if counted == Some(at) {
            narrow.push(b"1");
        } else {
            narrow.push(&op[at]);
        }
    }
    narrow.push(key);
    (end..op.len()).for_each(|at| narrow.push(&op[at]));
    narrow
}
