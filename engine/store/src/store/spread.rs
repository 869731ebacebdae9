//! Commands over several shards: how an op is split, and how its parts become one.
//!
//! Whoever runs one holds the store-wide ticket, so there is one at a time. It then asks every shard
//! involved to stand still (their version turns odd, so any-core readers ask the owners, who make
//! them wait) and to make room for its part; sends the parts; and releases all. So nobody sees a part
//! without the others, and what a shard refuses is refused before any part is applied.

use std::sync::atomic::{AtomicBool, Ordering};

use super::link::{Ask, Body};
use super::session::{Session, into_reply};
use super::worker::Core;
use crate::command::{Command, CommandError, Keys, key, server, set, string};
use crate::op::Op;
use crate::reply::Reply;
use crate::slot::Slot;

/// How the replies of parts become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Merge {
    /// Their sum.
    Sum,
    /// Each key's reply at its place.
    Gather,
    /// All are `OK`.
    AllOk,
}

/// The commands that several shards may take part in.
static SPREAD: &[(&Command, Merge)] = &[
    (&key::DEL, Merge::Sum),
    (&key::UNLINK, Merge::Sum),
    (&key::EXISTS, Merge::Sum),
    (&key::TOUCH, Merge::Sum),
    (&string::MGET, Merge::Gather),
    (&set::MSET, Merge::AllOk),
    (&server::DBSIZE, Merge::Sum),
    (&server::FLUSHALL, Merge::AllOk),
    (&server::FLUSHDB, Merge::AllOk),
    (&server::SWAPDB, Merge::AllOk),
];

/// A shard's part of an op, and the places of its keys among all keys.
pub(super) struct Part {
    pub(super) shard: usize,
    pub(super) op: Op,
    pub(super) places: Vec<usize>,
}

/// Where an op goes.
pub(super) enum Route {
    /// To one shard.
    One(usize),
    /// To several.
    Spread(Vec<Part>),
    /// Nowhere.
    Refused(CommandError),
}

/// Where `op` goes among `shards` shards.
#[inline]
pub(super) fn route(op: &Op, shards: usize) -> Route {
    let mut keys = op.keys();
    match keys.next() {
        Some(first) => {
            let shard = Slot::of(first).shard(shards);
            if keys.all(|key| Slot::of(key).shard(shards) == shard) {
                Route::One(shard)
            } else {
                split(op, shards)
            }
        }
        None if shards > 1 && merge(op).is_some() => {
            let part = |shard| Part {
                shard,
                op: op.clone(),
                places: Vec::new(),
            };
            Route::Spread((0..shards).map(part).collect())
        }
        None => Route::One(0),
    }
}

fn merge(op: &Op) -> Option<Merge> {
    let mut spread = SPREAD.iter();
    let found = spread.find(|(command, _)| std::ptr::eq(*command, op.command()));
    found.map(|&(_, merge)| merge)
}

fn split(op: &Op, shards: usize) -> Route {
    if merge(op).is_none() {
        return Route::Refused(CommandError::new(
            "CROSSSLOT Keys in request don't hash to the same slot",
        ));
    }
    let step = match op.command().keys {
        Keys::Range { step, .. } => step,
        Keys::Counted { .. } | Keys::After { .. } => 1,
    };
    let mut parts: Vec<Part> = Vec::new();
    for (place, at) in op.command().keys.positions(op).into_iter().enumerate() {
        let shard = Slot::of(&op[at]).shard(shards);
        let known = parts.iter().position(|part| part.shard == shard);
        let number = known.unwrap_or_else(|| {
            parts.push(Part {
                shard,
                op: Op::new(op.command()).within(op.database()),
                places: Vec::new(),
            });
            parts.len() - 1
        });
        let part = &mut parts[number];
        // A key and what belongs to it; an odd end is the handler's to refuse.
        (at..(at + step).min(op.len())).for_each(|arg| part.op.push(&op[arg]));
        part.places.push(place);
    }
    if step == 2 && op.len() % 2 == 1 {
        return Route::Refused(CommandError::arity(op.command()));
    }
    Route::Spread(parts)
}

impl Session {
    /// Runs `op` over several shards.
    pub(super) fn spread(&mut self, core: Option<&mut Core>, op: &Op, parts: &[Part]) -> Reply {
        match self.stand_still(core, parts, &|part| Ask::Part(part.op.clone())) {
            Ok(bodies) => {
                let replies = bodies.into_iter().map(into_reply).collect();
                join(merge(op).unwrap_or(Merge::AllOk), parts, replies)
            }
            Err(refusal) => refusal,
        }
    }

    /// Asks several shards while all of them stand still: their answers, or the first refusal.
    pub(super) fn stand_still(
        &mut self,
        mut core: Option<&mut Core>,
        parts: &[Part],
        ask: &dyn Fn(&Part) -> Ask,
    ) -> Result<Vec<Body>, Reply> {
        let inner = std::sync::Arc::clone(&self.inner);
        let mut ticket = Ticket::take(&inner.ticket);
        while ticket.is_none() {
            if let Some(core) = core.as_deref_mut() {
                core.turn(core.now);
            }
            std::thread::yield_now();
            ticket = Ticket::take(&inner.ticket);
        }
        let mut phase = |session: &mut Session, ask: &dyn Fn(&Part) -> Ask| {
            let asks = parts.iter().map(|part| (part.shard, ask(part))).collect();
            session.call(core.as_deref_mut(), asks)
        };
        let refusal = |bodies: Vec<Body>| {
            let mut replies = bodies.into_iter().map(into_reply);
            replies.find(|reply| !reply.is_ok())
        };
        let refused = refusal(phase(self, &|part| Ask::Hold(part.op.clone())));
        let bodies = match refused {
            Some(_) => Vec::new(),
            None => phase(self, ask),
        };
        let failed = refusal(phase(self, &|_| Ask::Release));
        drop(ticket);
        refused.or(failed).map_or(Ok(bodies), Err)
    }
}

/// The right to run a command over several shards. A panic gives it back too; the shards that stood
/// still for it go on when their workers see the session gone.
struct Ticket<'a>(&'a AtomicBool);

impl Ticket<'_> {
    fn take(taken: &AtomicBool) -> Option<Ticket<'_>> {
        // Acquire: pairs with the release in the drop; one such command follows another.
        let free = taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        free.is_ok().then(|| Ticket(taken))
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

fn join(merge: Merge, parts: &[Part], replies: Vec<Reply>) -> Reply {
    if let Some(error) = replies.iter().find(|r| matches!(r, Reply::Error(_))) {
        return error.clone();
    }
    match merge {
        Merge::AllOk => Reply::Simple("OK".to_owned()),
        Merge::Sum => Reply::Int(
            (replies.iter())
                .map(|reply| if let Reply::Int(n) = reply { *n } else { 0 })
                .sum(),
        ),
        Merge::Gather => {
            let count = parts.iter().map(|part| part.places.len()).sum();
            let mut all = vec![Reply::Nil; count];
            for (part, reply) in parts.iter().zip(replies) {
                if let Reply::Array(items) = reply {
                    for (&place, item) in part.places.iter().zip(items) {
                        all[place] = item;
                    }
                }
            }
            Reply::Array(all)
        }
    }
}
