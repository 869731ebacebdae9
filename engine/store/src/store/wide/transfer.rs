//! An element from a collection of one shard to one of another: `LMOVE`, `RPOPLPUSH`, `BLMOVE`,
//! `BRPOPLPUSH`, `SMOVE`.
//!
//! Only the element travels. It is at its destination before it leaves its source, so that a refusal
//! loses nothing.

use super::merge::bytes_of;
use super::plan::{Desk, Step};
use super::pop::kinds;
use super::scratch::Nothing;
use crate::command::list::End;
use crate::command::{CommandError, list, sets};
use crate::keyspace::DbKey;
use crate::op::Op;
use crate::reply::element::bulk;
use crate::store::caller::shard_of;
use crate::store::host::error_body;
use crate::store::link::{Ask, Body};
use crate::value::Kind;

/// Such an op, and how far it is.
pub(in crate::store) struct Transfer {
    op: Op,
    stage: Stage,
}

enum Stage {
    Begin,
    /// What both keys are; and the answer where the source is nothing.
    Kinds(Nothing),
    /// The element of a list.
    Peek,
    /// It was added, and is to leave a list; the reply.
    Pushed(Body),
    /// Whether it is a member of a set.
    Look,
    /// It was added, and is to leave a set; the reply.
    Added(Body),
    /// The reply, once the last is done.
    Last(Body),
}

/// Whether `op` moves an element.
pub(super) fn is_transfer(op: &Op) -> bool {
    matches!(
        op.command().name,
        "lmove" | "rpoplpush" | "blmove" | "brpoplpush" | "smove"
    )
}

impl Transfer {
    pub(super) fn new(op: &Op) -> Transfer {
        Transfer {
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
        if let Some(refusal) = answers.iter().position(|body| body.refusal().is_some()) {
            return Step::Done(answers.into_iter().nth(refusal).expect("it was just seen"));
        }
        match std::mem::replace(&mut self.stage, Stage::Begin) {
            Stage::Begin => match desk.scratch.on_nothing(desk.now, &self.op, desk.may_park) {
                Ok(Nothing::Reply(body)) if body.refusal().is_some() => Step::Done(body),
                Ok(nothing) => {
                    self.stage = Stage::Kinds(nothing);
                    let keys = [0, 1].map(|at| {
                        let key = DbKey::new(self.op.database(), &self.op[at]);
                        (shard_of(&self.op[at], desk.shards), Ask::Kinds(vec![key]))
                    });
                    Step::Ask(keys.into())
                }
                Err(refusal) => Step::Done(*refusal),
            },
            Stage::Kinds(nothing) => self.begin(&answers, nothing, desk),
            Stage::Peek => {
                let element = answers.first().and_then(|body| bulk(bytes_of(body)));
                let Some(element) = element.map(<[u8]>::to_vec) else {
                    return Step::Done(answers.into_iter().next().unwrap_or(Body::Cancelled));
                };
                let (_, to) = self.ends();
                let push = match to {
                    End::Head => &list::push::LPUSH,
                    End::Tail => &list::push::RPUSH,
                };
                self.stage = answers
                    .into_iter()
                    .next()
                    .map_or(Stage::Begin, Stage::Pushed);
                self.part(1, Op::new(push), Some(&element), desk)
            }
            Stage::Pushed(reply) => {
                let (from, _) = self.ends();
                let pop = match from {
                    End::Head => &list::pop::LPOP,
                    End::Tail => &list::pop::RPOP,
                };
                self.stage = Stage::Last(reply);
                self.part(0, Op::new(pop), None, desk)
            }
            Stage::Look => {
                let answer = answers.into_iter().next().unwrap_or(Body::Cancelled);
                if bytes_of(&answer) != b":1\r\n" {
                    return Step::Done(answer);
                }
                self.stage = Stage::Added(answer);
                self.part(1, Op::new(&sets::change::SADD), self.op.get(2), desk)
            }
            Stage::Added(reply) => {
                self.stage = Stage::Last(reply);
                self.part(0, Op::new(&sets::change::SREM), self.op.get(2), desk)
            }
            Stage::Last(reply) => Step::Done(reply),
        }
    }

    /// With what both keys are.
    fn begin(&mut self, answers: &[Body], nothing: Nothing, desk: &mut Desk<'_>) -> Step {
        let found: Vec<Option<Kind>> = answers.iter().flat_map(kinds).collect();
        let of_set = self.op.command().name == "smove";
        let wanted = if of_set { Kind::Set } else { Kind::List };
        let [Some(source), destination] = found[..] else {
            return match nothing {
                Nothing::Parked(until) => Step::Park {
                    op: self.op.clone(),
                    until,
                    elsewhere: true,
                },
                Nothing::Reply(body) => Step::Done(body),
            };
        };
        if source != wanted || destination.is_some_and(|kind| kind != wanted) {
            return Step::Done(error_body(&CommandError::WRONG_TYPE));
        }
        if of_set {
            self.stage = Stage::Look;
            return self.part(0, Op::new(&sets::read::SISMEMBER), self.op.get(2), desk);
        }
        self.stage = Stage::Peek;
        let at: &[u8] = match self.ends().0 {
            End::Head => b"0",
            End::Tail => b"-1",
        };
        self.part(0, Op::new(&list::read::LINDEX), Some(at), desk)
    }

    /// From which end of a list to which.
    fn ends(&self) -> (End, End) {
        let named = |at: usize| self.op.get(at).and_then(|word| End::parse(word).ok());
        match self.op.command().name {
            "lmove" | "blmove" => (named(2).unwrap_or(End::Tail), named(3).unwrap_or(End::Head)),
            _ => (End::Tail, End::Head),
        }
    }

    /// Asks the owner of the key at `at` for `op` on it.
    fn part(&self, at: usize, op: Op, argument: Option<&[u8]>, desk: &Desk<'_>) -> Step {
        let key = &self.op[at];
        let op = op
            .within(self.op.database())
            .answered_in(self.op.protocol());
        let op = argument.iter().fold(op.arg(key), Op::arg);
        Step::Ask(vec![(shard_of(key, desk.shards), Ask::Part(op))])
    }
}
