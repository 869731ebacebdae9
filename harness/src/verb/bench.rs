//! `seawall bench`: a suite of one cell, on the same path as `run`.

use std::fmt::Write;
use std::path::Path;

use clap::Args;
use seawall_bench::comparison::Named;
use seawall_bench::{Cell, Length, Scalar, TargetSpec};
use seawall_report::row::Row;

use crate::family;
use crate::interrupt;
use crate::output;
use crate::progress::Progress;
use crate::status::{Failure, Outcome};
use crate::table;

/// Measure one workload on one target, as fast as it goes or at a rate; every reply is verified.
#[derive(Debug, Args)]
#[command(after_help = help())]
pub(crate) struct Arguments {
    /// The workload, with parameters as in cache-aside:keys=100000
    #[arg(long, value_name = "W", value_parser = super::workload)]
    workload: String,
    /// The target
    #[arg(long, value_name = "T", default_value = "embedded", value_parser = super::target)]
    target: TargetSpec,
    /// A setting; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = super::assignment)]
    config: Vec<(String, Scalar)>,
    /// Seconds before measuring
    #[arg(long, value_name = "S", default_value = "0.5", value_parser = super::seconds)]
    warmup: f64,
    /// Seconds measured, 0.01 at least
    #[arg(long, value_name = "S", default_value = "2", value_parser = super::seconds_measured)]
    seconds: f64,
    /// Ops measured, instead of a time
    #[arg(long, value_name = "N", conflicts_with = "seconds",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    ops: Option<u64>,
    /// Seeds the workload
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the row on standard output, and nothing else
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let pairs = arguments
        .config
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    let cell = Cell {
        comparison: "bench".to_owned(),
        target: arguments.target.clone(),
        workload: arguments.workload.clone(),
        named: Named::from_pairs("given", pairs).map_err(Failure::usage)?,
        repetition: 0,
        seed: arguments.seed,
        warmup: std::time::Duration::from_secs_f64(arguments.warmup),
        length: match arguments.ops {
            Some(ops) => Length::Ops(ops),
            None => Length::Time(std::time::Duration::from_secs_f64(arguments.seconds)),
        },
        bars: Vec::new(),
    };
    let target = &cell.target;
    cell.named
        .lasts(cell.length)
        .and_then(|()| target.takes(&cell.named))
        .and_then(|()| target.speaks(&cell.workload))
        .and_then(|()| {
            target
                .absent()
                .or_else(|| cell.named.absent())
                .map_or(Ok(()), Err)
        })
        .map_err(Failure::usage)?;
    interrupt::on_interrupt(None)?;
    let mut progress = Progress::new(1, cell.seconds_expected());
    progress.begin(&cell.to_string());
    let row = cell.run_in(Path::new(".")).map_err(Failure::work)?;
    drop(progress);
    for (field, word) in [
        (seawall_bench::NOTICE, ""),
        (seawall_bench::INVALID, "invalid: "),
        (seawall_bench::DISTURBED, "disturbed: "),
    ] {
        if let Some(words) = row.extra.get(field).and_then(|words| words.as_str()) {
            output::complain(&format!("note: {word}{words}"));
        }
    }
    let row = Row::Bench(row);
    if arguments.json {
        return output::row(&row);
    }
    table::summary(std::slice::from_ref(&row))
}

fn help() -> String {
    let mut text = format!(
        "Targets: {}\nWorkloads: {}\n\nSettings:\n",
        seawall_bench::TARGETS
            .iter()
            .map(|target| target.form)
            .collect::<Vec<_>>()
            .join(", "),
        family::names("workloads")
    );
    for setting in seawall_bench::SETTINGS {
        let _ = writeln!(text, "  {:<18} {}", setting.name, setting.about);
    }
    text + "
Examples:
  seawall bench --workload cache-aside
  seawall bench --workload leaderboard --target null --json
  seawall bench --workload cache-aside --target resp://127.0.0.1:6379 --config pipeline=16
  seawall bench --workload session --target resp://127.0.0.1:6379 --config rate=20000
  seawall bench --workload cache-aside --config appendonly=yes --config appendfsync=always"
}
