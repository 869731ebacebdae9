//! Runs in parallel: the one place of this crate that knows threads. A run itself knows none.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError, mpsc};

use seawall_report::row::SimRow;

use crate::cell::{Cell, RunError, run};
use crate::scenario::Scenario;

/// Runs each cell with its seed, on as many threads as given (at least one); the rows go to `keep` in the order of
/// the runs, whatever the threads did, each as soon as it and all before it are there.
///
/// # Errors
/// A strategy or fault does not exist, or what `keep` says; but for those under way no run begins after that.
///
/// # Panics
/// Where a run does, after `keep` had all rows before it.
pub fn simulate_runs<'a, E: From<RunError>>(
    scenario: &Scenario,
    runs: impl Iterator<Item = (&'a Cell, u64)>,
    threads: usize,
    keep: impl FnMut(SimRow) -> Result<(), E>,
) -> Result<(), E> {
    let beside_each_other = STORES_MAX / scenario.nodes_most().max(1);
    in_order(
        runs,
        threads.min(beside_each_other as usize),
        |(cell, seed)| run(scenario, cell, seed),
        keep,
    )
}

/// The most nodes of all runs that go on beside each other: each reserves a store's address space, of which a process has so much.
const STORES_MAX: u32 = 4000;

/// Does all `jobs` on so many threads; what comes of them goes to `keep` in their order.
#[expect(
    clippy::disallowed_methods,
    reason = "runs are independent of each other, so they may go on beside each other"
)]
fn in_order<J: Send, R: Send, F: Send, E: From<F>>(
    jobs: impl Iterator<Item = J>,
    threads: usize,
    work: impl Fn(J) -> Result<R, F> + Sync,
    mut keep: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = threads.max(1);
    let mut jobs = jobs.enumerate();
    let (give, take) = mpsc::channel();
    let take = Mutex::new(take);
    std::thread::scope(|scope| {
        // Where this ends, in whatever way, the channels close and the threads with them.
        let give = give;
        let (send, receive) = mpsc::channel();
        for _ in 0..threads {
            let (send, take, work) = (send.clone(), &take, &work);
            scope.spawn(move || {
                while let Ok((place, job)) = {
                    let take = take.lock().unwrap_or_else(PoisonError::into_inner);
                    take.recv()
                } {
                    // A thread that ended without a word would be waited for.
                    let done = catch_unwind(AssertUnwindSafe(|| work(job)));
                    if send.send((place, done)).is_err() {
                        return;
                    }
                }
            });
        }
        // A job is given out for each that is kept, so that what waits behind a slow one is bounded.
        let mut given = 0;
        let mut give_next = || {
            if let Some(job) = jobs.next() {
                given += usize::from(give.send(job).is_ok());
            }
            given
        };
        let mut until = 0;
        for _ in 0..threads + AHEAD {
            until = give_next();
        }
        let (mut next, mut early) = (0, BTreeMap::new());
        while next < until
            && let Ok((place, done)) = receive.recv()
        {
            early.insert(place, done);
            while let Some(done) = early.remove(&next) {
                keep(done.unwrap_or_else(|panic| resume_unwind(panic))?)?;
                next += 1;
                until = give_next();
            }
        }
        Ok(())
    })
}

/// How many jobs may be done before the one that is waited for, besides one in each thread.
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// Does jobs of which the first is slow or worse; gives what was kept, and how many were done beside it.
    fn beside(first: impl Fn() + Sync, jobs: usize) -> (Vec<usize>, usize) {
        let done = AtomicUsize::new(0);
        let mut kept = Vec::new();
        let work = |job| {
            if job == 0 {
                first();
            }
            done.fetch_add(1, Ordering::Relaxed);
            Ok::<usize, RunError>(job)
        };
        let mut before_first = None;
        let all = catch_unwind(AssertUnwindSafe(|| {
            in_order(0..jobs, 2, work, |job| {
                before_first.get_or_insert(done.load(Ordering::Relaxed));
                kept.push(job);
                Ok::<(), RunError>(())
            })
        }));
        let ahead = before_first.unwrap_or_else(|| done.load(Ordering::Relaxed));
        assert_eq!(all.is_ok(), kept.len() == jobs);
        (kept, ahead)
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing is simulated here: threads wait for each other"
    )]
    fn what_waits_behind_a_slow_run_is_bounded() {
        let (kept, ahead) = beside(|| std::thread::sleep(Duration::from_millis(200)), 5000);
        assert_eq!(kept, (0..5000).collect::<Vec<_>>());
        assert!(ahead <= AHEAD + 2, "{ahead}");
    }

    #[test]
    fn after_a_panic_no_run_begins() {
        let (kept, done) = beside(|| panic!("on purpose"), 5000);
        assert!(kept.is_empty());
        assert!(done <= AHEAD + 2, "{done}");
    }
}
