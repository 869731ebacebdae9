//! One seed, one run: the same bytes each time, and other bytes with another seed.

use std::collections::BTreeSet;

use seawall_sim::{Cell, Dated, FAULTS, Scenario, Schedule, replay, run, simulate_seeds};

fn scenario() -> Scenario {
    scenario_with("")
}

/// The scenario, and what else is to hold in it.
fn scenario_with(more: &str) -> Scenario {
    let text = "duration_ms = 6000\nfault_at_ms = 2500\nfault_ms = 1500\nreplacement_ms = 1500\n\
                rate_per_s = 300\nclients_per_zone = 1\nworkloads = ['cache-aside:keys=500']\n";
    Scenario::parse("determinism.toml", &format!("{text}{more}")).expect("it is a scenario")
}

fn line(row: &seawall_report::row::SimRow) -> String {
    serde_json::to_string(row).expect("a row is JSON")
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let scenario = scenario();
    for cell in scenario.cells(false) {
        let (once, again) = (
            run(&scenario, &cell, 7).unwrap(),
            run(&scenario, &cell, 7).unwrap(),
        );
        assert_eq!(line(&once), line(&again), "{cell:?}");
    }
}

#[test]
fn other_seeds_give_other_events() {
    let scenario = scenario();
    let cell = scenario.cells(false).remove(0);
    let rows = simulate_seeds(&scenario, &cell, 0..8, 2).unwrap();
    let hashes: BTreeSet<_> = rows.iter().map(|row| &row.event_hash).collect();
    assert_eq!(hashes.len(), rows.len());
    let seeds: Vec<_> = rows.iter().map(|row| row.seed).collect();
    assert_eq!(
        seeds,
        (0..8).collect::<Vec<_>>(),
        "rows come in the order of seeds"
    );
    for row in rows {
        assert_eq!(
            line(&row),
            line(&run(&scenario, &cell, row.seed).unwrap()),
            "threads change nothing"
        );
    }
}

#[test]
fn a_schedule_is_data() {
    // One needs actions of its own, the other a bound of memory, which `quorum` cannot have.
    let needs_more = ["schedule", "full-memory"];
    for fault in FAULTS
        .iter()
        .filter(|fault| !needs_more.contains(&fault.name))
    {
        let scenario = match fault.name {
            "region-down" => scenario_with("regions = 2\n"),
            _ => scenario(),
        };
        let schedule = scenario.schedule(fault.name, 3).unwrap();
        let text = serde_json::to_string(&schedule).unwrap();
        let read: Schedule = serde_json::from_str(&text).unwrap();
        assert_eq!(read, schedule);
        let cell = Cell {
            replication: "async:node_timeout_ms=1000".to_owned(),
            sharding: "slots".to_owned(),
            workload: "cache-aside:keys=500".to_owned(),
            caching: "cache-aside".to_owned(),
            fault: fault.name.to_owned(),
        };
        let planned = run(&scenario, &cell, 3).unwrap();
        assert_eq!(
            line(&replay(&scenario, &cell, &read, 3).unwrap()),
            line(&planned)
        );
        assert!(
            schedule
                .actions()
                .is_sorted_by_key(|Dated { at_ms, .. }| *at_ms)
        );
    }
}
