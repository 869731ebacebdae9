//! Brief calls where there is a log: what is withheld, until when, and what the log has of them.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::op;
use crate::Millis;
use crate::command::brief::{Brief, BriefCall};
use crate::disk::{Fault, MemoryDisk, PowerLoss};
use crate::log::Fsync;
use crate::log::device::DeviceKind;
use crate::reply::Reply;
use crate::store::{Settled, Store, StoreConfig, Worker};

/// The only worker of a store that logs to `disk`, and withholds.
fn open(disk: &MemoryDisk, fsync: Fsync) -> (Store, Worker) {
    let store = Store::open(StoreConfig {
        appendonly: true,
        appendfsync: fsync,
        device: DeviceKind::Memory(disk.clone()),
        ..super::config(1)
    });
    let store = store.unwrap();
    let mut worker = super::alone(&store).remove(0);
    worker.withhold();
    (store, worker)
}

fn push(value: &[u8]) -> BriefCall<'_> {
    let push = Brief::of(&crate::command::list::push::RPUSH, 2).unwrap();
    BriefCall::new(push, [b"all", value, b""])
}

/// Runs a call that pushes `value`; until when its answer is withheld.
fn run(worker: &mut Worker, value: &[u8]) -> Option<u64> {
    let mut answer = Vec::new();
    assert_eq!(worker.run_brief(0, &[push(value)], &mut answer, |_| ()), 1);
    worker.withheld_until()
}

/// How many values were pushed of 0, 1 and so on, and that these are all.
fn pushed(worker: &mut Worker) -> usize {
    let Reply::Array(values) = worker.execute(&op("lrange all 0 -1")) else {
        panic!("a list, or nothing")
    };
    for (at, value) in values.iter().enumerate() {
        assert_eq!(*value, super::text(&at.to_string()));
    }
    values.len()
}

/// Power is lost at random moments: what was said is there, and what is there was asked.
fn lose_power(seed: u64, fsync: Fsync, breaks: bool) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let disk = MemoryDisk::new();
    if breaks {
        disk.break_syncs();
    }
    let (store, mut worker) = open(&disk, fsync);
    let (mut asked, mut now, mut withheld) = (0_usize, store.now(), Vec::new());
    for _ in 0..random.random_range(1..30) {
        disk.hold_syncs(random.random());
        for _ in 0..random.random_range(0..4) {
            let until = run(&mut worker, asked.to_string().as_bytes());
            asked += 1;
            withheld.push((asked, until.expect("there is a log")));
        }
        for _ in 0..random.random_range(0..3) {
            now = now + random.random_range(0..700);
            worker.turn(now);
        }
    }
    let is_said = |(_, until): &&(usize, u64)| worker.settled(*until, 0) == Settled::Yes;
    let said = withheld.iter().filter(is_said).map(|(asked, _)| *asked);
    let said = said.max().unwrap_or(0);
    disk.lose_power(PowerLoss::Nothing, seed);
    drop(worker);
    drop(store);
    let (_store, mut worker) = open(&disk, fsync);
    let kept = pushed(&mut worker);
    assert!(kept <= asked, "seed {seed}: {kept} of {asked}");
    if fsync == Fsync::Always {
        assert!(said <= kept, "seed {seed}: {said} were said, {kept} kept");
    }
}

#[test]
fn what_is_said_is_kept_and_what_is_withheld_is_a_prefix() {
    for seed in 0..150 {
        for fsync in [Fsync::Always, Fsync::EVERYSEC, Fsync::No] {
            lose_power(seed, fsync, false);
        }
    }
}

#[test]
fn a_disk_that_lies_is_caught() {
    let lies = || (0..20).for_each(|seed| lose_power(seed, Fsync::Always, true));
    assert!(std::panic::catch_unwind(lies).is_err());
}

#[test]
fn an_answer_waits_for_the_turn_that_takes_it_to_the_log() {
    for fsync in [Fsync::Always, Fsync::EVERYSEC] {
        let disk = MemoryDisk::new();
        let (store, mut worker) = open(&disk, fsync);
        let until = run(&mut worker, b"0").unwrap();
        assert_eq!(worker.settled(until, 0), Settled::NotYet);
        worker.turn(store.now());
        assert_eq!(worker.settled(until, 0), Settled::Yes);
        assert_eq!(worker.withheld_until(), None);
    }
}

#[test]
fn what_a_failing_disk_did_not_take_is_never_said() {
    for fsync in [Fsync::Always, Fsync::EVERYSEC] {
        let disk = MemoryDisk::new();
        let (store, mut worker) = open(&disk, fsync);
        let first = run(&mut worker, b"0").unwrap();
        worker.turn(store.now());
        assert_eq!(worker.settled(first, 0), Settled::Yes);
        let (mut said, mut lost) = (1, None);
        for value in 1..8 {
            let until = run(&mut worker, value.to_string().as_bytes()).unwrap();
            // Making room for what is to come may fail without harm, a write may not.
            disk.fail_at(disk.steps() + 1, Fault::Error(28));
            worker.turn(store.now());
            match worker.settled(until, 0) {
                Settled::Yes => said += 1,
                Settled::Lost(why) => {
                    lost = Some((until, why));
                    break;
                }
                Settled::NotYet => panic!("{fsync}: what failed is over"),
            }
        }
        let (until, why) = lost.expect("a disk that fails is noticed");
        assert!(why.to_string().starts_with("MISCONF "), "{why}");
        assert_eq!(
            worker.settled(first, 0),
            Settled::Yes,
            "what was said stays so"
        );
        worker.turn(store.now());
        assert!(matches!(worker.settled(until, 0), Settled::Lost(_)));
        // No call is brief any more.
        assert_eq!(
            worker.run_brief(0, &[push(b"x")], &mut Vec::new(), |_| ()),
            0
        );
        drop(worker);
        drop(store);
        let (_store, mut worker) = open(&disk, fsync);
        assert!(pushed(&mut worker) >= said);
    }
}

#[test]
fn who_waits_is_served_behind_the_call_in_the_log() {
    let disk = MemoryDisk::new();
    let (store, mut worker) = open(&disk, Fsync::Always);
    worker.send(7, op("blpop all 0"));
    worker.turn(store.now());
    let mut answers = Vec::new();
    let calls = [push(b"gone"), push(b"0")];
    assert_eq!(worker.run_brief(0, &calls, &mut answers, |_| ()), 2);
    worker.turn(store.now());
    worker.turn(store.now());
    disk.lose_power(PowerLoss::Nothing, 1);
    drop(worker);
    drop(store);
    let (_store, mut worker) = open(&disk, Fsync::Always);
    assert_eq!(pushed(&mut worker), 1);
}

#[test]
fn what_had_expired_goes_before_what_takes_its_place() {
    let disk = MemoryDisk::new();
    let (store, mut worker) = open(&disk, Fsync::Always);
    assert_eq!(worker.execute(&op("rpush all old")), Reply::Int(1));
    worker.execute(&op("pexpire all 5"));
    let now = store.now() + 10;
    worker.see(now);
    assert!(run(&mut worker, b"0").is_some());
    worker.turn(now);
    worker.turn(now);
    disk.lose_power(PowerLoss::Nothing, 1);
    drop(worker);
    drop(store);
    let (_store, mut worker) = open(&disk, Fsync::Always);
    assert_eq!(pushed(&mut worker), 1);
    assert_eq!(worker.execute(&op("ttl all")), Reply::Int(-1));
}

#[test]
fn who_does_not_withhold_runs_no_brief_call_before_a_log() {
    let disk = MemoryDisk::new();
    let store = Store::open(StoreConfig {
        appendonly: true,
        device: DeviceKind::Memory(disk),
        ..super::config(1)
    });
    let store = store.unwrap();
    let mut worker = super::alone(&store).remove(0);
    assert_eq!(
        worker.run_brief(0, &[push(b"0")], &mut Vec::new(), |_| ()),
        0
    );
    assert_eq!(worker.withheld_until(), None);
    worker.turn(Millis(store.now().0 + 1));
}
