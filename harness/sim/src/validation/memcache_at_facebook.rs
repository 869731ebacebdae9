//! Nishtala et al., "Scaling Memcache at Facebook": leases and the gutter.

use seawall_report::row::{SimRow, ValidationFigure};

use super::{Measure, Source, Validation, at_least, at_most, shown};
use crate::cell::run;
use crate::scenario::Scenario;

pub(super) static SOURCE: Source = Source {
    about: "Nishtala et al., NSDI 2013, §3.2.1 and §3.3",
    validations: &[
        Validation {
            id: "V21",
            what: "peak of database queries in a stampede, without leases over with them",
            published: "17 k over 1.3 k a second: 13×",
            tolerance: "10× at least, with a hot key's herd",
            measure: Measure::By(leases),
            note: "the herd is that of scenarios/stampede.toml; the paper's is a week of its own misses",
        },
        Validation {
            id: "V22",
            what: "failures that clients see, with a gutter of 1 % of the servers",
            published: "99 % fewer",
            tolerance: "95 % fewer at least",
            measure: Measure::By(gutter),
            note: "one gutter node beside four (scenarios/gutter.toml): a hundredth of four is none",
        },
    ],
};

/// The rows of a scenario, without the guard and with it.
fn without_and_with(name: &str, text: &str, guard: &str, seed: u64) -> [SimRow; 2] {
    let scenario = Scenario::parse(name, text).expect("it is a scenario");
    let cells = scenario.cells(false);
    ["cache-aside", guard].map(|caching| {
        let cell = cells.iter().find(|cell| cell.caching == caching);
        run(&scenario, cell.expect("it is compared"), seed).expect("the cell exists")
    })
}

fn number(row: &SimRow, name: &str) -> f64 {
    row.extra[name].as_f64().expect("it is a number")
}

fn leases(seed: u64) -> Vec<ValidationFigure> {
    let text = include_str!("../../scenarios/stampede.toml");
    let rows = without_and_with("stampede.toml", text, "cache-aside:lease_s=10", seed);
    let [plain, leases] =
        rows.map(|row| row.db_peak_over_steady * number(&row, "db_steady_per_s").max(1.0));
    vec![
        at_least("without over with", plain / leases, 10.0),
        shown("queries a second without", plain),
        shown("queries a second with", leases),
    ]
}

fn gutter(seed: u64) -> Vec<ValidationFigure> {
    let text = include_str!("../../scenarios/gutter.toml");
    let rows = without_and_with("gutter.toml", text, "cache-aside:gutter_s=10", seed);
    let [plain, gutter] = rows.map(|row| number(&row, "unserved_requests"));
    vec![
        at_most(
            "share of the failures that are left",
            gutter / plain.max(1.0),
            0.05,
        ),
        at_least("failures without", plain, 1.0),
    ]
}
