//! What checks see: outages of patient clients, shards that nobody serves at the end, single failures within a swarm.

use seawall_report::row::SimRow;
use seawall_sim::{Cell, Scenario, run, simulate_seeds};

fn cell(scenario: &Scenario, replication: &str, fault: &str) -> Cell {
    Cell {
        replication: replication.to_owned(),
        sharding: "slots".to_owned(),
        workload: scenario.workloads[0].clone(),
        caching: "cache-aside".to_owned(),
        fault: fault.to_owned(),
    }
}

fn row(text: &str, replication: &str, fault: &str) -> SimRow {
    let scenario = Scenario::parse("judged.toml", text).expect("it is a scenario");
    run(&scenario, &cell(&scenario, replication, fault), 1).expect("the cell exists")
}

fn number(row: &SimRow, name: &str) -> u64 {
    row.extra[name].as_u64().expect("a number")
}

#[test]
fn an_outage_counts_though_clients_wait_longer_than_it_lasts() {
    let text = "rate_per_s = 300\ntimeout_ms = 60000\nattempts = 3\nfault_ms = 60000\n";
    let row = row(text, "none", "zone-down");
    assert!(
        row.unavailable_ms > 9000 && row.recovery_ms > 9000,
        "{row:?}"
    );
    assert!(number(&row, "failed_ops") > 50, "{row:?}");
    assert!(row.latency_us.during.p99 > 0.0, "{row:?}");
}

#[test]
fn a_primary_that_refuses_writes_is_down_to_those_who_write_alone() {
    let text = "rate_per_s = 600\nfault_ms = 4000\nreplicas = 1\nreplications = ['none']\nworkloads = ['cache-aside:keys=600:writes=0.3']\n";
    // The only replica of a shard is gone, and nobody takes over: its primary goes on with reads.
    let schedule = "faults = ['schedule']\n[[schedule]]\nat_ms = 6000\naction = 'crash'\nshard = 0\nrole = 'replica'\n\
                    [[schedule]]\nat_ms = 13000\naction = 'replace'\nshard = 0\n";
    let text = format!("{text}{schedule}");
    let row = row(&text, "min-replicas:max_lag_ms=1500", "schedule");
    let apart = ["reads_unavailable_ms", "writes_unavailable_ms"].map(|name| number(&row, name));
    assert!(apart[0] < 100 && apart[1] > 2000, "{apart:?}: {row:?}");
    let whole = row.unavailable_ms;
    assert!(apart[0] < whole && whole < apart[1], "{whole}, {apart:?}");
}

#[test]
fn what_nobody_serves_at_the_end_is_not_known_to_be_lost() {
    let text = "rate_per_s = 300\nreplacement_ms = 60000\nfaults = ['schedule']\n\
                [[schedule]]\nat_ms = 15900\naction = 'crash'\nshard = 2\nrole = 'all'\n";
    let quorum = row(text, "quorum", "schedule");
    assert_eq!(quorum.violations, [""; 0]);
    assert_eq!(quorum.lost_acked_writes, 0, "its disks have them");
    assert!(number(&quorum, "unserved_acked_writes") > 100, "{quorum:?}");
    // Without a disk or another node they are gone.
    let none = row(text, "none", "schedule");
    assert_eq!(number(&none, "unserved_acked_writes"), 0);
    assert!(none.lost_acked_writes > 100, "{none:?}");
}

#[test]
fn who_never_serves_again_is_seen_in_a_short_run() {
    let text = "rate_per_s = 300\n";
    let honest = row(text, "zone-copies", "cold-restart");
    assert_eq!(honest.violations, [""; 0]);
    assert_eq!(number(&honest, "silent_shards"), 0);
    let broken = row(text, "broken-zone-copies", "cold-restart");
    assert_eq!(number(&broken, "silent_shards"), 3);
    assert!(
        broken.violations[0].contains("serve again"),
        "{:?}",
        broken.violations
    );
}

/// A sixth of a swarm's runs is a single failure, or several one after the other: then who claims to stand a zone is held to it.
#[test]
fn a_swarm_holds_those_to_their_word_who_claim_to_stand_a_zone() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/swarm.toml");
    let text = std::fs::read_to_string(path).expect("it is there");
    let scenario = Scenario::parse(path, &text).expect("it is a scenario");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let cell = cell(&scenario, "broken-dynamo-alone", "swarm");
    let rows = simulate_seeds(&scenario, &cell, 0..20, threads).expect("the cell exists");
    let is_told = |row: &&SimRow| {
        row.violations
            .iter()
            .any(|words| words.contains("were lost"))
    };
    let told = rows.iter().filter(is_told).count();
    println!("broken-dynamo-alone: its losses are told in {told} of 20 seeds");
    assert!(told > 0);
}
