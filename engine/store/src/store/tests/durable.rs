//! What a store's logs keep: over a power loss, and over its end.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{config, op, text};
use crate::disk::{MemoryDisk, PowerLoss};
use crate::log::Fsync;
use crate::log::device::DeviceKind;
use crate::reply::Reply;
use crate::store::{Store, StoreConfig};
use crate::time::Millis;

pub(super) fn logged(disk: &MemoryDisk, fsync: Fsync) -> StoreConfig {
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
