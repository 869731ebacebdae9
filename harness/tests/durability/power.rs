//! Power failure under a real process: the folder lies in a file system that forgets what was not synced.
//!
//! At a random moment the disk stops: nothing more is written or synced. The server is killed, the folder unmounted,
//! what was not synced is forgotten as the seed says (all of it, a beginning, any sectors of 512 bytes and any names),
//! and the server is started on what is left. Under `always` nothing acknowledged may be missing; otherwise each shard
//! has to have a beginning, and what several shards did together is there on all of them or none.

use std::path::Path;
use std::time::{Duration, Instant};

use rand::RngExt;
use seawall_power::{Folder, Lie, Mounted};
use seawall_store::disk::PowerLoss;
use tempfile::TempDir;

use crate::process::{Server, Setup};
use crate::trial::{Promise, Trial, Until};
use crate::{say_skipped, seeds};

/// How many folders are tried for each device, where `SEAWALL_POWER_SEEDS` says no number.
const SEEDS: u64 = 5;

/// How often power goes on each folder.
const LOSSES: usize = 2;

/// Whether power can fail on this machine; says that a test is skipped where it cannot.
pub fn can_fail() -> bool {
    let usable = seawall_power::usable();
    usable
        .map_err(|why| say_skipped("power failure", &why))
        .is_ok()
}

/// A folder that is mounted at a place of its own; unmounted before that goes.
pub struct Apart {
    mounted: Mounted,
    _point: TempDir,
}

impl Apart {
    pub fn mount(folder: &Folder) -> Result<Apart, String> {
        let point = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mounted = folder.mount(point.path());
        Ok(Apart {
            mounted: mounted.map_err(|error| format!("it cannot be mounted: {error}"))?,
            _point: point,
        })
    }

    pub fn path(&self) -> &Path {
        self.mounted.path()
    }

    fn unmount(self) -> Result<(), String> {
        let unmounted = self.mounted.unmount();
        unmounted.map_err(|error| format!("it cannot be unmounted: {error}"))
    }
}

/// A run on a folder that may lie.
struct Run {
    seed: u64,
    setup: Setup,
    promise: Promise,
    /// How long is written; drawn where it is not said.
    until: Option<Until>,
    /// How long it may be from one sync to the next, on an average, while something is written.
    pace: Option<Duration>,
    lie: Option<Lie>,
}

impl Run {
    fn new(seed: u64, setup: Setup, promise: Promise) -> Run {
        Run {
            seed,
            setup,
            promise,
            until: None,
            pace: None,
            lie: None,
        }
    }

    /// Power goes again and again; how many ops were acknowledged.
    fn go(&self) -> Result<u64, String> {
        self.go_in(&Folder::new(self.seed))
    }

    fn go_in(&self, folder: &Folder) -> Result<u64, String> {
        let setup = &self.setup;
        let mut trial = Trial::new(self.seed, setup.shards);
        let mut acknowledged = 0;
        let mut mounted = Apart::mount(folder)?;
        for _ in 0..LOSSES {
            let server = Server::start(mounted.path(), setup)?;
            if let Some(lie) = self.lie {
                folder.lie(lie);
            }
            let until = self.until.unwrap_or_else(|| trial.draw());
            let (before, begin) = (folder.syncs(), Instant::now());
            let (mut syncs, mut time) = (0, Duration::ZERO);
            acknowledged += trial.storm(server, until, |server| {
                (syncs, time) = (folder.syncs() - before, begin.elapsed());
                folder.stop();
                server.kill();
            })?;
            if let Some(pace) = self.pace
                && time > pace * (syncs as u32 + 1)
            {
                let why = format!("{syncs} syncs in {time:?}: there has to be one every {pace:?}");
                return Err(why);
            }
            mounted.unmount()?;
            let loss = PowerLoss::ALL[trial.random.random_range(0..PowerLoss::ALL.len())];
            folder.lose(loss, trial.random.random());
            mounted = Apart::mount(folder)?;
            if trial.random.random() {
                // And once more while what is left is read.
                let later = Duration::from_micros(trial.random.random_range(0..60_000));
                let killed = Server::kill_in_start(mounted.path(), setup, later);
                killed.map_err(|error| error.to_string())?;
                folder.stop();
                mounted.unmount()?;
                folder.lose(loss, trial.random.random());
                mounted = Apart::mount(folder)?;
            }
            let told = |why: String| format!("{loss:?}: {why}");
            let server = Server::start(mounted.path(), setup).map_err(told)?;
            trial.judge(&server, self.promise).map_err(told)?;
            server.kill();
        }
        Ok(acknowledged)
    }
}

fn nothing_synced_is_lost(device: &'static str) {
    if !can_fail() {
        return;
    }
    let (mut acknowledged, mut filled, mut strict) = (0, 0, 0);
    for seed in seeds("SEAWALL_POWER_SEED", "SEAWALL_POWER_SEEDS", SEEDS) {
        // Two of three folders are those of `always`.
        let setup = Setup::drawn(seed, device, seed % 3 < 2);
        let promise = match setup.appendfsync {
            "always" => Promise::Acknowledged,
            _ => Promise::Nothing,
        };
        let folder = Folder::new(seed);
        strict += u32::from(setup.appendfsync == "always");
        match Run::new(seed, setup.clone(), promise).go_in(&folder) {
            Ok(ops) => (acknowledged, filled) = (acknowledged + ops, filled + folder.filled()),
            Err(why) => panic!(
                "seed {seed}, {setup:?}: {why}\n\
                 SEAWALL_POWER_SEED={seed} cargo test -p seawall --test durability power::on_{device}"
            ),
        }
    }
    assert!(acknowledged > 0, "something was promised");
    assert!(
        filled > 0 || strict == 0,
        "power was lost in room that was filled ahead"
    );
    println!("{device}: {acknowledged} ops acknowledged, {filled} pieces of room filled");
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
    if !can_fail() {
        return;
    }
    for device in ["file", "uring"] {
        let mut is_caught = false;
        for seed in 0..RUNS {
            let setup = Setup {
                appendfsync: "no",
                ..Setup::drawn(seed, device, true)
            };
            if let Err(why) = Run::new(seed, setup, Promise::Acknowledged).go() {
                is_caught |= why.contains("acknowledged");
            }
        }
        assert!(is_caught, "{device}");
    }
}

/// How much later than the setting says a write may be durable: a machine has other things to do.
const LATE: Duration = Duration::from_secs(2);

/// What of two devices is wrong where all that is older than `age` had to be durable. A segment has room for all:
/// one that is sealed would be durable, whatever the setting says.
///
/// So much time is many times that of a short setting: as the folder counts them there have to be syncs as often as it
/// says, too, or a fourth of that.
fn old_is_lost(appendfsync: &'static str, age: Duration) -> Vec<String> {
    let mut wrong = Vec::new();
    for device in ["file", "uring"] {
        let setup = Setup {
            shards: 1,
            device,
            appendonly: true,
            appendfsync,
            segment_bytes: 1 << 30,
        };
        let run = Run {
            until: Some(Until::Over(age + 2 * LATE)),
            pace: Some(4 * age).filter(|pace| !pace.is_zero()),
            ..Run::new(1, setup, Promise::Old(age + LATE))
        };
        match run.go() {
            Ok(acknowledged) => assert!(acknowledged > 0),
            Err(why) => wrong.push(why),
        }
    }
    wrong
}

#[test]
fn what_is_older_than_an_interval_is_durable() {
    if can_fail() {
        let wrong = old_is_lost("interval:ms=20", Duration::from_millis(20));
        assert_eq!(wrong, [""; 0]);
    }
}

#[test]
#[ignore = "a minute: `just stress` runs it"]
fn what_is_older_than_the_setting_allows_is_durable() {
    if !can_fail() {
        return;
    }
    for (appendfsync, age_ms) in [("everysec", 1_000), ("bounded:ms=500", 500)] {
        let wrong = old_is_lost(appendfsync, Duration::from_millis(age_ms));
        assert_eq!(wrong, [""; 0], "{appendfsync}");
    }
    let caught = old_is_lost("no", Duration::ZERO);
    assert_eq!(caught.len(), 2, "it promises nothing: {caught:?}");
}

#[test]
fn a_disk_that_lies_is_caught() {
    if !can_fail() {
        return;
    }
    for lie in [Lie::Files, Lie::Names] {
        let mut is_caught = false;
        for seed in 0..2 * RUNS {
            let run = Run {
                lie: Some(lie),
                ..Run::new(
                    seed,
                    Setup::drawn(seed, "file", true),
                    Promise::Acknowledged,
                )
            };
            if let Err(why) = run.go() {
                // In the judge's own words: that anything else goes wrong is no proof.
                is_caught |= why.contains("acknowledged");
            }
        }
        assert!(is_caught, "{lie:?}");
    }
}
