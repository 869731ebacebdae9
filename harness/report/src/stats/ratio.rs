//! Paired ratios: two configurations that ran interleaved, compared pair by pair.
//!
//! What slows a machine for a minute slows both members of a pair, and so drops out of their ratio.
//! The estimate is the geometric mean of the pairs' ratios (a halving and a doubling cancel), its
//! interval the bootstrap's over whole pairs.

use super::bootstrap::{Estimate, Interval};

/// `new` over `base`, from pairs (base, new). Pairs with a value that is not finite and positive are
/// not counted. `None` without pairs.
pub fn paired_ratio(pairs: &[(f64, f64)]) -> Option<Estimate> {
    let usable = |value: f64| value.is_finite() && value > 0.0;
    let logs: Vec<f64> = pairs
        .iter()
        .filter(|(base, new)| usable(*base) && usable(*new))
        .map(|(base, new)| new.ln() - base.ln())
        .collect();
    let mean = Estimate::mean(&logs)?;
    Some(Estimate {
        value: mean.value.exp(),
        interval: mean.interval.map(|i| Interval {
            low: i.low.exp(),
            high: i.high.exp(),
        }),
        n: mean.n,
    })
}
