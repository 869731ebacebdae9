//! Recovery: from the fault until clients saw what they had seen before.

use super::{Phases, seconds};
use crate::world::Measure;

/// An error ratio this near to the worst second before the fault counts as back.
const ERROR_TOLERANCE: f64 = 0.01;
/// A hit ratio likewise. A second of the built-in scenario has some 1200 lookups, so that a ratio of 0.9
/// has a standard error of 0.009: this is three of them.
const HIT_TOLERANCE: f64 = 0.03;

/// The end of the last second that was worse than before the fault, in ms after the fault.
pub(crate) fn recovery_ms(measure: &Measure, phases: Phases) -> u64 {
    let before = seconds(measure.windows(), phases.warm_ms, phases.fault_ms);
    let hits = before
        .iter()
        .map(super::Window::hit_ratio)
        .fold(1.0, f64::min);
    let errors = before
        .iter()
        .map(super::Window::error_ratio)
        .fold(0.0, f64::max);
    let after = seconds(measure.windows(), phases.fault_ms, phases.end_ms);
    let worse = |second: &super::Window| {
        second.hit_ratio() < hits - HIT_TOLERANCE
            || second.error_ratio() > errors + ERROR_TOLERANCE
            || (second.answered == 0 && before.iter().any(|second| second.answered > 0))
    };
    after
        .iter()
        .rposition(worse)
        .map_or(0, |last| (last as u64 + 1) * 1000)
}
