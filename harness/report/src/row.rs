//! Rows: what a finished cell, replay, simulation or validation leaves behind, one JSON object on one line.
//!
//! Readers keep fields that they do not know (`extra`) and refuse a `schema` newer than
//! [`SCHEMA`]. What differs between machines and moments stands in the run's `setup.json`, not here,
//! so that lab and simulation rows are byte-identical for the same input.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// The version of the row schema that this program writes.
pub const SCHEMA: u32 = 1;

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "rows are few, and read once")]
pub enum Row {
    /// A benchmark cell.
    Bench(BenchRow),
    /// A trace replayed through a policy at a size.
    Lab(LabRow),
    /// A simulated run.
    Sim(SimRow),
    /// A published figure, measured here.
    Validation(ValidationRow),
}

/// Percentiles of a latency distribution, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyUs {
    /// The median.
    #[serde(deserialize_with = "absent_as_nan")]
    pub p50: f64,
    /// The 90th percentile.
    #[serde(deserialize_with = "absent_as_nan")]
    pub p90: f64,
    /// The 99th percentile.
    #[serde(deserialize_with = "absent_as_nan")]
    pub p99: f64,
    /// The 99.9th percentile.
    #[serde(deserialize_with = "absent_as_nan")]
    pub p999: f64,
    /// The maximum.
    #[serde(deserialize_with = "absent_as_nan")]
    pub max: f64,
}

impl LatencyUs {
    /// Of what was not measured.
    pub const UNKNOWN: Self = Self {
        p50: f64::NAN,
        p90: f64::NAN,
        p99: f64::NAN,
        p999: f64::NAN,
        max: f64::NAN,
    };
}

/// A benchmark cell: target × workload × configuration × repetition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchRow {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Hash of configuration and seed.
    pub run: String,
    /// The seed.
    pub seed: u64,
    /// What was set, as given (name, value). `name` is the configuration's name in the suite.
    pub config: Map<String, Value>,
    /// What was driven (`embedded`, `null`, …).
    pub target: String,
    /// The workload.
    pub workload: String,
    /// Which repetition, from 0.
    pub repetition: u32,
    /// Operations measured.
    pub ops: u64,
    /// Wall-clock seconds measured.
    #[serde(deserialize_with = "absent_as_nan")]
    pub seconds: f64,
    /// Operations per second.
    #[serde(deserialize_with = "absent_as_nan")]
    pub ops_per_s: f64,
    /// The target's user and system time per operation, in microseconds.
    #[serde(deserialize_with = "absent_as_nan")]
    pub cpu_us_per_op: f64,
    /// Latency of operations.
    pub latency_us: LatencyUs,
    /// Hits over lookups; absent where the workload looks nothing up.
    pub hit_ratio: Option<f64>,
    /// The target's resident memory at the end, in bytes.
    pub rss_bytes: u64,
    /// Error replies.
    pub errors: u64,
    /// The latency histogram in nanoseconds: HDR V2, base64.
    pub histogram: String,
    /// Fields of newer or other writers.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A trace replayed through a policy at one size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabRow {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Hash of configuration and seed.
    pub run: String,
    /// The seed.
    pub seed: u64,
    /// What was set, as given.
    pub config: Map<String, Value>,
    /// The trace's name.
    pub trace: String,
    /// The policy, as in the list.
    pub policy: String,
    /// Its parameters.
    pub params: Map<String, Value>,
    /// The cache's size.
    pub size: u64,
    /// `objects` or `bytes`.
    pub unit: String,
    /// Requests replayed.
    pub requests: u64,
    /// Requests that missed.
    pub misses: u64,
    /// Bytes requested.
    pub bytes_requested: u64,
    /// Bytes of the requests that missed.
    pub bytes_missed: u64,
    /// Fields of newer or other writers.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Latency before, during and after a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyPhases {
    /// Before the fault.
    pub before: LatencyUs,
    /// From the fault until the last key was available again.
    pub during: LatencyUs,
    /// After that.
    pub after: LatencyUs,
}

/// A simulated run: one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimRow {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Hash of configuration and seed.
    pub run: String,
    /// The seed.
    pub seed: u64,
    /// What was set, as given.
    pub config: Map<String, Value>,
    /// The scenario's name.
    pub scenario: String,
    /// The replication strategy.
    pub replication: String,
    /// The sharding strategy.
    pub sharding: String,
    /// The workload.
    pub workload: String,
    /// How the application uses the cache.
    #[serde(default = "cache_aside")]
    pub caching: String,
    /// The fault.
    pub fault: String,
    /// What the replication claims, in one line.
    pub claim: String,
    /// Writes acknowledged to a client.
    pub acked_writes: u64,
    /// Of those, writes that the healed system does not hold.
    pub lost_acked_writes: u64,
    /// Reads that did not see a write acknowledged before they began.
    pub stale_reads: u64,
    /// Time during which some shard answered no request, in ms.
    pub unavailable_ms: u64,
    /// From the fault until error rate and hit ratio were back to what they were before, in ms.
    pub recovery_ms: u64,
    /// The lowest hit ratio in a one-second window.
    #[serde(deserialize_with = "absent_as_nan")]
    pub hit_ratio_min: f64,
    /// The database's highest one-second rate over its steady rate.
    #[serde(deserialize_with = "absent_as_nan")]
    pub db_peak_over_steady: f64,
    /// Bytes sent between zones.
    pub cross_zone_bytes: u64,
    /// Nodes and transfer at list prices, in USD a month.
    #[serde(deserialize_with = "absent_as_nan")]
    pub usd_per_month: f64,
    /// Clients' latency.
    pub latency_us: LatencyPhases,
    /// Where the claim did not hold; empty when it held.
    pub violations: Vec<String>,
    /// Events processed.
    pub events: u64,
    /// Hash over all events: equal for equal runs.
    pub event_hash: String,
    /// Fields of newer or other writers.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A published figure, and what it came to here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationRow {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Hash of identity and seed.
    pub run: String,
    /// The seed.
    pub seed: u64,
    /// What was set, as given: nothing, since a validation has no parameter of its own.
    pub config: Map<String, Value>,
    /// Its name, `V1` and so on.
    pub id: String,
    /// What is compared.
    pub what: String,
    /// What was published, in words.
    pub published: String,
    /// What is accepted, in words.
    pub tolerance: String,
    /// Who published it, and where.
    pub source: String,
    /// What was measured; empty where nothing could be.
    pub figures: Vec<ValidationFigure>,
    /// Whether all figures are accepted; absent where there are none.
    pub within: Option<bool>,
    /// What is left out of it and why, or what the reader must know; empty where that is nothing.
    pub note: String,
    /// Fields of newer or other writers.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One figure of a validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationFigure {
    /// What it is.
    pub name: String,
    /// What was measured.
    #[serde(deserialize_with = "absent_as_nan")]
    pub measured: f64,
    /// The least that is accepted; without, anything down from `most` is.
    pub least: Option<f64>,
    /// The most that is accepted; a figure without either is shown and not held to anything.
    pub most: Option<f64>,
}

impl ValidationFigure {
    /// Whether it is held to anything, or shown only.
    pub fn is_held(&self) -> bool {
        self.least.is_some() || self.most.is_some()
    }

    /// Whether it is accepted. A figure that could not be had is not.
    pub fn is_within(&self) -> bool {
        self.least.is_none_or(|least| self.measured >= least)
            && self.most.is_none_or(|most| self.measured <= most)
    }
}

/// JSON has no NaN: a writer leaves `null` where a figure could not be had, and a reader gets the NaN
/// back, which every page shows as absent and no statistic counts.
/// What was compared before there was a choice.
fn cache_aside() -> String {
    "cache-aside".to_owned()
}

fn absent_as_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

impl Row {
    /// The kind, as in the row.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bench(_) => "bench",
            Self::Lab(_) => "lab",
            Self::Sim(_) => "sim",
            Self::Validation(_) => "validation",
        }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        match self {
            Self::Bench(row) => row.seed,
            Self::Lab(row) => row.seed,
            Self::Sim(row) => row.seed,
            Self::Validation(row) => row.seed,
        }
    }
}
