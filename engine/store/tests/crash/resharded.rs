//! Folders with logs that are opened with another number of shards, and an end at each step of what that takes.
//!
//! Whatever the step, and however many shards open the folder next: what is found is what a store of as many shards as
//! wrote it would have found, and once the store was open it is there for good.

use std::io::Read;

use seawall_store::disk::{Disk, MemoryDisk, PowerLoss};

use crate::everywhere::ends;
use crate::named;
use crate::run::{End, Run, Setting};
use crate::world::{SHARDS, State};

/// How many ops are before the end of the store that wrote the folder, where `SEAWALL_CRASH_OPS` says no number.
const OPS: u64 = 120;

/// The file whose renaming is the switch, and where it says how many shards there are.
const MANIFEST: &str = "snapshots.manifest";
const SHARDS_AT: usize = 16;

/// What names of segments end with.
const SEGMENT: &str = ".log";

/// A folder that a store of [`SHARDS`] shards left when it was killed, as it was at each step of being opened with another
/// number.
struct Turned {
    seed: u64,
    run: Run,
    shards: usize,
    steps: Vec<MemoryDisk>,
    found: State,
}

impl Turned {
    fn new(seed: u64, setting: Setting, shards: usize) -> Turned {
        let ops = named("SEAWALL_CRASH_OPS", OPS) as usize;
        let disk = MemoryDisk::new();
        let mut run = Run::new(seed, setting, disk.clone());
        while run.ops() < ops {
            assert!(run.step(), "nothing fails");
        }
        let disk = disk.fork();
        disk.hold_syncs(false);
        disk.keep_forks();
        let found = run.open(&disk, shards).expect("it opens");
        let promised = run.promised(End::Killed);
        run.judge(&found, promised).expect("nothing is lost");
        Turned {
            seed,
            steps: disk.take_forks(),
            run,
            shards,
            found,
        }
    }

    /// What is wrong with what is found of `disk` after this end by a store of so many shards, if anything is.
    fn check(
        &self,
        disk: &MemoryDisk,
        end: End,
        number: u64,
        shards: usize,
    ) -> Result<State, String> {
        let promised = self.run.promised(end);
        (self.run).check(&disk.fork(), end, number, (promised, shards))
    }

    /// Whether the manifest names a snapshot of as many shards as there are now.
    fn is_switched(&self, disk: &MemoryDisk) -> bool {
        let mut bytes = Vec::new();
        let read = disk.read(MANIFEST, SHARDS_AT as u64);
        let read = read.and_then(|mut from| from.read_to_end(&mut bytes));
        read.is_ok() && bytes.starts_with(&(self.shards as u32).to_le_bytes())
    }

    /// Checks each end at each step; how many they were.
    fn every_end(&self) -> u64 {
        let mut checked = 0;
        for (step, disk) in self.steps.iter().enumerate() {
            for end in ends(disk) {
                checked += 1;
                let shards = [self.shards, SHARDS, 4][checked as usize % 3];
                let found = self.check(disk, end, checked, shards);
                let whole = found.and_then(|found| {
                    let is_open = step + 1 == self.steps.len() && end == End::Killed;
                    if is_open && found != self.found {
                        return Err("what was found is not found again".to_owned());
                    }
                    Ok(())
                });
                whole.unwrap_or_else(|why| {
                    panic!(
                        "step {step} of {SHARDS} shards that become {}, {end:?}, opened with {shards}: {why}\n\
                         SEAWALL_CRASH_SEED={} cargo test -p seawall-store --test crash resharded",
                        self.shards, self.seed
                    )
                });
            }
        }
        checked
    }
}

fn every_step(setting: Setting, shards: [usize; 2]) {
    for (seed, shards) in (named("SEAWALL_CRASH_SEED", 1)..).zip(shards) {
        let turned = Turned::new(seed, setting, shards);
        let (steps, saves) = (turned.steps.len(), turned.run.saves());
        let checked = turned.every_end();
        println!(
            "{setting:?}, {shards} shards: {checked} ends at {steps} steps behind {saves} snapshots"
        );
    }
}

#[test]
fn always() {
    every_step(Setting::ALL[0], [2, 5]);
}

#[test]
fn every_second() {
    every_step(Setting::ALL[1], [4, 1]);
}

#[test]
fn never() {
    every_step(Setting::ALL[3], [1, 4]);
}

/// The names of the segments that a store of [`SHARDS`] shards has in `disk`.
fn segments(disk: &MemoryDisk) -> Vec<String> {
    let mut names = disk.list().expect("a folder");
    names.retain(|name| name.ends_with(SEGMENT));
    names
}

/// Who removes the old logs before the switch, or before it is durable, loses them: that has to be found out.
#[test]
fn old_logs_that_go_too_early_are_missed() {
    let turned = Turned::new(3, Setting::ALL[0], 2);
    let old = segments(&turned.steps[0]);
    let remove = |disk: &MemoryDisk| {
        let twin = disk.fork();
        for name in &old {
            twin.remove(name).expect("it is there");
        }
        twin
    };
    let before = |disk: &&MemoryDisk| !turned.is_switched(disk);
    let mut steps = 0;
    for disk in turned.steps.iter().take_while(before) {
        let twin = remove(disk);
        twin.sync_folder().expect("nothing fails");
        for shards in [SHARDS, turned.shards] {
            let found = turned.check(&twin, End::Killed, 0, shards);
            assert!(found.is_err(), "nothing is missing at step {steps}");
        }
        steps += 1;
    }
    assert!(steps > 20, "{steps} steps");
    // The manifest has its name, and the folder is not synced.
    let twin = remove(&turned.steps[steps]);
    let loose = twin.loose() as u32;
    let mut masks = (0..loose).map(|bit| PowerLoss::Only(!(1 << bit)));
    let is_missed = |loss| {
        turned
            .check(&twin, End::Power(loss), 0, turned.shards)
            .is_err()
    };
    assert!(masks.any(is_missed), "{loose} changes, and none is missed");
}
