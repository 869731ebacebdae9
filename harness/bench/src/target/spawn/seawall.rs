//! `seawall serve`: this very program, unless a path says otherwise, so that a figure is of the commit
//! that the run names.

use std::path::PathBuf;

use super::program::{Place, Program, in_path};
use crate::setting::Configuration;
use crate::wire::Resp;

pub(super) static PROGRAM: Program = Program {
    name: "seawall",
    found,
    refuses: &["device", "read-path"],
    arguments,
    speaks: None,
    run: super::run::<Resp>,
};

/// This program where it is seawall, else the one in `PATH`.
fn found(name: &str) -> Result<PathBuf, String> {
    let this = std::env::current_exe().ok();
    let this = this.filter(|path| path.file_name().is_some_and(|file| file == name));
    this.map_or_else(|| in_path(name), Ok)
}

#[expect(clippy::unnecessary_wraps, reason = "a field of every program")]
fn arguments(wanted: &Configuration, place: &Place<'_>) -> Result<Vec<String>, String> {
    let mut words = vec![
        "serve".to_owned(),
        "--port".to_owned(),
        place.port.to_string(),
        "--dir".to_owned(),
        place.folder.display().to_string(),
        "--shards".to_owned(),
        // One a thread that it may have, unless more are wanted.
        wanted
            .shards
            .or(wanted.server_threads)
            .unwrap_or(place.cpus)
            .to_string(),
    ];
    let yes_or_no = |yes| if yes { "yes" } else { "no" };
    for (name, value) in [
        ("maxmemory", wanted.maxmemory.to_string()),
        ("maxmemory-policy", wanted.policy.to_string()),
        ("maxmemory-samples", wanted.samples.to_string()),
        ("appendonly", yes_or_no(wanted.appendonly).to_owned()),
        ("appendfsync", wanted.fsync.to_string()),
    ] {
        words.extend(["--set".to_owned(), format!("{name}={value}")]);
    }
    Ok(words)
}
