//! Databases, driven through a shard: what each holds against a model, also after replay.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::effect::Effects;
use crate::event::Classes;
use crate::keyspace::DatabaseStats;
use crate::op::Op;
use crate::reply::Reply;
use crate::shard::{Out, Shard, ShardConfig};
use crate::time::Millis;

fn op(database: u8, words: &str) -> Op {
    let op = Op::parse(words.split(' ').map(str::as_bytes)).unwrap();
    op.within(database)
}

fn ask(shard: &mut Shard, database: u8, words: &str, told: &mut Effects) -> Reply {
    let mut out = Out::default();
    shard.apply(Millis(1), &op(database, words), &mut out);
    told.append(&mut out.effects);
    Reply::parse(out.reply.as_bytes()).unwrap().0
}

/// The state as `dump` tells it, in an order.
fn state(shard: &Shard) -> Vec<String> {
    let mut lines = Vec::new();
    shard.dump(Millis(1), &mut |op| {
        lines.push(format!("{} {op:?}", op.database()));
    });
    lines.sort();
    lines
}

#[test]
fn databases_are_apart() {
    const DATABASES: u8 = 4;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let config = ShardConfig {
        databases: DATABASES.into(),
        ..ShardConfig::default()
    };
    let mut shard = Shard::new(&config);
    let mut model: Vec<BTreeMap<u32, (u32, bool)>> = vec![BTreeMap::new(); DATABASES.into()];
    let mut told = Effects::default();
    for step in 0..20_000_u32 {
        let database = rng.random_range(0..DATABASES);
        let key = rng.random_range(0..60);
        let map = &mut model[usize::from(database)];
        let mut run = |words: &str| ask(&mut shard, database, words, &mut told);
        match rng.random_range(0..1000) {
            0..400 => {
                assert!(run(&format!("set {key} {step}")).is_ok());
                map.insert(key, (step, false));
            }
            400..500 => {
                assert!(run(&format!("set {key} {step} ex 100")).is_ok());
                map.insert(key, (step, true));
            }
            500..600 => {
                let removed = i64::from(map.remove(&key).is_some());
                assert_eq!(run(&format!("del {key}")), Reply::Int(removed));
            }
            600..650 => {
                let found = map.get_mut(&key).map(|held| held.1 = true).is_some();
                assert_eq!(run(&format!("expire {key} 50")), Reply::Int(found.into()));
            }
            650..700 => {
                let held = map.get_mut(&key);
                let found = held.is_some_and(|held| std::mem::take(&mut held.1));
                assert_eq!(run(&format!("persist {key}")), Reply::Int(found.into()));
            }
            700..740 => {
                let other = rng.random_range(0..DATABASES);
                assert!(run(&format!("swapdb {database} {other}")).is_ok());
                model.swap(database.into(), other.into());
            }
            740..745 => {
                assert!(run("flushdb").is_ok());
                map.clear();
            }
            745 => {
                assert!(run("flushall").is_ok());
                model.iter_mut().for_each(BTreeMap::clear);
            }
            746..760 => assert_eq!(run("dbsize"), Reply::Int(map.len() as i64)),
            _ => {
                let held = map.get(&key);
                let held = held.map_or(Reply::Nil, |(n, _)| Reply::Bulk(n.to_string().into()));
                assert_eq!(run(&format!("get {key}")), held, "step {step}");
            }
        }
    }
    let counted = |map: &BTreeMap<u32, (u32, bool)>| DatabaseStats {
        keys: map.len() as u64,
        expires: map.values().filter(|held| held.1).count() as u64,
    };
    let wanted: Vec<_> = model.iter().map(counted).collect();
    assert_eq!(shard.stats().databases, wanted);
    assert!(wanted.iter().all(|count| count.keys > count.expires));
    let mut replica = Shard::new(&config);
    for effect in Effects::decode(told.as_bytes()) {
        replica
            .replay(&effect.unwrap(), &mut Out::default())
            .unwrap();
    }
    assert_eq!(state(&replica), state(&shard));
    assert_eq!(replica.stats().databases, wanted);
    let mut loaded = Shard::new(&config);
    shard.dump(Millis(1), &mut |op| {
        loaded.replay(op, &mut Out::default()).unwrap();
    });
    assert_eq!(state(&loaded), state(&shard));
}

#[test]
fn what_expires_or_is_evicted_is_told_within_its_database() {
    let mut shard = Shard::new(&ShardConfig::default());
    let mut told = Effects::default();
    ask(&mut shard, 5, "set k v px 10", &mut told);
    ask(&mut shard, 0, "swapdb 5 9", &mut told);
    let mut out = Out::default();
    shard.set_notify(Classes::parse("EA").unwrap());
    shard.tick(Millis(100), &mut out);
    let events = out.events.iter();
    let events: Vec<_> = events.map(|event| (event.database, event.name)).collect();
    assert_eq!(events, [(9, "expired")]);
    let told: Vec<Op> = Effects::decode(out.effects.as_bytes())
        .map(Result::unwrap)
        .collect();
    assert_eq!(told, [op(9, "del k")]);

    let mut small = Shard::new(&ShardConfig {
        maxmemory: 4_000,
        policy: "lru".parse().unwrap(),
        ..ShardConfig::default()
    });
    let mut effects = Effects::default();
    for n in 0..100 {
        ask(
            &mut small,
            3,
            &format!("set key:{n} {}", "v".repeat(100)),
            &mut effects,
        );
    }
    let gone = Effects::decode(effects.as_bytes()).map(Result::unwrap);
    let gone: Vec<Op> = gone.filter(|op| op.command().name == "del").collect();
    assert!(gone.len() > 50 && gone.iter().all(|op| op.database() == 3));
}

#[test]
fn a_database_that_is_not_there_is_refused() {
    let mut shard = Shard::new(&ShardConfig::default());
    let mut told = Effects::default();
    let refused = Reply::Error("ERR DB index is out of range".to_owned());
    assert_eq!(ask(&mut shard, 16, "get k", &mut told), refused);
    assert_eq!(ask(&mut shard, 0, "swapdb 0 16", &mut told), refused);
    assert!(
        shard
            .replay(&op(16, "set k v"), &mut Out::default())
            .is_err()
    );
    assert!(told.is_empty());
}
