//! `seawall calibrate`: what requests take of this machine, as a profile for simulations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use seawall_bench::comparison::Named;
use seawall_bench::{Cell, Length, Scalar, TargetSpec, service};
use seawall_sim::Profile;
use seawall_sys::machine::Machine;

use crate::interrupt;
use crate::output;
use crate::progress::Progress;
use crate::status::{Failure, Outcome};

/// Measure what requests take of this machine, and write a profile for `seawall simulate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  seawall calibrate
  seawall calibrate --out mine.toml

A scenario names it: profile = \"mine.toml\", beside the scenario's own file.
Takes some ten seconds: a server is started and asked for one key at a time over 50 connections, and the commands of
the preset workloads are timed in a shard. Do it on a machine that does nothing else.")]
pub(crate) struct Arguments {
    /// Where the profile goes; without it, to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Seconds in which the server is asked
    #[arg(long, value_name = "S", default_value = "5", value_parser = super::seconds_measured)]
    seconds: f64,
    /// Ops of each workload that are timed
    #[arg(long, value_name = "N", default_value_t = 200_000,
          value_parser = clap::value_parser!(u32).range(1000..=100_000_000))]
    ops: u32,
    /// Seeds the workloads
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    interrupt::on_interrupt(None)?;
    // A million ops of each workload take some two seconds.
    let timing = f64::from(arguments.ops) * 4.0 / 1e6 * 2.0 + 1.0;
    let mut progress = Progress::new(2, arguments.seconds + 1.0 + timing);
    progress.begin("what a request takes of a server");
    let request_ns = request_ns(arguments)?;
    progress.end(arguments.seconds + 1.0);
    progress.begin("what commands take of a shard");
    let store_ns = service::store_ns(arguments.ops as usize, arguments.seed);
    progress.end(timing);
    drop(progress);
    let profile = profile(request_ns, &store_ns)?;
    match &arguments.out {
        None => output::line(profile.to_toml().trim_end()),
        Some(path) => write(path, &profile),
    }
}

/// The server's CPU time for a `GET` that comes alone, in ns.
fn request_ns(arguments: &Arguments) -> Outcome<f64> {
    let target: TargetSpec = "spawn:seawall".parse().map_err(Failure::work)?;
    let settings = [("connections", Scalar::from_text("50"))];
    let cell = Cell {
        comparison: "calibrate".to_owned(),
        target,
        workload: "plain:op=get:keys=100000".to_owned(),
        named: Named::from_pairs("given", settings).map_err(Failure::work)?,
        repetition: 0,
        seed: arguments.seed,
        warmup: Duration::from_secs_f64(0.5),
        length: Length::Time(Duration::from_secs_f64(arguments.seconds)),
        bars: Vec::new(),
    };
    let row = cell.run_in(Path::new(".")).map_err(Failure::work)?;
    Ok(row.cpu_us_per_op * 1000.0)
}

fn profile(request_ns: f64, store_ns: &BTreeMap<&'static str, u64>) -> Outcome<Profile> {
    let get = store_ns.get("get").copied().unwrap_or(0);
    let mut times: Vec<u64> = store_ns.values().copied().collect();
    times.sort_unstable();
    let Some(&other_ns) = times.get(times.len() / 2) else {
        return Err(Failure::work("no command was timed; more --ops"));
    };
    Ok(Profile {
        about: format!(
            "seawall {} on {}",
            env!("CARGO_PKG_VERSION"),
            Machine::read()
                .cpu_model
                .as_deref()
                .unwrap_or("an unknown processor")
        ),
        transport_ns: (request_ns as u64).saturating_sub(get),
        other_ns,
        store_ns: store_ns
            .iter()
            .map(|(name, ns)| ((*name).to_owned(), *ns))
            .collect(),
    })
}

fn write(path: &Path, profile: &Profile) -> Outcome {
    let failed = |error| Failure::work(format!("{}: {error}", path.display()));
    // Never half a profile under the name.
    let beside = path.with_extension("toml.partial");
    std::fs::write(&beside, profile.to_toml()).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}
