//! `seawall simulate`: strategies under faults, on a virtual clock.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::Args;
use seawall_bench::Source;
use seawall_report::Run;
use seawall_report::row::Row;
use seawall_sim::{Cell, Scenario};

use crate::family;
use crate::folder::Folder;
use crate::interrupt;
use crate::output;
use crate::progress::Progress;
use crate::setup;
use crate::status::{Failure, Outcome};
use crate::step::{Key, SimStep, Step, ValidationStep};
use crate::table;

/// What is compared where no scenario is given.
const COMPARISON: &str = "comparison";

/// Compare replications and shardings under faults, on a virtual clock. Exit status 3 where a claim
/// fell short.
#[derive(Debug, Args)]
#[command(after_help = help())]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a switch each, which go together in any way"
)]
pub(crate) struct Arguments {
    /// The scenario: a file, or a carried one by its name (comparison, three-zones)
    #[arg(value_name = "SCENARIO.toml", default_value = COMPARISON)]
    scenario: PathBuf,
    /// Compare these replications, in a comma list
    #[arg(long, value_name = "R,..", value_delimiter = ',')]
    replication: Vec<String>,
    /// Compare these shardings, in a comma list
    #[arg(long, value_name = "S,..", value_delimiter = ',')]
    sharding: Vec<String>,
    /// Use the cache in these ways, in a comma list
    #[arg(long, value_name = "C,..", value_delimiter = ',')]
    caching: Vec<String>,
    /// Compare under these faults, in a comma list
    #[arg(long, value_name = "F,..", value_delimiter = ',')]
    fault: Vec<String>,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many seeds [default: 5 for the comparison, else 1]
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: Option<u64>,
    /// Every replication with every sharding
    #[arg(long)]
    full: bool,
    /// Keep setup, rows and report in this folder: DIR/setup.json, rows.jsonl, report.html, report.md, rows.csv
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in the folder: cells whose rows are there are skipped
    #[arg(long, requires = "out")]
    resume: bool,
    /// Where a claim is broken, look for the least schedule of faults that breaks it, and print it as a part of a
    /// scenario
    #[arg(long)]
    shrink: bool,
    /// Measure the published figures instead, each beside its source. Exit status 3 where one is not within what is
    /// accepted
    #[arg(long, conflicts_with_all = ["scenario", "replication", "sharding", "caching", "fault", "seeds", "full", "out", "shrink"])]
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
    let is_comparison = arguments.scenario == Path::new(COMPARISON);
    let seeds = arguments.seeds.unwrap_or(if is_comparison { 5 } else { 1 });
    if arguments.seed.checked_add(seeds).is_none() {
        return Err(Failure::usage(
            "--seed and --seeds go beyond the largest seed, 2^64 - 1",
        ));
    }
    let steps = [SimStep::of(
        &scenario,
        arguments.full,
        arguments.seed,
        seeds,
    )];
    let rows = match &arguments.out {
        None => work(
            &steps,
            arguments,
            Path::new("."),
            &HashSet::new(),
            &mut |_| Ok(()),
        )?,
        Some(path) => into_folder(path, &scenario, &steps, arguments)?,
    };
    if !arguments.json {
        table::summary(&rows)?;
    }
    if arguments.shrink {
        shrink(&scenario, &rows)?;
    }
    crate::step::claims(&rows, Some(&arguments.scenario))
}

/// Measures the published figures.
fn validate(arguments: &Arguments) -> Outcome {
    let steps: Vec<Step> = ValidationStep::all(arguments.seed)
        .map(Step::Validation)
        .collect();
    let nothing = HashSet::new();
    let rows = work(&steps, arguments, Path::new("."), &nothing, &mut |_| Ok(()))?;
    if !arguments.json {
        table::summary(&rows)?;
    }
    crate::step::published(&rows)
}

/// Runs the steps into a folder, and writes the report of all that is in it.
fn into_folder(
    path: &Path,
    scenario: &Scenario,
    steps: &[Step],
    arguments: &Arguments,
) -> Outcome<Vec<Row>> {
    let setup = setup::of_scenario(scenario, arguments.seed);
    let mut folder = Folder::open(path, &setup, arguments.resume)?;
    interrupt::on_interrupt(Some(format!(
        "interrupted; what was finished is in {}, and the same command with --resume goes on",
        path.display()
    )))?;
    let done = folder.done.clone();
    work(steps, arguments, path, &done, &mut |row| folder.keep(row))?;
    let run = Run::read(path).map_err(Failure::work)?;
    let page = seawall_report::write(path).map_err(Failure::work)?;
    output::complain(&format!("report: {}", page.display()));
    Ok(run.rows)
}

/// Runs the steps whose rows are not `done`; each row goes to `keep`.
fn work(
    steps: &[Step],
    arguments: &Arguments,
    scratch: &Path,
    done: &HashSet<Key>,
    keep: &mut dyn FnMut(&Row) -> Outcome,
) -> Outcome<Vec<Row>> {
    let steps: Vec<&Step> = steps.iter().filter(|step| !step.is_done(done)).collect();
    let seconds = steps.iter().map(|step| step.seconds_expected()).sum();
    let mut progress = Progress::new(steps.len(), seconds);
    let mut rows = Vec::new();
    for step in steps {
        progress.begin(&step.title());
        step.run(scratch, done, &mut |row| {
            if arguments.json {
                output::row(&row)?;
            }
            keep(&row)?;
            progress.part(step.seconds_expected() / step.rows() as f64);
            rows.push(row);
            Ok(())
        })?;
        progress.end(step.seconds_expected());
    }
    Ok(rows)
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
            "the least that breaks it, after {} runs, with --seed {} --replication {} --sharding {}, in place of what the \
             scenario has of these keys:\n\n\
             workloads = [\"{}\"]\ncachings = [\"{}\"]\nfaults = [\"{}\"]\n{}",
            shrunk.runs,
            row.seed,
            row.replication,
            row.sharding,
            row.workload,
            row.caching,
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
    let path = &arguments.scenario;
    let carried = path.to_str().and_then(Scenario::carried);
    let mut scenario = if let Some(scenario) = carried {
        scenario
    } else {
        let source = Source::read(path).map_err(Failure::usage)?;
        Scenario::parse(source.name(), source.text()).map_err(Failure::usage)?
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
    if !arguments.caching.is_empty() {
        scenario = scenario
            .with_cachings(&arguments.caching)
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
        "Replications: {}\nShardings: {}\nCachings: {}\nFaults: {}\n
Examples:
  seawall simulate --out runs/comparison
  seawall simulate --replication async:node_timeout_ms=1000,quorum --sharding slots --seed 7 --json
  seawall simulate three-zones --fault swarm --seeds 1000 --shrink
  seawall simulate three-zones --fault scale-out --sharding slots,slots:migration=key-by-key:count=256
  seawall simulate storm.toml --full
  seawall simulate --validate",
        family::names("replications"),
        family::names("shardings"),
        family::names("cachings"),
        family::names("faults")
    )
}
