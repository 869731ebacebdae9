//! Shards that come and go again and again, under load: by the rule of auto-scaling, and by a schedule.

use seawall_report::row::SimRow;
use seawall_sim::{Cell, Scenario, replay, run, shrink, simulate_seeds};

/// A scenario that is kept.
fn kept(name: &str) -> Scenario {
    let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("it is there");
    Scenario::parse(&path, &text).unwrap_or_else(|error| panic!("{error}"))
}

/// The one of auto-scaling.
fn scenario() -> Scenario {
    kept("autoscaling")
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The row of a scenario's one cell.
fn row(scenario: &Scenario, seed: u64) -> SimRow {
    let row = run(scenario, &scenario.cells(false)[0], seed).expect("the cell exists");
    println!(
        "seed {seed}: no answer {} ms, p99 {:.1} ms before and {:.1} after, {} ops given up, {:.0} USD a month, {} keys moved in \
         {} ms, shards {:?}",
        row.unavailable_ms,
        row.latency_us.before.p99 / 1000.0,
        row.latency_us.after.p99 / 1000.0,
        row.extra["failed_ops"],
        row.usd_per_month,
        row.extra["moved_keys"],
        row.extra["move_ms"],
        row.extra.get("shards_over_time").map(ToString::to_string),
    );
    row
}

fn number(row: &SimRow, name: &str) -> u64 {
    row.extra[name].as_u64().expect("a number")
}

/// How many shards there were from which millisecond on.
fn shards(row: &SimRow) -> Vec<(u64, u64)> {
    serde_json::from_value(row.extra["shards_over_time"].clone()).expect("pairs of numbers")
}

#[test]
fn shards_follow_the_load() {
    let with = scenario();
    let table = with.autoscaling.expect("it has the table");
    let without = Scenario {
        autoscaling: None,
        ..with.clone()
    };
    let (fixed, scaled) = (row(&without, 1), row(&with, 1));
    let again = run(&with, &with.cells(false)[0], 1).expect("the cell exists");
    let text = |row: &SimRow| serde_json::to_string(row).expect("a row is JSON");
    assert_eq!(text(&scaled), text(&again), "the same seed, the same bytes");
    for row in [&fixed, &scaled] {
        assert_eq!(row.violations, [""; 0]);
    }
    let lost = (
        scaled.lost_acked_writes,
        number(&scaled, "misplaced_acked_writes"),
        scaled.stale_reads,
    );
    assert_eq!(lost, (0, 0, 0), "every key came along, each time");
    // Out and in: more with each step of the load, and as few as at first when it is gone.
    let shards = shards(&scaled);
    let counts: Vec<u64> = shards.iter().map(|(_, count)| *count).collect();
    assert!(counts.len() >= 4 && counts[0] == 3 && counts.last() == Some(&3));
    assert!(counts[1] > 3 && counts[2] > counts[1], "{counts:?}");
    assert!(number(&scaled, "resizes") >= 3);
    for pair in shards[1..].windows(2) {
        let between = pair[1].0 - pair[0].0;
        assert!(between >= table.scale_out_cooldown_ms, "{pair:?}");
    }
    // Users feel it: without the rule some shard answers nobody for most of the peak.
    assert!(scaled.unavailable_ms * 10 < fixed.unavailable_ms);
    assert_eq!(number(&scaled, "failed_ops"), 0);
    assert!(number(&fixed, "failed_ops") > 1000);
    // It costs what was there: more than three shards all the time, and less than the most all the time.
    let most = counts.iter().max().copied().unwrap_or_default() as f64;
    let paid = scaled.extra["nodes_paid"].as_f64().expect("a number");
    assert!(paid > 9.0 && paid < 3.0 * most, "{paid} nodes");
    assert!(scaled.usd_per_month > fixed.usd_per_month);
    assert!(fixed.extra.get("resizes").is_none());
}

#[test]
fn a_cooldown_is_waited_for() {
    let mut scenario = scenario();
    let table = scenario.autoscaling.as_mut().expect("it has the table");
    table.scale_out_cooldown_ms = 20_000;
    let shards = shards(&row(&scenario, 1));
    assert!(shards[2].0 - shards[1].0 >= 20_000, "{shards:?}");
}

/// Keys that leave a shard and come back find it as if they had never been there, whatever they are, and whoever fails.
#[test]
fn what_moves_again_and_again_loses_nothing() {
    let action = |at_ms: u64, action: &str, of: &str| {
        format!("[[schedule]]\nat_ms = {at_ms}\naction = '{action}'\n{of}\n")
    };
    let resize = |at_ms, shards: u16| action(at_ms, "resize", &format!("shards = {shards}"));
    // The second resize waits for the first.
    let back = resize(2000, 5) + &resize(2050, 3);
    let calm = back.clone() + &resize(5500, 4) + &resize(9500, 3);
    let crash = action(5600, "crash", "shard = 0") + &action(8000, "replace", "shard = 0");
    let hard = back + &resize(5500, 4) + &crash + &resize(9500, 3);
    // Of few slots each has some keys: else an operator would be at it for long.
    let by_key = "slots:migration=key-by-key:batch=3:count=256";
    for (replication, sharding, workload, schedule) in [
        ("async", "slots", "cache-aside:keys=1000", &calm),
        ("async", "range:keys=1000", "cache-aside:keys=1000", &calm),
        ("none", "slots", "leaderboard:players=1000", &calm),
        ("async", "slots", "session:sessions=1000", &calm),
        ("dynamo", "slots", "session:sessions=1000", &calm),
        ("zone-log", "slots", "geo:couriers=1000", &calm),
        ("quorum", "slots", "cache-aside:keys=1000", &hard),
        ("chain", "slots", "session:sessions=1000", &hard),
        ("zone-log", "slots", "cache-aside:keys=1000", &hard),
        ("async", by_key, "cache-aside:keys=1000", &calm),
        ("none", by_key, "leaderboard:players=1000", &calm),
        ("async", by_key, "session:sessions=1000", &calm),
        ("dynamo", by_key, "session:sessions=1000", &calm),
        ("zone-log", by_key, "geo:couriers=1000", &calm),
        ("craq", by_key, "cache-aside:keys=1000", &calm),
        ("quorum", by_key, "cache-aside:keys=1000", &hard),
        ("chain", by_key, "session:sessions=1000", &hard),
        ("zone-log", by_key, "cache-aside:keys=1000", &hard),
    ] {
        let text = format!(
            "duration_ms = 14000\nfault_at_ms = 2000\nrate_per_s = 500\nclients_per_zone = 1\n\
             workloads = ['{workload}']\nreplications = ['{replication}']\nbase_replication = '{replication}'\n\
             shardings = ['{sharding}']\nbase_sharding = '{sharding}'\nfaults = ['schedule']\n{schedule}"
        );
        let scenario = Scenario::parse("resizes.toml", &text).expect("it is a scenario");
        for seed in 1..4 {
            let row = row(&scenario, seed);
            let of = format!("{replication} {sharding} {workload}, seed {seed}");
            assert_eq!(row.violations, [""; 0], "{of}");
            let lost = (
                row.lost_acked_writes,
                number(&row, "misplaced_acked_writes"),
                row.stale_reads,
            );
            assert_eq!(lost, (0, 0, 0), "{of}");
            assert!(
                number(&row, "moved_keys") > 50 && !row.extra["move_ms"].is_null(),
                "{of}"
            );
        }
    }
}

/// The scenario of a shard that is added under load is held to its words.
#[test]
fn key_by_key_takes_longer_and_holds_back_more() {
    let scenario = kept("resharding");
    let rows: Vec<SimRow> = scenario
        .cells(false)
        .iter()
        .map(|cell| run(&scenario, cell, 1).expect("the cell exists"))
        .collect();
    let of = |name: &str| -> Vec<f64> {
        let figure = |row: &SimRow| row.extra[name].as_f64().expect("a number");
        rows.iter().map(figure).collect()
    };
    let (takes, held, sent_on) = (of("move_ms"), of("held_back_ms"), of("requests_asked_on"));
    println!("{takes:?} ms, {held:?} ms held back, {sent_on:?} sent on");
    let [whole, by_ten, by_hundred] = takes[..] else {
        panic!("three shardings: {takes:?}");
    };
    assert!((8.0..15.0).contains(&(by_ten / whole)), "some ten times");
    assert!(whole < by_hundred && by_hundred < by_ten);
    assert!(held[1] > 100.0 * held[0] && held[0] > 0.0 && held[0] < 10.0);
    // Ten times as many keys a pause, and less than ten times as few pauses in all.
    assert!(held[2] > 30.0 * held[0]);
    assert!(sent_on[0] == 0.0 && sent_on[1] > 0.0);
    for row in &rows {
        assert_eq!(row.violations, [""; 0]);
        let lost = (row.lost_acked_writes, number(row, "misplaced_acked_writes"));
        assert_eq!(lost, (0, 0));
        let [before, during] = [&row.latency_us.before, &row.latency_us.during];
        assert!(during.p50 >= before.p50 && during.p50 < 1.5 * before.p50);
    }
}

#[test]
fn no_claim_is_broken_by_faults_while_slots_move() {
    let scenario = kept("resizing-swarm");
    let given = std::env::var("SEAWALL_SIM_SEEDS").ok();
    let seeds = given.map_or(40, |text| text.parse().expect("a number"));
    for cell in scenario.cells(true) {
        let rows = simulate_seeds(&scenario, &cell, 0..seeds, threads()).expect("the cell exists");
        let sum = |name| rows.iter().map(|row| number(row, name)).sum::<u64>();
        println!(
            "{} {}: {} keys moved, {} jobs interrupted, {} requests sent on",
            cell.replication,
            cell.sharding,
            sum("moved_keys"),
            sum("moves_interrupted"),
            sum("requests_asked_on")
        );
        for row in &rows {
            assert_eq!(
                row.violations, [""; 0],
                "again: seawall simulate harness/sim/scenarios/resizing-swarm.toml --replication {} --sharding {} --seed {}",
                cell.replication, cell.sharding, row.seed
            );
        }
        assert!(sum("moved_keys") > 0 && sum("moves_interrupted") > 0);
        assert!(sum("requests_asked_on") > 0 || cell.sharding == "slots");
    }
}

/// Who takes over without what changed since it copied is caught, and it is that which matters.
#[test]
fn who_forgets_what_changed_is_caught_and_shrunk() {
    let scenario = kept("resizing-swarm");
    let twin = Cell {
        replication: "quorum".to_owned(),
        sharding: "broken-slots".to_owned(),
        workload: "cache-aside:keys=200:writes=0.3".to_owned(),
        caching: "cache-aside".to_owned(),
        fault: "resizing-swarm".to_owned(),
    };
    let rows = simulate_seeds(&scenario, &twin, 0..100, threads()).expect("the cell exists");
    let broken = rows.iter().filter(|row| !row.violations.is_empty());
    println!("caught by {} seeds of 100", broken.clone().count());
    let caught = broken.clone().next();
    let caught = caught.expect("one seed in a hundred catches it");
    let shrunk = shrink(&scenario, &twin, caught.seed, 300).expect("the cell exists");
    let shrunk = shrunk.expect("it breaks a claim");
    println!(
        "{:?}, shrunk to\n{}",
        shrunk.row.violations,
        shrunk.schedule.to_toml()
    );
    assert!(!shrunk.row.violations.is_empty() && shrunk.schedule.actions().len() <= 6);
    assert!(shrunk.schedule.to_toml().contains("resize"));
    let honest = Cell {
        sharding: "slots".to_owned(),
        ..twin
    };
    let kept = replay(&scenario, &honest, &shrunk.schedule, caught.seed).expect("the cell exists");
    assert_eq!(kept.violations, [""; 0]);
}
