//! One thread's closed loop: as many ops under way as the pipeline allows, a new one for each that
//! ends.
//!
//! An op's latency runs from when it was begun until its reply is in the caller's hands. Replies are
//! recorded as they come, and shown to the workload in the order of the ops, as it was promised.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Instant;

use seawall_store::{Op, Reply};
use seawall_workloads::Workload;

use super::{Drive, Phase, Stage};
use crate::BenchError;
use crate::cell::Length;
use crate::recording::Recording;
use crate::target::{Client, Endpoint};

/// How many ops are under way while data is loaded, which nobody measures: with a log that is synced
/// for every reply, one at a time would take minutes.
const LOAD_WINDOW: usize = 256;

/// What a client's thread does, from opening to the last reply.
pub(super) fn run<E: Endpoint>(
    endpoint: &E,
    number: usize,
    drive: &Drive<'_>,
    stage: &Stage,
) -> Recording {
    // A panic in a target must end the cell for all, not leave the others waiting.
    let guard = Guard { drive, stage };
    let outcome = follow(endpoint, number, drive, stage);
    std::mem::forget(guard);
    match outcome {
        Ok(recording) => recording,
        Err(error) => {
            stage.fail(error);
            Recording::new()
        }
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
) -> Result<Recording, BenchError> {
    let clients = endpoint.clients();
    let workload = (drive.build)(drive.workload, drive.seed, number, clients).map_err(|why| {
        BenchError::Workload {
            workload: drive.workload.to_owned(),
            why,
        }
    })?;
    let client = endpoint.client(number).map_err(|why| drive.failed(why))?;
    let mut lane = Lane {
        drive,
        client,
        workload,
        verify: E::ANSWERS,
        pending: VecDeque::with_capacity(drive.configuration.pipeline),
        first: 0,
        recording: Recording::new(),
    };

    // An op may need any client's thread, so the first one waits for all of them.
    // Release pairs with the Acquire below.
    stage.opened.fetch_add(1, Ordering::Release);
    while stage.opened.load(Ordering::Acquire) < clients && !stage.has_failed() {
        std::thread::yield_now();
    }

    while let Some(op) = lane.workload.preload() {
        lane.begin(op, false)?;
        while lane.pending.len() >= LOAD_WINDOW && !stage.has_failed() {
            lane.poll(false)?;
        }
        if stage.has_failed() {
            return Ok(lane.recording);
        }
    }
    lane.drain(stage)?;
    // Release pairs with the Acquire in `conduct`.
    stage.loaded.fetch_add(1, Ordering::Release);

    let quota = match drive.length {
        Length::Time(_) => u64::MAX,
        // The first clients take one more where the ops do not divide.
        Length::Ops(ops) => (ops + clients as u64 - 1 - number as u64) / clients as u64,
    };
    let mut finished = false;
    loop {
        match stage.phase() {
            Phase::Load | Phase::Settle => lane.poll(false)?,
            Phase::Warm => {
                lane.fill(false)?;
                lane.poll(false)?;
            }
            Phase::Measure if lane.recording.ops() < quota => {
                lane.fill(true)?;
                lane.poll(true)?;
            }
            Phase::Measure => {
                if !finished {
                    finished = true;
                    // Release pairs with the Acquire in `conduct`.
                    stage.finished.fetch_add(1, Ordering::Release);
                }
                lane.poll(false)?;
            }
            Phase::Stop => break,
        }
    }
    lane.drain(stage)?;
    // Release pairs with the Acquire below: who sees all drained may leave.
    stage.drained.fetch_add(1, Ordering::Release);
    while stage.drained.load(Ordering::Acquire) < clients && !stage.has_failed() {
        lane.poll(false)?;
    }
    Ok(lane.recording)
}

/// An op under way.
struct Pending {
    op: Op,
    begun: Instant,
    reply: Option<Reply>,
}

/// A client with its workload and what it has under way.
struct Lane<'a, C> {
    drive: &'a Drive<'a>,
    client: C,
    workload: Box<dyn Workload>,
    verify: bool,
    pending: VecDeque<Pending>,
    /// The ticket of the front of `pending`.
    first: u64,
    recording: Recording,
}

impl<C: Client> Lane<'_, C> {
    fn begin(&mut self, op: Op, measuring: bool) -> Result<(), BenchError> {
        let ticket = self.first + self.pending.len() as u64;
        let begun = Instant::now();
        let reply = self
            .client
            .submit(ticket, &op)
            .map_err(|why| self.drive.failed(why))?;
        if let Some(reply) = &reply
            && measuring
        {
            self.recording
                .record(begun.elapsed(), matches!(reply, Reply::Error(_)));
        }
        self.pending.push_back(Pending { op, begun, reply });
        self.show()
    }

    /// Begins at most a pipeline of ops; those that are answered at once make no room for more, so
    /// that polling is never put off for long.
    fn fill(&mut self, measuring: bool) -> Result<(), BenchError> {
        for _ in self.pending.len()..self.drive.configuration.pipeline {
            let op = self.workload.next();
            self.begin(op, measuring)?;
        }
        Ok(())
    }

    /// Takes the replies that came; they are recorded where `measuring`.
    fn poll(&mut self, measuring: bool) -> Result<(), BenchError> {
        let Lane {
            client,
            pending,
            first,
            recording,
            ..
        } = self;
        let mut strange = None;
        client
            .poll(&mut |ticket, reply| {
                let slot = ticket
                    .checked_sub(*first)
                    .and_then(|at| pending.get_mut(usize::try_from(at).ok()?))
                    .filter(|slot| slot.reply.is_none());
                let Some(slot) = slot else {
                    strange = Some(ticket);
                    return;
                };
                if measuring {
                    let refused = matches!(reply, Reply::Error(_));
                    recording.record(slot.begun.elapsed(), refused);
                }
                slot.reply = Some(reply);
            })
            .map_err(|why| self.drive.failed(why))?;
        if let Some(ticket) = strange {
            let why = format!("a reply to op {ticket}, which waits for none");
            return Err(self.drive.failed(why));
        }
        self.show()
    }

    /// Shows replies to the workload, in order, as far as they are there.
    fn show(&mut self) -> Result<(), BenchError> {
        while let Some(Pending { reply: Some(_), .. }) = self.pending.front() {
            let Some(Pending {
                op,
                reply: Some(reply),
                ..
            }) = self.pending.pop_front()
            else {
                unreachable!("the front was just seen to have a reply");
            };
            self.first += 1;
            if self.verify {
                self.workload
                    .observe(&op, &reply)
                    .map_err(|mismatch| BenchError::Mismatch {
                        target: self.drive.target,
                        workload: self.drive.workload.to_owned(),
                        mismatch,
                    })?;
            }
        }
        Ok(())
    }

    /// Waits until nothing is under way, or another client failed.
    fn drain(&mut self, stage: &Stage) -> Result<(), BenchError> {
        while !self.pending.is_empty() && !stage.has_failed() {
            self.poll(false)?;
        }
        Ok(())
    }
}
