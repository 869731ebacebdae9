//! Driving a target: load it, warm it up, measure it, stop. What one thread does meanwhile is in
//! [`client`]; when ops of an open loop begin, in [`schedule`].
//!
//! ```text
//!            Load ───────► Warm ─────► Measure ────────► Settle ─────► Stop
//!  clients   open, preload  ops         ops, recorded     only poll     drain, leave together
//!  here      all loaded?    sleep       sleep, or wait    ask for hits  add up
//! ```
//!
//! The calling thread only sleeps and looks at clocks. No client leaves before all have drained,
//! since a client's thread may be the worker that another one waits for.

mod client;
mod lane;
mod schedule;

pub use schedule::Arrivals;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use seawall_sys::{load, pin};
use seawall_workloads::Workload;
use serde_json::{Map, Value};

use crate::BenchError;
use crate::cell::Length;
use crate::cost::{Reading, Spent};
use crate::recording::Recording;
use crate::setting::Configuration;
use crate::target::{Deal, Endpoint, Lookups};

/// How long the calling thread sleeps between two looks at its clients.
const LOOK: Duration = Duration::from_millis(1);

/// Makes a workload: its text, the seed, the client's number, and how many clients there are.
pub(crate) type Build = fn(&str, u64, usize, usize) -> Result<Box<dyn Workload>, String>;

/// What is driven, with what, for how long.
pub(crate) struct Drive<'a> {
    /// The target, as given.
    pub(crate) target: &'a str,
    /// What follows the target's name: where it is, which one.
    pub(crate) which: &'a str,
    /// The workload, as given.
    pub(crate) workload: &'a str,
    /// What makes the workload for each client.
    pub(crate) build: Build,
    /// What is set.
    pub(crate) configuration: &'a Configuration,
    /// Seeds the workload.
    pub(crate) seed: u64,
    /// How long before measuring.
    pub(crate) warmup: Duration,
    /// How much is measured.
    pub(crate) length: Length,
    /// A folder where the target may make one of its own.
    pub(crate) scratch: &'a Path,
    /// What an op's latency counts from in an open loop, of when it was meant to be sent and when it
    /// was.
    pub(crate) latency_from: fn(Instant, Instant) -> Instant,
}

/// Latency as whoever wanted the op sees it.
pub(crate) fn from_meant(meant: Instant, _sent: Instant) -> Instant {
    meant
}

/// What came of it.
pub(crate) struct Measured {
    /// All clients' recordings.
    pub(crate) recording: Recording,
    /// How many clients there were: lanes of all threads.
    pub(crate) clients: usize,
    /// Wall-clock seconds.
    pub(crate) seconds: f64,
    /// CPU time of target and driver meanwhile.
    pub(crate) spent: Spent,
    /// Hits over lookups meanwhile.
    pub(crate) hit_ratio: Option<f64>,
    /// Resident bytes of the target at the end; 0 where nobody tells.
    pub(crate) rss_bytes: u64,
    /// The same before anything was loaded, of a target that is apart.
    pub(crate) rss_bytes_before: Option<u64>,
    /// How many keys the target held at the end.
    pub(crate) keys: Option<u64>,
    /// What the target says besides.
    pub(crate) notes: Map<String, Value>,
}

impl Drive<'_> {
    /// How many clients the configuration asks for: `threads`, or one a core.
    pub(crate) fn clients_wanted(&self) -> usize {
        self.configuration
            .threads
            .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
    }

    pub(crate) fn failed(&self, why: String) -> BenchError {
        BenchError::Target {
            target: self.target.to_owned(),
            why,
        }
    }
}

/// Where a cell stands; every client follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Phase {
    Load,
    Warm,
    Measure,
    Settle,
    Stop,
}

/// What the calling thread and the clients share.
struct Stage {
    phase: AtomicU8,
    opened: AtomicUsize,
    loaded: AtomicUsize,
    finished: AtomicUsize,
    drained: AtomicUsize,
    failure: Mutex<Option<BenchError>>,
    failed: AtomicUsize,
}

impl Stage {
    fn new() -> Stage {
        Stage {
            phase: AtomicU8::new(Phase::Load as u8),
            opened: AtomicUsize::new(0),
            loaded: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
            drained: AtomicUsize::new(0),
            failure: Mutex::new(None),
            failed: AtomicUsize::new(0),
        }
    }

    fn enter(&self, phase: Phase) {
        // Release pairs with the Acquire in `phase`: a client that sees a phase sees what was done
        // before it.
        self.phase.store(phase as u8, Ordering::Release);
    }

    fn phase(&self) -> Phase {
        // Pairs with the Release in `enter`.
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Load,
            1 => Phase::Warm,
            2 => Phase::Measure,
            3 => Phase::Settle,
            _ => Phase::Stop,
        }
    }

    /// Ends the cell; the first error is kept.
    fn fail(&self, error: BenchError) {
        let mut failure = self
            .failure
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        failure.get_or_insert(error);
        // Release pairs with the Acquire in `has_failed`.
        self.failed.store(1, Ordering::Release);
    }

    fn has_failed(&self) -> bool {
        // Pairs with the Release in `fail`.
        self.failed.load(Ordering::Acquire) != 0
    }
}

/// Runs one cell on a target of type `E`.
pub(crate) fn run<E: Endpoint>(drive: &Drive<'_>) -> Result<Measured, BenchError> {
    let endpoint = E::open(drive).map_err(|why| drive.failed(why))?;
    let clients = endpoint.threads();
    let stage = Stage::new();
    let rss_before = E::APART
        .then(|| endpoint.cost())
        .transpose()
        .map_err(|why| drive.failed(why))?
        .and_then(|cost| cost.rss_bytes);
    let (recording, efforts, interval) = thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|number| {
                let (endpoint, stage) = (&endpoint, &stage);
                scope.spawn(move || client::run(endpoint, number, drive, stage))
            })
            .collect();
        // This thread looks at clocks a thousand times a second: not on the target's CPUs.
        let looks_on = endpoint.deal().and_then(|deal| deal.generator.last());
        let pinned = looks_on.is_some_and(|&cpu| pin::pin(cpu).is_ok());
        let interval = conduct(&endpoint, drive, &stage);
        if pinned {
            // It would stay on a CPU that it could share: slower, and no more.
            let _ = pin::unpin();
        }
        let (mut all, mut efforts) = (Recording::new(), Vec::new());
        for thread in threads {
            match thread.join() {
                Ok(driven) => {
                    all.add(&driven.recording);
                    efforts.push(driven.effort);
                }
                Err(_) => stage.fail(drive.failed("a client's thread panicked".to_owned())),
            }
        }
        (all, efforts, interval)
    });
    let notes = endpoint.notes();
    let clients = clients * endpoint.lanes();
    let deal = endpoint.deal().cloned();
    let failure = stage.failure.into_inner();
    let failure = failure.unwrap_or_else(std::sync::PoisonError::into_inner);
    let closed = endpoint.close(failure.is_some());
    match (failure, closed) {
        // What a client saw, and what the target knows of it.
        (Some(BenchError::Target { why, .. }), Err(told)) => {
            return Err(drive.failed(format!("{why}; {told}")));
        }
        (Some(error), _) => return Err(error),
        (None, closed) => closed.map_err(|why| drive.failed(why))?,
    }
    let interval = interval.expect("a cell that did not fail was measured");
    if recording.ops() == 0 {
        return Err(BenchError::Nothing {
            target: drive.target.to_owned(),
            workload: drive.workload.to_owned(),
        });
    }
    let drivers = deal.as_ref().map(|deal| deal.drivers(&efforts));
    let spent = Spent::between(&interval.before, &interval.after, interval.time, drivers);
    Ok(Measured {
        recording,
        clients,
        seconds: interval.time.as_secs_f64(),
        spent,
        hit_ratio: interval.hit_ratio,
        rss_bytes: interval.after.cost.rss_bytes.unwrap_or(0),
        rss_bytes_before: rss_before,
        keys: interval.keys,
        notes,
    })
}

/// What the calling thread saw between the beginning and the end of measuring.
struct Interval {
    time: Duration,
    before: Reading,
    after: Reading,
    hit_ratio: Option<f64>,
    keys: Option<u64>,
}

/// Leads the clients through the phases; `None` where one of them failed.
fn conduct<E: Endpoint>(endpoint: &E, drive: &Drive<'_>, stage: &Stage) -> Option<Interval> {
    let clients = endpoint.threads();
    let cpus = endpoint.deal().map(Deal::cpus);
    let read = || {
        let cost = endpoint.cost().map_err(|why| {
            stage.fail(drive.failed(why));
            stage.enter(Phase::Stop);
        });
        let load = cpus.as_ref().and_then(|cpus| load::of(cpus).ok());
        Some(Reading {
            cost: cost.ok()?,
            load,
        })
    };
    wait(stage, || {
        // Pairs with the Release in `client::run`.
        stage.loaded.load(Ordering::Acquire) == clients
    })?;
    stage.enter(Phase::Warm);
    let warm = Instant::now();
    wait(stage, || warm.elapsed() >= drive.warmup)?;

    let lookups_before = endpoint.lookups();
    let before = read()?;
    let begin = Instant::now();
    stage.enter(Phase::Measure);
    match drive.length {
        Length::Time(length) => wait(stage, || begin.elapsed() >= length)?,
        Length::Ops(_) => wait(stage, || {
            // Pairs with the Release in `client::run`.
            stage.finished.load(Ordering::Acquire) == clients
        })?,
    }
    stage.enter(Phase::Settle);
    let time = begin.elapsed();
    let after = read()?;
    let lookups = endpoint.lookups();
    let keys = endpoint.keys();
    stage.enter(Phase::Stop);
    Some(Interval {
        time,
        before,
        after,
        hit_ratio: hit_ratio(lookups_before, lookups),
        keys,
    })
}

/// Sleeps until `ready`; `None` where a client failed meanwhile.
fn wait(stage: &Stage, ready: impl Fn() -> bool) -> Option<()> {
    loop {
        if stage.has_failed() {
            stage.enter(Phase::Stop);
            return None;
        }
        if ready() {
            return Some(());
        }
        thread::sleep(LOOK);
    }
}

fn hit_ratio(before: Option<Lookups>, after: Option<Lookups>) -> Option<f64> {
    let (before, after) = (before?, after?);
    let hits = after.hits.saturating_sub(before.hits);
    let all = hits + after.misses.saturating_sub(before.misses);
    (all > 0).then(|| hits as f64 / all as f64)
}

#[cfg(test)]
mod tests;
