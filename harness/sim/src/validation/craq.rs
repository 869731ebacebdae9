//! Terrace and Freedman, "Object Storage on CRAQ": reads at every node of a chain.

use seawall_report::row::ValidationFigure;

use super::{Measure, Source, Validation, between, shown};
use crate::cell::{Cell, run};
use crate::scenario::Scenario;

pub(super) static SOURCE: Source = Source {
    about: "Terrace and Freedman, CRAQ, USENIX ATC 2009, figures 5, 6, 8, 9; ratios from an open reproduction",
    validations: &[
        Validation {
            id: "V18",
            what: "reads of CRAQ over those of chain replication, chain of 3",
            published: "2.85× (37,268 over 13,070 reads a second); in the paper 2.91×",
            tolerance: "2.8 to 3.0×",
            measure: Measure::By(reads),
            note: "three chains of 200 reads a second each, asked for more than all can answer; to two digits, as published",
        },
        Validation {
            id: "V19",
            what: "reads of CRAQ-3 at 0, 100 and 250 writes a second",
            published: "36,796, 31,253, 22,480 a second; dirty 0, 1.6, 5.6 %",
            tolerance: "±10 % on ratios",
            measure: Measure::Not,
            note: "not reproduced: each write costs what 55 to 57 reads do, 18 of each node, which nothing published explains; a \
                   message between nodes takes none of a node's core here, so reads hardly fall as writes grow",
        },
        Validation {
            id: "V20",
            what: "latency of CRAQ-3 without load: clean read, dirty read, write",
            published: "0.497, 0.994, 1.741 ms",
            tolerance: "dirty 2.0×, write 3.5× of clean",
            measure: Measure::Not,
            note: "not reproduced: the tail answers a dirty read and a write itself here, half a round trip less each",
        },
    ],
};

/// Reads a second of three chains of three nodes of 200 reads a second each, asked for more than all can answer.
/// Nothing is late: a node that is asked too much would be left out else. The first seconds go to reads that come before a
/// tail has its lease.
fn saturated(replication: &str, seed: u64) -> f64 {
    let workload = "cache-aside:keys=600:zipf=0:warm=1:lone=0:ttl_s=0:writes=0";
    let text = format!(
        "duration_ms = 10000\nwarmup_ms = 5000\nfault_at_ms = 9000\nrate_per_s = 2700\n\
         service_ns = 5000000\ntimeout_ms = 60000\nattempts = 1\nworkloads = ['{workload}']\n"
    );
    let scenario = Scenario::parse("saturated.toml", &text).expect("it is a scenario");
    let patient = "election_ms=100000:failure_ms=600000:lease_ms=60000";
    let cell = Cell {
        replication: format!("{replication}:{patient}"),
        sharding: "slots".to_owned(),
        workload: workload.to_owned(),
        caching: scenario.cachings[0].clone(),
        fault: "none".to_owned(),
    };
    let row = run(&scenario, &cell, seed).expect("the cell exists");
    row.extra["answered_per_s"]
        .as_f64()
        .expect("it is a number")
}

fn reads(seed: u64) -> Vec<ValidationFigure> {
    let [chain, craq] = ["chain", "craq"].map(|replication| saturated(replication, seed));
    // A read at the edge of a second counts for either, which the third digit shows.
    let times = (craq / chain * 100.0).round() / 100.0;
    vec![
        between("CRAQ over chain", times, 2.8, 3.0),
        shown("reads a second of chain", chain),
        shown("reads a second of CRAQ", craq),
    ]
}
