//! Ops over all keys that go to one shard after another: `SCAN`, `RANDOMKEY`.
//!
//! A cursor of `SCAN` is the shard's own in its lower 48 bits, and the shard above. Nothing stands still:
//! what such an op promises, it promises of keys that are there the whole time. A call that comes to a
//! shard's end with fewer keys than `COUNT` goes on in the next, so that few keys are one call's answer
//! however many shards there are.

use super::merge::{bytes_of, reply};
use super::plan::{Desk, Step};
use crate::command::cursor::{Options, Types};
use crate::op::Op;
use crate::reply::ReplyBuf;
use crate::reply::element::{bulk, elements, is_nil};
use crate::store::link::Body;

/// The bits of a cursor that are the shard's own.
const CURSOR_BITS: u32 = 48;

/// How an op goes from shard to shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// Its first argument says where; its reply says where to go on.
    Scan,
    /// From any shard on, until one has something.
    Any,
}

/// An op on its way from shard to shard.
pub(in crate::store) struct Cursor {
    op: Op,
    walk: Walk,
    shard: usize,
    /// How many shards had nothing.
    empty: usize,
    /// The keys that a scan has found so far, as they stand in replies, and how many they are.
    keys: ReplyBuf,
    found: usize,
}

impl Cursor {
    pub(super) fn new(op: &Op, walk: Walk) -> Cursor {
        Cursor {
            op: op.clone(),
            walk,
            shard: 0,
            empty: 0,
            keys: ReplyBuf::default(),
            found: 0,
        }
    }

    pub(super) fn next(&mut self, answers: Vec<Body>, desk: &mut Desk<'_>) -> Step {
        let answer = answers.into_iter().next();
        match (self.walk, answer) {
            (Walk::Scan, None) => {
                let given = unsigned(&self.op[0]);
                let cursor = given.unwrap_or(0);
                self.shard = (cursor >> CURSOR_BITS) as usize;
                if self.shard >= desk.shards {
                    // No cursor that was given out: a walk that is over, if the op is right at all.
                    let mut over = ReplyBuf::default();
                    if let Err(error) = Options::parse(&self.op, 1, Types::OfKeys) {
                        over.error(&error);
                    } else {
                        over.array(2);
                        over.bulk(b"0");
                        over.array(0);
                    }
                    return Step::Done(reply(&over));
                }
                let op = match given {
                    Some(cursor) => self.from(cursor & ((1 << CURSOR_BITS) - 1)),
                    None => self.op.clone(),
                };
                Step::Ask(vec![(self.shard, desk.apply(op))])
            }
            (Walk::Scan, Some(answer)) => self.onward(answer, desk),
            (Walk::Any, None) => {
                self.shard = desk.scratch.below(desk.shards);
                Step::Ask(vec![(self.shard, desk.apply(self.op.clone()))])
            }
            (Walk::Any, Some(answer)) => {
                self.empty += usize::from(is_nil(bytes_of(&answer)));
                if !is_nil(bytes_of(&answer)) || self.empty == desk.shards {
                    return Step::Done(answer);
                }
                self.shard = (self.shard + 1) % desk.shards;
                Step::Ask(vec![(self.shard, desk.apply(self.op.clone()))])
            }
        }
    }

    /// The scan with the shard's own cursor.
    fn from(&self, cursor: u64) -> Op {
        let mut op = Op::new(self.op.command())
            .within(self.op.database())
            .answered_in(self.op.protocol())
            .text(cursor);
        (1..self.op.len()).for_each(|arg| op.push(&self.op[arg]));
        op
    }

    /// What follows a shard's reply: the keys so far with the cursor that leads on, or the next shard.
    fn onward(&mut self, answer: Body, desk: &Desk<'_>) -> Step {
        let parts: Vec<&[u8]> = elements(bytes_of(&answer)).collect();
        let [cursor, keys] = parts[..] else {
            return Step::Done(answer);
        };
        for key in elements(keys) {
            self.keys.encoded(key);
            self.found += 1;
        }
        let next = match bulk(cursor).and_then(unsigned).unwrap_or(0) {
            0 if self.shard + 1 == desk.shards => 0,
            0 if Options::parse(&self.op, 1, Types::OfKeys).is_ok_and(|o| self.found < o.count) => {
                self.shard += 1;
                return Step::Ask(vec![(self.shard, desk.apply(self.from(0)))]);
            }
            0 => (self.shard as u64 + 1) << CURSOR_BITS,
            own => (self.shard as u64) << CURSOR_BITS | own,
        };
        let mut onward = ReplyBuf::default();
        onward.array(2);
        onward.bulk(next.to_string().as_bytes());
        onward.array(self.found);
        onward.encoded(self.keys.as_bytes());
        Step::Done(reply(&onward))
    }
}

fn unsigned(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
