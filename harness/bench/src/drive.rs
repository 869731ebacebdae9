//! Driving a target: load it, warm it up, measure it, stop. What one thread does meanwhile is in
//! [`client`]; when ops of an open loop begin, in [`schedule`].
//!
//! ```text
//!            Load ───────► Rest ───────► Warm ─────► Measure ───────► Settle ─────► Rest … ► Stop
//!  clients   open, preload  only poll     ops         ops, recorded    drain         only poll
//!  here      all loaded?    whose turn?   sleep       sleep, or wait   ask for hits  add up
//! ```
//!
//! A target that is to end in the midst of its load (it is killed, say) has one turn, and there is no `Settle`:
//!
//! ```text
//!            Measure ─────► Beyond ─────────────► End
//!  clients   ops, recorded  ops                   ops, until what they are driving is gone
//!  here      sleep          ask for hits, sleep   end it; when clients are gone, it serves again
//! ```
//!
//! So its figures are of a time in which nothing ends. Then it may be driven once more ([`recovery`]).
//!
//! The calling thread only sleeps and looks at clocks. What is compared may be open together and is measured
//! in turns ([`Turns`]); who has none rests. No client leaves before all have drained, since a client's thread
//! may be the worker that another one waits for.

mod client;
mod lane;
pub(crate) mod recovery;
mod schedule;
mod stage;
mod turns;

pub use schedule::Arrivals;
pub(crate) use turns::{Once, Turns};

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use seawall_sys::{load, pin};
use seawall_workloads::{Stock, Workload};
use serde_json::{Map, Value};

use crate::BenchError;
use crate::cell::Length;
use crate::cost::{Reading, Spent};
use crate::gap;
use crate::recording::Recording;
use crate::saving::Watch;
use crate::setting::Configuration;
use crate::target::{Deal, Ended, Endpoint, Lookups, Standing};

use stage::{Phase, Stage};

/// How long the calling thread sleeps at most between two looks at its clients. It shares a CPU with one of
/// them, whose ops wait while it looks.
const LOOK: Duration = Duration::from_millis(1);
const LOOK_MEASURING: Duration = Duration::from_millis(25);

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
    /// For how much of that time more the load goes on, where the target ends in the midst of it.
    pub(crate) beyond: f64,
    /// Seeds how long the syncs of a folder that loses power take, and what they cover.
    pub(crate) disk_seed: u64,
    /// Whether clients load first what the workload wants to be there.
    pub(crate) loads: bool,
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
    /// What the target held at the end.
    pub(crate) standing: Option<Standing>,
    /// What was loaded, where nothing was added to it.
    pub(crate) stock: Option<Stock>,
    /// When, from the start, the target was writing a snapshot; looked for where there is a time line.
    pub(crate) saving: Vec<(Duration, Duration)>,
    /// What the target says besides.
    pub(crate) notes: Map<String, Value>,
}

impl Measured {
    /// Resident bytes of an item beyond what is in it; of a target that is apart and began empty.
    pub(crate) fn bytes_per_item(&self) -> Option<f64> {
        let Stock { items, bytes } = self.stock?;
        let before = self.rss_bytes_before.filter(|_| self.rss_bytes > 0)?;
        Some((self.rss_bytes as f64 - before as f64 - bytes as f64) / items as f64)
    }
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

/// Opens a target of type `E`, loads it, and measures it whenever it has its turn.
pub(crate) fn run<E: Endpoint>(drive: &Drive<'_>, turns: &mut dyn Turns) -> Result<(), BenchError> {
    if !turns.wait() {
        return Ok(());
    }
    let endpoint = E::open(drive).map_err(|why| drive.failed(why))?;
    let clients = endpoint.threads();
    let whole = (drive.build)(drive.workload, drive.seed, 0, 1).ok();
    let stock = whole.and_then(|workload| workload.stock());
    let stage = Stage::new(clients);
    let rss_before = E::APART
        .then(|| endpoint.cost())
        .transpose()
        .map_err(|why| drive.failed(why))?
        .and_then(|cost| cost.rss_bytes);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|number| {
                let (endpoint, stage) = (&endpoint, &stage);
                scope.spawn(move || client::run(endpoint, number, drive, stage))
            })
            .collect();
        // This thread looks at clocks a thousand times a second: not on the target's CPUs.
        let looks_on = endpoint.deal().and_then(|deal| deal.generator.last());
        let pinned = looks_on.is_some_and(|&cpu| pin::pin(cpu).is_ok());
        let conductor = Conductor {
            endpoint: &endpoint,
            drive,
            stage: &stage,
            rss_before,
            stock,
        };
        // `None` where a client failed: the stage knows why.
        let _ = conductor.conduct(turns);
        stage.enter(Phase::Stop);
        if pinned {
            // It would stay on a CPU that it could share: slower, and no more.
            let _ = pin::unpin();
        }
        for thread in threads {
            if thread.join().is_err() {
                stage.fail(drive.failed("a client's thread panicked".to_owned()));
            }
        }
    });
    let failure = stage.failure();
    let closed = endpoint.close(failure.is_some());
    match (failure, closed) {
        // What a client saw, and what the target knows of it.
        (Some(BenchError::Target { why, .. }), Err(told)) => {
            Err(drive.failed(format!("{why}; {told}")))
        }
        (Some(error), _) => Err(error),
        (None, closed) => closed.map_err(|why| drive.failed(why)),
    }
}

/// Who leads the clients of a target through the phases.
struct Conductor<'a, E> {
    endpoint: &'a E,
    drive: &'a Drive<'a>,
    stage: &'a Stage,
    rss_before: Option<u64>,
    stock: Option<Stock>,
}

impl<E: Endpoint> Conductor<'_, E> {
    /// From loading to the last turn; `None` where a client failed.
    fn conduct(&self, turns: &mut dyn Turns) -> Option<()> {
        self.wait(LOOK, || self.stage.all_arrived())?;
        self.stage.enter(Phase::Rest);
        turns.end(None);
        while turns.wait() {
            let measured = self.measure()?;
            self.stage.enter(Phase::Rest);
            turns.end(Some(measured));
        }
        Some(())
    }

    /// One turn; `None` where a client failed.
    fn measure(&self) -> Option<Measured> {
        let Conductor {
            endpoint,
            drive,
            stage,
            ..
        } = self;
        stage.depart();
        stage.enter(Phase::Warm);
        let warm = Instant::now();
        self.wait_for(|| drive.warmup.saturating_sub(warm.elapsed()))?;

        endpoint.forget();
        let watched = endpoint.begin();
        watched.map_err(|why| stage.fail(drive.failed(why))).ok()?;
        let lookups_before = endpoint.lookups();
        let before = self.read()?;
        let configuration = drive.configuration;
        let mut watch = Watch::new(configuration.timeline.is_some(), configuration.bgsave_at);
        let begin = Instant::now();
        let mut look = || {
            let seen = watch.look(*endpoint, begin);
            seen.unwrap_or_else(|why| stage.fail(drive.failed(why)));
        };
        stage.enter(Phase::Measure);
        match drive.length {
            Length::Time(length) => self.wait_for(|| {
                look();
                length.saturating_sub(begin.elapsed())
            })?,
            Length::Ops(_) => self.wait(LOOK, || {
                look();
                stage.all_finished()
            })?,
        }
        stage.enter(if endpoint.ends() {
            Phase::Beyond
        } else {
            Phase::Settle
        });
        let time = begin.elapsed();
        let after = self.read()?;
        let lookups = endpoint.lookups();
        let standing = endpoint.standing();
        self.wait(LOOK, || stage.all_arrived())?;
        let failed = |why| stage.fail(drive.failed(why));
        let weight = watch.weigh(*endpoint).map_err(failed).ok()?;
        let (mut notes, mut again) = (Map::new(), None);
        if endpoint.ends() {
            let ended = self.end(begin, time)?;
            notes.extend(ended.notes);
            again = ended.again;
        }

        let (mut recording, mut efforts) = (Recording::new(configuration.timeline), Vec::new());
        for driven in stage.driven() {
            recording.add(&driven.recording);
            efforts.push(driven.effort);
        }
        if recording.ops() == 0 {
            stage.fail(BenchError::Nothing {
                target: drive.target.to_owned(),
                workload: drive.workload.to_owned(),
            });
            return None;
        }
        if let (Some(began), Some(most)) = (again, configuration.recovery) {
            let timeline = recording.timeline();
            let steady = timeline.and_then(|line| line.steady_ops_per_s(watch.saving()));
            let steady = steady.unwrap_or(recording.ops() as f64 / time.as_secs_f64());
            let recovered = recovery::time(*endpoint, drive, (began, steady), most);
            let recovered = recovered.map_err(|error| stage.fail(error)).ok()?;
            let ms = recovered.map(|time| time.as_secs_f64() * 1e3);
            notes.insert("recovered_ms".to_owned(), Value::from(ms));
        }
        // The disk is asked last, when nobody else wants it.
        if let Some(weight) = weight {
            let disk_time = endpoint.disk_time(weight.bytes).map_err(failed).ok()?;
            notes.extend(weight.figures(disk_time));
        }
        if standing.is_some_and(|standing| standing.longest_turn_us.is_some()) {
            let us = gap::longest().as_secs_f64() * 1e6;
            notes.insert("clock_gap_us".to_owned(), Value::from(us));
        }
        let drivers = endpoint.deal().map(|deal| deal.drivers(&efforts));
        Some(Measured {
            recording,
            clients: endpoint.threads() * endpoint.lanes(),
            seconds: time.as_secs_f64(),
            spent: Spent::between(&before, &after, time, drivers),
            hit_ratio: hit_ratio(lookups_before, lookups),
            rss_bytes: after.cost.rss_bytes.unwrap_or(0),
            rss_bytes_before: self.rss_before,
            standing,
            stock: self.stock,
            saving: watch.saving().to_vec(),
            notes: endpoint.notes().into_iter().chain(notes).collect(),
        })
    }

    /// Ends the target in the midst of its load, whose clock started at `begin` and ran for `time`; what came of that.
    fn end(&self, begin: Instant, time: Duration) -> Option<Ended> {
        let Conductor {
            endpoint, stage, ..
        } = self;
        let at = time + time.mul_f64(self.drive.beyond);
        self.wait_for(|| at.saturating_sub(begin.elapsed()))?;
        stage.enter(Phase::End);
        let at = begin.elapsed();
        let ended = endpoint.end(&mut || {
            // Where a client failed, the stage knows.
            let _ = self.wait(LOOK, || stage.all_left());
        });
        let mut ended = ended
            .map_err(|why| stage.fail(self.drive.failed(why)))
            .ok()?;
        let ms = Value::from(at.as_secs_f64() * 1e3);
        ended.notes.insert("ended_ms".to_owned(), ms);
        (!stage.has_failed()).then_some(ended)
    }

    /// What target and machine spent so far.
    fn read(&self) -> Option<Reading> {
        let cost = self.endpoint.cost().map_err(|why| {
            self.stage.fail(self.drive.failed(why));
        });
        let cpus = self.endpoint.deal().map(Deal::cpus);
        let load = cpus.and_then(|cpus| load::of(&cpus).ok());
        Some(Reading {
            cost: cost.ok()?,
            load,
        })
    }

    /// Sleeps until `ready`, which it asks so often; `None` where a client failed meanwhile.
    fn wait(&self, look: Duration, mut ready: impl FnMut() -> bool) -> Option<()> {
        loop {
            if self.stage.has_failed() {
                return None;
            }
            if ready() {
                return Some(());
            }
            thread::sleep(look);
        }
    }

    /// Sleeps until nothing is left of a time; `None` where a client failed meanwhile.
    fn wait_for(&self, mut left: impl FnMut() -> Duration) -> Option<()> {
        loop {
            if self.stage.has_failed() {
                return None;
            }
            match left() {
                Duration::ZERO => return Some(()),
                left => thread::sleep(left.min(LOOK_MEASURING)),
            }
        }
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
