//! `seawall trace convert`: a trace in another format.

use clap::Args;
use serde_json::json;

use super::{From, To, finish};
use crate::progress::Tally;
use crate::status::{Failure, Outcome};

/// Write a trace in another format: requests stay, with what the format has room for; objects get dense ids in the order of first sight.
#[derive(Debug, Args)]
#[command(
    after_help = "Formats: swt, oracle-general (with next accesses computed anew), csv, text.

Examples:
  seawall trace convert dev-session dev.swt
  seawall trace convert cluster52.twr.zst cluster52.oracleGeneral
  seawall trace convert requests.csv.zst --format csv:object=2:time=1:size=3 --to csv dense.csv"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    to: To,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let mut requests = arguments.from.open()?;
    let mut output = arguments.to.create(json!({
        "verb": "convert",
        "source": requests.name(),
        "format": requests.format().to_string(),
    }))?;
    let mut tally = Tally::new(requests.name());
    while let Some(block) = requests.next_block().map_err(Failure::usage)? {
        output.write(block).map_err(Failure::work)?;
        tally.add(block.len() as u64);
    }
    finish(output)
}
