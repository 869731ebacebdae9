//! Crashes: whatever is lost, what `durable()` told is not, and what is left is a prefix.
//!
//! A run is a seed: a schedule of appends, turns, syncs and held syncs on a [`MemoryDisk`], cut off at
//! a step by a power loss or an error. [`check`] is the only judge, and the last test proves it on a
//! disk that lies.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::disk::{Disk, Fault, MemoryDisk, PowerLoss};
use crate::op::Op;
use device::DeviceKind;

const FSYNCS: [Fsync; 4] = [
    Fsync::Always,
    Fsync::EVERYSEC,
    Fsync::Bounded(200),
    Fsync::No,
];
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

pub(super) fn config(disk: &MemoryDisk, fsync: Fsync, segment_bytes: u64) -> LogConfig {
    LogConfig {
        device: DeviceKind::Memory(disk.clone()),
        fsync,
        segment_bytes,
        ..LogConfig::new("", 2, 99)
    }
}

/// The effects of record `i`: told apart by number, of any length.
pub(super) fn effects(i: u64, value_bytes: usize) -> Effects {
    let mut effects = Effects::default();
    let (key, value) = (format!("key:{i}"), vec![b'v'; value_bytes]);
    effects.push(&Op::parse([&b"set"[..], key.as_bytes(), &value]).unwrap());
    effects
}

pub(super) fn open(config: &LogConfig) -> Result<(Log, Recovery, Vec<Vec<u8>>), LogError> {
    let mut records = Vec::new();
    let (log, recovery) = Log::open(config, 1, &mut |bytes| {
        records.push(bytes.to_vec());
        Ok(())
    })?;
    Ok((log, recovery, records))
}

/// What a run has appended, and how much of it the log promised.
#[derive(Default)]
struct History {
    appended: Vec<Vec<u8>>,
    promised: u64,
    now: u64,
}

impl History {
    /// Drives `log` by `ops` random operations, or until it fails.
    fn drive(
        &mut self,
        log: &mut Log,
        disk: &MemoryDisk,
        rng: &mut Xoshiro256PlusPlus,
        ops: usize,
    ) -> Result<(), LogError> {
        for _ in 0..ops {
            match rng.random_range(0..10) {
                0..5 => {
                    let sequence = self.appended.len() as u64 + 1;
                    let len = if rng.random_ratio(1, 8) { 1500 } else { 40 };
                    let effects = effects(sequence, rng.random_range(0..len));
                    self.appended.push(effects.as_bytes().to_vec());
                    assert_eq!(log.append(&effects), sequence);
                }
                5..8 => {
                    self.now += rng.random_range(0..700);
                    let durable = log.turn(Millis(self.now))?;
                    assert_eq!(durable, log.durable());
                    self.promised = durable;
                }
                8 => disk.hold_syncs(rng.random()),
                _ => {
                    self.promised = log.sync()?;
                    assert_eq!(self.promised, self.appended.len() as u64);
                }
            }
            assert!(log.durable() <= log.appended());
        }
        Ok(())
    }
}

/// Reopens, and tells where what is read is not a prefix of what was appended, or lacks what was
/// promised. Gives the log to go on with.
fn check(config: &LogConfig, history: &History) -> Result<Log, String> {
    let (log, _, records) = open(config).map_err(|error| error.to_string())?;
    let kept = records.len();
    if kept > history.appended.len() || records != history.appended[..kept] {
        return Err("what was read back is not a prefix of what was appended".to_owned());
    }
    if (kept as u64) < history.promised {
        return Err(format!(
            "{kept} records are left of {} promised",
            history.promised
        ));
    }
    if log.durable() != kept as u64 {
        return Err("what was recovered is not called durable".to_owned());
    }
    Ok(log)
}

/// A run with `fault` at step `step`, a power loss, a check, and the same once more.
fn run(seed: u64, fsync: Fsync, loss: PowerLoss, at: Option<(u64, Fault)>) -> Result<u64, String> {
    let disk = MemoryDisk::new();
    let config = config(&disk, fsync, 2_000);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut history = History::default();
    if let Some((step, fault)) = at {
        disk.fail_at(step, fault);
    }
    match open(&config) {
        Ok((mut log, ..)) => {
            let driven = history.drive(&mut log, &disk, &mut rng, 60);
            history.promised = history.promised.max(log.durable());
            if driven.is_err() {
                let again = log.turn(Millis(history.now + 5_000)).unwrap_err();
                assert!(matches!(again, LogError::Poisoned { .. }), "{again}");
                let again = log.sync().unwrap_err();
                assert!(matches!(again, LogError::Poisoned { .. }), "{again}");
                assert_eq!(log.append(&effects(0, 0)), log.appended());
                assert_eq!(log.stats().buffered_bytes, 0);
            }
        }
        // The fault fell into the making of the log, before anything was promised.
        Err(error) => assert!(at.is_some(), "{error}"),
    }
    let steps = disk.steps();
    disk.lose_power(loss, seed);
    let mut log = check(&config, &history)?;
    history.appended.truncate(log.durable() as usize);
    history.promised = log.durable();
    let _ = history.drive(&mut log, &disk, &mut rng, 30);
    history.promised = history.promised.max(log.durable());
    disk.lose_power(loss, !seed);
    check(&config, &history)?;
    Ok(steps)
}

fn every_step(fault: Fault) {
    for seed in 0..4 {
        for fsync in FSYNCS {
            for loss in PowerLoss::ALL {
                let tell = |step: Option<u64>| {
                    move |why| panic!("run({seed}, {fsync}, {loss:?}, {step:?}, {fault:?}): {why}")
                };
                let steps = run(seed, fsync, loss, None).unwrap_or_else(tell(None));
                for step in 1..=steps {
                    run(seed, fsync, loss, Some((step, fault))).unwrap_or_else(tell(Some(step)));
                }
            }
        }
    }
}

#[test]
fn power_lost_at_every_step() {
    every_step(Fault::PowerOff);
}

#[test]
fn an_input_output_error_at_every_step() {
    every_step(Fault::Error(EIO));
}

#[test]
fn a_full_disk_at_every_step() {
    every_step(Fault::Error(ENOSPC));
}

/// A run that fails at step `step`; the log is opened again, by another program on the same machine. What was read
/// then may be told of, so it has to be there after a power loss. Whether it failed there, if it
/// came to that step: room that a disk cannot keep is no failure.
fn restarted(seed: u64, fsync: Fsync, code: i32, step: u64) -> Option<bool> {
    let disk = MemoryDisk::new();
    let config = config(&disk, fsync, 2_000);
    let (mut log, ..) = open(&config).unwrap();
    let mut history = History::default();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let at = disk.steps() + step;
    disk.fail_at(at, Fault::Error(code));
    let failed = history.drive(&mut log, &disk, &mut rng, 60).is_err();
    drop(log);
    let came_to_it = disk.steps() >= at;
    disk.fail_at(u64::MAX, Fault::PowerOff);
    let (log, _, read) = open(&config).unwrap();
    assert_eq!(read, history.appended[..read.len()]);
    assert!(read.len() as u64 >= history.promised);
    drop(log);
    disk.lose_power(PowerLoss::Nothing, seed);
    let (mut log, _, again) = open(&config).unwrap();
    assert!(read == again, "seed {seed}, {fsync}, step {step}");
    // And it goes on.
    log.append(&effects(0, 9));
    log.sync().unwrap();
    drop(log);
    disk.lose_power(PowerLoss::Nothing, seed);
    assert_eq!(open(&config).unwrap().2.len(), read.len() + 1);
    came_to_it.then_some(failed)
}

#[test]
fn what_a_failed_log_is_read_as_is_made_durable() {
    let mut failures = 0;
    for seed in 0..4 {
        for fsync in FSYNCS {
            for code in [EIO, ENOSPC] {
                let mut step = 1;
                while let Some(failed) = restarted(seed, fsync, code, step) {
                    step += 1;
                    failures += u32::from(failed);
                }
            }
        }
    }
    assert!(failures > 300, "{failures} failures");
}

/// Whoever closes a log well leaves nothing to be written anew; who does not, what no mark vouches for.
#[test]
fn what_a_mark_vouches_for_is_not_written_anew() {
    for (is_concluded, is_anew) in [(true, 0), (false, 40)] {
        let disk = MemoryDisk::new();
        let config = config(&disk, Fsync::No, 1 << 20);
        let (mut log, ..) = open(&config).unwrap();
        for i in 1..=40 {
            log.append(&effects(i, 10));
        }
        log.sync().unwrap();
        if is_concluded {
            log.conclude().unwrap();
        }
        drop(log);
        let (log, recovery, records) = open(&config).unwrap();
        assert_eq!((records.len(), log.head.first), (40, 41 - is_anew));
        assert_eq!(recovery.segments, if is_concluded { 2 } else { 1 });
        // Nothing was written since, so the segment that was begun serves.
        drop(log);
        assert_eq!(open(&config).unwrap().1.segments, recovery.segments);
    }
}

#[test]
fn a_disk_that_lies_about_syncs_is_caught() {
    let mut caught = 0;
    for seed in 0..20 {
        let disk = MemoryDisk::new();
        let config = config(&disk, Fsync::Always, 2_000);
        let (mut log, ..) = open(&config).unwrap();
        disk.break_syncs();
        let mut history = History::default();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        history.drive(&mut log, &disk, &mut rng, 60).unwrap();
        assert!(history.promised > 0, "seed {seed}");
        disk.lose_power(PowerLoss::Nothing, seed);
        caught += u32::from(check(&config, &history).is_err());
    }
    assert_eq!(caught, 20, "the checker believes a liar");
}

fn open_after(config: &LogConfig, covered: u64) -> Result<(Log, usize), LogError> {
    let mut records = 0;
    let (log, _) = Found::find(config, 1, covered, 0)?.open(&mut |_| {
        records += 1;
        Ok(())
    })?;
    Ok((log, records))
}

/// A log of 40 records in small segments.
fn forty(fsync: Fsync) -> (MemoryDisk, LogConfig) {
    let disk = MemoryDisk::new();
    let config = config(&disk, fsync, 300);
    let (mut log, ..) = open(&config).unwrap();
    for i in 1..=40 {
        log.append(&effects(i, 50));
        log.turn(Millis(0)).unwrap();
    }
    log.sync().unwrap();
    (disk, config)
}

#[test]
fn what_a_snapshot_covers_is_trimmed_and_not_missed() {
    for covered in [0, 1, 17, 39, 40] {
        let (disk, config) = forty(Fsync::Always);
        let before = disk.list().unwrap().len();
        let (mut log, applied) = open_after(&config, covered).unwrap();
        assert_eq!((applied as u64, log.durable()), (40 - covered, 40));
        let removed = log.trim(covered).unwrap();
        assert_eq!(disk.list().unwrap().len(), before - removed);
        assert_eq!(log.trim(covered).unwrap(), 0);
        assert_eq!(removed > 0, covered >= 17, "{covered}");
        drop(log);
        assert_eq!(open_after(&config, covered).unwrap().1 as u64, 40 - covered);
        // Without the snapshot the log alone is not enough, and says so.
        let alone = open_after(&config, 0);
        assert_eq!(
            removed > 0,
            matches!(alone, Err(LogError::Missing { expected: 1, .. }))
        );
    }
}

/// What a snapshot has when it is begun is gone when it counts, the segment that was written to with it; one with little
/// in it stays.
#[test]
fn a_segment_ends_where_a_snapshot_begins() {
    for (before, is_sealed) in [(1, false), (20, true)] {
        let disk = MemoryDisk::new();
        let config = config(&disk, Fsync::EVERYSEC, 8_000);
        let (mut log, ..) = open(&config).unwrap();
        for i in 1..=before {
            log.append(&effects(i, 50));
        }
        log.turn(Millis(1)).unwrap();
        // What is pending is the snapshot's, too.
        log.append(&effects(before + 1, 50));
        log.seal();
        let covered = log.appended();
        for i in covered + 1..covered + 4 {
            log.append(&effects(i, 50));
            log.turn(Millis(i)).unwrap();
            // Once is enough.
            assert_eq!(log.stats().segments, u64::from(is_sealed));
        }
        log.sync().unwrap();
        assert_eq!(log.trim(covered).unwrap(), usize::from(is_sealed));
        drop(log);
        assert_eq!(open_after(&config, covered).unwrap().1, 3);
        disk.lose_power(PowerLoss::Nothing, before);
        assert_eq!(open_after(&config, covered).unwrap().1, 3);
        let alone = open_after(&config, 0);
        assert_eq!(alone.is_err(), is_sealed);
    }
}

/// A snapshot knows a log by records: what is appended after it was begun is in none that it has.
#[test]
fn small_effects_share_a_record_until_something_comes_between() {
    let disk = MemoryDisk::new();
    let config = config(&disk, Fsync::EVERYSEC, 1 << 20);
    let (mut log, ..) = open(&config).unwrap();
    let extend = |log: &mut Log, at, bytes| log.extend(&effects(at, bytes));
    assert_eq!([1, 2, 3].map(|at| extend(&mut log, at, 50)), [1; 3]);
    log.turn(Millis(1)).unwrap();
    assert_eq!([4, 5].map(|at| extend(&mut log, at, 50)), [2; 2]);
    log.seal();
    assert_eq!([6, 7].map(|at| extend(&mut log, at, 50)), [3; 2]);
    assert_eq!(log.append(&effects(8, 50)), 4);
    assert_eq!(extend(&mut log, 9, 50), 5);
    // The second finds no room beside the first, and has a record of its own.
    assert_eq!([10, 11].map(|at| extend(&mut log, at, 40_000)), [5, 6]);
    assert_eq!(extend(&mut log, 12, 200_000), 7);
    log.sync().unwrap();
    assert_eq!((log.durable(), log.stats().records), (7, 7));
    drop(log);
    let applied = |covered| open_after(&config, covered).unwrap().1;
    assert_eq!([0, 2, 6].map(applied), [7, 5, 1]);
    let all = open(&config).unwrap().2.concat();
    let sizes = [50; 9].into_iter().chain([40_000, 40_000, 200_000]);
    let expected = (1..).zip(sizes).map(|(at, bytes)| effects(at, bytes));
    let expected: Vec<u8> = expected.flat_map(|one| one.as_bytes().to_vec()).collect();
    assert!(all == expected);
}

/// It does not wait for somebody to write; nor does an empty segment end, whose name the next one would have.
#[test]
fn a_segment_ends_for_a_snapshot_without_a_write() {
    let disk = MemoryDisk::new();
    let (mut log, ..) = open(&config(&disk, Fsync::No, 1_000)).unwrap();
    for segments in 1..4 {
        log.append(&effects(segments, 200));
        log.turn(Millis(segments)).unwrap();
        for _ in 0..2 {
            log.seal();
            log.turn(Millis(segments)).unwrap();
            assert_eq!(log.stats().segments, segments);
        }
        let covered = log.appended();
        assert_eq!((log.durable(), log.trim(covered).unwrap()), (covered, 1));
    }
}

#[test]
fn a_log_that_ends_before_its_snapshot_is_refused_and_nothing_changes() {
    let (disk, config) = forty(Fsync::Always);
    let (before, steps) = (disk.list().unwrap(), disk.steps());
    let refused = open_after(&config, 41).unwrap_err();
    let is_behind = matches!(
        refused,
        LogError::Behind {
            last: 40,
            covered: 41,
            ..
        }
    );
    assert!(is_behind, "{refused}");
    assert_eq!((disk.list().unwrap(), disk.steps()), (before, steps));
}

#[test]
fn a_log_that_a_snapshot_does_not_know_is_refused() {
    let (_disk, config) = forty(Fsync::Always);
    let open = |known| Found::find(&config, 1, 10, known)?.open(&mut |_| Ok(()));
    let (log, _) = open(config.id).unwrap();
    assert_eq!(log.id(), config.id);
    drop(log);
    let refused = open(config.id + 2).map(drop).unwrap_err().to_string();
    assert!(
        refused.contains("is not a segment of this log: it is of log"),
        "{refused}"
    );
}

/// Sealing a segment while a sync of it is under way would take for durable what that sync may yet fail with.
#[test]
fn a_segment_is_not_sealed_while_a_sync_is_under_way() {
    let disk = MemoryDisk::new();
    let (mut log, ..) = open(&config(&disk, Fsync::Interval(1), 300)).unwrap();
    log.turn(Millis(1)).unwrap();
    disk.hold_syncs(true);
    log.append(&effects(1, 400));
    log.turn(Millis(10)).unwrap();
    log.append(&effects(2, 10));
    for now in 11..30 {
        assert_eq!(log.turn(Millis(now)).unwrap(), 0);
        assert_eq!(log.stats().segments, 0, "the sync has not come back");
    }
    disk.hold_syncs(false);
    for now in 30..40 {
        log.turn(Millis(now)).unwrap();
    }
    assert_eq!((log.stats().segments, log.durable()), (1, 2));
}
