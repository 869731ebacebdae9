//! The store as its callers see it: alone on one thread, by many on several, and over a restart.

mod storm;
mod tagged;
mod waiting;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{ReadPath, Session, Store, StoreConfig, StoreError, Worker};
use crate::disk::{MemoryDisk, PowerLoss};
use crate::log::Fsync;
use crate::log::device::DeviceKind;
use crate::op::Op;
use crate::reply::Reply;
use crate::time::Millis;

fn op(words: &str) -> Op {
    Op::parse(words.split(' ').map(str::as_bytes)).unwrap()
}

fn config(shards: usize) -> StoreConfig {
    StoreConfig {
        shards,
        pin: false,
        ..StoreConfig::default()
    }
}

fn text(words: &str) -> Reply {
    Reply::Bulk(words.as_bytes().to_vec())
}

/// Every worker of a store, on this thread.
fn alone(store: &Store) -> Vec<Worker> {
    (0..store.workers())
        .map(|_| store.attach().unwrap())
        .collect()
}

#[test]
fn one_thread_may_be_every_worker() {
    // The shards of the second worker are asked by ring while this thread turns both.
    for shards in [1, 5] {
        let store = Store::open(config(shards)).unwrap();
        let mut workers = alone(&store);
        assert!(matches!(store.attach(), Err(StoreError::NoSeat { .. })));
        for key in 0..100 {
            let worker = store.placement()[store.shard_of(key.to_string().as_bytes())].worker;
            assert!(
                workers[worker]
                    .execute(&op(&format!("set {key} v{key}")))
                    .is_ok()
            );
        }
        let mut value = Vec::new();
        for key in 0..100 {
            // Any core may read.
            let worker = &mut workers[key % store.workers()];
            value.clear();
            assert!(worker.get(key.to_string().as_bytes(), &mut value).unwrap());
            assert_eq!(value, format!("v{key}").into_bytes());
        }
        assert!(!workers[0].get(b"none", &mut value).unwrap());
        workers[0].turn(Millis(7));
        assert_eq!(store.now(), Millis(7));
        workers[0].turn(Millis(3));
        assert_eq!(store.now(), Millis(7), "time never goes back");
    }
}

#[test]
fn one_worker_answers_commands_over_its_shards() {
    let store = Store::open(config(1)).unwrap();
    let mut worker = store.attach().unwrap();
    assert!(worker.execute(&op("mset a 1 b 2")).is_ok());
    assert_eq!(worker.execute(&op("dbsize")), Reply::Int(2));
}

fn spawned(shards: usize, read_path: ReadPath) -> (Store, super::Workers) {
    let store = Store::open(StoreConfig {
        read_path,
        ..config(shards)
    })
    .unwrap();
    let workers = store.spawn().unwrap();
    (store, workers)
}

#[test]
fn commands_over_several_shards_are_one() {
    let (store, _workers) = spawned(7, ReadPath::AnyCore);
    let mut session = store.session();
    assert!(session.execute(&op("mset a 1 b 2 c 3 d 4 e 5 f 6")).is_ok());
    let all = session.execute(&op("mget f x e d c b a"));
    let expected =
        ["6", "", "5", "4", "3", "2", "1"].map(|n| if n.is_empty() { Reply::Nil } else { text(n) });
    assert_eq!(all, Reply::Array(expected.to_vec()));
    assert_eq!(session.execute(&op("exists a a b x")), Reply::Int(3));
    assert_eq!(session.execute(&op("dbsize")), Reply::Int(6));
    assert_eq!(session.execute(&op("del a b x c")), Reply::Int(3));
    assert_eq!(session.execute(&op("touch d e a")), Reply::Int(2));
    assert_eq!(session.execute(&op("ping")), Reply::Simple("PONG".into()));
    assert_eq!(session.execute(&op("msetnx a 1 b 2")), Reply::Int(1));
    assert_eq!(session.execute(&op("msetnx b 3 x 4")), Reply::Int(0));
    let all = session.execute(&op("mget a b x"));
    assert_eq!(all, Reply::Array(vec![text("1"), text("2"), Reply::Nil]));
    let odd = session.execute(
        &Op::new(&crate::command::set::MSET)
            .arg("a")
            .arg("1")
            .arg("b"),
    );
    assert!(matches!(odd, Reply::Error(words) if words.contains("wrong number")));
    assert!(session.execute(&op("flushall")).is_ok());
    assert_eq!(session.execute(&op("dbsize")), Reply::Int(0));
}

#[test]
fn a_pipeline_comes_back_in_order() {
    let (store, _workers) = spawned(3, ReadPath::AnyCore);
    let mut session = store.session();
    for round in 0..3u32 {
        for n in 0..2_000u32 {
            session.submit(&op(&format!("set k{} {round}.{n}", n % 97)));
            session.submit(&op(&format!("get k{}", n % 97)));
            if n % 500 == 0 {
                session.submit(&op("mget k1 k2 k3"));
            }
        }
        let mut replies = Vec::new();
        session.complete(|reply| replies.push(reply));
        replies.retain(|reply| !matches!(reply, Reply::Array(_)));
        assert_eq!(replies.len(), 4_000);
        for n in 0..2_000usize {
            assert!(replies[2 * n].is_ok());
            assert_eq!(replies[2 * n + 1], text(&format!("{round}.{n}")));
        }
    }
}

#[test]
fn a_session_reads_its_own_writes() {
    for read_path in [ReadPath::AnyCore, ReadPath::OwnerOnly] {
        let (store, _workers) = spawned(2, read_path);
        std::thread::scope(|scope| {
            for caller in 0..4 {
                let store = &store;
                scope.spawn(move || {
                    let mut session = store.session();
                    let mut value = Vec::new();
                    for n in 0..300 {
                        let key = format!("{caller}:{}", n % 5);
                        session.submit(&op(&format!("set {key} {n}")));
                        value.clear();
                        assert!(session.get(key.as_bytes(), &mut value).unwrap());
                        assert_eq!(value, n.to_string().into_bytes());
                    }
                    let mut replies = 0;
                    session.complete(|reply| replies += u32::from(reply.is_ok()));
                    assert_eq!(replies, 300);
                });
            }
        });
    }
}

/// One writer, readers on other threads: a value is whole, and once seen it is never older again.
#[test]
fn readers_see_whole_values_that_only_advance() {
    let (store, _workers) = spawned(2, ReadPath::AnyCore);
    let stop = AtomicBool::new(false);
    let reads = AtomicU64::new(0);
    let writes = 3_000u64;
    let value_of = |n: u64| {
        // The length changes too, so that replacements use other size classes.
        let unit = format!("{n:08}");
        unit.repeat(1 + (n % 40) as usize)
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut session = store.session();
                let mut value = Vec::new();
                let mut last = [0u64; 4];
                while !stop.load(Ordering::Relaxed) {
                    for (key, last) in last.iter_mut().enumerate() {
                        value.clear();
                        if !session
                            .get(format!("k{key}").as_bytes(), &mut value)
                            .unwrap()
                        {
                            continue;
                        }
                        let n: u64 = std::str::from_utf8(&value[..8]).unwrap().parse().unwrap();
                        assert_eq!(value, value_of(n).into_bytes(), "torn");
                        assert!(n >= *last, "{n} after {last}");
                        *last = n;
                        reads.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let mut session = store.session();
        for n in 1..=writes {
            let key = n % 4;
            session.submit(
                &Op::new(&crate::command::set::SET)
                    .arg(format!("k{key}"))
                    .arg(value_of(n)),
            );
            // Neighbours come and go, so that the index splits and blocks are reused.
            session.submit(&op(&format!("set x{n} {n}")));
            if n % 16 == 0 {
                session.submit(&op(&format!("del x{} x{}", n / 2, n / 3)));
                session.complete(|_| ());
            }
        }
        session.complete(|_| ());
        while reads.load(Ordering::Relaxed) < 1_000 {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// `MSET` over shards against `MGET` and any-core reads in a row: nobody sees half of it.
#[test]
fn a_command_over_several_shards_is_seen_whole() {
    several_keys_are_seen_whole(4);
}

#[test]
fn a_command_over_several_keys_of_one_shard_is_seen_whole() {
    several_keys_are_seen_whole(1);
}

fn several_keys_are_seen_whole(shards: usize) {
    let (store, _workers) = spawned(shards, ReadPath::AnyCore);
    let stop = AtomicBool::new(false);
    let number = |reply: &Reply| match reply {
        Reply::Bulk(bytes) => std::str::from_utf8(bytes).unwrap().parse::<u64>().unwrap(),
        other => panic!("{other:?}"),
    };
    let mset = |n: u64| op(&format!("mset a {n} b {n} c {n} d {n}"));
    let mut session = store.session();
    assert!(session.execute(&mset(0)).is_ok());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut session = store.session();
            while !stop.load(Ordering::Relaxed) {
                let Reply::Array(all) = session.execute(&op("mget d c b a")) else {
                    panic!("no array")
                };
                assert!(
                    all.iter().all(|reply| number(reply) == number(&all[0])),
                    "{all:?}"
                );
            }
        });
        scope.spawn(|| {
            let mut session = store.session();
            let mut value = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let mut last = 0;
                for key in [b"a", b"b", b"c", b"d"] {
                    value.clear();
                    assert!(session.get(key, &mut value).unwrap());
                    let n = std::str::from_utf8(&value).unwrap().parse::<u64>().unwrap();
                    assert!(n >= last, "{n} after {last}");
                    last = n;
                }
            }
        });
        for n in 1..400 {
            assert!(session.execute(&mset(n)).is_ok());
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn increments_of_many_sessions_all_count() {
    let (store, _workers) = spawned(2, ReadPath::AnyCore);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut session = store.session();
                for _ in 0..200 {
                    session.submit(&op("incr n"));
                }
                session.complete(|reply| assert!(matches!(reply, Reply::Int(_))));
            });
        }
    });
    assert_eq!(store.session().execute(&op("get n")), text("1200"));
}

#[test]
fn hits_on_any_core_are_counted_and_save_from_eviction() {
    for policy in ["clock", "lru", "allkeys-lfu"] {
        let store = Store::open(StoreConfig {
            maxmemory: 1 << 20,
            policy: policy.parse().unwrap(),
            ..config(1)
        })
        .unwrap();
        let _workers = store.spawn().unwrap();
        let mut session = store.session();
        session.execute(&op("set hot 1"));
        let mut value = Vec::new();
        for n in 0..4_000 {
            session.execute(&op(&format!("set cold{n} {}", "v".repeat(500))));
            for _ in 0..20 {
                value.clear();
                assert!(session.get(b"hot", &mut value).unwrap(), "{policy} at {n}");
            }
        }
        // What a command evicts waits for readers before it is free, and a reader that stalls (here: any
        // thread of this program) holds it up for as long: the bound is where it settles.
        let bound = (1 << 20) + (4 << 10);
        let settled = (0..1_000).any(|_| {
            session.execute(&op("set cold0 v"));
            session.stats().unwrap()[0].used_bytes <= bound
        });
        let stats = session.stats().unwrap()[0].clone();
        assert!(settled, "{stats:?}");
        assert!(stats.evicted > 1_000, "{stats:?}");
        assert_eq!((stats.hits, stats.misses), (80_000, 0));
    }
}

#[test]
fn without_its_worker_a_session_is_told_so() {
    let (store, workers) = spawned(2, ReadPath::OwnerOnly);
    let mut session: Session = store.session();
    assert!(session.execute(&op("set a 1")).is_ok());
    drop(workers);
    let reply = session.execute(&op("get a"));
    assert!(matches!(reply, Reply::Error(words) if words.contains("stopped")));
    let _workers = store.spawn().unwrap();
    assert_eq!(
        session.execute(&op("get a")),
        text("1"),
        "the shards stayed"
    );
}

#[test]
fn wrong_configurations_are_refused() {
    for shards in [0, 1_025] {
        let error = Store::open(config(shards)).err().unwrap().to_string();
        assert!(error.contains("1 to 1024"), "{error}");
    }
    let no_folder = StoreConfig {
        appendonly: true,
        ..config(1)
    };
    assert!(matches!(Store::open(no_folder), Err(StoreError::NoFolder)));
}

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
            std::thread::sleep(std::time::Duration::from_millis(5));
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
    // A crash while the log began: it has a part of the snapshot, and the mark says so.
    for number in 0..3 {
        std::fs::write(
            folder.path().join(format!("shard-{number:04}.log-begins")),
            "",
        )
        .unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "log") {
                let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                let len = file.metadata().unwrap().len();
                file.set_len(len - len.min(30)).unwrap();
            }
        }
    }
    for _ in 0..2 {
        let store = Store::open(logging.clone()).unwrap();
        let _workers = store.spawn().unwrap();
        assert_eq!(read(&mut store.session()), before);
    }
    // A crash while snapshots took their places: those that are left take theirs, so long as one did.
    {
        let store = Store::open(config.clone()).unwrap();
        let _workers = store.spawn().unwrap();
        store.session().save().unwrap();
    }
    let file = |number: usize, end: &str| folder.path().join(format!("shard-{number:04}.{end}"));
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
