//! Appleton and O'Reilly, "Multi-probe consistent hashing": what probes do for the peak.

use seawall_cluster::sharding::MultiProbe;
use seawall_report::row::ValidationFigure;

use super::{Measure, Source, Validation, at_most, mean, relative_deviation};
use crate::random::seed_of;

pub(super) static SOURCE: Source = Source {
    about: "Appleton and O'Reilly, arXiv:1505.00062",
    validations: &[Validation {
        id: "V12",
        what: "multi-probe: load of the fullest of 1000 shards over the mean",
        published: "1 + e with 1 + 1/e look-ups",
        tolerance: "at most 1 + e and three standard errors",
        measure: Measure::By(peaks),
        note: "mean over 40 circles, by the shards' exact shares: a sample of keys would add its own noise to the peak",
    }],
};

const SHARDS: u16 = 1000;
const CIRCLES: usize = 40;

fn peaks(seed: u64) -> Vec<ValidationFigure> {
    let of = |probes: u64| {
        let peak = |draw| {
            let circle = MultiProbe::new(SHARDS, probes, seed_of(seed, "circle", draw));
            circle.shares().into_iter().fold(0.0, f64::max) * f64::from(SHARDS)
        };
        let peaks: Vec<f64> = (0..CIRCLES).map(peak).collect();
        let error = relative_deviation(&peaks) * mean(&peaks) / (CIRCLES as f64).sqrt();
        let bound = 1.0 + 1.0 / (probes - 1) as f64 + 3.0 * error;
        at_most(format!("{probes} look-ups"), mean(&peaks), bound)
    };
    [11, 21].map(of).into()
}
