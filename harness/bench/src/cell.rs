//! A cell: one target, one workload, one configuration, one repetition; and its row.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use seawall_report::bar::Bar;
use seawall_report::row::{BenchRow, LatencyUs, SCHEMA};
use seawall_workloads::Workload;
use seawall_workloads::dist::Rng;
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::BenchError;
use crate::comparison::Named;
use crate::drive::{self, Drive, Measured, Once};
use crate::setting::End;
use crate::target::TargetSpec;
use crate::verdict::Lateness;

/// The field of a row of a closed loop that says whose limit it was: `target`, `driver`, `both`, `neither`.
const LIMIT_OF: &str = "limit_of";

/// How late the driver of an open loop was: fields of a row, in microseconds, and their quantiles.
const LATE_QUANTILES: &[(&str, f64)] = &[
    ("generator_late_us_p50", 0.5),
    ("generator_late_us_p99", 0.99),
    ("generator_late_us_p999", 0.999),
];

/// The most of the measured time for which a load goes on that a target ends in.
const BEYOND_MAX: f64 = 1.0 / 3.0;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// For a time.
    Time(Duration),
    /// A number of ops, over all clients.
    Ops(u64),
}

/// One cell.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The name of the comparison that it belongs to.
    pub comparison: String,
    /// What is driven.
    pub target: TargetSpec,
    /// With what, as given.
    pub workload: String,
    /// What is set.
    pub named: Named,
    /// Which repetition, from 0.
    pub repetition: u32,
    /// Seeds the workload.
    pub seed: u64,
    /// How long before measuring.
    pub warmup: Duration,
    /// How much is measured.
    pub length: Length,
    /// What its figures are held to.
    pub bars: Vec<Bar>,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.named.given["name"].as_str().unwrap_or_default();
        write!(
            f,
            "{}: {} on {}, {name}, repetition {}",
            self.comparison, self.workload, self.target, self.repetition
        )
    }
}

impl Cell {
    /// What names the cell in rows: a hash of configuration and seed, equal for all its repetitions.
    pub fn run(&self) -> String {
        let (unit, amount) = match self.length {
            Length::Time(time) => ("seconds", time.as_secs_f64()),
            Length::Ops(ops) => ("ops", ops as f64),
        };
        let identity = json!([
            self.comparison,
            self.target.text,
            self.workload,
            self.named.given,
            self.seed,
            self.warmup.as_secs_f64(),
            unit,
            amount,
        ]);
        format!("{:016x}", xxh3_64(identity.to_string().as_bytes()))
    }

    /// Whether both are repetitions of one cell, which one opening of its target can serve.
    pub(crate) fn stands_with(&self, other: &Cell) -> bool {
        self.target.text == other.target.text
            && self.workload == other.workload
            && self.named.given == other.named.given
    }

    /// How long the cell takes at least; a run shows its progress by it.
    pub fn seconds_expected(&self) -> f64 {
        /// What loading takes where nothing is known about it.
        const PRELOAD_SECONDS: f64 = 0.3;
        /// What a small server takes to serve again.
        const RESTART_SECONDS: f64 = 0.1;
        let measured = match self.length {
            Length::Time(time) => time.as_secs_f64(),
            Length::Ops(ops) => ops as f64 / 1e6,
        };
        let beyond = match self.named.configuration.end {
            End::Stop => 0.0,
            End::Kill | End::Power => RESTART_SECONDS + measured * self.beyond(),
        };
        PRELOAD_SECONDS + self.warmup.as_secs_f64() + measured + beyond
    }

    /// Whether the cell logs through `io_uring` where it can.
    pub fn wants_uring(&self) -> bool {
        let configuration = &self.named.configuration;
        configuration.appendonly && configuration.device.name == "uring"
    }

    /// Runs the cell alone. Files that the target needs go to a folder of their own in `scratch`, which
    /// is gone when this returns.
    ///
    /// # Errors
    /// The target or the workload broke, or a reply was wrong.
    pub fn run_in(&self, scratch: &Path) -> Result<BenchRow, BenchError> {
        let mut turns = Once::default();
        (self.target.target.run)(&self.drive(scratch), &mut turns)?;
        let measured = turns.measured();
        Ok(self.row(&measured.expect("a cell that did not fail was measured")))
    }

    /// For how much of the measured time more the load goes on where the target ends in the midst of it: drawn anew for
    /// each repetition.
    fn beyond(&self) -> f64 {
        BEYOND_MAX * self.drawn("end").unit()
    }

    /// What is drawn anew for each repetition, by what for.
    fn drawn(&self, what: &str) -> Rng {
        let name = format!("{what} {}", self.run());
        Rng::stream(self.seed, self.repetition, &name)
    }

    /// What drives it.
    pub(crate) fn drive<'a>(&'a self, scratch: &'a Path) -> Drive<'a> {
        Drive {
            target: &self.target.text,
            which: self.target.which(),
            workload: &self.workload,
            build: workload,
            configuration: &self.named.configuration,
            seed: self.seed,
            warmup: self.warmup,
            length: self.length,
            beyond: self.beyond(),
            disk_seed: self.drawn("disk").bits(),
            loads: true,
            scratch,
            latency_from: drive::from_meant,
        }
    }

    /// Its row, of what was measured.
    pub(crate) fn row(&self, measured: &Measured) -> BenchRow {
        let recording = &measured.recording;
        let mut extra = Map::new();
        extra.insert("comparison".to_owned(), Value::from(&*self.comparison));
        extra.insert("clients".to_owned(), Value::from(measured.clients));
        extra.extend(measured.notes.clone());
        if !self.bars.is_empty() {
            let bars = serde_json::to_value(&self.bars);
            extra.insert(
                seawall_report::bar::FIELD.to_owned(),
                bars.expect("plain data"),
            );
        }
        let row = BenchRow {
            schema: SCHEMA,
            run: self.run(),
            seed: self.seed,
            config: self.named.given.clone(),
            target: self.target.text.clone(),
            workload: self.workload.clone(),
            repetition: self.repetition,
            ops: recording.ops(),
            seconds: measured.seconds,
            ops_per_s: f64::NAN,
            cpu_us_per_op: f64::NAN,
            latency_us: LatencyUs::UNKNOWN,
            hit_ratio: measured.hit_ratio,
            rss_bytes: measured.rss_bytes,
            errors: recording.errors(),
            histogram: String::new(),
            extra,
        };
        // How fast a server is on a folder in memory says nothing of its disk.
        match self.named.configuration.end {
            End::Stop | End::Kill => self.with_speed(row, measured),
            End::Power => row,
        }
    }

    /// `row` with what was measured of speed, and what it is worth.
    fn with_speed(&self, row: BenchRow, measured: &Measured) -> BenchRow {
        let BenchRow {
            ops,
            seconds,
            mut extra,
            ..
        } = row;
        let recording = &measured.recording;
        if let Some(timeline) = recording.timeline() {
            let line = timeline.to_json(&measured.saving);
            let p999 = |part: &str| line[part]["p999"].as_f64();
            if let (Some(while_saving), Some(before)) =
                (p999("while_saving"), p999("before_saving"))
            {
                let ratio = Value::from(while_saving / before);
                extra.insert("p999_while_saving_ratio".to_owned(), ratio);
            }
            extra.insert("timeline".to_owned(), line);
        }
        let spent = &measured.spent;
        let us_per_op = |cpu: Duration| cpu.as_secs_f64() * 1e6 / ops as f64;
        if let Some(driver) = &spent.driver {
            for (name, figure) in [
                ("target_busiest_share", spent.target.map(|busy| busy.ran)),
                ("target_waited_share", spent.target.map(|busy| busy.waited)),
                ("generator_cpu_share", Some(driver.share)),
                ("generator_busiest_share", Some(driver.busiest.ran)),
                ("generator_waited_share", Some(driver.busiest.waited)),
                ("generator_cpu_us_per_op", Some(us_per_op(driver.cpu))),
                ("others_cpu_share", driver.others),
                ("steal_share", driver.stolen),
            ] {
                if let Some(figure) = figure {
                    extra.insert(name.to_owned(), Value::from(figure));
                }
            }
        }
        let standing = measured.standing;
        for (name, count) in [
            ("keys", standing.map(|standing| standing.keys)),
            ("rss_bytes_before", measured.rss_bytes_before),
            (
                "used_bytes",
                standing.and_then(|standing| standing.used_bytes),
            ),
            (
                "longest_turn_us",
                standing.and_then(|standing| standing.longest_turn_us),
            ),
            (
                "ops_over_100_us",
                Some(recording.ops_over(Duration::from_micros(100))),
            ),
            ("written_bytes", spent.written_bytes),
            (
                "payload_bytes",
                spent.written_bytes.map(|_| recording.payload_bytes()),
            ),
        ] {
            if let Some(count) = count {
                extra.insert(name.to_owned(), Value::from(count));
            }
        }
        if let Some(bytes) = measured.bytes_per_item() {
            extra.insert("bytes_per_item".to_owned(), Value::from(bytes));
        }
        let lateness = self.named.configuration.rate.map(|_| {
            extra.insert("unfinished".to_owned(), Value::from(recording.unfinished()));
            for (name, quantile) in LATE_QUANTILES {
                let us = recording.late_at(*quantile).as_secs_f64() * 1e6;
                extra.insert((*name).to_owned(), Value::from(us));
            }
            Lateness {
                latency: recording.latency_at(0.99),
                late: recording.late_at(0.99),
            }
        });
        let limit = spent.limit().filter(|_| lateness.is_none());
        for (name, words) in [
            (LIMIT_OF, limit.map(|limit| limit.name().to_owned())),
            (crate::INVALID, spent.invalid(lateness)),
            (crate::DISTURBED, spent.disturbed()),
        ] {
            if let Some(words) = words {
                extra.insert(name.to_owned(), Value::from(words));
            }
        }
        BenchRow {
            ops_per_s: ops as f64 / seconds,
            cpu_us_per_op: spent.cpu.map_or(f64::NAN, us_per_op),
            latency_us: recording.latency_us(),
            histogram: recording.histogram_base64(),
            extra,
            ..row
        }
    }
}

/// Whether `text` names a workload.
///
/// # Errors
/// It does not; the message says what is accepted.
pub fn check_workload(text: &str) -> Result<(), String> {
    workload(text, 0, 0, 1).map(drop)
}

/// The workload that `text` names, for one client of several.
///
/// # Errors
/// No workload has this name, or it refuses a parameter; the message says what is accepted.
pub(crate) fn workload(
    text: &str,
    seed: u64,
    client: usize,
    clients: usize,
) -> Result<Box<dyn Workload>, String> {
    let number = |count: usize| u32::try_from(count).map_err(|error| error.to_string());
    seawall_workloads::build(text, seed, number(client)?, number(clients)?)
        .map_err(|error| error.to_string())
}
