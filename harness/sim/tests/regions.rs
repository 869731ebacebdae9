//! Regions: what is far, what crosses, and what is left when one of them fails.
//!
//! `SEAWALL_SIM_SEEDS` sets how many seeds each test takes; a failing one prints the seed that repeats it.

use seawall_report::row::SimRow;
use std::ops::Range;

use seawall_sim::{Cell, Scenario, replay, run, shrink, simulate_seeds};

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

fn seeds(default: u64) -> Range<u64> {
    let given = std::env::var("SEAWALL_SIM_SEEDS").ok();
    0..given.map_or(default, |text| {
        text.parse().expect("SEAWALL_SIM_SEEDS is a number")
    })
}

fn rows(scenario: &Scenario, cell: &Cell, seeds: Range<u64>) -> Vec<SimRow> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    simulate_seeds(scenario, cell, seeds, threads).expect("the cell exists")
}

/// A scenario that is kept beside the code.
fn kept(name: &str) -> Scenario {
    let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("it is there");
    Scenario::parse(&path, &text).unwrap_or_else(|error| panic!("{error}"))
}

/// A region that is back, empty, before an operator would have promoted the other one.
fn back_early() -> Scenario {
    let text = format!(
        "name = 'back-early'\nregions = 2\nduration_ms = 24000\nfault_at_ms = 2000\nfault_ms = 1500\n\
         clients_per_zone = 1\nrate_per_s = 150\nworkloads = ['{WORKLOAD}']\n"
    );
    Scenario::parse("back-early.toml", &text).expect("it is a scenario")
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

#[test]
fn another_region_takes_over_and_lacks_what_was_on_its_way() {
    for regions in [2, 3] {
        let text = format!(
            "name = 'take-over'\nregions = {regions}\nzone_fade_ms = 0\nduration_ms = 16000\nfault_at_ms = 2000\n\
             fault_ms = 8000\nclients_per_zone = 1\nrate_per_s = 450\nworkloads = ['{WORKLOAD}']\n"
        );
        let scenario = Scenario::parse("take-over.toml", &text).expect("it is a scenario");
        let cell = cell(
            "region-async:node_timeout_ms=1000:promote_ms=3000",
            "region-down",
        );
        let rows = rows(&scenario, &cell, seeds(20));
        for row in &rows {
            let seed = row.seed;
            assert_eq!(row.violations, [""; 0], "{regions} regions, seed {seed}");
            // From the last word of the primary on, and until clients have found the new one.
            assert!(
                (2500..5500).contains(&row.unavailable_ms),
                "{regions} regions, seed {seed}: {row:?}"
            );
            assert_eq!(
                number(row, "lost_keys"),
                0,
                "{regions} regions, seed {seed}"
            );
        }
        let lost: u64 = rows.iter().map(|row| row.lost_acked_writes).sum();
        let acked: u64 = rows.iter().map(|row| row.acked_writes).sum();
        let mean = lost as f64 / rows.len() as f64;
        println!("{regions} regions: {lost} of {acked} acknowledged writes lost, {mean} a run");
        // The clients of the region itself, some hundred writes a second where there are two, hear of one half a round trip
        // before another region does.
        assert!((1.0..10.0).contains(&mean), "{regions} regions: {mean}");
    }
}

#[test]
fn no_claim_is_broken_under_a_swarm_over_two_regions() {
    let scenario = kept("region-swarm");
    for cell in scenario.cells(false) {
        let rows = rows(&scenario, &cell, seeds(100));
        let sum = |of: fn(&SimRow) -> u64| rows.iter().map(of).sum::<u64>();
        println!(
            "{}: {} acknowledged writes, {} lost, {} stale reads",
            cell.replication,
            sum(|row| row.acked_writes),
            sum(|row| row.lost_acked_writes),
            sum(|row| row.stale_reads),
        );
        for row in &rows {
            assert_eq!(
                row.violations, [""; 0],
                "{}, again: seawall simulate harness/sim/scenarios/region-swarm.toml --replication {0} --seed {}",
                cell.replication, row.seed
            );
        }
        assert!(sum(|row| row.acked_writes) > 0);
    }
}

#[test]
fn who_takes_an_empty_machine_for_the_primary_is_caught_and_shrunk_to_what_matters() {
    let scenario = back_early();
    let of = |name: &str| {
        cell(
            &format!("{name}:node_timeout_ms=1000:promote_ms=4000"),
            "region-down",
        )
    };
    let twin = of("broken-region-async-empty");
    let rows = rows(&scenario, &twin, 0..10);
    let caught: Vec<_> = rows
        .iter()
        .filter(|row| !row.violations.is_empty())
        .collect();
    println!("caught by {} seeds of {}", caught.len(), rows.len());
    let caught = caught.first().expect("one seed in ten catches it");
    assert!(caught.violations[0].contains("answer nobody"), "{caught:?}");
    let shrunk = shrink(&scenario, &twin, caught.seed, 100).expect("the cell exists");
    let shrunk = shrunk.expect("it breaks a claim");
    println!("shrunk to\n{}", shrunk.schedule.to_toml());
    assert!(!shrunk.row.violations.is_empty() && shrunk.schedule.actions().len() <= 2);
    let honest = of("region-async");
    let kept = replay(&scenario, &honest, &shrunk.schedule, caught.seed).expect("the cell exists");
    assert_eq!(kept.violations, [""; 0]);
}

/// What the scenario that is kept beside the code expects happens.
#[test]
fn a_region_that_fails_does_as_its_scenario_says() {
    let scenario = kept("region-down");
    let cells = scenario.cells(false);
    let rows: Vec<SimRow> = cells
        .iter()
        .map(|cell| run(&scenario, cell, 1).expect("the cell exists"))
        .collect();
    for row in &rows {
        println!(
            "{}: {} of {} acknowledged writes lost, {} stale reads, down for {} ms, well again after {} ms, p50 {:.0} µs \
             before and {:.0} after, {} bytes across regions, {:.1} of {:.1} USD a month",
            row.replication,
            row.lost_acked_writes,
            row.acked_writes,
            row.stale_reads,
            row.unavailable_ms,
            row.recovery_ms,
            row.latency_us.before.p50,
            row.latency_us.after.p50,
            number(row, "cross_region_bytes"),
            row.extra["cross_region_usd_per_month"]
                .as_f64()
                .unwrap_or(0.0),
            row.usd_per_month,
        );
        assert_eq!(row.violations, [""; 0], "{}", row.replication);
    }
    let [plain, near, quorum, stretched] = &rows[..] else {
        panic!("four are compared");
    };
    // The time of the operator, and of clients until they know.
    assert!(
        (59_000..64_000).contains(&plain.unavailable_ms),
        "{plain:?}"
    );
    assert!((60_000..70_000).contains(&plain.recovery_ms), "{plain:?}");
    // Some 45 writes a second are acknowledged, half of them in the region that fails.
    assert!(
        plain.lost_acked_writes <= 10 && near.lost_acked_writes <= 10,
        "{plain:?}"
    );
    // The region that is left serves, and half of all clients are in it.
    assert!(plain.latency_us.before.p50 > 50_000.0 && plain.latency_us.after.p50 < 20_000.0);
    assert!(
        near.latency_us.before.p50 < 1000.0 && near.unavailable_ms < 2000,
        "{near:?}"
    );
    assert!(near.stale_reads > 10 * plain.stale_reads.max(1), "{near:?}");
    assert!(number(near, "cross_region_bytes") < number(plain, "cross_region_bytes"));
    assert!(stretched.unavailable_ms > 99_000, "{stretched:?}");
    assert_eq!((quorum.lost_acked_writes, quorum.stale_reads), (0, 0));
    assert!(
        quorum.unavailable_ms >= 80_000 && quorum.latency_us.before.p50 > 65_000.0,
        "{quorum:?}"
    );
}
