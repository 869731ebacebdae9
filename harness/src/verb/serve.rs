//! `seawall serve`: a server for Redis's clients.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use seawall_server::config::Settings;
use seawall_server::ending::{EndError, Wish};
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::output;
use crate::status::{Failure, Outcome};

/// Serve Redis's and Memcached's clients until SIGINT or SIGTERM.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  seawall serve
  seawall serve --port 0 --shards 2 --set maxmemory=1gb --set maxmemory-policy=allkeys-lru
  seawall serve seawall.toml --dir data --set appendonly=yes

A file holds parameters as NAME = VALUE, or is a redis.conf; what the command line says goes before it.
An unknown parameter ends with status 2.")]
pub(crate) struct Arguments {
    /// Parameters in TOML, or in the form of Redis's files
    #[arg(value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Port of the Redis protocol; 0: a free one, which is printed [default: 6379]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Port of the Memcached protocol; 0: none [default: none]
    #[arg(long, value_name = "N")]
    memcached_port: Option<u16>,
    /// How many shards keys are split over [default: one for each CPU]
    #[arg(long, value_name = "N")]
    shards: Option<u16>,
    /// The network loop [default: uring]
    #[arg(long, value_name = "uring|epoll")]
    net: Option<String>,
    /// Folder of logs and snapshots, made where there is none [default: none]
    #[arg(long, value_name = "D")]
    dir: Option<PathBuf>,
    /// Another parameter, as CONFIG SET names it
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let settings = settings(arguments)?;
    if let Err(why) = seawall_sys::heap::tend() {
        output::complain(&format!(
            "note: the heap gives memory back in passing: {why}"
        ));
    }
    // Before anything can be asked to end, so that no signal is lost.
    // A file that may not grow is told of by the write, too: that must not end the server.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGXFSZ]).map_err(Failure::work)?;
    let running = seawall_server::serve(settings, arguments.config.clone()).map_err(|error| {
        if error.is_usage() {
            Failure::usage(error)
        } else {
            Failure::work(error)
        }
    })?;
    for notice in running.notices() {
        output::complain(&format!("note: {notice}"));
    }
    let store = &running.server().store;
    output::complain(&store.placement_text());
    let listed = |addresses: &[SocketAddr]| {
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        addresses.join(", ")
    };
    let memcached = match running.memcached_addresses() {
        [] => String::new(),
        addresses => format!("; for Memcached's clients on {}", listed(addresses)),
    };
    output::line(&format!(
        "ready on {}{memcached}",
        listed(running.addresses())
    ))?;
    let server = std::sync::Arc::clone(running.server());
    let handle = signals.handle();
    let watcher = std::thread::spawn(move || {
        for _ in signals.forever().filter(|&signal| signal != SIGXFSZ) {
            let refused = |error| output::complain(&format!("error: {error}"));
            match server.shut_down(Wish::default(), refused) {
                Ok(()) => {}
                // Asked twice: whoever asks knows that replies and the log's end may be lost.
                Err(EndError::Already) => std::process::exit(1),
                Err(error) => refused(error),
            }
        }
    });
    let outcome = running.wait().map_err(Failure::work);
    handle.close();
    // It has nothing more to wait for.
    let _ = watcher.join();
    outcome
}

/// What the file says, and then the command line.
fn settings(arguments: &Arguments) -> Outcome<Settings> {
    let mut settings = Settings::default();
    if let Some(file) = &arguments.config {
        for notice in settings.read_file(file).map_err(Failure::usage)? {
            output::complain(&format!("note: {notice}"));
        }
    }
    let number = |number: Option<u16>| number.map(|number| number.to_string());
    let dir = arguments.dir.as_ref();
    let options = [
        ("port", number(arguments.port)),
        ("memcached-port", number(arguments.memcached_port)),
        ("shards", number(arguments.shards)),
        ("net", arguments.net.clone()),
        ("dir", dir.map(|dir| dir.display().to_string())),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            settings.set_named(name, &value).map_err(Failure::usage)?;
        }
    }
    for assignment in &arguments.set {
        settings.assign(assignment).map_err(Failure::usage)?;
    }
    Ok(settings)
}
