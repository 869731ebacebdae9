//! Many short runs, each with an end of its own: power goes or the disk fails at a random step, and perhaps once more
//! while the store is opened again, be it with another number of shards.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::disk::{Fault, MemoryDisk, PowerLoss};

use crate::named;
use crate::run::{End, Run, Setting};
use crate::world::SHARDS;

/// How many runs there are, where `SEAWALL_CRASH_SEEDS` says no number.
const SEEDS: u64 = 10_000;

/// How many ops a run has at most.
const OPS: usize = 100;

/// How many shards the store has that is opened after the end.
const OPENED: [usize; 4] = [SHARDS, SHARDS, 2, 5];

/// What the disk may say.
const ERRORS: [i32; 2] = [5, 28];

/// Runs, ends and judges.
pub fn run(seed: u64, prepare: impl Fn(&mut Run)) -> Result<(), String> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(!seed);
    let setting = Setting::ALL[random.random_range(0..Setting::ALL.len())];
    let disk = MemoryDisk::new();
    let mut run = Run::new(seed, setting, disk.clone());
    prepare(&mut run);
    let fault = if random.random() {
        Fault::PowerOff
    } else {
        Fault::Error(ERRORS[random.random_range(0..ERRORS.len())])
    };
    let step = disk.steps() + random.random_range(1..200);
    disk.fail_at(step, fault);
    let ops = random.random_range(1..=OPS);
    let mut promised = run.promised(End::Killed);
    let mut durable = run.promised(End::Power(PowerLoss::Nothing));
    // Once a log has failed, time promises nothing more.
    while run.ops() < ops && run.step() && disk.steps() < step {
        promised = run.promised(End::Killed);
        durable = run.promised(End::Power(PowerLoss::Nothing));
    }
    let loss = PowerLoss::ALL[random.random_range(0..PowerLoss::ALL.len())];
    let is_off = disk.is_off();
    let end = if is_off || random.random() {
        End::Power(loss)
    } else {
        End::Killed
    };
    let promised = if end == End::Killed {
        promised
    } else {
        durable
    };
    let shards = [(); 3].map(|()| OPENED[random.random_range(0..OPENED.len())]);
    let found = if random.random_ratio(1, 3) {
        // It ends, and ends again while it is opened.
        if end != End::Killed {
            disk.lose_power(loss, seed);
        }
        let steps = if shards[0] == SHARDS { 12 } else { 60 };
        disk.fail_at(
            disk.steps() + random.random_range(1..steps),
            Fault::PowerOff,
        );
        let _ = run.open(&disk, shards[0]);
        let again = PowerLoss::ALL[random.random_range(0..PowerLoss::ALL.len())];
        let promised = promised.min(durable);
        run.check(&disk, End::Power(again), seed, (promised, shards[1]))?
    } else {
        run.check(&disk, end, seed, (promised, shards[1]))?
    };
    // What was found once, and may have been told of, is there for good: whatever the disk had said before.
    let again = run.check(&disk, End::Power(PowerLoss::Nothing), seed, (0, shards[2]))?;
    if again == found {
        Ok(())
    } else {
        Err("what was found when it was opened is not found again".to_owned())
    }
}

fn every_seed(name: &str, part: u64, prepare: impl Fn(&mut Run)) {
    let seeds = match named("SEAWALL_CRASH_SEED", u64::MAX) {
        u64::MAX => 0..named("SEAWALL_CRASH_SEEDS", SEEDS) / part,
        seed => seed..seed + 1,
    };
    for seed in seeds {
        run(seed, &prepare).unwrap_or_else(|why| {
            panic!(
                "seed {seed}: {why}\nSEAWALL_CRASH_SEED={seed} cargo test -p seawall-store --test crash {name}"
            )
        });
    }
}

#[test]
fn a_random_end() {
    every_seed("a_random_end", 1, |_| {});
}

/// The store that ends goes on from a snapshot of which nothing is in memory yet. Its ends take longer.
#[test]
fn a_random_end_while_loading() {
    every_seed("a_random_end_while_loading", 8, Run::begin_cold);
}
