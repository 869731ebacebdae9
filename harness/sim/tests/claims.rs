//! What strategies claim, tested under failures: the weak are weak, the strong hold, and who lies is caught.
//!
//! `SEAWALL_SIM_SEEDS` sets how many seeds each test takes; a failing one prints the seed that repeats it.

use seawall_report::row::SimRow;
use seawall_sim::{Cell, Scenario, replay, run, simulate_seeds};

/// A scenario of the size that hundreds of seeds take seconds. Replacements come early: a node may be
/// back before it was missed.
fn scenario(rate_per_s: u32) -> Scenario {
    let text = format!(
        "name = 'claims'\nduration_ms = 7000\nfault_at_ms = 2000\nfault_ms = 2500\n\
         replacement_ms = 2500\nclients_per_zone = 1\nrate_per_s = {rate_per_s}\n\
         workloads = ['cache-aside:keys=600:writes=0.3']\n"
    );
    Scenario::parse("claims.toml", &text).expect("it is a scenario")
}

fn seeds(default: u64) -> std::ops::Range<u64> {
    let given = std::env::var("SEAWALL_SIM_SEEDS").ok();
    0..given.map_or(default, |text| {
        text.parse().expect("SEAWALL_SIM_SEEDS is a number")
    })
}

fn rows(replication: &str, fault: &str, seeds: std::ops::Range<u64>) -> Vec<SimRow> {
    rows_at(450, replication, fault, seeds)
}

fn rows_at(
    rate_per_s: u32,
    replication: &str,
    fault: &str,
    seeds: std::ops::Range<u64>,
) -> Vec<SimRow> {
    let cell = Cell {
        replication: replication.to_owned(),
        sharding: "slots".to_owned(),
        workload: "cache-aside:keys=600:writes=0.3".to_owned(),
        caching: "cache-aside".to_owned(),
        fault: fault.to_owned(),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    simulate_seeds(&scenario(rate_per_s), &cell, seeds, threads).expect("the cell exists")
}

fn quantiles(mut values: Vec<u64>) -> String {
    values.sort_unstable();
    let at = |share: usize| values[(values.len() - 1) * share / 100];
    format!(
        "min {} p50 {} p90 {} max {}",
        at(0),
        at(50),
        at(90),
        at(100)
    )
}

fn number(row: &SimRow, name: &str) -> u64 {
    row.extra[name].as_u64().expect("a number")
}

#[test]
fn without_replication_a_zone_takes_its_shards_with_it() {
    for row in rows("none", "zone-down", seeds(6)) {
        let seed = row.seed;
        assert!(row.lost_acked_writes > 0, "seed {seed} lost nothing");
        // A third of the keys live in the zone; those that were asked for since are filled again.
        let share = number(&row, "lost_keys") as f64 / number(&row, "loaded_keys") as f64;
        assert!(
            (0.1..0.4).contains(&share),
            "seed {seed} lost {share} of the keys"
        );
        assert_eq!(row.violations, [""; 0], "seed {seed}: it claimed nothing");
    }
}

#[test]
fn async_loses_what_it_had_not_sent_on() {
    let rows = rows("async:node_timeout_ms=1000", "zone-down", seeds(24));
    let lost: Vec<u64> = rows.iter().map(|row| row.lost_acked_writes).collect();
    println!(
        "async, zone-down: lost acknowledged writes over seeds: {}",
        quantiles(lost.clone())
    );
    assert!(lost.iter().any(|&lost| lost > 0), "no seed lost anything");
    for row in &rows {
        assert_eq!(row.violations, [""; 0], "seed {}", row.seed);
        // It keeps what it had sent on: the shard as such survives.
        assert!(
            row.lost_acked_writes * 20 < row.acked_writes,
            "seed {}",
            row.seed
        );
        assert_eq!(number(row, "lost_keys"), 0, "seed {}", row.seed);
    }
}

#[test]
fn async_loses_the_writes_of_a_minority() {
    let rows = rows("async:node_timeout_ms=1000", "partition", seeds(8));
    let lost: Vec<u64> = rows.iter().map(|row| row.lost_acked_writes).collect();
    println!(
        "async, partition: lost acknowledged writes over seeds: {}",
        quantiles(lost.clone())
    );
    assert!(lost.iter().all(|&lost| lost > 0), "{lost:?}");
}

#[test]
fn who_refuses_writes_without_replicas_loses_less_of_a_minority() {
    let lost = |replication: &str| -> u64 {
        let rows = rows(replication, "isolated-primary", seeds(8));
        assert!(rows.iter().all(|row| row.violations.is_empty()));
        rows.iter().map(|row| row.lost_acked_writes).sum()
    };
    // Without it, a primary takes writes until it sees that it reaches no majority, after the node timeout.
    let without = lost("async:node_timeout_ms=2000");
    let with = lost("min-replicas:node_timeout_ms=2000:max_lag_ms=1500");
    println!("isolated-primary: lost acknowledged writes: async {without}, min-replicas {with}");
    assert!(0 < with && with * 10 < without * 9, "{with} of {without}");
}

#[test]
fn who_waits_for_the_copies_of_other_zones_pays_with_writes_refused() {
    let sums = |replication: &str| -> (u64, u64) {
        let rows = rows(replication, "zone-down", seeds(12));
        assert!(rows.iter().all(|row| row.violations.is_empty()));
        let lost = rows.iter().map(|row| row.lost_acked_writes).sum();
        (lost, rows.iter().map(|row| number(row, "failed_ops")).sum())
    };
    let [one, two, all] = ["zone-copies", "zone-copies:wait=2", "zone-copies:wait=3"].map(sums);
    println!("zone-down: acknowledged writes in no copy, ops given up: {one:?}, {two:?}, {all:?}");
    // What a zone that fades takes in alone goes with it.
    assert!(one.0 > 0 && two.0 == 0 && all.0 == 0);
    // With a copy gone, not all can have a write.
    assert!(all.1 > 10 * two.1.max(1));
}

/// Runs a strategy that loses nothing under the faults that its claim covers; `down_ms` is how long it may be down.
fn keeps_its_word(replication: &str, zone_seeds: u64, down_ms: std::ops::Range<u64>) {
    let mut total = 0;
    let mut down = Vec::new();
    for fault in ["zone-down", "partition", "node-crash"] {
        // A third of the rate, so that 200 seeds fit into a test.
        let seeds = seeds(if fault == "zone-down" { zone_seeds } else { 10 });
        for row in rows_at(150, replication, fault, seeds) {
            let seed = row.seed;
            assert_eq!(row.violations, [""; 0], "{fault}, seed {seed}");
            assert_eq!(
                (row.lost_acked_writes, row.stale_reads),
                (0, 0),
                "{fault}, seed {seed}"
            );
            assert!(
                row.acked_writes > 100,
                "{fault}, seed {seed}: nothing happened"
            );
            assert!(
                down_ms.contains(&row.unavailable_ms),
                "{fault}, seed {seed}: {row:?}"
            );
            total += row.acked_writes;
            down.push(row.unavailable_ms);
        }
    }
    let down = quantiles(down);
    println!("{replication}: {total} acknowledged writes, none lost; unavailable ms: {down}");
}

#[test]
fn a_quorum_keeps_its_word() {
    // Followers stand after one to two election timeouts of 1 s.
    keeps_its_word("quorum", 200, 500..5000);
}

#[test]
fn a_chain_keeps_its_word() {
    // Up to two election timeouts of 1 s, a failure timeout of 1 s, a lease of 0.5 s and a tenth, and ticks.
    keeps_its_word("chain", 100, 500..5000);
    // Its other copies answer meanwhile what is not on its way.
    keeps_its_word("craq", 100, 0..5000);
}

#[test]
fn a_zone_log_keeps_its_word() {
    // A lease of 1 s, a tenth, half of it at random, and ticks; before that the keepers' own election of up to 2 s.
    keeps_its_word("zone-log", 100, 500..5000);
}

#[test]
fn an_asynchronous_zone_log_loses_no_more_than_its_lag() {
    let lost = |lag_ms: u64| {
        let replication = format!("zone-log-async:lag_ms={lag_ms}");
        let rows = rows_at(150, &replication, "isolated-primary", seeds(10));
        assert!(rows.iter().all(|row| row.violations.is_empty()));
        let back = rows
            .iter()
            .map(|row| number(row, "recovery_point_ms"))
            .max();
        println!("isolated-primary: at {lag_ms} ms the recovery point is {back:?} ms back at most");
        // From the last write that is there to the first that is lost, and from server to client, it may be a while.
        assert!(back.is_some_and(|back| back <= lag_ms + 400), "{back:?} ms");
        rows.iter()
            .map(|row| row.lost_acked_writes)
            .max()
            .unwrap_or(0)
    };
    let [none, some, more] = [1, 500, 2000].map(lost);
    println!(
        "isolated-primary: lost acknowledged writes at most: {none} at 1 ms, {some} at 500 ms, {more} at 2000 ms"
    );
    // A shard takes 50 ops a second, give or take which keys it has; four seconds of them are at stake.
    assert!(none <= 3 && none < some && some < more);
    assert!(some <= 50 && more <= 150);
}

#[test]
fn who_acknowledges_before_replicating_is_caught() {
    let rows = rows("broken-quorum", "zone-down", seeds(12));
    let caught = rows.iter().filter(|row| !row.violations.is_empty()).count();
    println!("broken-quorum: caught in {caught} of {} seeds", rows.len());
    // A seed catches it only if a write was answered while the zone was fading.
    assert!(
        caught * 4 >= rows.len(),
        "caught in {caught} of {} seeds",
        rows.len()
    );
    assert!(rows.iter().any(|row| {
        row.violations
            .iter()
            .any(|words| words.contains("were lost"))
    }));
}

#[test]
fn a_resize_moves_what_the_sharding_says() {
    let text = "duration_ms = 8000\nfault_at_ms = 3000\nrate_per_s = 600\nfaults = ['scale-out']\n";
    let scenario = Scenario::parse("resize.toml", text).expect("it is a scenario");
    let row = |replication: &str, sharding: &str| {
        let cell = Cell {
            replication: replication.to_owned(),
            sharding: sharding.to_owned(),
            workload: scenario.workloads[0].clone(),
            caching: "cache-aside".to_owned(),
            fault: "scale-out".to_owned(),
        };
        run(&scenario, &cell, 5).expect("the cell exists")
    };
    let moved = |row: &SimRow| row.extra["moved_keys_share"].as_f64().expect("a number");
    let misplaced = |row: &SimRow| number(row, "misplaced_acked_writes");
    let shardings = ["modulo", "ring", "slots", "range:keys=6000", "bounded-load"];
    let [modulo, ring, slots, range, bounded] = shardings.map(|s| row("async", s));
    // From 3 to 4 shards: 3/4 of the keys by modulo, 1/4 by the others (a ring up to its arcs' spread).
    assert!((moved(&modulo) - 0.75).abs() < 0.03, "{}", moved(&modulo));
    assert!((moved(&ring) - 0.25).abs() < 0.06, "{}", moved(&ring));
    assert!((moved(&slots) - 0.25).abs() < 0.03, "{}", moved(&slots));
    assert!(modulo.hit_ratio_min < ring.hit_ratio_min && ring.hit_ratio_min < slots.hit_ratio_min);
    assert!(modulo.db_peak_over_steady > ring.db_peak_over_steady);
    // Clients that rehash leave acknowledged writes behind; slots take them along.
    assert!(misplaced(&modulo) > misplaced(&ring) && misplaced(&ring) > 0);
    assert_eq!(
        (
            misplaced(&slots),
            slots.lost_acked_writes,
            slots.stale_reads
        ),
        (0, 0, 0)
    );
    // How long that took, and how many keys it was, is in the row; where clients rehash, nothing moves.
    assert!(number(&slots, "moved_keys") > 1000 && number(&slots, "move_ms") > 10);
    assert_eq!(number(&modulo, "moved_keys"), 0);
    assert!(modulo.extra["move_ms"].is_null());
    // A range's upper half moves, with its data; under a bound more moves than must, and nothing comes along.
    assert!(
        (moved(&range) - 1.0 / 6.0).abs() < 0.03,
        "{}",
        moved(&range)
    );
    assert_eq!((misplaced(&range), range.lost_acked_writes), (0, 0));
    assert!(moved(&bounded) > 0.25 && moved(&bounded) < moved(&modulo));
    assert!(misplaced(&bounded) > 0);
    // Slots that move under a quorum keep its promise.
    let quorum = row("quorum", "slots");
    assert_eq!(quorum.violations, [""; 0]);
}

#[test]
fn every_workload_runs_and_replicas_agree() {
    for workload in [
        "cache-aside:keys=1000",
        "session:sessions=1000",
        "leaderboard:players=1000",
        "geo:couriers=1000",
    ] {
        for (replication, fault) in [
            ("quorum", "partition"),
            ("async:node_timeout_ms=1000", "zone-down"),
            ("none", "scale-out"),
            ("zone-copies:warm=1", "zone-down"),
            ("zone-copies", "scale-out"),
            ("zone-copies", "partition"),
            ("dynamo", "zone-down"),
            ("dynamo", "scale-out"),
            ("dynamo", "partition"),
            ("crdt", "zone-down"),
            ("crdt", "scale-out"),
            ("crdt", "partition"),
        ] {
            let text = format!(
                "duration_ms = 6000\nfault_at_ms = 2500\nfault_ms = 1500\nrate_per_s = 300\n\
                 clients_per_zone = 1\nworkloads = ['{workload}']\n"
            );
            let scenario = Scenario::parse("workloads.toml", &text).expect("it is a scenario");
            let cell = Cell {
                replication: replication.to_owned(),
                sharding: "slots".to_owned(),
                workload: workload.to_owned(),
                caching: "cache-aside".to_owned(),
                fault: fault.to_owned(),
            };
            let row = run(&scenario, &cell, 1).expect("the cell exists");
            assert_eq!(row.violations, [""; 0], "{workload} {replication} {fault}");
            assert!(
                row.acked_writes > 20,
                "{workload} {replication} {fault}: {}",
                row.acked_writes
            );
        }
    }
}

/// The scenario of the swarm, as `just sim-swarm` runs it.
fn swarm() -> Scenario {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/swarm.toml");
    let text = std::fs::read_to_string(path).expect("it is there");
    Scenario::parse(path, &text).expect("it is a scenario")
}

#[test]
fn no_claim_is_broken_under_a_swarm_of_faults() {
    let scenario = swarm();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for cell in scenario.cells(false) {
        let rows = simulate_seeds(&scenario, &cell, seeds(100), threads).expect("the cell exists");
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
                "{}, again: seawall simulate harness/sim/scenarios/swarm.toml --replication {0} --seed {}",
                cell.replication, row.seed
            );
        }
        assert!(sum(|row| row.acked_writes) > 0);
    }
}

#[test]
fn who_lies_is_caught_under_a_swarm_and_shrunk_to_what_matters() {
    let scenario = swarm();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for twin in [
        "broken-quorum",
        "broken-quorum-vote",
        "broken-quorum-disk",
        "broken-quorum-reads",
        "broken-chain-lease",
        "broken-chain-acks",
        "broken-craq-dirty",
        "broken-craq-acks",
        "broken-zone-log-acks",
        "broken-zone-log-lease",
    ] {
        let cell = Cell {
            replication: twin.to_owned(),
            sharding: "slots".to_owned(),
            workload: scenario.workloads[0].clone(),
            caching: "cache-aside".to_owned(),
            fault: "swarm".to_owned(),
        };
        let first = (0..100).step_by(10).find_map(|from| {
            let rows = simulate_seeds(&scenario, &cell, from..from + 10, threads);
            let mut rows = rows.expect("the cell exists").into_iter();
            rows.find(|row| !row.violations.is_empty())
        });
        let first = first.unwrap_or_else(|| panic!("one seed in a hundred catches {twin}"));
        let shrunk =
            seawall_sim::shrink(&scenario, &cell, first.seed, 300).expect("the cell exists");
        let shrunk = shrunk.expect("it breaks a claim");
        println!(
            "{twin}: caught by seed {}, shrunk to\n{}",
            first.seed,
            shrunk.schedule.to_toml()
        );
        assert!(!shrunk.row.violations.is_empty());
        let name = twin.trim_start_matches("broken-");
        let made_from = name.rsplit_once('-').map_or(name, |(member, _)| member);
        // It is the twin's own fault: whom it is made from keeps its word under the same schedule.
        let honest = Cell {
            replication: made_from.to_owned(),
            ..cell
        };
        let kept =
            replay(&scenario, &honest, &shrunk.schedule, first.seed).expect("the cell exists");
        assert_eq!(kept.violations, [""; 0], "{}", honest.replication);
        assert!(
            shrunk.schedule.actions().len() <= 6,
            "{}",
            shrunk.schedule.to_toml()
        );
    }
}

#[test]
fn who_waits_for_the_warmth_of_others_is_caught_under_a_swarm() {
    let scenario = swarm();
    let cell = |replication: &str| Cell {
        replication: replication.to_owned(),
        sharding: "slots".to_owned(),
        workload: scenario.workloads[0].clone(),
        caching: "cache-aside".to_owned(),
        fault: "swarm".to_owned(),
    };
    let twin = cell("broken-zone-copies");
    let rows = simulate_seeds(&scenario, &twin, 0..100, 2).expect("the cell exists");
    let broken = rows.iter().filter(|row| !row.violations.is_empty());
    println!("caught by {} seeds of 100", broken.clone().count());
    let caught = broken
        .clone()
        .next()
        .expect("one seed in a hundred catches it");
    assert!(caught.violations[0].contains("answer nobody"), "{caught:?}");
    let shrunk = seawall_sim::shrink(&scenario, &twin, caught.seed, 300).expect("the cell exists");
    let shrunk = shrunk.expect("it breaks a claim");
    println!("shrunk to\n{}", shrunk.schedule.to_toml());
    assert!(!shrunk.row.violations.is_empty() && shrunk.schedule.actions().len() <= 8);
    let honest = cell("zone-copies:warm=1");
    let kept = replay(&scenario, &honest, &shrunk.schedule, caught.seed).expect("the cell exists");
    assert_eq!(kept.violations, [""; 0]);
}

#[test]
fn who_replays_a_stale_backlog_is_caught_under_a_swarm() {
    let scenario = swarm();
    let cell = Cell {
        replication: "broken-async-backlog:node_timeout_ms=1000".to_owned(),
        sharding: "slots".to_owned(),
        // Values of one length, so that a stale offset falls between two entries of the backlog now and then.
        workload: "cache-aside:keys=200:writes=0.3:value_bytes=100:ttl_s=0".to_owned(),
        caching: "cache-aside".to_owned(),
        fault: "swarm".to_owned(),
    };
    let rows = simulate_seeds(&scenario, &cell, 0..100, 2).expect("the cell exists");
    let caught: Vec<_> = rows
        .iter()
        .filter(|row| !row.violations.is_empty())
        .collect();
    println!("caught by {} seeds of 100", caught.len());
    let caught = caught.first().expect("one seed in a hundred catches it");
    assert!(
        caught.violations[0].contains("does not hold what"),
        "{caught:?}"
    );
    let honest = Cell {
        replication: "async:node_timeout_ms=1000".to_owned(),
        ..cell
    };
    let kept = run(&scenario, &honest, caught.seed).expect("the cell exists");
    assert_eq!(kept.violations, [""; 0]);
}

#[test]
fn async_serves_again_when_a_fault_is_over() {
    let text = "duration_ms = 25000\nfault_at_ms = 2000\nfault_ms = 6000\nreplacement_ms = 6000\n\
                clients_per_zone = 1\nrate_per_s = 100\nworkloads = ['cache-aside:keys=200']\n";
    let scenario = Scenario::parse("again.toml", text).expect("it is a scenario");
    for fault in ["node-crash", "zone-down", "partition", "isolated-primary"] {
        for seed in 0..10 {
            let cell = Cell {
                replication: "async:node_timeout_ms=1000".to_owned(),
                sharding: "slots".to_owned(),
                workload: scenario.workloads[0].clone(),
                caching: "cache-aside".to_owned(),
                fault: fault.to_owned(),
            };
            let row = run(&scenario, &cell, seed).expect("the cell exists");
            assert_eq!(row.violations, [""; 0], "{fault}, seed {seed}");
            assert!(row.unavailable_ms > 0 && number(&row, "silent_shards") == 0);
        }
    }
}

#[test]
fn all_scenarios_that_are_kept_are_scenarios() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let files = std::fs::read_dir(folder).expect("it is there");
    let paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    assert!(paths.len() >= 3);
    for path in paths {
        let (name, text) = (path.display().to_string(), std::fs::read_to_string(&path));
        let read = Scenario::parse(&name, &text.expect("it is read"));
        read.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// What a scenario that is kept beside the code expects happens.
#[test]
fn scenarios_that_are_kept_do_what_they_say() {
    let scenario = |name: &str| {
        let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).expect("it is there");
        Scenario::parse(&path, &text).unwrap_or_else(|error| panic!("{error}"))
    };
    let rows_of = |scenario: &Scenario| -> Vec<SimRow> {
        let cells = scenario.cells(false).into_iter();
        cells
            .map(|cell| run(scenario, &cell, 1).expect("the cell exists"))
            .collect()
    };
    let minority = rows_of(&scenario("minority-primary"));
    let of = |rows: &[SimRow], name: &str| {
        let found = rows
            .iter()
            .find(|row| row.replication.split(':').next() == Some(name));
        found
            .unwrap_or_else(|| panic!("{name} is compared"))
            .clone()
    };
    assert!(of(&minority, "async").lost_acked_writes > 100);
    assert_eq!(of(&minority, "wait").lost_acked_writes, 0);
    assert_eq!(of(&minority, "quorum").lost_acked_writes, 0);

    let waves = rows_of(&scenario("waves"));
    let (none, replicated) = (of(&waves, "none"), of(&waves, "async"));
    assert!(none.hit_ratio_min < replicated.hit_ratio_min - 0.1);
    assert!(number(&none, "lost_keys") * 2 > number(&none, "loaded_keys"));
    assert_eq!(number(&replicated, "lost_keys"), 0);
    assert!(none.db_peak_over_steady > 5.0 && replicated.db_peak_over_steady > 5.0);

    let split = rows_of(&scenario("split-brain"));
    let lost_share = |row: &SimRow| row.lost_acked_writes as f64 / row.acked_writes as f64;
    assert!(
        (0.33..0.9).contains(&lost_share(&split[0])),
        "{:?}",
        split[0]
    );
    // One that refuses without a majority stops answering when it has noticed: within the timeout and half of it again.
    let until_noticed = 7.5 * 125.0 * 1.15;
    assert!(split[1].lost_acked_writes < split[0].lost_acked_writes);
    assert!((split[1].lost_acked_writes as f64) < until_noticed);

    let failover = rows_of(&scenario("failover"));
    for (row, timeout_s) in failover.iter().zip([1, 5, 15]) {
        let (least, most) = (1000 * timeout_s + 500, 1500 * timeout_s + 3000);
        assert!((least..=most).contains(&row.unavailable_ms), "{row:?}");
        assert_eq!(number(row, "lost_keys"), 0);
    }
}
