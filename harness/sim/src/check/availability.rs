//! Unavailability: time in which some shard answered nobody although somebody asked.

use seawall_cluster::Nanos;

use crate::world::Measure;

/// The milliseconds in which at least one shard was down, rounded up.
pub(crate) fn unavailable_ms(measure: &Measure, end: Nanos) -> u64 {
    let mut down: Vec<_> = measure.down().flatten().copied().collect();
    down.sort_unstable();
    let (mut total, mut reached) = (0, Nanos::default());
    for (since, until) in down {
        let (since, until) = (since.max(reached), until.min(end));
        total += until.since(since).0;
        reached = reached.max(until);
    }
    total.div_ceil(1_000_000)
}
