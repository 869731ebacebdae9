//! `seawall trace sample`: a share of a trace's objects.

use clap::Args;
use seawall_workloads::trace::Sample;
use serde_json::json;

use super::{From, To, finish};
use crate::output;
use crate::progress::Tally;
use crate::status::{Failure, Outcome};

/// Write the requests for a share of a trace's objects, chosen by hash.
///
/// An object that stays keeps all its requests. A cache of the same share of the size sees about the same
/// hit ratio (SHARDS, FAST 2015). What is hashed is an object's number in order of first sight: two traces of
/// the same keys do not keep the same ones.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  seawall trace sample dev-session --rate 0.1 dev-tenth.swt
  seawall trace sample cluster52.twr.zst --rate 0.01 --seed 2 hundredth.oracleGeneral")]
pub(super) struct Arguments {
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    to: To,
    /// The share of objects that stay, above 0 and below 1
    #[arg(long, value_name = "R", value_parser = share)]
    rate: f64,
    /// Chooses which
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text
        .parse()
        .ok()
        .filter(|&share| share > 0.0 && share < 1.0);
    share.ok_or_else(|| "expected a share above 0 and below 1, as in 0.1".to_owned())
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let mut requests = arguments.from.open()?;
    let mut sample = Sample::new(arguments.rate, arguments.seed);
    let mut output = arguments.to.create(json!({
        "verb": "sample",
        "source": requests.name(),
        "format": requests.format().to_string(),
        "rate": arguments.rate,
        "seed": arguments.seed,
    }))?;
    let mut tally = Tally::new(requests.name());
    let mut kept = 0;
    while let Some(block) = requests.next_block().map_err(Failure::usage)? {
        let stays = sample.of(block);
        output.write(stays).map_err(Failure::work)?;
        kept += stays.len() as u64;
        tally.add(block.len() as u64);
    }
    if kept == 0 {
        return Err(Failure::Usage(format!(
            "none of {} objects stays at a rate of {}; expected a higher rate, or another seed",
            requests.object_count(),
            arguments.rate
        )));
    }
    finish(output)?;
    drop(tally);
    output::line(&format!(
        "{kept} of {} requests, {} of {} objects, seed {}",
        requests.requests(),
        sample.kept(),
        requests.object_count(),
        arguments.seed
    ))
}
