//! `MULTI` over several shards: all of them stand still, the ops run one after another where their keys
//! are, and the replies become one.

use super::merge::bytes_of;
use super::plan::{Desk, Plan, Step};
use super::route::{Route, route};
use crate::command::CommandError;
use crate::op::Op;
use crate::reply::{Protocol, ReplyBuf};
use crate::store::host::{aborted, error_body};
use crate::store::link::{Ask, Body, Bytes, Transaction};
use crate::store::watch::Watch;

/// A transaction over several shards, and how far it is.
pub(in crate::store) struct Transacted {
    transaction: Transaction,
    /// The shards that it takes.
    shards: Vec<usize>,
    /// Which of them each op takes alone; none: it takes several.
    homes: Vec<Option<usize>>,
    replies: Vec<Bytes>,
    /// How many ops have been asked for, and the one over several shards that is under way.
    asked: usize,
    inner: Option<Plan>,
}

/// A transaction of one shard, or the plan of one over several. `watched` are the shards of the watch's
/// keys among all `shards`.
pub(in crate::store) fn transaction(
    protocol: Protocol,
    ops: Vec<Op>,
    watch: Option<Watch>,
    watched: Vec<usize>,
    shards: usize,
) -> Result<(usize, Transaction), Plan> {
    let mut taken = watched;
    let mut homes = Vec::with_capacity(ops.len());
    for op in &ops {
        homes.push(match route(op, shards) {
            Route::One(shard) if op.key().is_some() => {
                taken.push(shard);
                Home::At(shard)
            }
            Route::One(_) => Home::Anywhere,
            Route::Refused(_) => Home::None,
            Route::Wide(plan) => {
                match plan.holds(shards) {
                    held if held.is_empty() => taken.extend(0..shards),
                    held => taken.extend(held),
                }
                Home::None
            }
        });
    }
    taken.sort_unstable();
    taken.dedup();
    let anywhere = taken.first().copied().unwrap_or(0);
    let homes = homes.into_iter().map(|home| match home {
        Home::At(shard) => Some(shard),
        Home::Anywhere => Some(anywhere),
        Home::None => None,
    });
    let homes: Vec<Option<usize>> = homes.collect();
    let transaction = Transaction {
        protocol,
        ops,
        watch,
    };
    if taken.len() <= 1 && homes.iter().all(Option::is_some) {
        return Ok((anywhere, transaction));
    }
    if taken.is_empty() {
        taken.push(anywhere);
    }
    Err(Plan::Transaction(Box::new(Transacted {
        transaction,
        shards: taken,
        homes,
        replies: Vec::new(),
        asked: 0,
        inner: None,
    })))
}

/// Where an op of a transaction runs.
enum Home {
    At(usize),
    Anywhere,
    /// On several shards, or nowhere.
    None,
}

/// What a caller is told where a shard refused to stand still for its transaction.
pub(super) fn refused(refusal: &Body) -> Body {
    let words = String::from_utf8_lossy(bytes_of(refusal));
    let words = words.trim_start_matches('-').trim_end().to_owned();
    error_body(&aborted(&CommandError::new(words)))
}

impl Transacted {
    pub(super) fn holds(&self) -> Vec<usize> {
        self.shards.clone()
    }

    /// What it hangs on.
    pub(super) fn watch(&self) -> Option<&Watch> {
        self.transaction.watch.as_ref()
    }

    /// The ops that `shard` may have to do with.
    pub(super) fn ops_at(&self, shard: usize) -> impl Iterator<Item = &Op> {
        let ops = self.homes.iter().zip(&self.transaction.ops);
        ops.filter(move |(home, _)| home.is_none_or(|home| home == shard))
            .map(|(_, op)| op)
    }

    pub(super) fn overtaken(&self) -> Option<Body> {
        let watch = self.transaction.watch.as_ref()?;
        watch.is_changed().then(|| {
            let mut reply = ReplyBuf::default();
            reply.speak(self.transaction.protocol);
            reply.nil_array();
            super::merge::reply(&reply)
        })
    }

    pub(super) fn next(&mut self, answers: Vec<Body>, desk: &mut Desk<'_>) -> Step {
        desk.may_park = false;
        let mut answers = answers;
        loop {
            if let Some(inner) = &mut self.inner {
                match inner.next(std::mem::take(&mut answers), desk) {
                    Step::Ask(asks) => return Step::Ask(asks),
                    Step::Done(body) => self.reply(body),
                    Step::Park { .. } => unreachable!("it may not park"),
                    Step::Release => unreachable!("no op is a save"),
                }
                self.inner = None;
            }
            answers.drain(..).for_each(|body| self.reply(body));
            // As many as lie on one shard each go together: what one shard does is nothing to another.
            let ops = &self.transaction.ops[self.asked..];
            let homes = &self.homes[self.asked..];
            let run = homes
                .iter()
                .zip(ops)
                .map_while(|(home, op)| Some((*home)?).map(|home| (home, Ask::Part(op.clone()))));
            let run: Vec<(usize, Ask)> = run.collect();
            if !run.is_empty() {
                self.asked += run.len();
                return Step::Ask(run);
            }
            let Some(op) = ops.first() else {
                return Step::Done(self.result());
            };
            self.asked += 1;
            match route(op, desk.shards) {
                Route::Wide(plan) => self.inner = Some(plan),
                Route::Refused(error) => self.reply(error_body(&error)),
                Route::One(_) => unreachable!("it has a home"),
            }
        }
    }

    fn reply(&mut self, body: Body) {
        self.replies.push(match body {
            Body::Reply(bytes) => bytes,
            other => Bytes::from_slice(bytes_of(&other)),
        });
    }

    fn result(&self) -> Body {
        let mut reply = ReplyBuf::default();
        reply.array(self.replies.len());
        (self.replies.iter()).for_each(|bytes| reply.encoded(bytes));
        super::merge::reply(&reply)
    }
}
