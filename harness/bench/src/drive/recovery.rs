//! Recovery: a target that was killed serves again; when does it do what it did before?
//!
//! The one idea: the same clients come back with the same workload, as fast as before, and what they are answered is
//! counted by time. Whether the answers are right is not asked: what was lost is told elsewhere.

use std::thread;
use std::time::{Duration, Instant};

use super::stage::{Phase, Stage};
use super::{Drive, LOOK_MEASURING, client};
use crate::BenchError;
use crate::cell::Length;
use crate::recording::Recording;
use crate::target::Endpoint;
use crate::timeline::SLICES_MAX;

/// How long the slices are in which answers are counted.
const SLICE: Duration = Duration::from_millis(50);
/// The most seconds that it can take: in nine tenths of so many slices, so that none becomes longer, whatever is under way at
/// the end.
pub(crate) const SECONDS_MAX: usize = SLICES_MAX * SLICE.as_millis() as usize * 9 / 10 / 1_000;
/// As good as before.
const SHARE: f64 = 0.9;

/// How long after `began` `endpoint` did nine tenths of `steady` ops a second; `None` where it did not within `most`.
///
/// # Errors
/// A client failed.
pub(super) fn time<E: Endpoint>(
    endpoint: &E,
    drive: &Drive<'_>,
    (began, steady): (Instant, f64),
    most: Duration,
) -> Result<Option<Duration>, BenchError> {
    let mut configuration = drive.configuration.clone();
    configuration.timeline = Some(SLICE);
    let drive = Drive {
        configuration: &configuration,
        length: Length::Time(most),
        loads: false,
        ..*drive
    };
    let clients = endpoint.threads();
    let stage = Stage::new(clients);
    let mut first = Instant::now();
    thread::scope(|scope| {
        for number in 0..clients {
            let (drive, stage) = (&drive, &stage);
            scope.spawn(move || client::run(endpoint, number, drive, stage));
        }
        wait(&stage, LOOK_MEASURING, || stage.all_arrived());
        stage.depart();
        first = Instant::now();
        stage.enter(Phase::Measure);
        wait(&stage, LOOK_MEASURING, || first.elapsed() >= most);
        stage.enter(Phase::Settle);
        wait(&stage, LOOK_MEASURING, || stage.all_arrived());
        stage.enter(Phase::Stop);
    });
    let mut recording = Recording::new(configuration.timeline);
    for driven in stage.driven() {
        recording.add(&driven.recording);
    }
    if let Some(error) = stage.failure() {
        return Err(error);
    }
    let reached = recording
        .timeline()
        .and_then(|line| line.reached(SHARE * steady));
    Ok(reached.map(|time| first.duration_since(began) + time))
}

/// Sleeps until `ready`, or a client has failed.
fn wait(stage: &Stage, look: Duration, ready: impl Fn() -> bool) {
    while !stage.has_failed() && !ready() {
        thread::sleep(look);
    }
}
