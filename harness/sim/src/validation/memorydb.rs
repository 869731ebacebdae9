//! "Amazon `MemoryDB`: A Fast and Durable Memory-First Cloud Database".

use seawall_report::row::{LatencyUs, ValidationFigure};

use super::{Measure, Source, Validation, shown};
use crate::cell::{Cell, run};
use crate::scenario::Scenario;

pub(super) static SOURCE: Source = Source {
    about: "Amazon MemoryDB, SIGMOD 2024, §6.1",
    validations: &[Validation {
        id: "V26",
        what: "MemoryDB over Redis 7.0.7 at 100 B: reads, writes, latency of writes",
        published: "500 k over 330 k reads a second, 185 k over 300 k writes; p50 3 ms, p99 6 ms",
        tolerance: "ratios ±15 %",
        measure: Measure::By(latencies),
        note: "not reproduced, latencies shown only. Reads: MemoryDB reads from connections on other cores, so what a request \
               takes of the core, an input here, is another. Writes: its log takes 100 MB/s of a shard, and a message takes \
               none of a core here, so the log would cost no throughput. Latencies follow from round trips between zones \
               and an SSD's syncs, whose 99th percentile is ten times the median; the log's own disks are not published",
    }],
};

/// What writes of 100 bytes take, without faults, at the built-in rate.
fn of_writes(replication: &str, seed: u64) -> LatencyUs {
    let workload = "plain:op=set:keys=6000:value_bytes=100";
    let text = format!("duration_ms = 10000\nfault_at_ms = 9000\nworkloads = ['{workload}']\n");
    let scenario = Scenario::parse("writes.toml", &text).expect("it is a scenario");
    let cell = Cell {
        replication: replication.to_owned(),
        sharding: "slots".to_owned(),
        workload: workload.to_owned(),
        caching: scenario.cachings[0].clone(),
        fault: "none".to_owned(),
    };
    let row = run(&scenario, &cell, seed).expect("the cell exists");
    row.latency_us.before
}

fn latencies(seed: u64) -> Vec<ValidationFigure> {
    let [log, redis] = ["zone-log", "async"].map(|replication| of_writes(replication, seed));
    vec![
        shown("p50 of a write of zone-log, ms", log.p50 / 1000.0),
        shown("p99 of a write of zone-log, ms", log.p99 / 1000.0),
        shown("p50 of a write of async, ms", redis.p50 / 1000.0),
        shown("p99 of a write of async, ms", redis.p99 / 1000.0),
    ]
}
