//! One thread of the driver: its lanes, each with a workload of its own and ops under way.
//!
//! *Closed loop*: as many ops under way as the pipeline allows, a new one for each that ends; an op's
//! latency runs from when it was begun. *Open loop*: ops begin at the moments of a [`Schedule`], and
//! latency runs from these. Either way until the reply is in the caller's hands. Replies are recorded as
//! they come, and shown to the workload in the order of its ops, as it was promised.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use seawall_store::Reply;
use seawall_sys::usage;

use super::lane::Lane;
use super::{Drive, Phase, Stage};
use crate::BenchError;
use crate::cell::Length;
use crate::cost::Effort;
use crate::recording::Recording;
use crate::target::{Client, Endpoint};

/// How many ops of a lane are under way while data is loaded, which nobody measures: with a log that is
/// synced for every reply, one at a time would take minutes.
const LOAD_WINDOW: usize = 256;

/// The longest that a thread sleeps: it must see that a phase ended.
const SLEEP_MAX: Duration = Duration::from_millis(1);

/// What a thread brings back.
#[derive(Debug)]
pub(super) struct Driven {
    pub(super) recording: Recording,
    /// What it spent while the clock ran.
    pub(super) effort: Effort,
}

/// What a client's thread does, from opening to the last reply.
pub(super) fn run<E: Endpoint>(
    endpoint: &E,
    number: usize,
    drive: &Drive<'_>,
    stage: &Stage,
) -> Driven {
    // A panic in a target must end the cell for all, not leave the others waiting.
    let guard = Guard { drive, stage };
    let outcome = follow(endpoint, number, drive, stage);
    std::mem::forget(guard);
    outcome.unwrap_or_else(|error| {
        stage.fail(error);
        Driven {
            recording: Recording::new(),
            effort: Effort::default(),
        }
    })
}

struct Guard<'a> {
    drive: &'a Drive<'a>,
    stage: &'a Stage,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let why = "a client's thread panicked".to_owned();
        self.stage.fail(self.drive.failed(why));
    }
}

fn follow<E: Endpoint>(
    endpoint: &E,
    number: usize,
    drive: &Drive<'_>,
    stage: &Stage,
) -> Result<Driven, BenchError> {
    let (threads, lanes) = (endpoint.threads(), endpoint.lanes());
    let client = endpoint.client(number).map_err(|why| drive.failed(why))?;
    let lanes = (0..lanes)
        .map(|lane| Lane::new(drive, (number * lanes + lane, threads * lanes), E::ANSWERS))
        .collect::<Result<_, _>>()?;
    let mut thread = Thread {
        drive,
        client,
        lanes,
        recording: Recording::new(),
    };

    // An op may need any client's thread, so the first one waits for all of them.
    // Release pairs with the Acquire below.
    stage.opened.fetch_add(1, Ordering::Release);
    while stage.opened.load(Ordering::Acquire) < threads && !stage.has_failed() {
        std::thread::yield_now();
    }

    thread.load(stage)?;
    // Release pairs with the Acquire in `conduct`.
    stage.loaded.fetch_add(1, Ordering::Release);
    let effort = thread.measure(number, threads, stage)?;
    thread.drain(stage)?;
    // Release pairs with the Acquire below: who sees all drained may leave.
    stage.drained.fetch_add(1, Ordering::Release);
    while stage.drained.load(Ordering::Acquire) < threads && !stage.has_failed() {
        thread.idle()?;
    }
    Ok(Driven {
        recording: thread.recording,
        effort,
    })
}

/// What the calling thread had spent at a moment.
struct Moment {
    at: Instant,
    ran: Duration,
    waited: Option<Duration>,
}

impl Moment {
    fn now() -> Moment {
        Moment {
            at: Instant::now(),
            ran: usage::thread_cpu(),
            // Where the kernel keeps no account, nobody is known to have waited.
            waited: usage::thread_waited().ok(),
        }
    }

    fn since(&self, earlier: &Moment) -> Effort {
        let waited = self.waited.zip(earlier.waited);
        Effort {
            ran: self.ran.saturating_sub(earlier.ran),
            waited: waited.map_or(Duration::ZERO, |(now, then)| now.saturating_sub(then)),
            time: self.at.saturating_duration_since(earlier.at),
        }
    }
}

/// A thread's client and lanes.
struct Thread<'a, C> {
    drive: &'a Drive<'a>,
    client: C,
    lanes: Vec<Lane<'a>>,
    recording: Recording,
}

impl<C: Client> Thread<'_, C> {
    /// Sends what each lane's workload wants to be there first, and waits for it.
    fn load(&mut self, stage: &Stage) -> Result<(), BenchError> {
        let mut loading = true;
        while loading && !stage.has_failed() {
            loading = false;
            for (number, lane) in self.lanes.iter_mut().enumerate() {
                loading |= lane.load(&mut self.client, number, LOAD_WINDOW)?;
            }
            let most = if loading { SLEEP_MAX } else { Duration::ZERO };
            self.poll(Instant::now() + most, false)?;
        }
        self.drain(stage)
    }

    /// Warms up and measures; what the thread spent while the clock ran.
    fn measure(
        &mut self,
        number: usize,
        threads: usize,
        stage: &Stage,
    ) -> Result<Effort, BenchError> {
        let quota = match self.drive.length {
            Length::Time(_) => u64::MAX,
            // The first threads take one more where the ops do not divide.
            Length::Ops(ops) => (ops + threads as u64 - 1 - number as u64) / threads as u64,
        };
        let mut begun = None;
        let mut finished = false;
        loop {
            match stage.phase() {
                Phase::Load => self.idle()?,
                Phase::Warm => self.turn(false)?,
                Phase::Measure if self.recording.ops() < quota => {
                    begun.get_or_insert_with(Moment::now);
                    self.turn(true)?;
                }
                Phase::Measure => {
                    if !finished {
                        finished = true;
                        // Release pairs with the Acquire in `conduct`.
                        stage.finished.fetch_add(1, Ordering::Release);
                    }
                    self.idle()?;
                }
                Phase::Settle | Phase::Stop => break,
            }
        }
        let effort = begun.map_or_else(Effort::default, |begun| Moment::now().since(&begun));
        let end = Instant::now();
        for lane in &mut self.lanes {
            lane.give_up(end, &mut self.recording);
        }
        while stage.phase() < Phase::Stop {
            self.idle()?;
        }
        Ok(effort)
    }

    /// Begins what is to be begun, and takes what came.
    fn turn(&mut self, measuring: bool) -> Result<(), BenchError> {
        let now = Instant::now();
        let mut until = now + SLEEP_MAX;
        let mut recording = measuring.then_some(&mut self.recording);
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            let next = lane.fill(&mut self.client, number, now, recording.as_deref_mut())?;
            until = next.map_or(until, |next| until.min(next));
        }
        self.poll(until, measuring)
    }

    /// Takes the replies that come, and begins nothing.
    fn idle(&mut self) -> Result<(), BenchError> {
        self.poll(Instant::now() + SLEEP_MAX, false)
    }

    /// Takes the replies that come before `until`; they are recorded where `measuring`.
    fn poll(&mut self, until: Instant, measuring: bool) -> Result<(), BenchError> {
        let Thread {
            drive,
            client,
            lanes,
            recording,
        } = self;
        let mut failure = None;
        client
            .poll(until, &mut |lane, ticket, reply: &mut Reply| {
                if failure.is_some() {
                    return;
                }
                let recording = measuring.then_some(&mut *recording);
                let taken = match lanes.get_mut(lane) {
                    Some(lane) => lane.receive(ticket, reply, recording),
                    None => Err(drive.failed(format!("a reply in lane {lane}, which is none"))),
                };
                failure = taken.err();
            })
            .map_err(|why| drive.failed(why))?;
        failure.map_or(Ok(()), Err)
    }

    /// Waits until nothing is under way, or another client failed.
    fn drain(&mut self, stage: &Stage) -> Result<(), BenchError> {
        while self.lanes.iter().any(Lane::is_waiting) && !stage.has_failed() {
            self.idle()?;
        }
        Ok(())
    }
}
