//! Seeds in parallel: the one place of this crate that knows threads. A run itself knows none.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use seawall_report::row::SimRow;

use crate::cell::{Cell, RunError, run};
use crate::scenario::Scenario;

/// Runs `cell` with every seed, on as many threads as given (at least one); the rows come in the order of the
/// seeds, whatever the threads did.
///
/// # Errors
/// A strategy or fault does not exist.
#[expect(
    clippy::disallowed_methods,
    reason = "runs are independent of each other, so seeds may run beside each other"
)]
pub fn simulate_seeds(
    scenario: &Scenario,
    cell: &Cell,
    seeds: std::ops::Range<u64>,
    threads: usize,
) -> Result<Vec<SimRow>, RunError> {
    let seeds: Vec<u64> = seeds.collect();
    // Relaxed: the counter only hands out places; the channel orders the results.
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, seeds.len().max(1)) {
            let (send, next, seeds) = (send.clone(), &next, &seeds);
            scope.spawn(move || {
                while let Some((place, seed)) = {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    seeds.get(place).map(|seed| (place, *seed))
                } {
                    if send.send((place, run(scenario, cell, seed))).is_err() {
                        return;
                    }
                }
            });
        }
    });
    drop(send);
    let mut rows: Vec<_> = receive.into_iter().collect();
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}
