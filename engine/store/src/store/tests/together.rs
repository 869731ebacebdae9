//! Many strings read together, beside the same read one by one.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{ReadPath, op, spawned};
use crate::command::CommandError;
use crate::reply::Reply;
use crate::store::{Store, StoreConfig};

/// What each of `keys` came to.
type Read = Vec<Option<Result<Option<Vec<u8>>, CommandError>>>;

#[test]
fn what_is_read_together_is_what_is_read_alone() {
    for (shards, read_path) in [
        (1, ReadPath::AnyCore),
        (5, ReadPath::AnyCore),
        (3, ReadPath::OwnerOnly),
    ] {
        let (store, _workers) = spawned(shards, read_path);
        let mut session = store.session();
        let long = "v".repeat(5_000);
        for key in 0..300 {
            let words = match key % 7 {
                0 => continue,
                1 => format!("hset {key} field {key}"),
                2 => format!("set {key} {long}"),
                3 => format!("set {key} v{key} px 1"),
                4 => format!("set {key} v{key} ex 1000"),
                _ => format!("set {key} v{key}"),
            };
            session.execute(&op(&words));
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
        let mut random = Xoshiro256PlusPlus::seed_from_u64(shards as u64);
        for count in [0, 1, 31, 32, 33, 100] {
            let keys: Vec<String> = (0..count)
                .map(|_| random.random_range(0..310).to_string())
                .collect();
            let mut together: Read = vec![None; count];
            session.get_each(&keys, |at, found| {
                let found = found.map(|value| value.map(<[u8]>::to_vec));
                assert!(together[at].replace(found).is_none(), "key {at} came twice");
            });
            for (key, together) in keys.iter().zip(together) {
                let mut value = Vec::new();
                let alone = session.get(key.as_bytes(), &mut value);
                let alone = alone.map(|found| found.then_some(value));
                assert_eq!(together, Some(alone), "{shards} shards, key {key}");
            }
        }
    }
}

#[test]
fn reads_together_see_the_writes_that_were_sent_before() {
    let (store, _workers) = spawned(4, ReadPath::AnyCore);
    let mut session = store.session();
    let keys: Vec<String> = (0..64).map(|key| key.to_string()).collect();
    for round in 0..200 {
        for key in &keys {
            session.submit(&op(&format!("set {key} {round}")));
        }
        // Nothing was waited for.
        session.get_each(&keys, |at, found| {
            assert_eq!(found, Ok(Some(round.to_string().as_bytes())), "key {at}");
        });
        session.complete(|reply| assert!(reply.is_ok()));
    }
}

#[test]
fn a_set_without_an_op_is_a_set() {
    use crate::event::Classes;
    use crate::store::Change;
    let bounded = StoreConfig {
        maxmemory: 1 << 20,
        ..super::config(2)
    };
    for config in [super::config(1), super::config(3), bounded] {
        let store = Store::open(config).unwrap();
        // Keys of other workers are left alone.
        let mut workers = super::alone(&store);
        let mut worker = workers.swap_remove(0);
        drop(workers);
        let own: Vec<String> = (0..100)
            .map(|key| key.to_string())
            .filter(|key| store.placement()[store.shard_of(key.as_bytes())].worker == 0)
            .collect();
        for (at, key) in own.iter().enumerate() {
            worker.execute(&op(&match at % 3 {
                0 => format!("set {key} old px 1"),
                1 => format!("rpush {key} old"),
                _ => format!("set {key} old ex 1000"),
            }));
            // Of those that expired: set before and after somebody met them.
            worker.turn(crate::Millis(store.now().0 + 2));
            if at % 2 == 0 {
                worker.execute(&op(&format!("exists {key}")));
            }
            assert_eq!(worker.set(key.as_bytes(), b"new"), Ok(()));
            let mut value = Vec::new();
            assert_eq!(worker.get(key.as_bytes(), &mut value), Ok(true));
            assert_eq!(value, b"new");
            let ttl = worker.execute(&op(&format!("pttl {key}")));
            assert_eq!(ttl, Reply::Int(-1));
        }
        // Who listens hears of it.
        worker.configure(&Change::Notify(Classes::parse("KEA").unwrap()));
        worker.set(own[0].as_bytes(), b"loud").unwrap();
        worker.turn(store.now());
        let mut heard = Vec::new();
        worker.events(|event| heard.push((event.name, event.key.to_vec())));
        assert!(
            heard.contains(&("set", own[0].clone().into_bytes())),
            "{heard:?}"
        );
    }
}

#[test]
fn hits_and_misses_of_reads_together_are_counted() {
    let (store, _workers) = spawned(2, ReadPath::AnyCore);
    let mut session = store.session();
    for key in 0..50 {
        session.execute(&op(&format!("set {key} v")));
    }
    let keys: Vec<String> = (0..80).map(|key| key.to_string()).collect();
    session.get_each(&keys, |_, _| ());
    let stats = session.stats().unwrap();
    assert_eq!(stats.iter().map(|shard| shard.hits).sum::<u64>(), 50);
    assert_eq!(stats.iter().map(|shard| shard.misses).sum::<u64>(), 30);
}

#[test]
fn sets_together_are_sets() {
    for shards in [1, 3] {
        let store = Store::open(super::config(shards)).unwrap();
        let mut worker = super::alone(&store).swap_remove(0);
        let is_own = |key: &str| store.placement()[store.shard_of(key.as_bytes())].worker == 0;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(shards as u64);
        let mut model = std::collections::BTreeMap::new();
        for round in 0..200 {
            for _ in 0..8 {
                let key = random.random_range(0..100).to_string();
                if !is_own(&key) {
                    continue;
                }
                let words = match random.random_range(0..4) {
                    0 => format!("set {key} old px 1"),
                    1 => format!("rpush {key} old"),
                    2 => format!("del {key}"),
                    _ => format!("set {key} {} ex 1000", "v".repeat(round)),
                };
                worker.execute(&op(&words));
                model.remove(&key);
            }
            worker.turn(crate::Millis(store.now().0 + 2));
            let pairs: Vec<(String, String)> = (0..random.random_range(0..40))
                .map(|at| {
                    (
                        random.random_range(0..100).to_string(),
                        format!("{round}:{at}"),
                    )
                })
                .collect();
            let bytes = pairs.iter().map(|(k, v)| (k.as_bytes(), v.as_bytes()));
            let bytes: Vec<(&[u8], &[u8])> = bytes.collect();
            let watched = pairs.first().filter(|(key, _)| is_own(key));
            let watch = crate::store::Watch::new();
            if let Some((key, _)) = watched {
                worker.watch(0, &watch, &op(&format!("exists {key}")));
                worker.turn(store.now());
            }
            let set = worker.set_here(0, &bytes);
            // The first of another worker's ends it, and so does the room for what is fetched at once.
            let own = pairs.iter().take(32).take_while(|(key, _)| is_own(key));
            assert_eq!(set, own.count(), "round {round}");
            assert_eq!(watch.is_changed(), watched.is_some(), "round {round}");
            model.extend(pairs.into_iter().take(set));
            for (key, value) in &model {
                let mut found = Vec::new();
                assert_eq!(worker.get(key.as_bytes(), &mut found), Ok(true), "{key}");
                assert_eq!(&found, value.as_bytes(), "round {round}, {key}");
                let ttl = worker.execute(&op(&format!("pttl {key}")));
                assert_eq!(ttl, Reply::Int(-1), "round {round}, {key}");
            }
        }
        // Of another database, and of one that there is not.
        let key = (0..100)
            .map(|key| key.to_string())
            .find(|key| is_own(key))
            .unwrap();
        assert_eq!(worker.set_here(3, &[(key.as_bytes(), b"three")]), 1);
        assert_eq!(worker.set_here(200, &[(key.as_bytes(), b"none")]), 0);
        let there = worker.execute(&op(&format!("get {key}")).within(3));
        assert_eq!(there, super::text("three"));
    }
}

#[test]
fn where_somebody_is_to_hear_of_it_a_set_together_is_none() {
    use crate::event::Classes;
    use crate::store::Change;
    let pair: [(&[u8], &[u8]); 1] = [(b"k", b"v")];
    let store = Store::open(super::config(1)).unwrap();
    let mut worker = super::alone(&store).swap_remove(0);
    assert_eq!(worker.set_here(0, &pair), 1);
    worker.configure(&Change::Notify(Classes::parse("KEA").unwrap()));
    assert_eq!(worker.set_here(0, &pair), 0);
}

#[test]
fn a_set_together_finds_room_or_is_none() {
    let bounded = StoreConfig {
        maxmemory: 1 << 20,
        ..super::config(1)
    };
    let store = Store::open(bounded).unwrap();
    let mut worker = super::alone(&store).swap_remove(0);
    let long = vec![b'v'; 400 << 10];
    let pairs: [(&[u8], &[u8]); 3] = [(b"a", &long), (b"b", &long), (b"c", &long)];
    assert_eq!(worker.set_here(0, &pairs), 2);
    assert_eq!(worker.execute(&op("dbsize")), Reply::Int(2));
}

#[test]
fn what_is_written_together_is_what_is_written_alone() {
    let store = Store::open(super::config(1)).unwrap();
    let mut worker = super::alone(&store).remove(0);
    worker.execute(&op("hset 7 field 1"));
    worker.execute(&op("set 8 old ex 1000"));
    let pairs: Vec<(String, String)> = (0..100)
        .map(|number| ((number % 90).to_string(), format!("v{number}")))
        .collect();
    assert_eq!(worker.set_each(&pairs), Ok(()));
    for key in 0..90 {
        let number = if key < 10 { key + 90 } else { key };
        let mut value = Vec::new();
        let found = worker.get(key.to_string().as_bytes(), &mut value);
        assert_eq!(
            (found, value),
            (Ok(true), format!("v{number}").into_bytes())
        );
    }
    assert_eq!(worker.execute(&op("ttl 8")), Reply::Int(-1));
}

#[test]
fn what_is_written_together_keeps_the_bound_of_memory() {
    let store = Store::open(StoreConfig {
        maxmemory: 1 << 20,
        ..super::config(1)
    });
    let mut worker = super::alone(&store.unwrap()).remove(0);
    let pairs: Vec<(String, Vec<u8>)> = (0..64)
        .map(|number| (number.to_string(), vec![b'v'; 64 << 10]))
        .collect();
    assert_eq!(worker.set_each(&pairs), Err(CommandError::OUT_OF_MEMORY));
    let Reply::Int(count) = worker.execute(&op("dbsize")) else {
        panic!("a number");
    };
    assert!((4..17).contains(&count), "{count}");
}
