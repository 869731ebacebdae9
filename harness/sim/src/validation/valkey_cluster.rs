//! Valkey's `cluster_legacy.c`: how long a failover of asynchronous replication takes.

use seawall_cluster::Nanos;
use seawall_cluster::replication::election;
use seawall_report::row::ValidationFigure;

use super::{Measure, Source, Validation, between, exactly, shown};
use crate::cell::{Cell, run};
use crate::random::seed_of;
use crate::scenario::Scenario;

pub(super) static SOURCE: Source = Source {
    about: "Valkey, src/cluster_legacy.c; Redis Cluster specification",
    validations: &[Validation {
        id: "V25",
        what: "async: delays of an election, and the outage of a shard whose primary stops, by node timeout NT",
        published: "500 ms and up to 500 ms, 1 s a rank; votes awaited max(2 NT, 2 s), again after twice that",
        tolerance: "constants exact; an outage from NT + 0.5 s to 1.5 NT + 3 s",
        measure: Measure::By(failover),
        note: "12 seeds for each timeout; the outage is what clients see, their time-outs and back-off included",
    }],
};

fn failover(seed: u64) -> Vec<ValidationFigure> {
    let ms = |nanos: Nanos| nanos.0 as f64 / 1e6;
    let mut figures = vec![
        exactly("delay, ms", ms(election::DELAY), 500.0),
        exactly("random part, ms", ms(election::JITTER), 500.0),
        exactly("each rank, ms", ms(election::PER_RANK), 1000.0),
    ];
    for (node_timeout_ms, awaited) in [(500, 2000.0), (15_000, 30_000.0)] {
        let node_timeout = Nanos::from_millis(node_timeout_ms);
        let of = |what| format!("{what} at NT = {node_timeout_ms} ms, ms");
        let votes = ms(election::votes_awaited(node_timeout));
        let again = ms(election::stands_again_after(node_timeout));
        figures.push(exactly(of("votes awaited"), votes, awaited));
        figures.push(exactly(of("stands again after"), again, 2.0 * awaited));
    }
    for node_timeout_s in [1, 5, 15] {
        figures.extend(outages(seed, node_timeout_s));
    }
    figures
}

const RUNS: u64 = 12;

/// The least, the middle and the longest outage over seeds, in seconds.
fn outages(seed: u64, node_timeout_s: u64) -> [ValidationFigure; 3] {
    let outage = |draw| {
        let scenario = scenario(node_timeout_s, draw);
        let cell = Cell {
            replication: format!("async:node_timeout_ms={}", 1000 * node_timeout_s),
            sharding: scenario.base_sharding.clone(),
            workload: scenario.workloads[0].clone(),
            caching: scenario.cachings[0].clone(),
            fault: "node-crash".to_owned(),
        };
        let draw = draw as usize;
        let row = run(&scenario, &cell, seed_of(seed, "failover", draw)).expect("the cell exists");
        row.unavailable_ms as f64 / 1000.0
    };
    let mut outages: Vec<f64> = (0..RUNS).map(outage).collect();
    outages.sort_by(f64::total_cmp);
    let timeout = node_timeout_s as f64;
    let (least, most) = (timeout + 0.5, 1.5 * timeout + 3.0);
    let name = |what| format!("{what} outage at NT = {node_timeout_s} s, s");
    [
        between(name("shortest"), outages[0], least, most),
        shown(name("median"), outages[outages.len() / 2]),
        between(name("longest"), outages[outages.len() - 1], least, most),
    ]
}

/// The built-in scenario, long enough, with nobody who replaces the node before the failover is over. Nodes are pinged
/// each half of a timeout: draws spread the crash over that time.
fn scenario(node_timeout_s: u64, draw: u64) -> Scenario {
    let built_in = Scenario::built_in();
    let outage_ms = 1500 * node_timeout_s + 3000;
    let fault_at_ms = built_in.fault_at_ms + 500 * node_timeout_s * draw / RUNS;
    Scenario {
        fault_at_ms,
        duration_ms: fault_at_ms + outage_ms + 2000,
        replacement_ms: outage_ms + 1000,
        rate_per_s: 300,
        ..built_in
    }
}
