//! Progress: when all faults are over, every shard answers again.

use seawall_cluster::Nanos;

use super::Phases;
use crate::fault::Schedule;
use crate::world::Measure;

/// So long after the last fault nobody asks in vain: longer than two elections of the slowest replication with a
/// node timeout of a second take.
const PATIENCE: Nanos = Nanos::from_millis(10_000);

/// How many shards have answered nobody since the last action and for [`PATIENCE`] at least, up to the end of the
/// run.
pub(crate) fn silent_shards(measure: &Measure, schedule: &Schedule, phases: Phases) -> usize {
    let end = Nanos::from_millis(phases.end_ms);
    let last = schedule.actions().iter().map(|dated| dated.at_ms).max();
    let over = Nanos::from_millis(last.unwrap_or(0));
    let in_vain =
        |&(since, until): &(Nanos, Nanos)| until >= end && end.since(since.max(over)) >= PATIENCE;
    measure
        .down()
        .filter(|down| down.iter().any(in_vain))
        .count()
}
