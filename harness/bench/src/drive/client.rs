//! One thread of the driver: its lanes, each with a workload of its own and ops under way.
//!
//! *Closed loop*: as many ops under way as the pipeline allows, a new one for each that ends; an op's
//! latency runs from when it was begun. *Open loop*: ops begin at the moments of a [`Schedule`], and
//! latency runs from these. Either way until the reply is in the caller's hands. Replies are recorded as
//! they come, and shown to the workload in the order of its ops, as it was promised.

use std::time::{Duration, Instant};

use seawall_store::Reply;
use seawall_sys::usage;

use super::Drive;
use super::lane::Lane;
use super::stage::{Driven, Phase, Stage};
use crate::BenchError;
use crate::cell::Length;
use crate::cost::Effort;
use crate::recording::Recording;
use crate::target::{Came, Client, Deal, Endpoint};

/// How many ops of a lane are under way while data is loaded, which nobody measures: with a log that is
/// synced for every reply, one at a time would take minutes.
const LOAD_WINDOW: usize = 256;

/// The longest that a thread sleeps: it must see that a phase ended.
const SLEEP_MAX: Duration = Duration::from_millis(1);

/// The longest that a thread sleeps while others have their turn.
const REST_MAX: Duration = Duration::from_millis(10);

/// What a client's thread does, from opening to the last reply.
pub(super) fn run<E: Endpoint>(endpoint: &E, number: usize, drive: &Drive<'_>, stage: &Stage) {
    // A panic in a target must end the cell for all, not leave the others waiting.
    let guard = Guard { drive, stage };
    let outcome = follow(endpoint, number, drive, stage);
    std::mem::forget(guard);
    if let Err(error) = outcome {
        stage.fail(error);
    }
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
) -> Result<(), BenchError> {
    let (threads, lanes) = (endpoint.threads(), endpoint.lanes());
    let client = endpoint.client(number).map_err(|why| drive.failed(why))?;
    let lanes = (0..lanes)
        .map(|lane| {
            // What was not loaded here may be otherwise than the workload thinks.
            let verify = E::ANSWERS && drive.loads;
            Lane::new(drive, (number * lanes + lane, threads * lanes), verify)
        })
        .collect::<Result<_, _>>()?;
    // On a CPU of its own it need not sleep, and is never woken late.
    let alone = |deal: &Deal| !deal.shared && threads <= deal.generator.len();
    let mut thread = Thread {
        drive,
        client,
        lanes,
        recording: Recording::new(drive.configuration.timeline),
        spins: drive.configuration.rate.is_some() && endpoint.deal().is_some_and(alone),
    };

    // An op may need any client's thread, so the first one waits for all of them.
    stage.opened();
    while !stage.all_opened() && !stage.has_failed() {
        std::thread::yield_now();
    }

    if drive.loads {
        thread.load(stage)?;
    }
    stage.arrive();
    while !stage.has_failed() {
        match stage.phase() {
            Phase::Load | Phase::Settle => thread.idle(SLEEP_MAX)?,
            Phase::Rest => thread.idle(REST_MAX)?,
            Phase::Warm | Phase::Measure => {
                let effort = thread.measure(number, threads, stage)?;
                let recording = thread.take_recording();
                stage.bring(Driven { recording, effort });
                if !matches!(stage.phase(), Phase::Beyond | Phase::End) {
                    thread.drain(stage)?;
                }
                stage.arrive();
            }
            Phase::Beyond | Phase::End => {
                thread.outlast(stage)?;
                break;
            }
            Phase::Stop => break,
        }
    }
    drop(thread);
    stage.leave();
    Ok(())
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
    /// Whether it looks for replies without sleeping.
    spins: bool,
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
                Phase::Warm => self.turn(false)?,
                Phase::Measure if self.recording.ops() < quota => {
                    let begun = begun.get_or_insert_with(Moment::now);
                    self.recording.begin(begun.at);
                    self.turn(true)?;
                }
                Phase::Measure => {
                    if !finished {
                        finished = true;
                        stage.finish();
                    }
                    self.idle(SLEEP_MAX)?;
                }
                _ => break,
            }
        }
        let effort = begun.map_or_else(Effort::default, |begun| Moment::now().since(&begun));
        let end = Instant::now();
        for lane in &mut self.lanes {
            lane.give_up(end, &mut self.recording);
            lane.rest();
        }
        Ok(effort)
    }

    /// Goes on, unrecorded, until the target is gone.
    fn outlast(&mut self, stage: &Stage) -> Result<(), BenchError> {
        while matches!(stage.phase(), Phase::Beyond | Phase::End) && !stage.has_failed() {
            match self.turn(false) {
                // The phase is entered before the target ends: whoever meets that end finds it entered.
                Err(_) if stage.phase() == Phase::End => break,
                turned => turned?,
            }
        }
        Ok(())
    }

    /// What it saw since it was asked last.
    fn take_recording(&mut self) -> Recording {
        let empty = Recording::new(self.drive.configuration.timeline);
        std::mem::replace(&mut self.recording, empty)
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
        self.poll(if self.spins { now } else { until }, measuring)
    }

    /// Takes the replies that come, and begins nothing; sleeps for so long at most.
    fn idle(&mut self, most: Duration) -> Result<(), BenchError> {
        self.poll(Instant::now() + most, false)
    }

    /// Takes the replies that come before `until`; they are recorded where `measuring`.
    fn poll(&mut self, until: Instant, measuring: bool) -> Result<(), BenchError> {
        let Thread {
            drive,
            client,
            lanes,
            recording,
            ..
        } = self;
        let mut failure = None;
        client
            .poll(until, &mut |came: Came, reply: &mut Reply| {
                if failure.is_some() {
                    return;
                }
                let recording = measuring.then_some(&mut *recording);
                let taken = match lanes.get_mut(came.lane) {
                    Some(lane) => lane.receive(came, reply, recording),
                    None => {
                        Err(drive.failed(format!("a reply in lane {}, which is none", came.lane)))
                    }
                };
                failure = taken.err();
            })
            .map_err(|why| drive.failed(why))?;
        failure.map_or(Ok(()), Err)
    }

    /// Waits until nothing is under way, or another client failed.
    fn drain(&mut self, stage: &Stage) -> Result<(), BenchError> {
        while self.lanes.iter().any(Lane::is_waiting) && !stage.has_failed() {
            self.idle(SLEEP_MAX)?;
        }
        Ok(())
    }
}
