//! Ops that take from the first of several keys that has something: `LMPOP`, `ZMPOP`, `BLPOP`.
//!
//! Key by key, at their owners, so that nothing but what is taken travels.

use super::merge::{bytes_of, is_nil};
use super::plan::{Desk, Step};
use crate::command::Keys;
use crate::op::Op;
use crate::store::caller::shard_of;
use crate::store::link::{Body, Hold};
use crate::time::Millis;

/// Such an op, and how far it is.
pub(in crate::store) struct Pop {
    op: Op,
    /// The key that is asked for next, among the op's.
    key: usize,
}

impl Pop {
    pub(super) fn new(op: &Op) -> Pop {
        Pop {
            op: op.clone(),
            key: 0,
        }
    }

    pub(super) fn holds(&self, shards: usize) -> Vec<usize> {
        shards_of(&self.op, shards)
    }

    pub(super) fn hold(&self, at: Millis) -> Hold {
        Hold {
            ops: vec![self.op.clone()],
            watch: None,
            at,
        }
    }

    pub(super) fn again(&mut self) {
        self.key = 0;
    }

    pub(super) fn next(&mut self, answers: Vec<Body>, desk: &mut Desk<'_>) -> Step {
        let last = answers.into_iter().next();
        if let Some(answer) = &last
            && !is_nil(bytes_of(answer))
        {
            return Step::Done(last.expect("it was just there"));
        }
        let Some(key) = self.op.keys().nth(self.key) else {
            let parked = desk.scratch.would_park(desk.now, &self.op);
            return match (parked, last) {
                (Some(parked), _) if desk.may_park => Step::Park {
                    op: self.op.clone(),
                    until: parked.until,
                    elsewhere: false,
                },
                (_, last) => Step::Done(last.unwrap_or(Body::Cancelled)),
            };
        };
        let ask = (
            shard_of(key, desk.shards),
            desk.apply(narrowed(&self.op, key)),
        );
        self.key += 1;
        Step::Ask(vec![ask])
    }
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
