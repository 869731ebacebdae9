//! `seawall run`: the main job. A suite's steps, one after another, into a folder with a report.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::Args;
use seawall_bench::{Source, TargetSpec};
use seawall_report::Run;
use seawall_report::row::Row;
use seawall_sys::ring::Ring;

use crate::folder::Folder;
use crate::interrupt;
use crate::output;
use crate::progress::Progress;
use crate::setup;
use crate::status::{Failure, Outcome};
use crate::step::{self, Step};
use crate::suite::{self, Suite};
use crate::table;

/// Run a suite and write its report: DIR/setup.json, rows.jsonl, report.html, report.md, rows.csv.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  seawall run --quick
  seawall run harness/suites/full.toml --seed 7 --out runs/seven
  seawall run --quick --out runs/seven --resume")]
pub(crate) struct Arguments {
    /// The suite; without it and without --quick, the full one that the program carries
    #[arg(value_name = "SUITE.toml", conflicts_with = "quick")]
    suite: Option<PathBuf>,
    /// The quick suite: about a minute
    #[arg(long)]
    quick: bool,
    /// Drive this target instead of the suite's own; may be given several times
    #[arg(long, value_name = "T", value_parser = super::target)]
    target: Vec<TargetSpec>,
    /// Run this comparison of the suite and nothing else; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Seeds every workload and simulation [default: the suite's own]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where the run goes [default: runs/SUITE-SEED]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in the folder: steps whose rows are there are skipped
    #[arg(long)]
    resume: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let source = source(arguments)?;
    let beside = arguments
        .suite
        .as_deref()
        .and_then(Path::parent)
        .unwrap_or(Path::new(""));
    let suite = Suite::parse(&source, beside, &arguments.target, &arguments.only);
    let suite = suite.map_err(Failure::usage)?;
    let seed = arguments.seed.unwrap_or(suite.seed);
    let all = suite.steps(seed);
    let path = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("runs/{}-{seed}", suite.name)));
    let setup = setup::of(&suite, seed, notices(&suite, &all));
    let mut folder = Folder::open(&path, &setup, arguments.resume)?;
    folder.tell_not_run(&setup.not_run)?;
    setup
        .notices
        .iter()
        .for_each(|notice| output::complain(&format!("note: {notice}")));
    setup
        .not_run
        .iter()
        .for_each(|what| output::complain(&format!("not run: {what}")));

    let steps: Vec<&Step> = all
        .iter()
        .filter(|step| !step.is_done(&folder.done))
        .collect();
    if steps.len() < all.len() {
        let done = all.len() - steps.len();
        output::complain(&format!("{done} of {} steps are done already", all.len()));
    }
    // What was finished is in the folder already.
    interrupt::on_interrupt(Some(format!(
        "interrupted; what was finished is in {}, and the same command with --resume goes on",
        path.display()
    )))?;
    let worked = work(&steps, &mut folder);
    // What was finished is shown even where a later step failed.
    let shown = folder.tell_not_run(&[]).and_then(|()| show(&folder));
    worked.and(shown)
}

fn source(arguments: &Arguments) -> Outcome<Source> {
    let Some(path) = &arguments.suite else {
        let (name, text) = if arguments.quick {
            suite::QUICK
        } else {
            suite::FULL
        };
        return Ok(Source::new(name, text));
    };
    Source::read(path).map_err(Failure::usage)
}

/// What the reader of the run must know before it begins.
fn notices(suite: &Suite, steps: &[Step]) -> Vec<String> {
    let mut notices = Vec::new();
    if !suite.skipped.is_empty() {
        notices.push(format!("left out: {}", suite.skipped.join("; ")));
    }
    if steps.iter().any(Step::wants_uring)
        && let Err(why) = Ring::available()
    {
        notices.push(format!(
            "{why}; logs go to files by pwrite and fdatasync instead"
        ));
    }
    notices
}

fn work(steps: &[&Step], folder: &mut Folder) -> Outcome {
    let seconds = steps.iter().map(|step| step.seconds_expected()).sum();
    let mut progress = Progress::new(steps.len(), seconds);
    let (scratch, done) = (folder.path.clone(), folder.done.clone());
    let mut told = HashSet::new();
    for step in steps {
        progress.begin(&step.title());
        step.run(&scratch, &done, &mut |row| {
            if let Some(notice) = notice(&row).filter(|notice| !told.contains(*notice)) {
                output::complain(&format!("note: {notice}"));
                told.insert(notice.to_owned());
            }
            progress.part(step.seconds_expected() / step.rows() as f64);
            folder.keep(&row)
        })?;
        progress.end(step.seconds_expected());
    }
    Ok(())
}

/// What a row's reader must know; shown as soon as the first row says it, and in the report.
fn notice(row: &Row) -> Option<&str> {
    let Row::Bench(row) = row else { return None };
    row.extra.get(seawall_bench::NOTICE)?.as_str()
}

fn show(folder: &Folder) -> Outcome {
    let run = Run::read(&folder.path).map_err(Failure::work)?;
    let page = seawall_report::write(&folder.path).map_err(Failure::work)?;
    table::summary(&run.rows)?;
    output::line(&format!("report: {}", page.display()))?;
    step::claims(&run.rows, None)?;
    step::published(&run.rows)
}
