//! `SIGKILL` at a random moment: the process is gone, and the system has what it was given.
//!
//! A reply is sent when the system was given what it tells of, so nothing acknowledged may be missing under any
//! setting of `appendfsync`: only the machine's end can lose what was not synced.

use std::path::Path;
use std::time::Duration;

use rand::RngExt;

use crate::process::{Server, Setup};
use crate::seeds;
use crate::trial::{Promise, Trial};

/// How many folders are tried for each device, where `SEAWALL_KILL_SEEDS` says no number.
const SEEDS: u64 = 5;

/// How often the server is killed on each folder.
const KILLS: usize = 2;

/// Kills servers on one folder, changing it by `between` each time; how many ops were acknowledged.
fn run(seed: u64, setup: &Setup, between: impl Fn(&Path)) -> Result<u64, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut trial = Trial::new(seed, setup.shards);
    let mut acknowledged = 0;
    for _ in 0..KILLS {
        let server = Server::start(folder.path(), setup)?;
        let until = trial.draw();
        acknowledged += trial.storm(server, until, Server::kill)?;
        between(folder.path());
        if trial.random.random() {
            // And once more while it reads what is there.
            let later = Duration::from_micros(trial.random.random_range(0..60_000));
            let killed = Server::kill_in_start(folder.path(), setup, later);
            killed.map_err(|error| error.to_string())?;
        }
        let server = Server::start(folder.path(), setup)?;
        trial.judge(&server, Promise::Acknowledged)?;
        // Killed without a load, too: what was found is not lost by being found.
        server.kill();
    }
    Ok(acknowledged)
}

fn nothing_is_lost(device: &'static str) {
    let mut acknowledged = 0;
    for seed in seeds("SEAWALL_KILL_SEED", "SEAWALL_KILL_SEEDS", SEEDS) {
        // Every other folder is that of `always`.
        let setup = Setup::drawn(seed, device, seed % 2 == 0);
        acknowledged += run(seed, &setup, |_| {}).unwrap_or_else(|why| {
            panic!(
                "seed {seed}, {setup:?}: {why}\n\
                 SEAWALL_KILL_SEED={seed} cargo test -p seawall --test durability kill::on_{device}"
            )
        });
    }
    assert!(acknowledged > 0, "something was promised");
    println!("{device}: {acknowledged} ops acknowledged");
}

#[test]
fn on_file() {
    nothing_is_lost("file");
}

#[test]
fn on_uring() {
    nothing_is_lost("uring");
}

/// Of so many runs at least one has to be found out.
const RUNS: u64 = 6;

fn is_caught(appendonly: bool, between: impl Fn(&Path)) -> bool {
    (0..RUNS).any(|seed| {
        let setup = Setup {
            appendonly,
            ..Setup::drawn(seed, "file", true)
        };
        let error = run(seed, &setup, &between).err();
        error.is_some_and(|why| why.contains("acknowledged"))
    })
}

#[test]
fn a_server_without_a_log_is_caught() {
    assert!(is_caught(false, |_| {}));
}

/// As a server does that acknowledges what it has not given to the system yet.
#[test]
fn a_log_without_its_end_is_caught() {
    assert!(is_caught(true, |folder| {
        let mut segments: Vec<_> = std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|end| end == "log"))
            .collect();
        segments.sort();
        let last = segments.pop().expect("a segment");
        // Behind the last record is room that was not written to.
        let bytes = std::fs::read(&last).expect("a segment");
        let len = bytes.iter().rposition(|&byte| byte != 0).unwrap_or(0) as u64;
        let file = std::fs::OpenOptions::new().write(true).open(last);
        let file = file.expect("it opens");
        // As much as a batch: what was under way when the server was killed may be the last of it.
        file.set_len(len.saturating_sub(2_000).max(128))
            .expect("it is cut");
    }));
}
