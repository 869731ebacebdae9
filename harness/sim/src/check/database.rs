//! What the database behind the cache feels: reads that the cache did not answer.

use super::{Phases, seconds};
use crate::world::Measure;

/// Reads a second before the fault.
pub(crate) fn steady_per_s(measure: &Measure, phases: Phases) -> f64 {
    let before = seconds(measure.windows(), phases.warm_ms, phases.fault_ms);
    let reads: u64 = before.iter().map(|second| second.database_reads).sum();
    reads as f64 / before.len().max(1) as f64
}

/// The highest rate in a second after the fault, over the rate before; a database that had nothing to do
/// before counts as one read a second.
pub(crate) fn db_peak_over_steady(measure: &Measure, phases: Phases) -> f64 {
    let peak = seconds(measure.windows(), phases.fault_ms, phases.end_ms)
        .iter()
        .map(|second| second.database_reads)
        .max()
        .unwrap_or(0);
    peak as f64 / steady_per_s(measure, phases).max(1.0)
}
