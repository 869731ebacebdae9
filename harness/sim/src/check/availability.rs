//! Unavailability: time in which some shard answered nobody although somebody asked; of reads and writes apart, too.

use seawall_cluster::Nanos;

use super::Phases;
use crate::world::{Measure, Service};

/// The milliseconds after warm-up in which at least one shard was down to those who ask for `service`, rounded up.
pub(crate) fn unavailable_ms(measure: &Measure, service: Service, phases: Phases) -> u64 {
    let end = Nanos::from_millis(phases.end_ms);
    let mut down: Vec<_> = measure.down(service).flatten().copied().collect();
    down.sort_unstable();
    let (mut total, mut reached) = (0, Nanos::from_millis(phases.warm_ms));
    for (since, until) in down {
        let (since, until) = (since.max(reached), until.min(end));
        total += until.since(since).0;
        reached = reached.max(until);
    }
    total.div_ceil(1_000_000)
}
