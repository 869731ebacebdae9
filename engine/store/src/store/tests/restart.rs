//! A store that serves from its snapshot before that is in memory.

use super::{config, op, text};
use crate::reply::Reply;
use crate::store::{Session, Store, StoreConfig, StoreError};

const KEYS: usize = 6_000;

/// A folder with a snapshot of a store with so many shards, and what opens it cold.
fn saved(shards: usize) -> (tempfile::TempDir, StoreConfig) {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig {
        dir: Some(folder.path().to_owned()),
        load_at_once_bytes: 0,
        seed: 1,
        ..config(shards)
    };
    let store = Store::open(config.clone()).unwrap();
    let _workers = store.spawn().unwrap();
    let mut session = store.session();
    for n in 0..KEYS {
        session.execute(&op(&format!("set k{n} {n}:{}", "v".repeat(200))));
    }
    for n in 0..5_000 {
        session.execute(&op(&format!("rpush list {n}")));
    }
    session.execute(&op("swapdb 0 3"));
    session.execute(&op("swapdb 0 3"));
    session.save().unwrap();
    // Another process has drawn another seed: the folder's is taken.
    (folder, StoreConfig { seed: 2, ..config })
}

fn value(n: usize) -> Reply {
    text(&format!("{n}:{}", "v".repeat(200)))
}

fn when_all_is_there(session: &mut Session) -> Reply {
    loop {
        match session.execute(&op("dbsize")) {
            Reply::Error(words) => {
                assert_eq!(words, "LOADING Redis is loading the dataset in memory");
                std::thread::yield_now();
            }
            size => return size,
        }
    }
}

#[test]
fn keys_are_served_before_all_are_there() {
    let (_folder, config) = saved(2);
    let store = Store::open(config).unwrap();
    let (mut first, mut second) = (store.session(), store.session());
    // Nobody turns yet: nothing can have been loaded before it was asked for.
    let workers = store.spawn().unwrap();
    let mut was_loading = false;
    for n in (0..KEYS).step_by(500) {
        assert_eq!(first.execute(&op(&format!("get k{n}"))), value(n));
        assert_eq!(second.execute(&op(&format!("get none{n}"))), Reply::Nil);
        let stats = first.stats().unwrap();
        was_loading |= stats.iter().any(|shard| shard.loading.is_some());
    }
    assert!(was_loading, "all was there at once, and nothing was tested");
    assert_eq!(first.execute(&op("llen list")), Reply::Int(5_000));
    assert!(first.execute(&op("mset k1 a k2 b new c")).is_ok());
    assert_eq!(second.execute(&op("del k3 k4")), Reply::Int(2));
    assert_eq!(when_all_is_there(&mut first), Reply::Int(KEYS as i64));
    assert_eq!(
        second.execute(&op("mget k1 k3")),
        Reply::Array(vec![text("a"), Reply::Nil])
    );
    for n in 5..KEYS {
        assert_eq!(second.execute(&op(&format!("get k{n}"))), value(n));
    }
    drop(workers);
}

#[test]
fn a_save_of_what_is_not_yet_there_has_all_of_it() {
    let (_folder, config) = saved(2);
    for round in 0..3 {
        let compress = round == 1;
        let store = Store::open(StoreConfig {
            compress,
            ..config.clone()
        })
        .unwrap();
        let _workers = store.spawn().unwrap();
        let mut session = store.session();
        session.execute(&op(&format!("set k{round} {round}")));
        session.save().unwrap();
        assert_eq!(when_all_is_there(&mut session), Reply::Int(KEYS as i64 + 1));
    }
    let store = Store::open(config).unwrap();
    let _workers = store.spawn().unwrap();
    let mut session = store.session();
    assert_eq!(when_all_is_there(&mut session), Reply::Int(KEYS as i64 + 1));
    assert_eq!(
        session.execute(&op("mget k0 k2")),
        Reply::Array(vec![text("0"), text("2")])
    );
}

#[test]
fn damage_is_told_by_its_shard_alone() {
    let (folder, config) = saved(2);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        let is_first = path.to_string_lossy().contains("/00000-");
        if is_first {
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    let small = StoreConfig {
        load_at_once_bytes: u64::MAX,
        ..config.clone()
    };
    // What is loaded first is found to be damaged first.
    let error = Store::open(small).err().expect("it is damaged").to_string();
    assert!(error.contains("is damaged at byte"), "{error}");
    let store = Store::open(config).unwrap();
    let _workers = store.spawn().unwrap();
    let mut session = store.session();
    let mut told = 0;
    for n in 0..KEYS {
        match session.execute(&op(&format!("get k{n}"))) {
            Reply::Error(words) => {
                assert!(
                    words.contains("/00000-") && words.contains("is damaged at byte"),
                    "{words}"
                );
                told += 1;
            }
            found => assert_eq!(found, value(n)),
        }
    }
    assert!((1..KEYS).contains(&told));
    assert!(matches!(session.save(), Err(StoreError::Refused(why)) if why.contains("damaged")));
}

#[test]
fn another_number_of_shards_takes_all_keys_over() {
    let (_folder, config) = saved(2);
    for shards in [1, 3, 2] {
        let other = StoreConfig {
            shards,
            ..config.clone()
        };
        let store = Store::open(other.clone()).unwrap();
        let found: u64 = store.recovered().iter().map(|it| it.snapshot_keys).sum();
        assert_eq!(found, KEYS as u64 + 1);
        let workers = store.spawn().unwrap();
        let mut session = store.session();
        assert_eq!(when_all_is_there(&mut session), Reply::Int(KEYS as i64 + 1));
        assert_eq!(session.execute(&op("llen list")), Reply::Int(5_000));
        for n in (0..KEYS).step_by(7) {
            assert_eq!(session.execute(&op(&format!("get k{n}"))), value(n));
        }
        // The next one opens what this one saved.
        session.save().unwrap();
        drop((session, workers, store));
    }
}
