//! Runs in parallel: the one place of this crate that knows threads. A run itself knows none.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, mpsc};

use seawall_report::row::SimRow;

use crate::cell::{Cell, RunError, run};
use crate::scenario::Scenario;

/// Runs each cell with its seed, on as many threads as given (at least one); the rows go to `keep` in the order of
/// the runs, whatever the threads did, each as soon as it and all before it are there.
///
/// # Errors
/// A strategy or fault does not exist, or what `keep` says; no run begins after that.
#[expect(
    clippy::disallowed_methods,
    reason = "runs are independent of each other, so they may go on beside each other"
)]
pub fn simulate_runs<'a, E: From<RunError>>(
    scenario: &Scenario,
    runs: impl Iterator<Item = (&'a Cell, u64)> + Send,
    threads: usize,
    mut keep: impl FnMut(SimRow) -> Result<(), E>,
) -> Result<(), E> {
    let runs = Mutex::new(runs.enumerate());
    // Who is far ahead of a slow run waits, so that what is held is bounded.
    let (send, receive) = mpsc::sync_channel(AHEAD);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            let (send, runs) = (send.clone(), &runs);
            scope.spawn(move || {
                while let Some((place, (cell, seed))) = {
                    let mut runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
                    runs.next()
                } {
                    if send.send((place, run(scenario, cell, seed))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let (mut next, mut early) = (0, BTreeMap::new());
        // Where this ends early, the channel closes and the threads with it.
        for (place, row) in receive {
            early.insert(place, row);
            while let Some(row) = early.remove(&next) {
                keep(row?)?;
                next += 1;
            }
        }
        Ok(())
    })
}

/// Rows that wait for the one who keeps them.
const AHEAD: usize = 64;

/// Runs `cell` with every seed, on as many threads as given; the rows come in the order of the seeds.
///
/// # Errors
/// A strategy or fault does not exist.
pub fn simulate_seeds(
    scenario: &Scenario,
    cell: &Cell,
    seeds: std::ops::Range<u64>,
    threads: usize,
) -> Result<Vec<SimRow>, RunError> {
    let mut rows = Vec::new();
    let runs = seeds.map(|seed| (cell, seed));
    simulate_runs(scenario, runs, threads, |row| {
        rows.push(row);
        Ok::<(), RunError>(())
    })?;
    Ok(rows)
}
