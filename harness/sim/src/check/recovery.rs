//! Recovery: from the fault until clients saw what they had seen before.

use seawall_cluster::Nanos;

use super::{Phases, seconds};
use crate::world::{Measure, Service};

/// An error ratio this near to the worst second before the fault counts as back.
const ERROR_TOLERANCE: f64 = 0.01;
/// A hit ratio likewise. A second of the built-in scenario has some 1200 lookups, so that a ratio of 0.9
/// has a standard error of 0.009: this is three of them.
const HIT_TOLERANCE: f64 = 0.03;

/// The end of the last second that was worse than before the fault, or of the last time that some shard answered nobody for
/// longer than before it, in ms after the fault.
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
    let worse = after.iter().rposition(worse);
    let worse_ms = worse.map_or(0, |last| (last as u64 + 1) * 1000);
    worse_ms.max(silent_ms(measure, phases))
}

/// The shortest time without an answer that counts.
const SILENCE: Nanos = Nanos::from_millis(1000);

/// The end of the last time that some shard answered nobody for [`SILENCE`], and for longer than before the fault, in ms after it.
fn silent_ms(measure: &Measure, phases: Phases) -> u64 {
    let [fault, end] = [phases.fault_ms, phases.end_ms].map(Nanos::from_millis);
    let downs = || measure.down(Service::All).flatten();
    let before = downs().filter(|(_, until)| *until <= fault);
    let usual = before.map(|(since, until)| until.since(*since)).max();
    let is_worse = |lasted: Nanos| lasted >= SILENCE && Some(lasted) > usual;
    let after = downs().filter(|(since, until)| *until > fault && is_worse(until.since(*since)));
    let last = after.map(|(_, until)| (*until).min(end)).max();
    last.map_or(0, |last| last.since(fault).0.div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_that_is_silent_has_not_recovered_though_nobody_gave_up() {
        let ms = Nanos::from_millis;
        let phases = Phases {
            warm_ms: 1000,
            fault_ms: 5000,
            end_ms: 20_000,
        };
        let mut measure = Measure::new(1);
        let mut down = |since: u64, until: u64| {
            measure.shard_failed(ms(since), 0, Service::Reads);
            measure.shard_answered(ms(until), 0, Service::Reads);
            silent_ms(&measure, phases)
        };
        assert_eq!(down(2000, 3100), 0, "that was before");
        assert_eq!(down(6000, 7100), 0, "no longer than before");
        assert_eq!(down(8000, 9101), 4101);
        assert_eq!(down(12_000, 12_900), 4101, "no second was worse");
    }
}
