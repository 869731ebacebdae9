//! Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer": how even its table is.

use seawall_cluster::sharding::Maglev;
use seawall_report::row::ValidationFigure;

use super::{Measure, Source, Validation, at_most};

pub(super) static SOURCE: Source = Source {
    about: "Eisenbud et al., Maglev, NSDI 2016, §5.3",
    validations: &[Validation {
        id: "V10",
        what: "maglev: places of the fullest shard over the mean",
        published: "almost perfect; less than 1 % over where the table has more than 100 places a shard",
        tolerance: "below 1 %",
        measure: Measure::By(overprovision),
        note: "the table has no randomness: every seed gives the same",
    }],
};

fn overprovision(_seed: u64) -> Vec<ValidationFigure> {
    let of = |(shards, places): (u16, u64)| {
        let most = Maglev::new(shards, places).places().into_iter().max();
        let over = most.unwrap_or(0) as f64 * f64::from(shards) / places as f64 - 1.0;
        at_most(format!("{shards} shards, {places} places"), over, 0.01)
    };
    [(600, 65_537), (1000, 655_373)].map(of).into()
}
