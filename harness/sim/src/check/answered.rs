//! Throughput: how many ops clients had answered in a second.

use super::{Phases, seconds};
use crate::world::Measure;

/// The mean over whole seconds from warm-up to the end; 0 where there are none.
pub(crate) fn answered_per_s(measure: &Measure, phases: Phases) -> f64 {
    let seconds = seconds(measure.windows(), phases.warm_ms, phases.end_ms);
    let answered: u64 = seconds.iter().map(|second| second.answered).sum();
    answered as f64 / seconds.len().max(1) as f64
}
