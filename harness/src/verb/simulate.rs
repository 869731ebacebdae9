//! `seawall simulate`: strategies under faults, on a virtual clock.

use std::path::PathBuf;

use std::collections::HashSet;

use clap::Args;
use seawall_bench::Source;
use seawall_report::row::Row;
use seawall_sim::{Cell, Scenario};

use crate::family;
use crate::output;
use crate::progress::Progress;
use crate::status::{Failure, Outcome};
use crate::step::{SimStep, Step, ValidationStep};
use crate::table;

/// Compare replications and shardings under faults, on a virtual clock. Exit status 3 where a claim
/// fell short.
#[derive(Debug, Args)]
#[command(after_help = help())]
pub(crate) struct Arguments {
    /// The scenario; without it, the built-in one: three zones
    #[arg(value_name = "SCENARIO.toml")]
    scenario: Option<PathBuf>,
    /// Compare these replications, in a comma list
    #[arg(long, value_name = "R,..", value_delimiter = ',')]
    replication: Vec<String>,
    /// Compare these shardings, in a comma list
    #[arg(long, value_name = "S,..", value_delimiter = ',')]
    sharding: Vec<String>,
    /// Compare under these faults, in a comma list
    #[arg(long, value_name = "F,..", value_delimiter = ',')]
    fault: Vec<String>,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: u64,
    /// Every replication with every sharding
    #[arg(long)]
    full: bool,
    /// Where a claim is broken, look for the least schedule of faults that breaks it, and print it as a part of a
    /// scenario
    #[arg(long)]
    shrink: bool,
    /// Measure the published figures instead, each beside its source. Exit status 3 where one is not within what is
    /// accepted
    #[arg(long, conflicts_with_all = ["scenario", "replication", "sharding", "fault", "seeds", "full", "shrink"])]
    validate: bool,
    /// Print rows on standard output, one object a line, and nothing else
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    if arguments.validate {
        return validate(arguments);
    }
    let scenario = scenario(arguments)?;
    if arguments.seed.checked_add(arguments.seeds).is_none() {
        return Err(Failure::usage(
            "--seed and --seeds go beyond the largest seed, 2^64 - 1",
        ));
    }
    let steps = SimStep::of(&scenario, arguments.full, arguments.seed, arguments.seeds);
    let seconds = steps.iter().map(SimStep::seconds_expected).sum();
    let mut progress = Progress::new(steps.len(), seconds);
    let mut rows = Vec::new();
    for step in steps {
        let seconds = step.seconds_expected();
        let step = Step::Sim(step);
        progress.begin(&step.title());
        step.run(std::path::Path::new("."), &HashSet::new(), &mut |row| {
            if arguments.json {
                output::row(&row)?;
            }
            rows.push(row);
            Ok(())
        })?;
        progress.end(seconds);
    }
    drop(progress);
    if !arguments.json {
        table::summary(&rows)?;
    }
    if arguments.shrink {
        shrink(&scenario, &rows)?;
    }
    crate::step::claims(&rows)
}

/// Measures the published figures.
fn validate(arguments: &Arguments) -> Outcome {
    let steps: Vec<Step> = ValidationStep::all(arguments.seed)
        .map(Step::Validation)
        .collect();
    let seconds = steps.iter().map(Step::seconds_expected).sum();
    let mut progress = Progress::new(steps.len(), seconds);
    let mut rows = Vec::new();
    for step in steps {
        progress.begin(&step.title());
        step.run(std::path::Path::new("."), &HashSet::new(), &mut |row| {
            if arguments.json {
                output::row(&row)?;
            }
            rows.push(row);
            Ok(())
        })?;
        progress.end(step.seconds_expected());
    }
    drop(progress);
    if !arguments.json {
        table::summary(&rows)?;
    }
    crate::step::published(&rows)
}

/// Prints the least schedule that breaks the claim that was broken first.
fn shrink(scenario: &Scenario, rows: &[Row]) -> Outcome {
    let broken = rows.iter().find_map(|row| match row {
        Row::Sim(row) if !row.violations.is_empty() => Some(row),
        _ => None,
    });
    let Some(row) = broken else {
        return Ok(());
    };
    let cell = Cell {
        replication: row.replication.clone(),
        sharding: row.sharding.clone(),
        workload: row.workload.clone(),
        caching: row.caching.clone(),
        fault: row.fault.clone(),
    };
    let shrunk =
        seawall_sim::shrink(scenario, &cell, row.seed, SHRINK_RUNS).map_err(Failure::usage)?;
    if let Some(shrunk) = shrunk {
        output::complain(&format!(
            "the least that breaks it, after {} runs, with --seed {} --replication {} --sharding {}:\n\n\
             workloads = [\"{}\"]\nfaults = [\"{}\"]\n{}",
            shrunk.runs,
            row.seed,
            row.replication,
            row.sharding,
            row.workload,
            if shrunk.schedule.actions().is_empty() {
                "none"
            } else {
                "schedule"
            },
            shrunk.schedule.to_toml()
        ));
    }
    Ok(())
}

/// How many runs the search for the least schedule takes at most.
const SHRINK_RUNS: usize = 500;

fn scenario(arguments: &Arguments) -> Outcome<Scenario> {
    let mut scenario = match &arguments.scenario {
        None => Scenario::built_in(),
        Some(path) => {
            let source = Source::read(path).map_err(Failure::usage)?;
            Scenario::parse(source.name(), source.text()).map_err(Failure::usage)?
        }
    };
    if !arguments.replication.is_empty() {
        scenario = scenario
            .with_replications(&arguments.replication)
            .map_err(Failure::usage)?;
    }
    if !arguments.sharding.is_empty() {
        scenario = scenario
            .with_shardings(&arguments.sharding)
            .map_err(Failure::usage)?;
    }
    if !arguments.fault.is_empty() {
        scenario = scenario
            .with_faults(&arguments.fault)
            .map_err(Failure::usage)?;
    }
    Ok(scenario)
}

fn help() -> String {
    format!(
        "Replications: {}\nShardings: {}\nFaults: {}\n
Examples:
  seawall simulate --seeds 20
  seawall simulate --replication async:node_timeout_ms=1000,quorum --sharding slots --seed 7 --json
  seawall simulate --fault swarm --seeds 1000 --shrink
  seawall simulate storm.toml --full
  seawall simulate --validate",
        family::names("replications"),
        family::names("shardings"),
        family::names("faults")
    )
}
