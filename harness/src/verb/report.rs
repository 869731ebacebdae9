//! `seawall report`: render runs again from their rows.

use std::path::PathBuf;

use clap::Args;
use seawall_report::Error;

use crate::output;
use crate::status::{Failure, Outcome};

/// Render runs again from their rows: DIR/report.html, report.md, rows.csv.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  seawall report runs/quick-1")]
pub(crate) struct Arguments {
    /// Folders of runs
    #[arg(value_name = "DIR", required = true)]
    runs: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    for dir in &arguments.runs {
        let run = seawall_report::Run::read(dir).map_err(Failure::usage)?;
        if let Some(cut) = run.cut {
            output::complain(&format!(
                "note: {}:{}: was cut off after {} bytes; the report does without that row",
                dir.join(seawall_report::run::FILE).display(),
                cut.line,
                cut.bytes
            ));
        }
        let page = seawall_report::write(dir).map_err(|error| match error {
            Error::Write { .. } => Failure::work(error),
            _ => Failure::usage(error),
        })?;
        output::line(&page.display().to_string())?;
    }
    Ok(())
}
