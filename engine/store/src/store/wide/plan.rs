//! A plan: what a job asks of shards, step by step. It decides; the driver acts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::cursor::Cursor;
use super::durable::Durable;
use super::parts::Parts;
use super::pop::{Pop, shards_of};
use super::save::Save;
use super::scratch::{Scratch, Scratched};
use super::transaction::Transacted;
use super::transfer::Transfer;
use crate::event::{Classes, Event};
use crate::log::joint::Joint;
use crate::op::Op;
use crate::shard::ShardStats;
use crate::store::Reads;
use crate::store::link::{Ask, Body, Hold};
use crate::time::Millis;
use crate::value::Limits;

/// What a plan works with.
pub(super) struct Desk<'a> {
    /// One time for the whole plan, where shards stand still for it.
    pub(super) now: Millis,
    /// How many shards the store has.
    pub(super) shards: usize,
    /// Whether the shards stand still for the plan.
    pub(super) held: bool,
    /// Whether an op may wait.
    pub(super) may_park: bool,
    /// Which events are told.
    pub(super) notify: Classes,
    /// How far compact forms go.
    pub(super) limits: Limits,
    /// The number of the last joint.
    pub(super) joints: u64,
    /// Any-core reads, by shard.
    pub(super) reads: &'a [Reads],
    pub(super) scratch: &'a mut Scratch,
    pub(super) events: &'a mut Vec<Event>,
}

impl Desk<'_> {
    /// Asks a shard to apply `op`.
    pub(super) fn apply(&self, op: Op) -> Ask {
        if self.held {
            Ask::Part(op)
        } else {
            Ask::Apply(op)
        }
    }
}

/// What a plan does next.
pub(super) enum Step {
    /// It asks these shards, and goes on when all have answered.
    Ask(Vec<(usize, Ask)>),
    /// The shards that stand still for it go on, and then so does the plan.
    Release,
    /// It is done.
    Done(Body),
    /// The op waits for a key on any of its shards.
    Park {
        op: Op,
        until: Option<Millis>,
        /// Whether serving it takes the whole plan again.
        elsewhere: bool,
    },
}

/// What a job does.
pub(in crate::store) enum Plan {
    /// Each shard does its part; the replies become one.
    Parts(Parts),
    /// One shard after another.
    Cursor(Box<Cursor>),
    /// The first key that has something.
    Pop(Box<Pop>),
    /// An element goes from one key to another.
    Transfer(Box<Transfer>),
    /// Values are brought here, and taken back changed.
    Scratch(Box<Scratched>),
    /// Several ops, as one.
    Transaction(Box<Transacted>),
    /// Snapshots of all shards.
    Save(Box<Save>),
    /// Whether what was logged is durable.
    Durable(Durable),
    /// Counts and state of all shards.
    Stats,
}

impl Plan {
    /// The shards of all `shards` that stand still for it; none: it asks them as they go.
    pub(super) fn holds(&self, shards: usize) -> Vec<usize> {
        match self {
            Plan::Parts(parts) => parts.holds(),
            Plan::Cursor(_) | Plan::Durable(_) | Plan::Stats => Vec::new(),
            Plan::Pop(pop) => shards_of(pop.op(), shards),
            Plan::Transfer(transfer) => shards_of(transfer.op(), shards),
            Plan::Scratch(scratched) => scratched.holds(shards),
            Plan::Transaction(transacted) => transacted.holds(),
            Plan::Save(_) => (0..shards).collect(),
        }
    }

    /// How `shard` is asked to stand still, from `at` on, and log what it does as its part of `joint`.
    pub(super) fn hold(&self, shard: usize, at: Millis, joint: Option<&Arc<Joint>>) -> Hold {
        let mut watch = None;
        let ops = match self {
            Plan::Parts(parts) => parts.op_of(shard).into_iter().cloned().collect(),
            Plan::Cursor(_) | Plan::Durable(_) | Plan::Save(_) | Plan::Stats => Vec::new(),
            Plan::Pop(pop) => vec![pop.op().clone()],
            Plan::Transfer(transfer) => vec![transfer.op().clone()],
            Plan::Scratch(scratched) => vec![scratched.op().clone()],
            Plan::Transaction(transacted) => {
                watch = transacted.watch().cloned();
                transacted.ops_at(shard).cloned().collect()
            }
        };
        Hold {
            ops,
            watch,
            at,
            joint: joint.cloned(),
            writes: false,
        }
    }

    /// What the caller is told where a shard refused to stand still with `refusal`.
    pub(super) fn refused(&self, refusal: Body) -> Body {
        match self {
            Plan::Transaction(_) => super::transaction::refused(&refusal),
            _ => refusal,
        }
    }

    /// What the caller is told where all shards stand still, and it is too late.
    pub(super) fn overtaken(&self) -> Option<Body> {
        match self {
            Plan::Transaction(transacted) => transacted.overtaken(),
            _ => None,
        }
    }

    /// What to do next: at first with no answers, then with those to what was asked last, in order.
    pub(super) fn next(&mut self, answers: Vec<Body>, desk: &mut Desk<'_>) -> Step {
        match self {
            Plan::Parts(parts) => parts.next(&answers),
            Plan::Cursor(cursor) => cursor.next(answers, desk),
            Plan::Pop(pop) => pop.next(answers, desk),
            Plan::Transfer(transfer) => transfer.next(answers, desk),
            Plan::Scratch(scratched) => scratched.next(answers, desk),
            Plan::Transaction(transacted) => transacted.next(answers, desk),
            Plan::Save(save) => save.next(answers, desk),
            Plan::Durable(durable) => durable.next(answers),
            Plan::Stats => stats(answers, desk),
        }
    }

    /// Begins anew.
    pub(super) fn again(&mut self) {
        match self {
            Plan::Pop(pop) => pop.again(),
            Plan::Transfer(transfer) => transfer.again(),
            _ => {}
        }
    }
}

/// Shards answer whatever else goes on, also while they stand still.
fn stats(answers: Vec<Body>, desk: &Desk<'_>) -> Step {
    if answers.is_empty() {
        return Step::Ask((0..desk.shards).map(|shard| (shard, Ask::Stats)).collect());
    }
    let mut all = Vec::with_capacity(desk.shards);
    for (body, reads) in answers.into_iter().zip(desk.reads) {
        match body {
            // Relaxed: counts order nothing.
            Body::Stats(stats) => all.push(ShardStats {
                hits: stats.hits + reads.hits.load(Ordering::Relaxed),
                misses: stats.misses + reads.misses.load(Ordering::Relaxed),
                ..*stats
            }),
            refusal => return Step::Done(refusal),
        }
    }
    Step::Done(Body::AllStats(all))
}
