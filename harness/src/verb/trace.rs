//! `seawall trace`: what stands in a trace.

use std::path::Path;

use clap::{Args, Subcommand};
use seawall_workloads::trace::{FormatSpec, Trace};
use serde_json::json;

use crate::input::Input;
use crate::output;
use crate::status::{Failure, Outcome};
use crate::table;

/// Look at traces.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Info(InfoArguments),
}

/// How many requests a trace has, for how many objects, of what sizes, over what time.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  seawall trace info dev-session
  seawall trace info requests.csv.zst --format csv:object=2:time=1:size=3 --json")]
struct InfoArguments {
    /// A file, or the trace that the program carries
    #[arg(value_name = "TRACE")]
    trace: String,
    /// Its format [default: by the file's name]
    #[arg(long, value_name = "F", value_parser = super::format)]
    format: Option<FormatSpec>,
    /// One JSON object on standard output, and nothing else
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let What::Info(arguments) = &arguments.what;
    let input = Input::new(&arguments.trace, Path::new(""));
    let format = arguments.format.as_ref();
    input.check(format).map_err(Failure::Usage)?;
    let trace = input.read(format)?;
    let facts = facts(&trace);
    if arguments.json {
        let object: serde_json::Map<_, _> = facts
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        return output::line(&serde_json::Value::Object(object).to_string());
    }
    let mut table = table::plain(&[]);
    for (name, value) in facts {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        table.add_row([name.replace('_', " "), value]);
    }
    output::line(&table.to_string())
}

fn facts(trace: &Trace) -> Vec<(&'static str, serde_json::Value)> {
    let requests = trace.len() as u64;
    let mut counts = vec![0u64; trace.object_count() as usize];
    for &object in trace.objects() {
        counts[object as usize] += 1;
    }
    let once = counts.iter().filter(|&&count| count == 1).count();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let top = counts.len().div_ceil(100);
    let share = counts[..top].iter().sum::<u64>() as f64 / requests as f64;
    let mut facts = vec![
        ("trace", json!(trace.name())),
        ("requests", json!(requests)),
        ("objects", json!(trace.object_count())),
        ("objects_requested_once", json!(once)),
        (
            "requests_for_top_percent",
            json!((share * 1e4).round() / 1e4),
        ),
    ];
    if !trace.sizes().is_empty() {
        let bytes: u64 = trace.sizes().iter().map(|&size| u64::from(size)).sum();
        facts.push(("bytes_requested", json!(bytes)));
        facts.push(("footprint_bytes", json!(trace.footprint_bytes())));
    }
    if let (Some(first), Some(last)) = (trace.times_s().iter().min(), trace.times_s().iter().max())
    {
        facts.push(("seconds", json!(last - first)));
    }
    facts
}
