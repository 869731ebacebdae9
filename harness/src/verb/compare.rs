//! `seawall compare`: is a new run worse than a base?

use std::path::PathBuf;

use clap::Args;
use seawall_report::Run;

use crate::output;
use crate::status::{Failure, Outcome};
use crate::table;

/// Compare two runs cell by cell, paired, with intervals. Exit status 3 where NEW is worse.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  seawall compare runs/before runs/after")]
pub(crate) struct Arguments {
    /// The folder of the run to compare with
    base: PathBuf,
    /// The folder of the run that is judged
    new: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let base = Run::read(&arguments.base).map_err(Failure::usage)?;
    let new = Run::read(&arguments.new).map_err(Failure::usage)?;
    let verdict = seawall_report::compare::compare(&base, &new);
    output::line(&table::of(&verdict.table()))?;
    for (run, cells) in [
        (&arguments.base, &verdict.only_base),
        (&arguments.new, &verdict.only_new),
    ] {
        if !cells.is_empty() {
            output::line(&format!("only in {}: {}", run.display(), cells.join(", ")))?;
        }
    }
    if verdict.worse() {
        return Err(Failure::Short(format!(
            "{} is worse than {}",
            arguments.new.display(),
            arguments.base.display()
        )));
    }
    Ok(())
}
