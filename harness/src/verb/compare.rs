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

/// How many cells that stand in one of the runs alone are named.
const ONLY_SHOWN: usize = 8;

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
            let shown = &cells[..cells.len().min(ONLY_SHOWN)];
            let more = match cells.len() - shown.len() {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            let (run, cells) = (run.display(), shown.join(", "));
            output::line(&format!("only in {run}: {cells}{more}"))?;
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
