//! A caller: one thread's way to every shard, whoever owns it.
//!
//! A [`Session`](super::Session) has one, and so has each [`Worker`](super::Worker), whose own shards it
//! reaches directly. A string is read where the caller stands, if it can be; everything else goes to the
//! shard's owner by ring and comes back when it is done. A key with an unfinished op of the caller's is
//! read through the ring as well, so a caller reads its own writes. What goes over several shards is a
//! job ([`wide`](super::wide)).

mod ahead;
mod answers;
mod flight;
mod reads;
mod traffic;
mod writes;

use std::sync::Arc;

use super::Inner;
use super::config::StoreError;
use super::core::Core;
use super::host::error_body;
use super::link::{Answer, Ask, Body, Bytes, Lane, Until};
use super::ring::Waker;
use super::save::Pace;
use super::watch::Watch;
use super::wide::{self, Durable, Jobs, Plan, Route, Save};
use crate::command::{CommandError, Flag, string};
use crate::event::Classes;
use crate::op::Op;
use crate::reply::Protocol;
use crate::slot::Slot;
use crate::time::Millis;

pub use ahead::Ahead;
pub use answers::Answered;
use answers::{Answers, Line};
use flight::{Flights, Side};
pub(super) use flight::{Mark, Whose};
pub(super) use reads::TOGETHER;
pub(super) use writes::set;

/// One thread's way to every shard.
pub(super) struct Caller {
    pub(super) inner: Arc<Inner>,
    /// The worker that this is the way of.
    pub(super) own: Option<usize>,
    pub(super) waker: Arc<Waker>,
    lanes: Vec<Option<Lane>>,
    sides: Vec<Side>,
    flights: Flights,
    answers: Answers,
    line: Line,
    /// The op in line that waits for a key, and until when.
    line_parked: Option<(u64, Millis)>,
    pub(super) jobs: Jobs,
    /// Answers that were found without asking: the worker has stopped.
    found: Vec<Answer>,
}

impl Caller {
    pub(super) fn new(inner: Arc<Inner>, own: Option<usize>, waker: Arc<Waker>) -> Caller {
        Caller {
            lanes: inner.doors.iter().map(|_| None).collect(),
            sides: (inner.worker_of.iter())
                .map(|&worker| Side::new(own == Some(worker)))
                .collect(),
            jobs: Jobs::new(&inner),
            inner,
            own,
            waker,
            flights: Flights::default(),
            answers: Answers::default(),
            line: Line::default(),
            line_parked: None,
            found: Vec::new(),
        }
    }

    /// Runs `op`; it is answered by tag. Whether it was applied at once.
    pub(super) fn send(&mut self, mut core: Option<&mut Core>, tag: u64, op: Op) -> bool {
        match wide::route(&op, self.inner.shards) {
            Route::One(shard) => {
                if let Some(core) = core.as_deref_mut() {
                    let (now, writes) = (core.now, op.command().flags.writes());
                    if let Some(host) = core.host_for(shard).filter(|host| host.is_free(writes)) {
                        let out = host.apply_own(now, &op);
                        if let Some(parked) = out.parked {
                            let number = self.begin(shard, Mark::Nothing, Whose::Tag(tag));
                            let host = core.host(shard).expect("it was just there");
                            host.park(super::host::From::Own, number, op);
                            self.answers.push(tag, Body::Parked(parked.until));
                        } else {
                            self.answers.reply(tag, out.reply.as_bytes());
                        }
                        let host = core.host(shard).expect("it was just there");
                        host.serve_after_own(now);
                        return true;
                    }
                }
                if std::ptr::eq(op.command(), &raw const string::GET)
                    && self.read_here(core.as_deref_mut(), shard, tag, &op)
                {
                    return true;
                }
                self.ask(core, shard, Mark::of(&op), Whose::Tag(tag), Ask::Apply(op));
            }
            Route::Wide(plan) => self.begin_job(core, Whose::Tag(tag), plan),
            Route::Refused(error) => self.answers.push(tag, error_body(&error)),
        }
        false
    }

    /// Asks the owner of `shard`, whom it alone concerns, to run `op`; it is answered by tag.
    pub(super) fn send_to(&mut self, core: &mut Core, shard: usize, tag: u64, op: Op) {
        let mark = Mark::of(&op);
        self.ask(Some(core), shard, mark, Whose::Tag(tag), Ask::Apply(op));
    }

    /// Runs `op` where the caller stands, if that can be done: its reply is appended to `reply`. `ahead` is what
    /// was found out of it.
    #[inline]
    pub(super) fn run_here(
        &mut self,
        core: &mut Core,
        op: &Op,
        ahead: Ahead,
        reply: &mut Vec<u8>,
    ) -> bool {
        let command = op.command();
        // Listeners hear of what happened before it is answered, and one that may wait can be given up:
        // both take the long way.
        if command.flags.has(Flag::Blocking) || self.inner.notify() != Classes::NONE {
            return false;
        }
        let shard = ahead.shard;
        let Some(shard) = shard.or_else(|| wide::only_shard(op, self.inner.shards)) else {
            return false;
        };
        let now = core.now;
        if let Some(host) = core
            .host_for(shard)
            .filter(|host| host.is_free(command.flags.writes()))
        {
            if let Some(sought) = ahead.sought {
                host.shard().keyspace().foresee(&op[0], sought);
            }
            reply.extend_from_slice(host.apply_own(now, op).reply.as_bytes());
            host.serve_after_own(now);
            return true;
        }
        std::ptr::eq(command, &raw const string::GET)
            && self.reply_here(Some(core), shard, op, reply).is_ok()
    }

    /// Applies all of `ops` or, where a watched key changed, none.
    pub(super) fn transact(
        &mut self,
        core: Option<&mut Core>,
        tag: u64,
        protocol: Protocol,
        ops: Vec<Op>,
        watch: Option<Watch>,
    ) {
        let shards = self.inner.shards;
        let watched = watch.as_ref().map_or_else(Vec::new, |w| w.shards(shards));
        match wide::transaction(protocol, ops, watch, watched, shards) {
            Ok((shard, transaction)) => {
                let ask = Ask::Transact(Box::new(transaction));
                self.ask(core, shard, Mark::All, Whose::Tag(tag), ask);
            }
            Err(plan) => self.begin_job(core, Whose::Tag(tag), plan),
        }
    }

    /// Watches the keys of `keys` with `watch`.
    pub(super) fn watch(&mut self, core: Option<&mut Core>, tag: u64, watch: &Watch, keys: &Op) {
        let plan = wide::watch(watch, keys, self.inner.shards);
        self.begin_job(core, Whose::Tag(tag), plan);
    }

    /// Asks every shard for counts and state, those of this caller's own reads among them.
    pub(super) fn ask_stats(&mut self, mut core: Option<&mut Core>, whose: Whose) {
        for shard in 0..self.inner.shards {
            self.tell_reads(core.as_deref_mut(), shard);
        }
        self.begin_job(core, whose, Plan::Stats);
    }

    /// Makes a snapshot of every shard; it is answered by tag.
    pub(super) fn save(&mut self, core: &mut Core, tag: u64, pace: Pace) {
        let Some(saves) = self.inner.saves.clone() else {
            let none = Err(StoreError::NoFolderToSave);
            return self.answers.push(tag, Body::Saved(Box::new(none)));
        };
        let plan = Plan::Save(Box::new(Save::new(&saves, pace)));
        self.begin_job(Some(core), Whose::Tag(tag), plan);
    }

    /// Asks these shards whether what they logged by now is durable; 1 or 0 when `until` has come, or an error.
    pub(super) fn ask_durable(
        &mut self,
        core: Option<&mut Core>,
        tag: u64,
        shards: Vec<usize>,
        until: Until,
    ) {
        let plan = Plan::Durable(Durable::new(shards, until));
        self.begin_job(core, Whose::Tag(tag), plan);
    }

    /// Gives up an op, where it waits for a key or will.
    pub(super) fn cancel(&mut self, mut core: Option<&mut Core>, whose: Whose) {
        for number in self.flights.find(|flight| flight.whose == whose) {
            self.cancel_flight(core.as_deref_mut(), number);
        }
        self.cancel_jobs(core, whose);
    }

    /// Gives up what a job asked of shards.
    pub(super) fn cancel_parts(&mut self, mut core: Option<&mut Core>, number: u32) {
        let is_part = |whose| matches!(whose, Whose::Job { job, .. } if job == number);
        for part in self.flights.find(|flight| is_part(flight.whose)) {
            self.cancel_flight(core.as_deref_mut(), part);
        }
    }

    fn cancel_flight(&mut self, core: Option<&mut Core>, number: u64) {
        let Some(flight) = self.flights.get_mut(number) else {
            return;
        };
        // Where it does not wait yet, this comes behind it: nothing that comes later finds it waiting.
        let shard = flight.shard;
        self.tell(core, shard, Ask::Cancel(number));
    }

    /// Shows what was answered by tag.
    pub(super) fn answers(&mut self, each: impl FnMut(u64, Answered<'_>)) {
        if !self.answers.is_empty() {
            self.answers.drain(each);
        }
    }

    /// How many questions and jobs are on their way.
    pub(super) fn outstanding(&self) -> usize {
        self.flights.len() + self.jobs.len()
    }

    /// Gives `body` to who it is for.
    pub(super) fn deliver(&mut self, whose: Whose, body: Body) {
        match whose {
            Whose::Tag(tag) => self.answers.push(tag, body),
            Whose::Line(place) => match body {
                Body::Parked(until) => self.line_parked = until.map(|until| (place, until)),
                body => self.line.set(place, body),
            },
            Whose::Job { .. } => {}
        }
    }

    /// Runs `op`, whose answer stands in line.
    pub(super) fn queue(&mut self, mut core: Option<&mut Core>, op: &Op) {
        match wide::route(op, self.inner.shards) {
            Route::One(shard) => {
                if let Some(core) = core.as_deref_mut()
                    && let Some(bytes) = Caller::run_own(core, shard, op)
                {
                    return self.line.answered(Body::Reply(bytes));
                }
                let whose = Whose::Line(self.line.join());
                self.ask(core, shard, Mark::of(op), whose, Ask::Apply(op.clone()));
            }
            Route::Wide(plan) => {
                let whose = Whose::Line(self.line.join());
                self.begin_job(core, whose, plan);
            }
            Route::Refused(error) => self.line.answered(error_body(&error)),
        }
    }

    /// Runs an op of the worker's own at once, where that can be done.
    pub(super) fn run_own(core: &mut Core, shard: usize, op: &Op) -> Option<Bytes> {
        let (now, writes) = (core.now, op.command().flags.writes());
        // One that may wait takes the long way, on which it can be given up.
        if op.command().flags.has(Flag::Blocking) {
            return None;
        }
        let host = core.host_for(shard).filter(|host| host.is_free(writes))?;
        let bytes = Bytes::from_slice(host.apply_own(now, op).reply.as_bytes());
        host.serve_after_own(now);
        core.own_op();
        Some(bytes)
    }

    /// Whether the answer to what was asked last in line is there.
    pub(super) fn last_is_there(&self) -> bool {
        self.line.has_last()
    }

    /// How many answers in line are missing.
    pub(super) fn missing(&self) -> usize {
        self.line.missing
    }

    /// As [`Caller::ask_stats`], in line.
    pub(super) fn stats_in_line(&mut self, core: Option<&mut Core>) {
        let whose = Whose::Line(self.line.join());
        self.ask_stats(core, whose);
    }

    /// Runs a plan whose answer stands in line.
    pub(super) fn plan_in_line(&mut self, core: Option<&mut Core>, plan: Plan) {
        let whose = Whose::Line(self.line.join());
        self.begin_job(core, whose, plan);
    }
}

/// The shard of `key` among `shards`.
#[inline]
pub(super) fn shard_of(key: &[u8], shards: usize) -> usize {
    if shards == 1 {
        return 0;
    }
    Slot::of(key).shard(shards)
}

fn stopped() -> Body {
    error_body(&CommandError::fixed(
        "ERR the worker of this shard has stopped",
    ))
}
