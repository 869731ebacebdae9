//! What replications claim under which the last writer of a key wins, tested under failures; and who lies is caught.
//!
//! `SEAWALL_SIM_SEEDS` sets how many seeds each test takes; a failing one prints the seed that repeats it.

use std::ops::Range;

use seawall_report::row::SimRow;
use seawall_sim::{Cell, Scenario, replay, shrink, simulate_seeds};

const WORKLOAD: &str = "cache-aside:keys=600:writes=0.3";

/// A scenario of the size that hundreds of seeds take seconds.
fn scenario() -> Scenario {
    let text = format!(
        "name = 'last-writer'\nduration_ms = 7000\nfault_at_ms = 2000\nfault_ms = 2500\n\
         replacement_ms = 2500\nclients_per_zone = 1\nrate_per_s = 450\nworkloads = ['{WORKLOAD}']\n"
    );
    Scenario::parse("last-writer.toml", &text).expect("it is a scenario")
}

/// The scenario of the swarm, as `just sim-swarm` runs it.
fn swarm() -> Scenario {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/swarm.toml");
    let text = std::fs::read_to_string(path).expect("it is there");
    Scenario::parse(path, &text).expect("it is a scenario")
}

fn seeds(default: u64) -> Range<u64> {
    let given = std::env::var("SEAWALL_SIM_SEEDS").ok();
    0..given.map_or(default, |text| {
        text.parse().expect("SEAWALL_SIM_SEEDS is a number")
    })
}

fn cell(replication: &str, workload: &str, fault: &str) -> Cell {
    Cell {
        replication: replication.to_owned(),
        sharding: "slots".to_owned(),
        workload: workload.to_owned(),
        caching: "cache-aside".to_owned(),
        fault: fault.to_owned(),
    }
}

fn rows(scenario: &Scenario, cell: &Cell, seeds: Range<u64>) -> Vec<SimRow> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    simulate_seeds(scenario, cell, seeds, threads).expect("the cell exists")
}

fn number(row: &SimRow, name: &str) -> u64 {
    row.extra[name].as_u64().expect("a number")
}

#[test]
fn what_dynamo_loses_gave_way_to_a_write_that_overlapped() {
    let scenario = scenario();
    let (mut acked, mut lost, mut stale) = (0, 0, 0);
    for fault in [
        "zone-down",
        "node-crash",
        "partition",
        "one-way-partition",
        "isolated-primary",
        "slow-links",
        "packet-loss",
        "clock-jump",
        "rolling-upgrade",
        "correlated-waves",
    ] {
        let cell = cell("dynamo", WORKLOAD, fault);
        for row in rows(
            &scenario,
            &cell,
            seeds(if fault == "zone-down" { 60 } else { 10 }),
        ) {
            let seed = row.seed;
            assert_eq!(row.violations, [""; 0], "{fault}, seed {seed}");
            let overlapped = number(&row, "acked_writes_lost_to_one_that_overlapped");
            assert_eq!(row.lost_acked_writes, overlapped, "{fault}, seed {seed}");
            acked += row.acked_writes;
            lost += row.lost_acked_writes;
            stale += row.stale_reads;
        }
    }
    println!("dynamo: {acked} acknowledged writes, {lost} lost, {stale} stale reads");
    assert!(lost > 0, "writes that overlap put an end to each other");
}

#[test]
fn who_reads_one_copy_reads_and_loses_what_quorums_do_not() {
    let scenario = scenario();
    let sums = |replication: &str| {
        let cell = cell(replication, WORKLOAD, "one-way-partition");
        let rows = rows(&scenario, &cell, seeds(10));
        assert!(rows.iter().all(|row| row.violations.is_empty()));
        let lost: u64 = rows.iter().map(|row| row.lost_acked_writes).sum();
        (lost, rows.iter().map(|row| row.stale_reads).sum::<u64>())
    };
    let [quorums, one, alone] = ["dynamo", "dynamo:r=1", "crdt"].map(sums);
    println!("one-way-partition: lost, stale: dynamo {quorums:?}, r=1 {one:?}, crdt {alone:?}");
    assert!(10 * quorums.0 < one.0 && one.0 < alone.0);
    assert!(10 * quorums.1 < one.1 && one.1 < alone.1);
}

#[test]
fn a_coordinator_that_takes_itself_for_a_quorum_is_caught() {
    let (scenario, twin) = (scenario(), "broken-dynamo-alone");
    let of = |replication: &str| cell(replication, WORKLOAD, "zone-down");
    let rows = rows(&scenario, &of(twin), seeds(100));
    let is_caught = |row: &&SimRow| {
        let mut words = row.violations.iter();
        words.any(|words| words.contains("were lost"))
    };
    let caught: Vec<_> = rows.iter().filter(is_caught).collect();
    println!("{twin}: caught in {} of {} seeds", caught.len(), rows.len());
    let seed = caught
        .first()
        .expect("one seed in a hundred catches it")
        .seed;
    let shrunk = shrink(&scenario, &of(twin), seed, 300).expect("the cell exists");
    let shrunk = shrunk.expect("it breaks a claim");
    println!("shrunk to\n{}", shrunk.schedule.to_toml());
    assert!(!shrunk.row.violations.is_empty() && shrunk.schedule.actions().len() <= 2);
    let honest = replay(&scenario, &of("dynamo"), &shrunk.schedule, seed);
    assert_eq!(honest.expect("the cell exists").violations, [""; 0]);
}

#[test]
fn copies_that_never_compare_what_they_have_are_caught_under_a_swarm() {
    let (scenario, twin) = (swarm(), "broken-crdt-sync");
    let of = |replication: &str| cell(replication, &scenario.workloads[0], "swarm");
    let rows = rows(&scenario, &of(twin), 0..20);
    let caught: Vec<_> = rows
        .iter()
        .filter(|row| !row.violations.is_empty())
        .collect();
    println!("{twin}: caught in {} of {} seeds", caught.len(), rows.len());
    let caught = caught.first().expect("one seed in twenty catches it");
    assert!(
        caught.violations[0].contains("does not hold what"),
        "{caught:?}"
    );
    let shrunk = shrink(&scenario, &of(twin), caught.seed, 300).expect("the cell exists");
    let shrunk = shrunk.expect("it breaks a claim");
    println!("shrunk to\n{}", shrunk.schedule.to_toml());
    assert!(!shrunk.row.violations.is_empty() && shrunk.schedule.actions().len() <= 4);
    let honest = replay(&scenario, &of("crdt"), &shrunk.schedule, caught.seed);
    assert_eq!(honest.expect("the cell exists").violations, [""; 0]);
}
