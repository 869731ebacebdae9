//! `seawall trace synthesize`: a trace that nobody recorded.

use clap::{ArgGroup, Args};
use seawall_workloads::trace::{FormatSpec, Synthesis};
use serde_json::json;

use super::{From, To};
use crate::output;
use crate::progress::Tally;
use crate::status::{Failure, Outcome};

/// Write a stationary twin of a trace, or Zipf's law alone.
///
/// What is asked for next does not depend on what was asked before. A twin keeps popularity by rank, sizes,
/// ops and TTLs by object, and the mean rate; it loses all order: reuse beyond what popularity makes, scans,
/// drift, daily rhythm.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true).args(["like", "zipf"])))]
#[command(after_help = "Examples:
  seawall trace synthesize --like dev-session twin.swt
  seawall trace synthesize --zipf 1.0 --objects 1000000 --requests 100000000 zipf.swt")]
pub(super) struct Arguments {
    #[command(flatten)]
    to: To,
    /// The trace to make a twin of: a file, or the one that the program carries
    #[arg(long, value_name = "TRACE")]
    like: Option<String>,
    /// Its format [default: by the file's name]
    #[arg(long, value_name = "F", value_parser = super::super::format, requires = "like")]
    format: Option<FormatSpec>,
    /// The exponent of Zipf's law, from 0 (all alike) to 10
    #[arg(long, value_name = "S", value_parser = exponent, requires_all = ["objects", "requests"])]
    zipf: Option<f64>,
    /// How many objects there are
    #[arg(long, value_name = "N", requires = "zipf", value_parser = clap::value_parser!(u32).range(1..))]
    objects: Option<u32>,
    /// The size of every object in bytes
    #[arg(long, value_name = "BYTES", requires = "zipf", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..4_294_967_295))]
    object_size: u32,
    /// How many requests there are [default with --like: as many as the trace has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// Draws the requests
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

fn exponent(text: &str) -> Result<f64, String> {
    let exponent = text.parse().ok().filter(|s| (0.0..=10.0).contains(s));
    exponent.ok_or_else(|| "expected a number from 0 to 10, as in 1.0".to_owned())
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let seed = arguments.seed;
    let (mut synthesis, made) = match (&arguments.like, arguments.zipf) {
        (Some(like), _) => {
            let from = From {
                trace: like.clone(),
                format: arguments.format.clone(),
            };
            let trace = from.input()?.read(from.format.as_ref())?;
            let made = json!({"verb": "synthesize", "source": trace.name(), "seed": seed});
            let requests = arguments.requests.unwrap_or(trace.len() as u64);
            (Synthesis::twin(trace, requests, seed), made)
        }
        (None, zipf) => {
            let (exponent, objects) = (zipf.unwrap_or(1.0), arguments.objects.unwrap_or(1));
            let requests = arguments.requests.unwrap_or(1);
            let made = json!({
                "verb": "synthesize", "zipf": exponent, "objects": objects, "seed": seed,
            });
            let size = arguments.object_size;
            (
                Synthesis::zipf(objects, exponent, size, requests, seed),
                made,
            )
        }
    };
    let mut output = arguments.to.create(made)?;
    let mut tally = Tally::new(&arguments.to.out);
    let mut requests = 0;
    while let Some(block) = synthesis.next_block() {
        output.write(block).map_err(Failure::work)?;
        tally.add(block.len() as u64);
        requests += block.len();
    }
    output.finish().map_err(Failure::work)?;
    drop(tally);
    let objects = synthesis.objects();
    output::line(&format!(
        "{requests} requests, {objects} objects, seed {seed}"
    ))
}
