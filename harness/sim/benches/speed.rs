//! How fast the simulator is: events, ops of clients and nodes that one core simulates, and the memory that takes.
//!
//! ```text
//! cargo bench -p seawall-sim                 # all but the long run
//! cargo bench -p seawall-sim -- 'async, 6 '  # rows whose names contain one of these words
//! cargo bench -p seawall-sim -- '600 s'      # the long run: 1,000 nodes, 10 minutes, 60 million ops
//! ```
//!
//! The time is the process's CPU time, so that what else runs on the machine counts little; loading and all checks are
//! in it. Memory is the peak of the resident bytes of the row.

use seawall_sim::{Cell, Scenario, relay, run};
use seawall_sys::usage::process_cpu;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One row: nodes that relay, or clients of an `async` cluster.
struct Row {
    name: String,
    shards: u16,
    replicas: u16,
    duration_ms: u64,
    rate_per_s: u64,
    replication: &'static str,
    workload: &'static str,
    kind: Kind,
    /// Whether it runs where no word asks for it.
    by_default: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Relay,
    Async,
}

/// The load of the built-in scenario, and one of Twitter's with more keys and fewer writes.
const BUILT_IN: &str = "cache-aside:keys=6000:writes=0.1";
const TWITTER: &str = "cache-aside:keys=100000";

/// The long run's nodes have the backlog of Redis 7 (`repl-backlog-size`), a tenth of the default.
const LONG: &str = "async:backlog_bytes=1048576";

/// What is run, from small to large, since the peak of memory grows.
fn rows() -> Vec<Row> {
    let row = |kind, nodes: u16, seconds: u64, rate_per_s, workload| {
        let by_default = seconds < 600;
        let replication = if by_default { "async" } else { LONG };
        Row {
            name: match kind {
                Kind::Relay => format!("relay, {nodes} nodes, {seconds} s"),
                Kind::Async => format!("{replication}, {nodes} nodes, {seconds} s, {workload}"),
            },
            replication,
            shards: if kind == Kind::Async && nodes > 3 {
                nodes / 2
            } else {
                nodes
            },
            replicas: u16::from(kind == Kind::Async && nodes > 3),
            duration_ms: seconds * 1000,
            rate_per_s,
            workload,
            kind,
            by_default,
        }
    };
    vec![
        row(Kind::Relay, 6, 60, 1, BUILT_IN),
        row(Kind::Relay, 1000, 2, 1, BUILT_IN),
        row(Kind::Async, 3, 20, 50_000, BUILT_IN),
        row(Kind::Async, 6, 20, 50_000, BUILT_IN),
        row(Kind::Async, 6, 20, 50_000, TWITTER),
        row(Kind::Async, 30, 20, 50_000, TWITTER),
        row(Kind::Async, 100, 10, 100_000, TWITTER),
        row(Kind::Async, 300, 10, 100_000, TWITTER),
        row(Kind::Async, 1000, 10, 100_000, TWITTER),
        row(Kind::Async, 1000, 600, 100_000, TWITTER),
    ]
}

fn scenario(row: &Row) -> Scenario {
    let text = format!(
        "zones = 3\nshards = {2}\nreplicas = {3}\nduration_ms = {4}\nrate_per_s = {5}\nclients_per_zone = 8\n\
         fault_at_ms = 1000\nwarmup_ms = 0\nfault_ms = 1\nzone_fade_ms = 0\nfaults = ['none']\n\
         replications = ['{1}']\nbase_replication = '{1}'\n\
         workloads = ['{0}']\n",
        row.workload, row.replication, row.shards, row.replicas, row.duration_ms, row.rate_per_s
    );
    Scenario::parse(&row.name, &text).expect("it is a scenario")
}

/// Runs a row; gives how many events and ops it had.
fn run_row(row: &Row) -> (u64, u64) {
    let scenario = scenario(row);
    if row.kind == Kind::Relay {
        return (relay(&scenario, 1).0, 0);
    }
    let cell = Cell {
        replication: scenario.base_replication.clone(),
        sharding: "slots".to_owned(),
        workload: scenario.workloads[0].clone(),
        caching: scenario.cachings[0].clone(),
        fault: "none".to_owned(),
    };
    let row = run(&scenario, &cell, 1).expect("the cell exists");
    assert_eq!(row.violations, [""; 0], "{}", row.scenario);
    (row.events, row.extra["ops"].as_u64().expect("a number"))
}

/// The peak of the resident memory since [`reset_peak`], in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// The peak counts from now on (proc(5), `clear_refs`); where the kernel does not allow that, from the beginning.
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn main() {
    // Cargo says `--bench`.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    println!(
        "{:58} {:>8} {:>12} {:>12} {:>9}",
        "", "CPU s", "M events/s", "k ops/s", "peak MiB"
    );
    for row in rows() {
        let wanted = words.iter().any(|word| row.name.contains(word));
        if !(wanted || words.is_empty() && row.by_default) {
            continue;
        }
        reset_peak();
        let before = process_cpu();
        let (events, ops) = run_row(&row);
        let took = process_cpu().saturating_sub(before).as_secs_f64();
        println!(
            "{:58} {took:8.2} {:12.2} {:12.0} {:9}",
            row.name,
            events as f64 / took / 1e6,
            ops as f64 / took / 1e3,
            peak_mib()
        );
    }
}
