//! Regions: what is far, what crosses, and what is left when one of them fails.
//!
//! `SEAWALL_SIM_SEEDS` sets how many seeds each test takes; a failing one prints the seed that repeats it.

use seawall_report::row::SimRow;
use seawall_sim::{Cell, Scenario, run};

const WORKLOAD: &str = "cache-aside:keys=600:writes=0.3";

/// A scenario of the size that many seeds take seconds, with so many regions.
fn scenario(regions: u16) -> Scenario {
    let text = format!(
        "name = 'regions'\nregions = {regions}\nduration_ms = 7000\nfault_at_ms = 2000\nfault_ms = 2500\n\
         replacement_ms = 2500\nclients_per_zone = 1\nrate_per_s = 450\nworkloads = ['{WORKLOAD}']\n"
    );
    Scenario::parse("regions.toml", &text).expect("it is a scenario")
}

fn cell(replication: &str, fault: &str) -> Cell {
    Cell {
        replication: replication.to_owned(),
        sharding: "slots".to_owned(),
        workload: WORKLOAD.to_owned(),
        caching: "cache-aside".to_owned(),
        fault: fault.to_owned(),
    }
}

fn number(row: &SimRow, name: &str) -> u64 {
    row.extra[name].as_u64().expect("a number")
}

#[test]
fn every_region_has_nodes_and_clients_and_what_crosses_is_counted_apart() {
    let row = |regions: u16, replication: &str| {
        run(&scenario(regions), &cell(replication, "none"), 1).expect("the cell exists")
    };
    let async_1s = "async:node_timeout_ms=1000";
    let [one, two] = [1, 2].map(|regions| row(regions, async_1s));
    assert_eq!((number(&one, "nodes"), number(&two, "nodes")), (9, 18));
    // Half of the clients are a round trip between regions away from every primary.
    let p99 = |row: &SimRow| row.latency_us.before.p99;
    assert!(
        p99(&one) < 40_000.0 && (65_000.0..140_000.0).contains(&p99(&two)),
        "{} {}",
        p99(&one),
        p99(&two)
    );
    // A figure of its own, and only where there are several regions.
    assert!(!one.extra.contains_key("cross_region_bytes"));
    assert!(number(&two, "cross_region_bytes") > 0);
    let usd = two.extra["cross_region_usd_per_month"].as_f64();
    assert!(usd.is_some_and(|usd| usd > 0.0 && usd < two.usd_per_month));
    // Without copies all nodes are in the first region: what crosses is clients' alone.
    let none = row(2, "none");
    assert_eq!(number(&none, "nodes"), 3);
    assert!(number(&none, "cross_region_bytes") > 0);
}

#[test]
fn a_quorum_over_two_regions_loses_nothing_with_one_and_waits_for_it() {
    for seed in 0..4 {
        let row = run(&scenario(2), &cell("quorum", "region-down"), seed).expect("the cell exists");
        assert_eq!(row.violations, [""; 0], "seed {seed}");
        assert_eq!(row.lost_acked_writes, 0, "seed {seed}");
        // Half of the copies are no majority.
        assert!(row.unavailable_ms >= 2500, "seed {seed}: {row:?}");
    }
}
