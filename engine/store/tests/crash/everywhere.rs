//! One long run for each setting, and an end at each of its steps.

use seawall_store::disk::{MemoryDisk, PowerLoss};

use crate::named;
use crate::run::{End, Run, Setting};
use crate::world::SHARDS;

/// How many ops a run has, where `SEAWALL_CRASH_OPS` says no number.
const OPS: u64 = 200;

/// Where no more than this is loose, each part of it is left once.
const LOOSE_MAX: usize = 3;

/// The ends that are tried at a step: the process is killed; of what is loose nothing is left, or any part, or,
/// where that is too much, each beginning, each part but one, and what a seed decides.
pub fn ends(disk: &MemoryDisk) -> Vec<End> {
    let loose = disk.loose();
    let mut masks: Vec<u64> = Vec::new();
    if loose <= LOOSE_MAX {
        masks.extend(0..1 << loose);
    } else {
        let all = u64::MAX >> (u64::BITS - loose.min(63) as u32);
        for bit in 0..loose.min(63) {
            masks.extend([(1 << bit) - 1, all & !(1 << bit)]);
        }
        masks.push(all);
    }
    let mut ends = vec![End::Killed];
    ends.extend(
        masks
            .into_iter()
            .map(|mask| End::Power(PowerLoss::Only(mask))),
    );
    if loose > LOOSE_MAX {
        ends.push(End::Power(PowerLoss::Torn));
    }
    ends
}

fn every_end(setting: Setting) {
    let seed = named("SEAWALL_CRASH_SEED", 1);
    let ops = named("SEAWALL_CRASH_OPS", OPS) as usize;
    let disk = MemoryDisk::new();
    disk.keep_forks();
    let mut run = Run::new(seed, setting, disk);
    let mut checked = 0;
    while run.ops() < ops {
        let promised =
            |run: &Run| [End::Killed, End::Power(PowerLoss::Nothing)].map(|end| run.promised(end));
        let [killed, off] = promised(&run);
        assert!(run.step(), "nothing fails");
        for fork in run.disk.take_forks() {
            for end in ends(&fork) {
                checked += 1;
                let promised = if end == End::Killed { killed } else { off };
                run.check(&fork.fork(), end, checked, (promised, SHARDS)).unwrap_or_else(|why| {
                    panic!(
                        "op {} under {setting:?}, {end:?}: {why}\nSEAWALL_CRASH_SEED={seed} SEAWALL_CRASH_OPS={ops} \
                         cargo test -p seawall-store --test crash everywhere",
                        run.ops()
                    )
                });
            }
        }
    }
    let saves = run.saves();
    assert!(ops < 100 || saves > 0, "no snapshot was made");
    println!("{setting:?}: {checked} ends of {ops} ops and {saves} snapshots");
}

#[test]
fn always() {
    every_end(Setting::ALL[0]);
}

#[test]
fn every_second() {
    every_end(Setting::ALL[1]);
}

#[test]
fn every_second_on_a_slow_disk() {
    every_end(Setting::ALL[2]);
}

#[test]
fn bounded() {
    every_end(Setting::ALL[6]);
}

#[test]
fn never() {
    every_end(Setting::ALL[3]);
}
