//! What a session has on its way: questions by number, the lanes that carry them, and waiting.

use std::time::Duration;

use rapidhash::v3::rapidhash_v3;
use smallvec::SmallVec;

use super::host::error_body;
use super::link::{Answer, Ask, Body, Lane, Request, TOUCHES};
use super::ring::publish;
use super::session::Session;
use super::worker::{Core, SPINS};
use crate::command::CommandError;
use crate::keyspace::Touched;
use crate::op::Op;

/// How many requests are published together.
const BATCH: usize = 32;
/// The longest sleep before looking whether a worker has stopped.
const AWHILE: Duration = Duration::from_millis(50);
/// The longest sleep while a log is being synced.
const AWHILE_BUSY: Duration = Duration::from_micros(20);

/// What a session keeps for each shard.
#[derive(Default)]
pub(super) struct Side {
    /// Writes of one key that are on their way: the hashes of their keys.
    writes: SmallVec<[u64; 16]>,
    /// Writes of several keys that are on their way.
    wide_writes: u32,
    pub(super) touched: SmallVec<[Touched; TOUCHES]>,
    pub(super) hits: u32,
    pub(super) misses: u32,
}

/// What an op on its way writes.
#[derive(Clone, Copy)]
pub(super) enum Writes {
    Nothing,
    Key(u64),
    Keys,
}

pub(super) struct Pending {
    shard: usize,
    writes: Writes,
    pub(super) body: Option<Body>,
}

impl Side {
    /// Whether a write of `key` may be on its way.
    #[inline]
    pub(super) fn may_change(&self, key: &[u8]) -> bool {
        self.wide_writes > 0 || !self.writes.is_empty() && self.writes.contains(&rapidhash_v3(key))
    }

    fn begin(&mut self, writes: Writes) {
        match writes {
            Writes::Nothing => {}
            Writes::Key(hash) => self.writes.push(hash),
            Writes::Keys => self.wide_writes += 1,
        }
    }

    fn end(&mut self, writes: Writes) {
        match writes {
            Writes::Nothing => {}
            Writes::Key(hash) => {
                let at = self.writes.iter().position(|&other| other == hash);
                self.writes.swap_remove(at.expect("the write had begun"));
            }
            Writes::Keys => self.wide_writes -= 1,
        }
    }
}

pub(super) fn writes_of(op: &Op) -> Writes {
    let mut keys = op.keys();
    match (op.command().flags.writes(), keys.next(), keys.next()) {
        (false, ..) => Writes::Nothing,
        (true, Some(key), None) => Writes::Key(rapidhash_v3(key)),
        (true, ..) => Writes::Keys,
    }
}

impl Session {
    /// Asks several shards and waits for all: their answers in the order of `asks`.
    pub(super) fn call(
        &mut self,
        mut core: Option<&mut Core>,
        asks: Vec<(usize, Ask)>,
    ) -> Vec<Body> {
        let count = asks.len();
        for (shard, ask) in asks {
            self.ask(core.as_deref_mut(), shard, Writes::Nothing, ask);
        }
        self.pump(core, |session| {
            let last = session.pending.iter().rev().take(count);
            last.into_iter().all(|pending| pending.body.is_some())
        });
        let at = self.pending.len() - count;
        let answered = self.pending.drain(at..);
        answered.filter_map(|pending| pending.body).collect()
    }

    /// An answer that is there already.
    pub(super) fn answered(&mut self, body: Body) {
        self.pending.push_back(Pending {
            shard: 0,
            writes: Writes::Nothing,
            body: Some(body),
        });
    }

    pub(super) fn ask(&mut self, core: Option<&mut Core>, shard: usize, writes: Writes, ask: Ask) {
        let number = self.first + self.pending.len() as u64;
        let request = Request { number, shard, ask };
        let worker = self.inner.worker_of[shard];
        let mut body = None;
        match core {
            Some(core) if self.own == Some(worker) => core.ask_own(request),
            _ => match self.lane(worker) {
                Some(lane) => {
                    lane.outbox.push_back(request);
                    if lane.outbox.len() >= BATCH
                        && publish(&mut lane.requests, &mut lane.outbox) > 0
                    {
                        lane.waker.wake();
                    }
                }
                None => body = Some(stopped()),
            },
        }
        let writes = match body {
            None => writes,
            Some(_) => Writes::Nothing,
        };
        self.sides[shard].begin(writes);
        self.unanswered += usize::from(body.is_none());
        self.pending.push_back(Pending {
            shard,
            writes,
            body,
        });
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

    /// Sends, receives and, on a worker, turns, until it is `done`.
    pub(super) fn pump(&mut self, mut core: Option<&mut Core>, done: impl Fn(&Session) -> bool) {
        loop {
            self.send();
            if done(self) {
                return;
            }
            let mut busy = false;
            if let Some(core) = core.as_deref_mut() {
                busy = core.turn(core.now).busy;
                self.receive_own(core);
            }
            busy |= self.receive();
            if done(self) {
                return;
            }
            let at_most = if busy { AWHILE_BUSY } else { AWHILE };
            match core.as_deref_mut() {
                Some(core) => core.wait(at_most, |_| self.is_ready()),
                None => self.wait(at_most),
            }
        }
    }

    pub(super) fn send(&mut self) {
        for lane in self.lanes.iter_mut().flatten() {
            if publish(&mut lane.requests, &mut lane.outbox) > 0 {
                lane.waker.wake();
            }
        }
    }

    pub(super) fn receive_own(&mut self, core: &mut Core) {
        let answers: SmallVec<[Answer; 8]> = core.own_answers().collect();
        answers.into_iter().for_each(|answer| self.settle(answer));
    }

    /// Takes answers in; whether there were any.
    pub(super) fn receive(&mut self) -> bool {
        let mut any = false;
        for worker in 0..self.lanes.len() {
            let Some(lane) = &mut self.lanes[worker] else {
                continue;
            };
            // Looked at before the last answers are taken, which were sent before.
            let closed = lane.is_closed() || !self.inner.doors[worker].is_open();
            let mut answers: SmallVec<[Answer; 8]> = SmallVec::new();
            while let Ok(answer) = lane.answers.pop() {
                answers.push(answer);
            }
            any |= !answers.is_empty();
            answers.into_iter().for_each(|answer| self.settle(answer));
            if closed {
                self.lanes[worker] = None;
                for at in 0..self.pending.len() {
                    let pending = &self.pending[at];
                    if pending.body.is_none() && self.inner.worker_of[pending.shard] == worker {
                        let number = self.first + at as u64;
                        self.settle(Answer {
                            number,
                            body: stopped(),
                        });
                    }
                }
            }
        }
        any
    }

    fn settle(&mut self, answer: Answer) {
        let at = usize::try_from(answer.number.wrapping_sub(self.first));
        let Some(pending) = at.ok().and_then(|at| self.pending.get_mut(at)) else {
            return;
        };
        if pending.body.is_none() {
            self.sides[pending.shard].end(pending.writes);
            self.unanswered -= 1;
            pending.body = Some(answer.body);
        }
    }

    fn is_ready(&self) -> bool {
        self.lanes.iter().flatten().any(Lane::is_ready)
    }

    fn wait(&self, at_most: Duration) {
        if self.inner.may_spin() {
            for _ in 0..SPINS {
                if self.is_ready() {
                    return;
                }
                std::hint::spin_loop();
            }
        }
        if let Some(sleeper) = &self.sleeper {
            sleeper.sleep(at_most, || self.is_ready());
        }
    }
}

fn stopped() -> Body {
    error_body(&CommandError::new(
        "ERR the worker of this shard has stopped",
    ))
}
