//! Verbs: a file each, a line each in [`Verb`]. Here also what several of them read from the command
//! line.

mod bench;
mod calibrate;
mod check;
mod compare;
mod list;
mod log;
mod replay;
mod report;
mod run;
mod serve;
mod simulate;
mod trace;

use clap::{Parser, Subcommand};
use seawall_bench::{Configuration, Scalar, TargetSpec};
use seawall_workloads::trace::{FormatSpec, TraceError};

use crate::status::Outcome;

/// An in-memory data store that speaks Redis and Memcached, and the laboratory around it.
#[derive(Debug, Parser)]
#[command(
    name = "seawall",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "The main job:\n  seawall run --quick\n\n\
                  Exit status: 0 done, 1 the work failed, 2 the command line or a file was wrong,\n\
                  3 a comparison or a claim fell short."
)]
pub(crate) struct Program {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Run(run::Arguments),
    Bench(bench::Arguments),
    Serve(serve::Arguments),
    Replay(replay::Arguments),
    Simulate(simulate::Arguments),
    Calibrate(calibrate::Arguments),
    Report(report::Arguments),
    Compare(compare::Arguments),
    Trace(trace::Arguments),
    Check(check::Arguments),
    Log(log::Arguments),
    List(list::Arguments),
}

impl Verb {
    /// Does it.
    pub(crate) fn run(self) -> Outcome {
        match self {
            Verb::Run(arguments) => run::run(&arguments),
            Verb::Bench(arguments) => bench::run(&arguments),
            Verb::Serve(arguments) => serve::run(&arguments),
            Verb::Replay(arguments) => replay::run(&arguments),
            Verb::Simulate(arguments) => simulate::run(&arguments),
            Verb::Calibrate(arguments) => calibrate::run(&arguments),
            Verb::Report(arguments) => report::run(&arguments),
            Verb::Compare(arguments) => compare::run(&arguments),
            Verb::Trace(arguments) => trace::run(&arguments),
            Verb::Check(arguments) => check::run(&arguments),
            Verb::Log(arguments) => log::run(&arguments),
            Verb::List(arguments) => list::run(&arguments),
        }
    }
}

/// A target as it is written.
fn target(text: &str) -> Result<TargetSpec, String> {
    text.parse()
        .map_err(|error: seawall_bench::TargetError| error.to_string())
}

/// A workload that exists, with parameters that it takes.
fn workload(text: &str) -> Result<String, String> {
    seawall_bench::cell::check_workload(text).map(|()| text.to_owned())
}

/// A setting that exists, with a value that it takes.
fn assignment(text: &str) -> Result<(String, Scalar), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "expected NAME=VALUE, as in pipeline=16".to_owned())?;
    let value = Scalar::from_text(value);
    Configuration::default()
        .set(name, &value)
        .map_err(|error| error.to_string())?;
    Ok((name.to_owned(), value))
}

/// A trace format that exists, with options that it takes.
fn format(text: &str) -> Result<FormatSpec, String> {
    text.parse().map_err(|error: TraceError| error.to_string())
}

/// A number of seconds that a cell may take to warm up.
fn seconds(text: &str) -> Result<f64, String> {
    seconds_from(0.0, text)
}

/// A number of seconds that a cell may measure.
fn seconds_measured(text: &str) -> Result<f64, String> {
    seconds_from(0.01, text)
}

fn seconds_from(least: f64, text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds| (least..=86_400.0).contains(seconds))
        .ok_or_else(|| format!("expected a number of seconds from {least} to 86400"))
}
