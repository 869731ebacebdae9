//! A made-up run with the shape of a real one: interleaved repetitions on a noisy machine, policies
//! over traces and sizes, replications and shardings under faults over seeds.
//!
//! The figures are drawn from seeded generators; none was measured.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2Serializer};
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_report::row::{
    BenchRow, LabRow, LatencyPhases, LatencyUs, Row, SCHEMA, SimRow, ValidationFigure,
    ValidationRow,
};
use seawall_report::{Run, Setup};
use serde_json::{Map, Value, json};

/// How large the run is.
#[derive(Clone, Copy)]
pub struct Extent {
    pub repetitions: u32,
    pub sizes: u32,
    pub seeds: u64,
}

pub const FULL: Extent = Extent {
    repetitions: 5,
    sizes: 6,
    seeds: 5,
};
/// As many seeds as a claim is held against.
pub const WIDE: Extent = Extent {
    repetitions: 9,
    sizes: 12,
    seeds: 200,
};
pub const SMALL: Extent = Extent {
    repetitions: 3,
    sizes: 2,
    seeds: 2,
};

/// The whole run.
pub fn run(extent: Extent) -> Run {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    let mut rows = bench(&mut rng, extent.repetitions);
    rows.extend(lab(extent.sizes));
    rows.extend(sim(&mut rng, extent.seeds));
    rows.extend(validations());
    Run {
        setup: setup(),
        rows,
        cut: None,
    }
}

/// The run's setup.
pub fn setup() -> Setup {
    let machine = json!({
        "cpu": "AMD EPYC (Zen 4), family 25 model 17",
        "cores": 2,
        "memory_bytes": 25_769_803_776_u64,
        "kernel": "6.18.44",
        "huge pages": "madvise",
        "clock source": "tsc",
        "compiler": "rustc 1.95.0",
    });
    let Value::Object(machine) = machine else {
        unreachable!("an object literal")
    };
    Setup {
        schema: 1,
        created: "2026-11-21T11:02:33Z".into(),
        commit: Some("411d52b7c0ffee00112233445566778899aabbcc".into()),
        dirty: true,
        command: ["seawall", "run", "--quick", "--seed", "7"]
            .map(String::from)
            .into(),
        suite: "quick".into(),
        seed: 7,
        machine,
        not_run: Vec::new(),
        notices: vec!["io_uring is forbidden here: the log used the file device.".into()],
        extra: Map::new(),
    }
}

fn config(pairs: &[(&str, &str)]) -> Map<String, Value> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_string(), json!(value)))
        .collect()
}

fn bench(rng: &mut impl Rng, repetitions: u32) -> Vec<Row> {
    let off = config(&[("name", "memory only"), ("appendonly", "no")]);
    let log = |name: &str, fsync: &str, device: &str| {
        let pairs = [
            ("name", name),
            ("appendonly", "yes"),
            ("appendfsync", fsync),
            ("device", device),
        ];
        config(&pairs)
    };
    // Target, configuration, share of the speed of the first, median latency in µs.
    let configurations = [
        ("embedded", off.clone(), 1.0, 0.31),
        (
            "embedded",
            log("log everysec", "everysec", "uring"),
            0.93,
            0.33,
        ),
        ("embedded", log("log always", "always", "uring"), 0.21, 18.0),
        (
            "embedded",
            log("log always, file", "always", "file"),
            0.14,
            27.0,
        ),
        ("null", off, 6.5, 0.05),
    ];
    let workloads = [
        ("cache-aside", 3.1e6, Some(0.912)),
        ("leaderboard", 0.74e6, None),
    ];
    let mut rows = Vec::new();
    for (workload, rate, hit_ratio) in workloads {
        for repetition in 0..repetitions {
            // What slows this repetition slows all configurations of it.
            let weather = rng.random_range(0.8..1.1);
            for (target, config, speed, latency) in &configurations {
                let ops_per_s: f64 = rate * speed * weather * rng.random_range(0.98..1.02);
                let (latency_us, histogram) = latencies(rng, *latency * 3.1e6 / rate / weather);
                rows.push(Row::Bench(BenchRow {
                    schema: SCHEMA,
                    run: format!("b{:015x}", rows.len()),
                    seed: 7 + u64::from(repetition),
                    config: config.clone(),
                    target: (*target).into(),
                    workload: workload.into(),
                    repetition,
                    ops: (ops_per_s * 2.0) as u64,
                    seconds: 2.0,
                    ops_per_s,
                    cpu_us_per_op: 2e6 / ops_per_s * rng.random_range(0.9..1.0),
                    latency_us,
                    hit_ratio: hit_ratio.filter(|_| *target != "null"),
                    rss_bytes: 172_000_000 + rng.random_range(0..9_000_000),
                    errors: 0,
                    histogram,
                    extra: Map::new(),
                }));
            }
        }
    }
    rows
}

fn latencies(rng: &mut impl Rng, median_us: f64) -> (LatencyUs, String) {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
    for _ in 0..20_000 {
        let uniform: f64 = rng.random_range(1e-6..1.0);
        let tail = uniform.powf(-0.32) * rng.random_range(0.75..1.0);
        histogram
            .record((median_us * 1e3 * tail).max(1.0) as u64)
            .unwrap();
    }
    let at = |q| histogram.value_at_quantile(q) as f64 / 1e3;
    let mut bytes = Vec::new();
    V2Serializer::new()
        .serialize(&histogram, &mut bytes)
        .unwrap();
    let (p50, p90, p99, p999) = (at(0.5), at(0.9), at(0.99), at(0.999));
    (
        LatencyUs {
            p50,
            p90,
            p99,
            p999,
            max: at(1.0),
        },
        STANDARD.encode(bytes),
    )
}

fn lab(sizes: u32) -> Vec<Row> {
    // Trace, requests, compulsory miss ratio, how fast misses fall with size, unit.
    let traces = [
        ("cargo-build", 412_000, 0.071, 0.42, "objects"),
        ("web07", 77_000, 0.28, 0.2, "bytes"),
    ];
    let policies = [
        ("fifo", 1.0),
        ("lru", 0.93),
        ("s3fifo", 0.84),
        ("sieve", 0.81),
        ("belady", 0.6),
    ];
    let mut rows = Vec::new();
    for (trace, requests, least, slope, unit) in traces {
        let mut row = |policy: &str, size: u64, ratio: f64| {
            rows.push(Row::Lab(LabRow {
                schema: SCHEMA,
                run: format!("{trace}-{policy}-{size}"),
                seed: 0,
                config: Map::new(),
                trace: trace.into(),
                policy: policy.into(),
                params: Map::new(),
                size,
                unit: unit.into(),
                requests,
                misses: (requests as f64 * ratio) as u64,
                bytes_requested: requests * 4096,
                bytes_missed: (requests as f64 * ratio) as u64 * 4096,
                extra: Map::new(),
            }));
        };
        for step in 0..sizes {
            let size = if unit == "bytes" {
                (1 << 20) << step
            } else {
                500 * 3_u64.pow(step)
            };
            for (policy, factor) in policies {
                let spread = 1.0 - (1.0 - factor) * 0.85_f64.powi(step.cast_signed());
                let ratio = least + 0.75 * (-slope * f64::from(step)).exp() * spread * 0.9;
                row(policy, size, ratio.min(1.0));
            }
        }
        row("unbounded", u64::MAX, least);
    }
    rows
}

fn sim(rng: &mut impl Rng, seeds: u64) -> Vec<Row> {
    let mut cases = Vec::new();
    for fault in ["node-crash", "zone-down", "partition"] {
        for replication in ["none", "async", "quorum"] {
            cases.push((fault, replication, "slots"));
        }
        for sharding in ["modulo", "ring"] {
            cases.push((fault, "async", sharding));
        }
    }
    let mut rows = Vec::new();
    for (fault, replication, sharding) in cases {
        for seed in 1..=seeds {
            rows.push(Row::Sim(simulated(rng, fault, replication, sharding, seed)));
        }
    }
    rows
}

fn simulated(
    rng: &mut impl Rng,
    fault: &str,
    replication: &str,
    sharding: &str,
    seed: u64,
) -> SimRow {
    let (claim, lost, down, usd) = match replication {
        "none" => ("nothing survives the loss of a node", 0.31, 42_000, 412.0),
        "async" => (
            "survives the loss of a node, but for writes not yet sent",
            0.0006,
            17_500,
            824.0,
        ),
        _ => (
            "linearizable; survives the loss of a zone",
            0.0,
            1_900,
            1236.0,
        ),
    };
    let breadth = if fault == "zone-down" { 1.6 } else { 1.0 };
    let acked = 41_000 + rng.random_range(0..900);
    let moved = [("modulo", 0.66), ("ring", 0.34)]
        .iter()
        .find(|(name, _)| *name == sharding);
    let mut extra = Map::new();
    let moved = moved.map_or(0.33, |(_, share)| *share);
    for (name, figure) in [
        ("moved_keys_share", json!(moved)),
        (
            "misplaced_acked_writes",
            json!(if sharding == "modulo" { 5 } else { 0 }),
        ),
        ("loaded_keys", json!(100_000)),
        (
            "lost_keys",
            json!(if replication == "none" { 33_310 } else { 0 }),
        ),
    ] {
        extra.insert(name.into(), figure);
    }
    let latency = |p50: f64| LatencyUs {
        p50,
        p90: p50 * 1.8,
        p99: p50 * 4.0,
        p999: p50 * 9.0,
        max: p50 * 40.0,
    };
    SimRow {
        schema: SCHEMA,
        run: format!("{fault}-{replication}-{sharding}-{seed}"),
        seed,
        config: Map::new(),
        scenario: "three-zones".into(),
        replication: replication.into(),
        sharding: sharding.into(),
        workload: "cache-aside".into(),
        caching: "cache-aside".into(),
        fault: fault.into(),
        claim: claim.into(),
        acked_writes: acked,
        lost_acked_writes: (acked as f64 * lost * breadth * rng.random_range(0.4..1.6)) as u64,
        stale_reads: if replication == "async" {
            rng.random_range(0..60)
        } else {
            0
        },
        unavailable_ms: (f64::from(down) * breadth * rng.random_range(0.8..1.2)) as u64,
        recovery_ms: (f64::from(down) * breadth * rng.random_range(1.5..2.6)) as u64,
        hit_ratio_min: rng.random_range(0.55..0.7),
        db_peak_over_steady: rng.random_range(2.0..4.5) * breadth,
        cross_zone_bytes: (usd * 3.1e5) as u64,
        usd_per_month: usd,
        latency_us: LatencyPhases {
            before: latency(510.0),
            during: latency(2900.0),
            after: latency(540.0),
        },
        violations: Vec::new(),
        events: 1_204_331,
        event_hash: format!("{:016x}", rng.next_u64()),
        extra,
    }
}

/// Three published figures: one that is reproduced, one that is not, and one that cannot be.
pub fn validations() -> Vec<Row> {
    let figure = |name: &str, measured, least, most| ValidationFigure {
        name: name.into(),
        measured,
        least,
        most,
    };
    let row = |id: &str, what: &str, figures: Vec<ValidationFigure>, note: &str| {
        let within = figures.iter().all(ValidationFigure::is_within);
        Row::Validation(ValidationRow {
            schema: SCHEMA,
            run: format!("{id}-1"),
            seed: 1,
            config: Map::new(),
            id: id.into(),
            what: what.into(),
            published: "1/6".into(),
            tolerance: "±0.002".into(),
            source: "Somebody, 2014".into(),
            within: (!figures.is_empty()).then_some(within),
            figures,
            note: note.into(),
            extra: Map::new(),
        })
    };
    vec![
        row(
            "V5",
            "keys that move",
            vec![
                figure("share", 0.1668, Some(0.1647), Some(0.1687)),
                figure("keys", 50_000.0, None, None),
            ],
            "",
        ),
        row(
            "V13",
            "fullest shard",
            vec![figure("over the bound", 1.3, None, Some(1.25))],
            "",
        ),
        row("V26", "reads", Vec::new(), "not reproduced: not built"),
    ]
}

/// The run as the text of its two files.
pub fn files(run: &Run) -> (String, String) {
    let lines: Vec<String> = run
        .rows
        .iter()
        .map(|row| serde_json::to_string(row).unwrap())
        .collect();
    let setup = serde_json::to_string_pretty(&run.setup).unwrap();
    (setup, lines.into_iter().map(|line| line + "\n").collect())
}
