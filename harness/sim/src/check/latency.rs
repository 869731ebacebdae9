//! What clients waited, before, during and after the fault. A miss includes the database's part.

use seawall_report::row::{LatencyPhases, LatencyUs};

use super::Phases;
use crate::world::Measure;

/// Percentiles by phase; "during" lasts until what failed is well again (`healed_ms`) and clients see what they had seen before
/// (`recovery_ms` after the fault).
pub(crate) fn phases(
    measure: &Measure,
    phases: Phases,
    recovery_ms: u64,
    healed_ms: u64,
) -> LatencyPhases {
    let recovered = (phases.fault_ms + recovery_ms).max(healed_ms.min(phases.end_ms));
    let between = |from: u64, to: u64| {
        let mut latencies = measure.latencies_us(from..to).to_vec();
        latencies.sort_unstable();
        percentiles(&latencies)
    };
    LatencyPhases {
        before: between(phases.warm_ms, phases.fault_ms),
        during: between(phases.fault_ms, recovered),
        after: between(recovered, phases.end_ms.max(recovered)),
    }
}

/// Percentiles of sorted microseconds; zeros where there are none.
fn percentiles(sorted: &[u32]) -> LatencyUs {
    let at = |share: f64| {
        let rank = (share * sorted.len() as f64).ceil() as usize;
        let us = sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0);
        f64::from(us)
    };
    LatencyUs {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: at(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks() {
        let sorted: Vec<u32> = (1..=1000).collect();
        let p = percentiles(&sorted);
        assert_eq!(
            (p.p50, p.p90, p.p99, p.p999, p.max),
            (500.0, 900.0, 990.0, 999.0, 1000.0)
        );
        assert_eq!(percentiles(&[]), LatencyUs::default());
    }
}
