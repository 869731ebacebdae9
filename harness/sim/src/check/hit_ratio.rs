//! The lowest hit ratio in a second.

use super::{Phases, seconds};
use crate::world::Measure;

/// The least share of lookups that hit in any whole second after warm-up.
pub(crate) fn hit_ratio_min(measure: &Measure, phases: Phases) -> f64 {
    seconds(measure.windows(), phases.warm_ms, phases.end_ms)
        .iter()
        .map(super::Window::hit_ratio)
        .fold(1.0, f64::min)
}
