//! `seawall replay`: traces through eviction policies, at several sizes.

use std::fmt::Write;
use std::path::Path;

use clap::Args;
use seawall_lab::admission::AdmissionSpec;
use seawall_lab::{Grid, Size, Subject, Unit};
use seawall_report::row::Row;
use seawall_workloads::trace::{FormatSpec, Trace};

use crate::family;
use crate::input::{CARRIED_NAME, Input};
use crate::output;
use crate::progress::Progress;
use crate::status::{Failure, Outcome};
use crate::table;

/// Replay traces through eviction policies: the store's own code, beside bounds.
#[derive(Debug, Args)]
#[command(after_help = help())]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct Arguments {
    /// Traces: files (gz, xz and zst are read in place), or the carried one by its name
    #[arg(value_name = "TRACE", required = true)]
    traces: Vec<String>,
    /// Their format, as in csv:object=2:time=1:size=3 [default: by the file's name]
    #[arg(long, value_name = "F", value_parser = super::format)]
    format: Option<FormatSpec>,
    /// Policies and bounds in a comma list, as in clock:bits=2,lru,belady
    #[arg(long, value_name = "P,..", default_value = "all", value_parser = policies)]
    policy: Listed<Subject>,
    /// Admissions in a comma list, each before each policy of the store, as in always,bloom
    #[arg(long, value_name = "A,..", default_value = "always", value_parser = admissions)]
    admission: Listed<AdmissionSpec>,
    /// Sizes in a comma list: 4096, 64mib, 1% of what the trace asks for [default: 0.1%,1%,10%; with --mrc
    /// sixteen from 0.1% to 100%]
    #[arg(long, value_name = "S,..", value_parser = sizes)]
    size: Option<Listed<Size>>,
    /// Miss-ratio curves: many sizes, and lru in one pass
    #[arg(long)]
    mrc: bool,
    /// Estimate from samples of this share of the objects, as in 0.01; rows have intervals
    #[arg(long, value_name = "RATE", value_parser = rate)]
    sample: Option<f64>,
    /// Every object has size 1, and sizes count objects
    #[arg(long)]
    ignore_size: bool,
    /// Bytes that a store keeps beside each object, added to every size
    #[arg(long, value_name = "BYTES", default_value_t = 0, conflicts_with = "ignore_size", value_parser = clap::value_parser!(u32).range(..=1 << 20))]
    item_overhead: u32,
    /// Every request is a get and no object expires, whatever the trace tells
    #[arg(long)]
    ignore_ops: bool,
    /// Seeds the policies that choose at random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print rows on standard output, one object a line, and nothing else
    #[arg(long)]
    json: bool,
}

/// A comma list as one value: clap would take a `Vec` for several.
type Listed<T> = std::sync::Arc<Vec<T>>;

fn policies(text: &str) -> Result<Listed<Subject>, String> {
    Subject::parse_list(text)
        .map(Listed::new)
        .map_err(|error| error.to_string())
}

fn admissions(text: &str) -> Result<Listed<AdmissionSpec>, String> {
    AdmissionSpec::parse_list(text)
        .map(Listed::new)
        .map_err(|error| error.to_string())
}

fn sizes(text: &str) -> Result<Listed<Size>, String> {
    Size::parse_list(text)
        .map(Listed::new)
        .map_err(|error| error.to_string())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| *rate > 0.0 && *rate <= 1.0);
    rate.ok_or_else(|| format!("'{text}' is not a share; accepted: above 0, at most 1 (0.01)"))
}

const SIZES: &str = "0.1%,1%,10%";
const SIZES_OF_CURVE: &str = "0.1%,0.2%,0.3%,0.5%,0.7%,1%,2%,3%,5%,7%,10%,20%,30%,50%,70%,100%";

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let sizes = match &arguments.size {
        Some(sizes) => sizes.clone(),
        None if arguments.mrc => sizes(SIZES_OF_CURVE).map_err(Failure::Usage)?,
        None => sizes(SIZES).map_err(Failure::Usage)?,
    };
    let format = arguments.format.as_ref();
    let unit = if arguments.ignore_size {
        Unit::Objects
    } else {
        Unit::Bytes
    };
    let inputs: Vec<Input> = arguments
        .traces
        .iter()
        .map(|text| Input::new(text, Path::new("")))
        .collect();
    for input in &inputs {
        input.check(format).map_err(Failure::Usage)?;
    }
    let subjects = Subject::behind(&arguments.policy, &arguments.admission);
    if subjects.is_empty() {
        let words = "only policies of the store take an admission; accepted: one of them, or --admission always";
        return Err(Failure::Usage(words.to_owned()));
    }
    let cells = subjects.len() * sizes.len();
    let mut progress = Progress::new(inputs.len() * cells, (inputs.len() * cells) as f64);
    let mut rows = Vec::new();
    for input in &inputs {
        let mut trace = input.read(format)?;
        if arguments.ignore_ops {
            trace = trace.as_gets_alone();
        }
        if arguments.item_overhead > 0 {
            trace = trace.with_item_overhead(arguments.item_overhead);
        }
        left_out(&trace, &subjects)?;
        let mut grid = Grid::new(&trace, &arguments.policy, &sizes, unit, arguments.seed)
            .map_err(Failure::usage)?;
        if arguments.mrc {
            grid = grid.in_one_pass();
        }
        if arguments.item_overhead > 0 {
            grid = grid.with("item-overhead", arguments.item_overhead);
        }
        if arguments.ignore_ops {
            grid = grid.with("ignore-ops", true);
        }
        if let Some(rate) = arguments.sample {
            grid = grid.sampled(rate);
        }
        progress.begin(trace.name());
        let mut outcome = Ok(());
        grid.run(crate::step::threads(), &mut |row| {
            progress.end(1.0);
            let row = Row::Lab(row);
            if arguments.json && outcome.is_ok() {
                outcome = output::row(&row);
            }
            rows.push(row);
        });
        outcome?;
    }
    drop(progress);
    if arguments.json {
        return Ok(());
    }
    output::line(&if arguments.mrc {
        table::curves(&rows)
    } else {
        table::misses(&rows)
    })
}

/// Says who cannot replay a trace of more than gets; an error where nobody can.
fn left_out(trace: &Trace, subjects: &[Subject]) -> Result<(), Failure> {
    let mut cannot = subjects
        .iter()
        .filter(|subject| !subject.can_replay(trace))
        .map(Subject::name)
        .collect::<Vec<_>>();
    cannot.dedup();
    if cannot.is_empty() {
        return Ok(());
    }
    let words = format!(
        "trace '{}' tells of sets, deletes or TTLs, which {} cannot replay; accepted with --ignore-ops: every \
         request is a get",
        trace.name(),
        cannot.join(", ")
    );
    if cannot.len() == subjects.len() {
        return Err(Failure::Usage(words));
    }
    eprintln!("note: {words}");
    Ok(())
}

fn help() -> String {
    let mut text = format!(
        "The carried trace: {CARRIED_NAME}\nPolicies: {}\nOf the lab \
         alone: {}\nBounds: {}\nAdmissions: {}\n\nFormats, and the suffixes \
         (before .gz, .xz or .zst) that settle on them:\n",
        family::names("policies"),
        family::names("lab-policies"),
        family::names("bounds"),
        family::names("admissions")
    );
    for format in seawall_workloads::trace::LIST {
        let _ = writeln!(text, "  {:<16} {}", format.name, format.suffixes.join(", "));
    }
    text + &format!(
        "
Examples:
  seawall replay {CARRIED_NAME} --ignore-size
  seawall replay {CARRIED_NAME} --policy lru,sieve,s3fifo:small=20 --size 1%,5% --json
  seawall replay {CARRIED_NAME} --policy lru,fifo --admission always,bloom,size:max=4096
  seawall replay {CARRIED_NAME} --policy lru,arc,belady --ignore-size --mrc
  seawall replay requests.swt --policy s3fifo,wtinylfu --ignore-size --mrc --sample 0.05
  seawall replay requests.csv.zst --format csv:object=2:time=1:size=3 --size 64mib,1gib"
    )
}
