//! Power failure under a real process: the folder lies in a file system that forgets what was not synced.
//!
//! At a random moment the disk stops: nothing more is written or synced. The server is killed, the folder unmounted,
//! what was not synced is forgotten as the seed says (all of it, a beginning, any sectors of 512 bytes and any names),
//! and the server is started on what is left. Under `always` nothing acknowledged may be missing; otherwise each shard
//! has to have a beginning, and what several shards did together is there on all of them or none.

mod folder;

use std::io::{self, Write};

use rand::RngExt;
use seawall_store::disk::PowerLoss;

use self::folder::Folder;
use crate::process::{Server, Setup};
use crate::seeds;
use crate::trial::{Promise, Trial};

/// How many folders are tried for each device, where `SEAWALL_POWER_SEEDS` says no number.
const SEEDS: u64 = 5;

/// How often power goes on each folder.
const LOSSES: usize = 2;

/// Two of three folders are those of `always`; the rest take turns.
const OTHERS: [&str; 4] = ["everysec", "no", "interval:ms=20", "bounded:ms=10000"];

fn setup(seed: u64, device: &'static str) -> Setup {
    let appendfsync = match seed % 3 {
        0 | 1 => "always",
        _ => OTHERS[(seed / 3) as usize % OTHERS.len()],
    };
    Setup {
        shards: 1 + seed as usize % 2,
        device,
        appendonly: true,
        appendfsync,
    }
}

/// Why a folder's trial ended before it was judged to be as promised.
enum Ended {
    /// No such file system can be mounted here.
    Unmountable(io::Error),
    Wrong(String),
}

impl From<String> for Ended {
    fn from(why: String) -> Ended {
        Ended::Wrong(why)
    }
}

fn run(seed: u64, setup: &Setup, promise: Promise) -> Result<u64, Ended> {
    let folder = Folder::new(seed);
    let mut trial = Trial::new(seed, setup.shards);
    let mut acknowledged = 0;
    let mut mounted = folder.mount().map_err(Ended::Unmountable)?;
    for _ in 0..LOSSES {
        let server = Server::start(mounted.path(), setup)?;
        acknowledged += trial.storm(server, |server| {
            folder.stop();
            server.kill();
        })?;
        drop(mounted);
        let loss = PowerLoss::ALL[trial.random.random_range(0..PowerLoss::ALL.len())];
        folder.lose(loss, trial.random.random());
        mounted = folder.mount().map_err(Ended::Unmountable)?;
        let server =
            Server::start(mounted.path(), setup).map_err(|why| format!("{loss:?}: {why}"))?;
        let judged = trial.judge(&server, promise);
        judged.map_err(|why| format!("{loss:?}: {why}"))?;
        // What was found is not durable for being found: it may go with the next loss, where nothing was promised.
        server.kill();
    }
    Ok(acknowledged)
}

/// Past the test harness, which keeps to itself what a test prints that passes.
fn say_skipped(why: &io::Error) {
    let _ = writeln!(
        io::stderr(),
        "skipped: no file system of ours can be mounted here: {why}"
    );
}

fn nothing_synced_is_lost(device: &'static str) {
    let mut acknowledged = 0;
    for seed in seeds("SEAWALL_POWER_SEED", "SEAWALL_POWER_SEEDS", SEEDS) {
        let setup = setup(seed, device);
        let promise = match setup.appendfsync {
            "always" => Promise::Acknowledged,
            _ => Promise::Nothing,
        };
        match run(seed, &setup, promise) {
            Ok(ops) => acknowledged += ops,
            Err(Ended::Unmountable(why)) => return say_skipped(&why),
            Err(Ended::Wrong(why)) => panic!(
                "seed {seed}, {setup:?}: {why}\n\
                 SEAWALL_POWER_SEED={seed} cargo test -p seawall --test durability power::on_{device}"
            ),
        }
    }
    assert!(acknowledged > 0, "something was promised");
    println!("{device}: {acknowledged} ops acknowledged");
}

#[test]
fn on_file() {
    nothing_synced_is_lost("file");
}

#[test]
fn on_uring() {
    nothing_synced_is_lost("uring");
}

/// Of so many runs at least one has to be found out.
const RUNS: u64 = 6;

/// A log that acknowledges before its sync, held against what `always` promises.
#[test]
fn a_log_that_does_not_wait_for_its_sync_is_caught() {
    for device in ["file", "uring"] {
        let mut is_caught = false;
        for seed in 0..RUNS {
            let setup = Setup {
                appendfsync: "no",
                ..setup(3 * seed, device)
            };
            match run(seed, &setup, Promise::Acknowledged) {
                Err(Ended::Wrong(why)) => is_caught |= why.contains("acknowledged"),
                Err(Ended::Unmountable(why)) => return say_skipped(&why),
                Ok(_) => {}
            }
        }
        assert!(is_caught, "{device}");
    }
}
