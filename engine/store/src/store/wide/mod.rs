//! What goes over several shards, as an asynchronous job of whoever asked for it.
//!
//! ```text
//!  queued ─ticket─► holding ─all stand still─► working ─► releasing ─► answered
//!                      └──────── refused ───────────────────┘  └─► parked (BLPOP) ─► served, cancelled,
//!                                                                        or queued again (BLMOVE)
//! ```
//!
//! Its [`Plan`] says which shards have to stand still and what to ask of them; the driver here does the
//! asking. A caller that drives a job goes on serving everybody else meanwhile. While shards stand still
//! their version is odd, so any-core readers ask the owners, who make them wait: nobody sees a part of a
//! job without the others, and what a shard refuses is refused before anything is done.
//!
//! One job at a time holds shards: whoever has the store-wide [`ticket`]. It is passed on as soon as the
//! releases are on their way, since whoever is next asks behind them.

mod cursor;
mod durable;
mod merge;
mod parts;
mod plan;
mod pop;
mod route;
mod save;
mod scratch;
pub(super) mod ticket;
mod transaction;
mod transfer;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use smallvec::SmallVec;

use super::Inner;
use super::caller::{Caller, Mark, Whose};
use super::claim::Claim;
use super::core::Core;
use super::link::{Ask, Await, Body, Hold};
use super::retry::Retry;
use crate::event::{Classes, Event};
use crate::log::joint::Joint;
use crate::time::Millis;

pub(super) use durable::Durable;
pub(super) use plan::Plan;
use plan::{Desk, Step};
pub(super) use route::{Route, only_shard, route, watch};
pub(super) use save::Save;
use scratch::Scratch;
pub(super) use transaction::transaction;

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Queued,
    Holding,
    Working,
    Releasing,
    Parked,
}

struct Job {
    whose: Whose,
    plan: Plan,
    phase: Phase,
    /// The shards that stand still for it.
    shards: Vec<usize>,
    /// Since when: the time of everything that it does.
    since: Millis,
    /// What they do together, where that is logged, and whether anything of it may write.
    joint: Option<Arc<Joint>>,
    writes: bool,
    /// Answers to what it asked last, and how many are missing.
    bodies: Vec<Option<Body>>,
    missing: usize,
    /// What it will be answered with.
    result: Option<Body>,
    waits: Option<Waits>,
    /// What an owner answered for a waiter before the shards were let go.
    early: Option<Body>,
    /// Whether its caller knows that it waits.
    told: bool,
    /// While it is tried again after it waited.
    retry: Option<Retry>,
    cancelled: bool,
}

/// The part of an answer for a waiter.
const WAITER: u32 = u32::MAX;

/// How a job waits for a key.
struct Waits {
    claim: Arc<Claim>,
    /// The numbers under which it waits, with their shards.
    numbers: SmallVec<[(usize, u64); 4]>,
}

/// The jobs of one caller.
pub(super) struct Jobs {
    /// This caller's number at the ticket.
    caller: u64,
    inner: Arc<Inner>,
    all: Vec<Option<Job>>,
    free: Vec<u32>,
    /// Jobs that wait for the ticket.
    queue: VecDeque<u32>,
    /// Whether the ticket was asked for.
    wants: bool,
    /// The one that holds shards.
    holds: bool,
    scratch: Scratch,
    /// Keyspace notifications of what ran here.
    events: Vec<Event>,
}

impl Jobs {
    pub(super) fn new(inner: &Arc<Inner>) -> Jobs {
        let caller = inner.ticket.caller();
        Jobs {
            caller,
            inner: Arc::clone(inner),
            all: Vec::new(),
            free: Vec::new(),
            queue: VecDeque::new(),
            wants: false,
            holds: false,
            scratch: Scratch::new(
                inner.config.seed ^ caller ^ inner.now().0,
                inner.config.databases,
            ),
            events: Vec::new(),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len() - self.free.len()
    }

    /// Whether the ticket has come.
    pub(super) fn may_begin(&self) -> bool {
        self.wants && !self.holds && self.inner.ticket.is_of(self.caller)
    }

    /// The events since they were last taken.
    pub(super) fn events(&mut self) -> std::vec::Drain<'_, Event> {
        self.events.drain(..)
    }

    fn get(&mut self, number: u32) -> &mut Job {
        let job = self.all[number as usize].as_mut();
        job.expect("a job's number names it until it is answered")
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.inner.ticket.pass(self.caller);
    }
}

impl Caller {
    /// Begins a job.
    pub(super) fn begin_job(&mut self, core: Option<&mut Core>, whose: Whose, plan: Plan) {
        let shards = plan.holds(self.inner.shards);
        let job = Job {
            whose,
            plan,
            phase: Phase::Queued,
            shards,
            since: Millis(0),
            joint: None,
            writes: false,
            bodies: Vec::new(),
            missing: 0,
            result: None,
            waits: None,
            early: None,
            told: false,
            retry: None,
            cancelled: false,
        };
        let jobs = &mut self.jobs;
        let number = jobs.free.pop().unwrap_or_else(|| {
            jobs.all.push(None);
            jobs.all.len() as u32 - 1
        });
        let holds = !job.shards.is_empty();
        jobs.all[number as usize] = Some(job);
        if holds {
            self.queue_job(core, number);
        } else {
            jobs.get(number).phase = Phase::Working;
            self.work(core, number, Vec::new());
        }
    }

    fn queue_job(&mut self, core: Option<&mut Core>, number: u32) {
        let jobs = &mut self.jobs;
        jobs.get(number).phase = Phase::Queued;
        jobs.queue.push_back(number);
        if !jobs.wants {
            jobs.wants = true;
            self.inner.ticket.want(jobs.caller, &self.waker);
        }
        self.begin_next_job(core);
    }

    /// Lets the next job begin, where it is this caller's turn.
    pub(super) fn begin_next_job(&mut self, mut core: Option<&mut Core>) {
        while self.jobs.may_begin() {
            let Some(number) = self.jobs.queue.pop_front() else {
                self.jobs.wants = false;
                self.inner.ticket.pass(self.jobs.caller);
                return;
            };
            let now = self.inner.now();
            let job = self.jobs.get(number);
            job.phase = Phase::Holding;
            job.since = now;
            job.joint = self.inner.joint(&job.shards);
            let holds = job.shards.iter().map(|&shard| {
                let hold = job.plan.hold(shard, now, job.joint.as_ref());
                (shard, hold)
            });
            let holds: Vec<(usize, Hold)> = holds.collect();
            let mut ops = holds.iter().flat_map(|(_, hold)| &hold.ops);
            let writes = ops.any(|op| op.command().flags.writes());
            job.writes = writes;
            let asks = holds.into_iter().map(|(shard, hold)| {
                let ask = Ask::Hold(Box::new(Hold { writes, ..hold }));
                (shard, ask)
            });
            let asks: Vec<(usize, Ask)> = asks.collect();
            self.jobs.holds = true;
            self.ask_for_job(core.as_deref_mut(), number, asks);
        }
    }

    fn ask_for_job(&mut self, mut core: Option<&mut Core>, number: u32, asks: Vec<(usize, Ask)>) {
        let job = self.jobs.get(number);
        job.missing = asks.len();
        job.bodies.clear();
        job.bodies.resize_with(asks.len(), || None);
        for (part, (shard, ask)) in asks.into_iter().enumerate() {
            let mark = match &ask {
                Ask::Apply(op) | Ask::Part(op) if !op.command().flags.writes() => Mark::Nothing,
                Ask::Hold(_) | Ask::Durable(_) => Mark::Nothing,
                _ => Mark::All,
            };
            let part = part as u32;
            let whose = Whose::Job { job: number, part };
            self.ask(core.as_deref_mut(), shard, mark, whose, ask);
        }
    }

    /// Takes in an answer to something that a job asked.
    pub(super) fn job_answered(
        &mut self,
        core: Option<&mut Core>,
        number: u32,
        part: u32,
        body: Body,
    ) {
        let job = self.jobs.get(number);
        if part == WAITER {
            if job.phase == Phase::Parked {
                self.served(core, number, body);
            } else {
                job.early = Some(body);
            }
            return;
        }
        if let Some(place @ None) = job.bodies.get_mut(part as usize) {
            *place = Some(body);
            job.missing -= 1;
        }
        if job.missing > 0 {
            return;
        }
        let bodies: Vec<Body> = job.bodies.drain(..).flatten().collect();
        match job.phase {
            Phase::Holding => {
                let refused = bodies.into_iter().find(|body| body.refusal().is_some());
                let refused = refused.map(|body| job.plan.refused(body));
                // One that was given up holds and lets go all the same: owners keep what they promised
                // it until then.
                let given_up = || (job.cancelled && job.told).then_some(Body::Cancelled);
                let refused = refused.or_else(given_up);
                if let Some(body) = refused.or_else(|| job.plan.overtaken()) {
                    self.let_go(core, number, body);
                } else {
                    job.phase = Phase::Working;
                    self.work(core, number, Vec::new());
                }
            }
            Phase::Working => self.work(core, number, bodies),
            Phase::Releasing => {
                let failed = bodies.into_iter().find(|body| body.refusal().is_some());
                self.released(core, number, failed);
            }
            Phase::Queued | Phase::Parked => {}
        }
    }

    /// Lets the plan say what to do next.
    fn work(&mut self, mut core: Option<&mut Core>, number: u32, bodies: Vec<Body>) {
        let now = core
            .as_deref()
            .map_or_else(|| self.inner.now(), |core| core.now);
        let jobs = &mut self.jobs;
        let job = jobs.all[number as usize].as_mut();
        let job = job.expect("a job's number names it until it is answered");
        let held = !job.shards.is_empty();
        let mut desk = Desk {
            now: if held { job.since } else { now },
            shards: self.inner.shards,
            held,
            may_park: true,
            // A session outside the workers has nobody to tell.
            notify: if core.is_some() {
                self.inner.notify()
            } else {
                Classes::NONE
            },
            limits: self.inner.limits(),
            // Relaxed: who has the ticket comes after who had it before.
            joints: self.inner.joints.load(Ordering::Relaxed),
            reads: &self.inner.reads,
            scratch: &mut jobs.scratch,
            events: &mut jobs.events,
        };
        match job.plan.next(bodies, &mut desk) {
            Step::Ask(asks) => match self.spoilt(number) {
                Some(body) => self.let_go(core, number, body),
                None => self.ask_for_job(core, number, asks),
            },
            Step::Release => self.let_go(core, number, Body::Released),
            Step::Done(body) if job.shards.is_empty() => self.finish(number, body),
            Step::Done(body) => self.let_go(core, number, body),
            Step::Park { .. } if job.cancelled => self.let_go(core, number, Body::Cancelled),
            Step::Park {
                op,
                until,
                elsewhere,
            } => {
                let claim = Arc::new(Claim::new());
                let mut shards: Vec<usize> = Vec::new();
                for key in super::host::awaited_keys(&op) {
                    let shard = super::caller::shard_of(key.key(), self.inner.shards);
                    if !shards.contains(&shard) {
                        shards.push(shard);
                    }
                }
                let mut numbers = SmallVec::new();
                for shard in shards {
                    let wait = Ask::Await(Box::new(Await {
                        op: op.clone(),
                        claim: Arc::clone(&claim),
                        elsewhere,
                    }));
                    let whose = Whose::Job {
                        job: number,
                        part: WAITER,
                    };
                    let core = core.as_deref_mut();
                    numbers.push((shard, self.ask(core, shard, Mark::Nothing, whose, wait)));
                }
                self.jobs.get(number).waits = Some(Waits { claim, numbers });
                self.let_go(core, number, Body::Parked(until));
            }
        }
    }

    /// Why a job must not go on: it writes, and the log of one of its shards has failed since that agreed to stand still.
    /// Where nothing was changed yet it can be refused; later the other shards have what must not be kept.
    fn spoilt(&mut self, number: u32) -> Option<Body> {
        let job = self.jobs.get(number);
        let joint = job.joint.as_ref().filter(|_| job.writes)?;
        if joint.is_written() {
            return None;
        }
        let inner = &self.inner;
        let mut failures = job
            .shards
            .iter()
            .filter_map(|&shard| inner.failed[shard].get());
        let refusal = failures.next()?.refusal();
        Some(job.plan.refused(super::host::error_body(&refusal)))
    }

    /// Lets the shards go; `result` is told when they have.
    fn let_go(&mut self, core: Option<&mut Core>, number: u32, result: Body) {
        let job = self.jobs.get(number);
        job.phase = Phase::Releasing;
        if let Some(joint) = job.joint.take() {
            joint.close();
        }
        job.result = Some(result);
        let asks = job.shards.iter().map(|&shard| (shard, Ask::Release));
        let asks = asks.collect();
        self.ask_for_job(core, number, asks);
        // Who is next asks behind these releases.
        self.jobs.holds = false;
        self.jobs.wants = false;
        self.inner.ticket.pass(self.jobs.caller);
        if !self.jobs.queue.is_empty() {
            self.jobs.wants = true;
            self.inner.ticket.want(self.jobs.caller, &self.waker);
        }
    }

    fn released(&mut self, core: Option<&mut Core>, number: u32, failed: Option<Body>) {
        let job = self.jobs.get(number);
        let result = job.result.take().unwrap_or(Body::Cancelled);
        match result {
            Body::Released => {
                job.shards.clear();
                job.phase = Phase::Working;
                self.work(core, number, Vec::new());
            }
            Body::Parked(until) => {
                job.phase = Phase::Parked;
                job.retry = None;
                let (whose, cancelled) = (job.whose, job.cancelled);
                if let Some(body) = job.early.take() {
                    return self.served(core, number, body);
                }
                if !std::mem::replace(&mut job.told, true) {
                    self.deliver(whose, Body::Parked(until));
                }
                if cancelled {
                    self.cancel_job(core, number);
                }
            }
            result if result.refusal().is_some() => self.finish(number, result),
            result => self.finish(number, failed.unwrap_or(result)),
        }
    }

    /// A job that waited was served, or is to be tried again.
    fn served(&mut self, mut core: Option<&mut Core>, number: u32, body: Body) {
        if let Some(waits) = self.jobs.get(number).waits.take() {
            for (shard, waiting) in waits.numbers {
                self.forget(waiting);
                self.tell(core.as_deref_mut(), shard, Ask::Forget(waiting));
            }
        }
        match body {
            Body::Retry(retry) => {
                let job = self.jobs.get(number);
                job.plan.again();
                job.retry = Some(retry);
                self.queue_job(core, number);
            }
            body => self.finish(number, body),
        }
    }

    fn finish(&mut self, number: u32, body: Body) {
        let job = self.jobs.all[number as usize].take();
        self.jobs.free.push(number);
        if let Some(job) = job {
            self.deliver(job.whose, body);
        }
    }

    /// Gives up the jobs of one caller that wait for a key, or will.
    pub(super) fn cancel_jobs(&mut self, mut core: Option<&mut Core>, whose: Whose) {
        for number in 0..self.jobs.all.len() as u32 {
            let job = self.jobs.all[number as usize].as_mut();
            if let Some(job) = job.filter(|job| job.whose == whose) {
                job.cancelled = true;
                self.cancel_job(core.as_deref_mut(), number);
            }
        }
    }

    fn cancel_job(&mut self, core: Option<&mut Core>, number: u32) {
        let job = self.jobs.get(number);
        if matches!(job.plan, Plan::Durable(_)) {
            // Each shard says what is so now.
            return self.cancel_parts(core, number);
        }
        let waits = job.waits.as_ref().filter(|_| job.phase == Phase::Parked);
        // Where an owner was first, its answer is on its way.
        if waits.is_some_and(|waits| waits.claim.take()) {
            self.served(core, number, Body::Cancelled);
        }
    }
}
