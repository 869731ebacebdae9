//! The store as its callers see it: alone on one thread, by many on several, and over a restart.

mod brief;
mod durable;
mod failing;
mod order;
mod resharded;
mod restart;
mod saves;
mod saves_refused;
mod scan;
mod several;
mod tagged;
mod together;
mod waiting;
mod withheld;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{ReadPath, Session, Store, StoreConfig, StoreError, Worker};
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
