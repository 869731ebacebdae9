//! CRAQ against chain replication, as its authors measured them (Terrace and Freedman, USENIX ATC 2009).

use seawall_report::row::SimRow;
use seawall_sim::{Cell, Scenario, run};

/// Three chains of three nodes of 200 reads a second each, asked for more than all can answer, for ten seconds. Nothing
/// is late: a node that is asked too much would be left out else. The first seconds go to reads that come before a tail
/// has its lease.
fn saturated(replication: &str) -> SimRow {
    let workload = "cache-aside:keys=600:zipf=0:warm=1:lone=0:ttl_s=0:writes=0".to_owned();
    let text = format!(
        "duration_ms = 10000\nwarmup_ms = 5000\nfault_at_ms = 9000\nrate_per_s = 2700\n\
         service_ns = 5000000\ntimeout_ms = 60000\nattempts = 1\nworkloads = ['{workload}']\n"
    );
    let scenario = Scenario::parse("saturated.toml", &text).expect("it is a scenario");
    let patient = "election_ms=100000:failure_ms=600000:lease_ms=600000";
    let cell = Cell {
        replication: format!("{replication}:{patient}"),
        sharding: "slots".to_owned(),
        workload,
        caching: "cache-aside".to_owned(),
        fault: "none".to_owned(),
    };
    let row = run(&scenario, &cell, 1).expect("the cell exists");
    assert_eq!(row.violations, [""; 0], "{replication}");
    row
}

fn answered_per_s(row: &SimRow) -> f64 {
    row.extra["answered_per_s"].as_f64().expect("a number")
}

/// V18: 59,882 reads a second of three nodes against 20,552 of a tail, 2.91 times as many; n times is the bound.
#[test]
fn three_copies_answer_three_times_as_many_reads_as_a_tail() {
    let [chain, craq] = ["chain", "craq"].map(|name| answered_per_s(&saturated(name)));
    let times = craq / chain;
    println!("reads a second: chain {chain}, craq {craq}, {times:.2} times as many");
    assert!(
        (590.0..=601.0).contains(&chain),
        "three tails of 200: {chain}"
    );
    // A read at the edge of a second counts for either.
    assert!((2.8..3.005).contains(&times), "{times}");
}
