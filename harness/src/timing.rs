//! What a replay took: a row of its own, since a lab row is the same bytes each time.

use std::time::Duration;

use seawall_lab::Replayed;
use seawall_report::curve::REPLAY;
use seawall_report::row::{BenchRow, LabRow, LatencyUs, Row, SCHEMA};
use serde_json::Map;

/// The rows of a cell of a trace of so many requests: what its replay took, where that is known, and what it missed. The latter
/// comes last: a cell whose lab row is there is done.
pub(crate) fn rows(replayed: Replayed, requests: usize) -> Vec<Row> {
    let Replayed { row, cpu } = replayed;
    let took = cpu.map(|cpu| Row::Bench(took(&row, requests, cpu)));
    took.into_iter().chain([Row::Lab(row)]).collect()
}

/// The row of a replay of `requests` requests that took so much of the processor's time and gave `row`, whose field `run` it has.
fn took(row: &LabRow, requests: usize, cpu: Duration) -> BenchRow {
    BenchRow {
        schema: SCHEMA,
        run: row.run.clone(),
        seed: row.seed,
        config: row.config.clone(),
        target: REPLAY.to_owned(),
        workload: row.trace.clone(),
        repetition: 0,
        ops: requests as u64,
        seconds: f64::NAN,
        ops_per_s: f64::NAN,
        cpu_us_per_op: cpu.as_secs_f64() * 1e6 / requests.max(1) as f64,
        latency_us: LatencyUs::UNKNOWN,
        hit_ratio: Some(1.0 - row.misses as f64 / row.requests.max(1) as f64),
        rss_bytes: 0,
        errors: 0,
        histogram: String::new(),
        extra: Map::new(),
    }
}
