//! Many strings read together, beside the same read one by one.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{ReadPath, op, spawned};
use crate::command::CommandError;

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
    use crate::store::{Change, Store, StoreConfig};
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
            assert_eq!(ttl, crate::Reply::Int(-1));
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
