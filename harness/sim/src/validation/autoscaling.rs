//! `ElastiCache`'s rule of how many shards there should be, by the examples of its guide.

use seawall_cluster::autoscaling::shards_wanted;
use seawall_report::row::ValidationFigure;

use super::{Measure, Source, Validation, at_most, exactly};

pub(super) static SOURCE: Source = Source {
    about: "ElastiCache user guide, target tracking scaling policies, criteria for shards",
    validations: &[Validation {
        id: "V31",
        what: "shards after scaling",
        published: "50 shards 30 % above the target: 65, 10 % above: 60; none is removed from 75 % of the target on",
        tolerance: "exact",
        measure: Measure::By(shards),
        note: "how many go below 75 % is not published: there it is held only that some do",
    }],
};

fn shards(_seed: u64) -> Vec<ValidationFigure> {
    let wanted = |metric, target| f64::from(shards_wanted(50, metric, target));
    vec![
        exactly("50 shards, 30 % above", wanted(130, 100), 65.0),
        exactly("50 shards, 10 % above", wanted(110, 100), 60.0),
        exactly(
            "50 shards, at 45 % of a target of 60 %",
            wanted(45, 60),
            50.0,
        ),
        at_most(
            "50 shards, at 44 % of a target of 60 %",
            wanted(44, 60),
            49.0,
        ),
    ]
}
