//! What a store keeps: over a power loss, over its end, and in a snapshot.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{config, op, text};
use crate::disk::{MemoryDisk, PowerLoss};
use crate::log::Fsync;
use crate::log::device::DeviceKind;
use crate::reply::Reply;
use crate::store::{Session, Store, StoreConfig, StoreError};
use crate::time::Millis;

fn logged(disk: &MemoryDisk, fsync: Fsync) -> StoreConfig {
    StoreConfig {
        appendonly: true,
        appendfsync: fsync,
        device: DeviceKind::Memory(disk.clone()),
        ..config(3)
    }
}

#[test]
fn what_was_acknowledged_survives_a_power_loss() {
    let disk = MemoryDisk::new();
    let acknowledged = AtomicU64::new(0);
    let store = Store::open(logged(&disk, Fsync::Always)).unwrap();
    let workers = store.spawn().unwrap();
    let refusal = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut session = store.session();
            for n in 0.. {
                let reply = session.execute(&op(&format!("set k{n} {n}")));
                if !reply.is_ok() {
                    // Neither a write nor a read is answered any more.
                    let read = session.execute(&op(&format!("get k{n}")));
                    assert_eq!(read, reply);
                    return reply;
                }
                acknowledged.fetch_add(1, Ordering::Release);
            }
            unreachable!("the log fails before numbers end")
        });
        while acknowledged.load(Ordering::Acquire) < 200 {
            std::thread::yield_now();
        }
        disk.lose_power(PowerLoss::Nothing, 1);
        writer.join().unwrap()
    });
    assert!(matches!(refusal, Reply::Error(words) if words.starts_with("MISCONF ")));
    drop(workers);
    let store = Store::open(logged(&disk, Fsync::Always)).unwrap();
    let _workers = store.spawn().unwrap();
    let mut session = store.session();
    for n in 0..acknowledged.load(Ordering::Acquire) {
        let read = session.execute(&op(&format!("get k{n}")));
        assert_eq!(read, text(&n.to_string()));
    }
}

/// Where the disk is later than the setting bounds, writes are refused until it has caught up, and reads are not.
#[test]
fn a_disk_that_is_late_is_waited_for() {
    let disk = MemoryDisk::new();
    let config = StoreConfig {
        shards: 1,
        ..logged(&disk, Fsync::Bounded(400))
    };
    let store = Store::open(config).unwrap();
    let mut workers = super::alone(&store);
    let mut at = |now, words: &str| {
        workers[0].turn(Millis(now));
        workers[0].execute(&op(words))
    };
    disk.hold_syncs(true);
    assert!(at(1_000, "set a 1").is_ok());
    assert!(at(1_100, "set b 1").is_ok());
    assert!(at(1_400, "set c 1").is_ok());
    let late = at(1_401, "set d 1");
    assert!(
        matches!(&late, Reply::Error(words) if words.starts_with("NOTDURABLE ") && words.contains("401 ms")),
        "{late:?}"
    );
    assert_eq!(at(1_402, "get a"), text("1"));
    disk.hold_syncs(false);
    assert_eq!(at(1_500, "get d"), Reply::Nil);
    assert!(at(1_600, "set d 1").is_ok());
    // The disk has what is older than a quarter of the bound.
    at(1_700, "get a");
    drop(workers);
    disk.lose_power(PowerLoss::Nothing, 1);
    let store = Store::open(StoreConfig {
        shards: 1,
        ..logged(&disk, Fsync::No)
    })
    .unwrap();
    let mut workers = super::alone(&store);
    assert_eq!(workers[0].execute(&op("get c")), text("1"));
}

/// The checker of the test above is worth something: a disk that lies is found out.
#[test]
fn a_disk_that_lies_loses_what_was_acknowledged() {
    let disk = MemoryDisk::new();
    disk.break_syncs();
    let store = Store::open(logged(&disk, Fsync::Always)).unwrap();
    let workers = store.spawn().unwrap();
    assert!(store.session().execute(&op("set k 1")).is_ok());
    disk.lose_power(PowerLoss::Nothing, 1);
    drop(workers);
    let kept = Store::open(logged(&disk, Fsync::Always)).map(|store| {
        let _workers = store.spawn().unwrap();
        store.session().execute(&op("get k"))
    });
    assert!(kept.is_err() || kept.is_ok_and(|reply| reply == Reply::Nil));
}

#[test]
fn a_graceful_end_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for device in [DeviceKind::Uring, DeviceKind::File] {
        let dir = folder.path().join(format!("{device:?}"));
        let config = StoreConfig {
            appendonly: true,
            appendfsync: Fsync::No,
            device,
            dir: Some(dir),
            ..config(2)
        };
        {
            let store = Store::open(config.clone()).unwrap();
            let _workers = store.spawn().unwrap();
            // A session keeps its store open, so it goes first.
            let mut session = store.session();
            session.execute(&op("mset a 1 b 2 c 3"));
            session.execute(&op("hset h f v"));
            session.execute(&op("set gone x px 1"));
            session.execute(&op("set late x pxat 99999999999999"));
            std::thread::sleep(Duration::from_millis(5));
            session.execute(&op("del b"));
        }
        let store = Store::open(config).unwrap();
        let _workers = store.spawn().unwrap();
        let mut session = store.session();
        assert_eq!(
            session.execute(&op("mget a b c gone")),
            Reply::Array(vec![text("1"), Reply::Nil, text("3"), Reply::Nil])
        );
        assert_eq!(session.execute(&op("hget h f")), text("v"));
        assert_eq!(
            session.execute(&op("pexpiretime late")),
            Reply::Int(99_999_999_999_999)
        );
    }
}

#[test]
fn a_snapshot_is_loaded_where_there_is_no_log_and_begins_one() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig {
        dir: Some(folder.path().to_owned()),
        ..config(3)
    };
    let read = |session: &mut Session| {
        let reads = [
            "mget a b c",
            "hgetall h",
            "zrange z 0 -1 withscores",
            "pexpiretime b",
        ];
        reads.map(|words| session.execute(&op(words)))
    };
    let before = {
        let store = Store::open(config.clone()).unwrap();
        let _workers = store.spawn().unwrap();
        let mut session = store.session();
        for words in [
            "mset a 1 b 2 c 3",
            "pexpireat b 99999999999999",
            "hset h f v g w",
            "zadd z 1.5 m 2 n",
        ] {
            assert!(!matches!(session.execute(&op(words)), Reply::Error(_)));
        }
        session.save().unwrap();
        session.execute(&op("set a after"));
        session.execute(&op("set a 1"));
        read(&mut session)
    };
    let logging = StoreConfig {
        appendonly: true,
        device: DeviceKind::File,
        ..config.clone()
    };
    // Without a log; with one that is empty yet; from that log alone.
    for config in [&config, &logging, &logging] {
        let store = Store::open(config.clone()).unwrap();
        let _workers = store.spawn().unwrap();
        assert_eq!(read(&mut store.session()), before);
    }
    // A crash while the logs began: they have a part of the snapshots, and marks say so; or some are
    // complete, and their marks gone.
    let file = |number: usize, end: &str| folder.path().join(format!("shard-{number:04}.{end}"));
    for half in [0..3, 1..3, 2..3] {
        for number in half {
            std::fs::write(file(number, "log-begins"), "").unwrap();
            let paths = std::fs::read_dir(folder.path()).unwrap();
            let mut segments: Vec<_> = paths.map(|entry| entry.unwrap().path()).collect();
            segments.retain(|path| {
                let name = path.file_name().unwrap().to_string_lossy();
                name.starts_with(&format!("{number:05}-")) && name.ends_with(".log")
            });
            segments.sort();
            for late in segments.split_off(1) {
                std::fs::remove_file(late).unwrap();
            }
            let file = std::fs::OpenOptions::new().write(true).open(&segments[0]);
            let (file, len) = (file.unwrap(), segments[0].metadata().unwrap().len());
            file.set_len((len - 30).max(128)).unwrap();
        }
        for _ in 0..2 {
            let store = Store::open(logging.clone()).unwrap();
            let _workers = store.spawn().unwrap();
            assert_eq!(read(&mut store.session()), before);
            assert!((0..3).all(|number| !file(number, "log-begins").exists()));
        }
    }
    // A crash while snapshots took their places: those that are left take theirs, so long as one did.
    {
        let store = Store::open(config.clone()).unwrap();
        let _workers = store.spawn().unwrap();
        store.session().save().unwrap();
    }
    for number in [0, 2] {
        let (there, left) = (file(number, "snapshot"), file(number, "snapshot-next"));
        std::fs::rename(there, left).unwrap();
    }
    for _ in 0..2 {
        let store = Store::open(config.clone()).unwrap();
        let _workers = store.spawn().unwrap();
        assert_eq!(read(&mut store.session()), before);
        assert!(!file(0, "snapshot-next").exists());
    }
    // Where none did, what was written goes; and snapshots of two saves are not loaded together.
    std::fs::copy(file(1, "snapshot"), folder.path().join("old")).unwrap();
    {
        let store = Store::open(config.clone()).unwrap();
        let _workers = store.spawn().unwrap();
        store.session().save().unwrap();
    }
    std::fs::copy(folder.path().join("old"), file(1, "snapshot-next")).unwrap();
    drop(Store::open(config.clone()).unwrap());
    assert!(!file(1, "snapshot-next").exists());
    std::fs::copy(file(1, "snapshot"), folder.path().join("new")).unwrap();
    std::fs::copy(folder.path().join("old"), file(1, "snapshot")).unwrap();
    let error = Store::open(config.clone()).err().unwrap().to_string();
    assert!(
        error.contains("shard-0001.snapshot is missing or of another save"),
        "{error}"
    );
    std::fs::copy(folder.path().join("new"), file(1, "snapshot")).unwrap();
    let other = StoreConfig {
        shards: 2,
        ..config
    };
    let error = Store::open(other).err().unwrap().to_string();
    assert!(error.contains("of 3; the store has 2"), "{error}");
    let error = store_without_folder().session().save().unwrap_err();
    assert!(matches!(error, StoreError::NoFolderToSave));
}

fn store_without_folder() -> Store {
    Store::open(config(1)).unwrap()
}

/// A log that has anything makes the logs what all shards are opened from: a snapshot of another time is
/// not mixed in where a log happens to be empty.
#[test]
fn logs_and_snapshots_are_not_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let plain = StoreConfig {
        dir: Some(folder.path().to_owned()),
        ..config(2)
    };
    let logging = StoreConfig {
        appendonly: true,
        device: DeviceKind::File,
        ..plain.clone()
    };
    let run = |config: &StoreConfig, words: &[&str]| {
        let store = Store::open(config.clone()).unwrap();
        assert_ne!(store.shard_of(b"a"), store.shard_of(b"b"));
        let _workers = store.spawn().unwrap();
        let mut session = store.session();
        let last = words.iter().map(|words| session.execute(&op(words))).last();
        if config.appendonly {
            return last;
        }
        session.save().unwrap();
        last
    };
    run(&logging, &["set a logged"]);
    run(&plain, &["mset a saved b saved"]);
    let read = run(&logging, &["mget a b"]);
    assert_eq!(read, Some(Reply::Array(vec![text("logged"), Reply::Nil])));
    let read = run(&plain, &["mget a b"]);
    assert_eq!(read, Some(Reply::Array(vec![text("saved"), text("saved")])));
}

/// Who waits for the disk sleeps until the disk has done, and is woken by it or, where several shards did something
/// together, by whoever was last.
#[test]
fn who_waits_for_the_disk_is_woken() {
    const ASLEEP: Duration = Duration::from_secs(20);
    for device in [DeviceKind::Uring, DeviceKind::File] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreConfig {
            appendonly: true,
            appendfsync: Fsync::Always,
            device,
            dir: Some(folder.path().to_owned()),
            ..config(3)
        })
        .unwrap();
        store.follow_clock();
        let (stop, wakers) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            // The last one asks; the others are there for their shards.
            for _ in 1..store.workers() {
                scope.spawn(|| {
                    let mut worker = store.attach().unwrap();
                    wakers.lock().unwrap().push(worker.waker());
                    while !stop.load(Ordering::Acquire) {
                        if !worker.turn(store.now()).busy {
                            worker.wait(ASLEEP);
                        }
                    }
                });
            }
            while wakers.lock().unwrap().len() + 1 < store.workers() {
                std::thread::yield_now();
            }
            let mut worker = store.attach().unwrap();
            for tag in 0..40 {
                let words = ["set a 1", "mset a 1 b 2 c 3 d 4"][tag as usize % 2];
                worker.send(tag, op(words));
                let (mut turns, mut is_answered) = (0, false);
                while !is_answered {
                    let is_busy = worker.turn(store.now()).busy;
                    turns += 1;
                    worker.answers(|_, _| is_answered = true);
                    if !is_busy && !is_answered {
                        let begin = Instant::now();
                        worker.wait(ASLEEP);
                        assert!(begin.elapsed() < ASLEEP, "{words}: nobody woke it");
                    }
                }
                assert!(turns < 100, "{words}: {turns} turns");
            }
            stop.store(true, Ordering::Release);
            wakers.lock().unwrap().iter().for_each(|waker| waker.wake());
        });
    }
}
