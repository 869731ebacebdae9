//! `seawall trace`: what stands in a trace, and traces from traces. A file a verb.

mod convert;
mod info;
mod keys;
mod record;
mod sample;
mod synthesize;

use std::path::Path;

use clap::{Args, Subcommand};
use seawall_workloads::trace::{Format, FormatSpec, LIST, Output, Requests, TraceError};
use serde_json::json;

use crate::input::Input;
use crate::output;
use crate::status::{Failure, Outcome};

/// Look at traces, convert them, sample them, record them, make them up.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Info(info::Arguments),
    Convert(convert::Arguments),
    Sample(sample::Arguments),
    Record(record::Arguments),
    Synthesize(synthesize::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    match &arguments.what {
        What::Info(arguments) => info::run(arguments),
        What::Convert(arguments) => convert::run(arguments),
        What::Sample(arguments) => sample::run(arguments),
        What::Record(arguments) => record::run(arguments),
        What::Synthesize(arguments) => synthesize::run(arguments),
    }
}

/// A trace to read.
#[derive(Debug, Args)]
struct From {
    /// A file, or the trace that the program carries
    #[arg(value_name = "TRACE")]
    trace: String,
    /// Its format [default: by the file's name]
    #[arg(long, value_name = "F", value_parser = super::format)]
    format: Option<FormatSpec>,
}

impl From {
    fn input(&self) -> Outcome<Input> {
        let input = Input::new(&self.trace, Path::new(""));
        let checked = input.check(self.format.as_ref());
        checked.map_err(Failure::Usage)?;
        Ok(input)
    }

    fn open(&self) -> Outcome<Requests> {
        self.input()?.open(self.format.as_ref())
    }
}

/// A trace to write.
#[derive(Debug, Args)]
struct To {
    /// The file to write; it is there when it is whole
    #[arg(value_name = "OUT")]
    out: String,
    /// Its format [default: by the file's name]
    #[arg(long, value_name = "F", value_parser = written)]
    to: Option<&'static Format>,
}

impl To {
    /// Begins the file; `made` tells by what verb, from what, with which seed.
    fn create(&self, mut made: serde_json::Value) -> Outcome<Output> {
        let path = Path::new(&self.out);
        let format = match self.to {
            Some(format) => format,
            None => FormatSpec::file_format(path).map_err(Failure::usage)?,
        };
        made["by"] = json!(concat!("seawall ", env!("CARGO_PKG_VERSION")));
        Output::create(path, format, &made).map_err(|error| match error {
            TraceError::Io { .. } => Failure::work(error),
            _ => Failure::usage(error),
        })
    }
}

/// The file is whole. Says what of the requests its format has no room for.
fn finish(output: Output) -> Outcome {
    for (what, requests) in output.left_out() {
        output::complain(&format!(
            "note: the format written has no room for {what}: left out of {requests} requests; swt and csv have it"
        ));
    }
    output.finish().map_err(Failure::work)
}

/// A format that is written.
fn written(text: &str) -> Result<&'static Format, String> {
    let formats = LIST.iter().filter(|format| format.create.is_some());
    let found = formats.clone().find(|format| format.name == text);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = formats.map(|format| format.name).collect();
        format!("expected one of {}", names.join(", "))
    })
}
