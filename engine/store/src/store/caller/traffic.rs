//! What goes between a caller and the owners: asking, publishing, taking answers in.

use smallvec::SmallVec;

use super::flight::{Flight, Mark, Whose};
use super::{Caller, Line, stopped};
use crate::store::core::Core;
use crate::store::link::{Answer, Ask, Body, Lane, Request};
use crate::time::Millis;

/// How many requests are published together.
const BATCH: usize = 32;

/// The number of a question that is not answered.
const UNANSWERED: u64 = u64::MAX;

impl Caller {
    pub(super) fn begin(&mut self, shard: usize, mark: Mark, whose: Whose) -> u64 {
        self.sides[shard].begin(mark);
        self.flights.begin(Flight { whose, shard, mark })
    }

    /// Asks a shard's owner; the question's number.
    pub(in crate::store) fn ask(
        &mut self,
        core: Option<&mut Core>,
        shard: usize,
        mark: Mark,
        whose: Whose,
        ask: Ask,
    ) -> u64 {
        let number = self.begin(shard, mark, whose);
        if !self.post(core, Request { number, shard, ask }) {
            let body = stopped();
            self.found.push(Answer { number, body });
        }
        number
    }

    /// Tells a shard's owner what it does not answer.
    pub(in crate::store) fn tell(&mut self, core: Option<&mut Core>, shard: usize, ask: Ask) {
        let number = UNANSWERED;
        // Where the worker has stopped there is nobody to tell.
        self.post(core, Request { number, shard, ask });
    }

    /// Puts a request on its way; `false` where the worker has stopped.
    fn post(&mut self, core: Option<&mut Core>, request: Request) -> bool {
        let worker = self.inner.worker_of[request.shard];
        match core {
            Some(core) if self.own == Some(worker) => core.ask_own(request),
            _ => {
                let Some(lane) = self.lane(worker) else {
                    return false;
                };
                lane.outbox.push_back(request);
                if lane.outbox.len() >= BATCH {
                    lane.publish();
                    if std::mem::take(&mut lane.owes_wake) {
                        lane.waker.wake();
                    }
                }
            }
        }
        true
    }

    /// The lane to a worker, opened where there is none yet; `None` where the worker has stopped.
    pub(super) fn lane(&mut self, worker: usize) -> Option<&mut Lane> {
        let door = &self.inner.doors[worker];
        let lane = &mut self.lanes[worker];
        if lane.is_none() && door.is_open() {
            *lane = Some(door.enter(&self.waker));
        }
        lane.as_mut()
    }

    /// Publishes what was asked.
    pub(in crate::store) fn publish(&mut self) {
        for lane in self.lanes.iter_mut().flatten() {
            lane.publish();
            if std::mem::take(&mut lane.owes_wake) {
                lane.waker.wake();
            }
        }
    }

    /// Whether all that was asked is seen by others before what is asked from here on ([`order`](crate::store::order)).
    pub(in crate::store) fn keeps_order(&mut self, core: &Core) -> bool {
        if cfg!(broken_order) {
            return true;
        }
        if !self.inner.orders_by_ring() || !core.flows() {
            return false;
        }
        for (lane, door) in self.lanes.iter_mut().zip(&self.inner.doors) {
            let Some(lane) = lane else { continue };
            // Nobody has to be woken for it: who sleeps does not look.
            lane.publish();
            if !lane.outbox.is_empty() || door.standing.is_announced() {
                return false;
            }
        }
        true
    }

    /// Takes answers in, and goes on with what waited for them; whether there were any.
    pub(in crate::store) fn receive(&mut self, mut core: Option<&mut Core>) -> bool {
        let mut any = false;
        if let Some(core) = core.as_deref_mut() {
            let mut own = core.own_answers();
            any |= !own.is_empty();
            for answer in own.drain(..) {
                self.settle(Some(&mut *core), answer);
            }
            core.reuse(own);
        }
        for worker in 0..self.lanes.len() {
            any |= self.receive_from(core.as_deref_mut(), worker);
        }
        for answer in std::mem::take(&mut self.found) {
            any = true;
            self.settle(core.as_deref_mut(), answer);
        }
        self.begin_next_job(core);
        any
    }

    fn receive_from(&mut self, mut core: Option<&mut Core>, worker: usize) -> bool {
        let Some(lane) = &mut self.lanes[worker] else {
            return false;
        };
        // Looked at before the last answers are taken, which were sent before.
        let closed = lane.is_closed() || !self.inner.doors[worker].is_open();
        let mut any = false;
        loop {
            let mut answers: SmallVec<[Answer; 8]> = SmallVec::new();
            let lane = self.lanes[worker].as_mut().expect("it was just there");
            while answers.len() < 8
                && let Ok(answer) = lane.answers.pop()
            {
                answers.push(answer);
            }
            if answers.is_empty() {
                break;
            }
            any = true;
            for answer in answers {
                self.settle(core.as_deref_mut(), answer);
            }
        }
        if let Some(core) = core.as_deref_mut() {
            core.order.has_seen |= any;
        }
        if closed {
            self.lanes[worker] = None;
            let worker_of = &self.inner.worker_of;
            let lost = self
                .flights
                .find(|flight| worker_of[flight.shard] == worker);
            for number in lost {
                let body = stopped();
                self.settle(core.as_deref_mut(), Answer { number, body });
            }
        }
        any
    }

    fn settle(&mut self, core: Option<&mut Core>, answer: Answer) {
        let Answer { number, body } = answer;
        let Some(flight) = self.flights.get_mut(number) else {
            return;
        };
        if let Body::Parked(until) = body {
            let Flight {
                whose, shard, mark, ..
            } = *flight;
            // What it changes, it changes for all to see, when it is served.
            flight.mark = Mark::Nothing;
            self.sides[shard].end(mark);
            return self.deliver(whose, Body::Parked(until));
        }
        let flight = self.flights.end(number).expect("it was just there");
        self.sides[flight.shard].end(flight.mark);
        match flight.whose {
            Whose::Job { job, part } => self.job_answered(core, job, part, body),
            whose => self.deliver(whose, body),
        }
    }

    /// Forgets a question: its answer is nobody's.
    pub(in crate::store) fn forget(&mut self, number: u64) {
        if let Some(flight) = self.flights.end(number) {
            self.sides[flight.shard].end(flight.mark);
        }
    }

    /// Gives up an op in line whose time is over.
    pub(in crate::store) fn cancel_late(&mut self, core: Option<&mut Core>, now: Millis) {
        if let Some((place, until)) = self.line_parked
            && now >= until
        {
            self.line_parked = None;
            self.cancel(core, Whose::Line(place));
        }
    }

    /// Whether an answer is there to be received.
    pub(in crate::store) fn is_ready(&self) -> bool {
        !self.found.is_empty()
            || self.jobs.may_begin()
            || self.lanes.iter().flatten().any(Lane::is_ready)
    }

    /// Answers in line.
    pub(in crate::store) fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    /// Leaves every lane: the owners forget this caller.
    pub(in crate::store) fn leave(&mut self) {
        self.publish();
        for lane in self.lanes.drain(..).flatten() {
            let waker = std::sync::Arc::clone(&lane.waker);
            drop(lane);
            waker.wake();
        }
    }
}
