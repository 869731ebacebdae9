//! A shard that is opened cold answers like the one whose snapshot it has, whatever is loaded meanwhile.

mod commands;
mod large;
mod unreadable;

use std::sync::Arc;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::command::find;
use crate::disk::{Disk as _, MemoryDisk};
use crate::op::Op;
use crate::shard::{Out, Shard};
use crate::snapshot::{Codec, Meta, Reader};

const NOW: Millis = Millis(1_000_000);

fn op(words: &str) -> Op {
    let mut words = words.split(' ');
    let command = find(words.next().unwrap().as_bytes()).unwrap();
    words.fold(Op::new(command), Op::arg)
}

fn debug_digest() -> Op {
    Op::new(&crate::command::debug::DIGEST)
}

fn run(shard: &mut Shard, op: &Op) -> String {
    let mut out = Out::default();
    shard.apply(NOW, op, &mut out);
    String::from_utf8_lossy(out.reply.as_bytes()).into_owned()
}

fn snapshot_of(shard: &mut Shard, codec: Codec) -> Vec<u8> {
    let disk = MemoryDisk::new();
    shard.keyspace().begin(NOW, 0, false);
    let mut meta = Meta {
        shards: 1,
        seed: 7,
        codec,
        ..Meta::default()
    };
    shard.keyspace().describe(&mut meta);
    let keyspace = shard.keyspace();
    crate::snapshot::write_to(&disk, "s", &meta, |writer| keyspace.write_to(writer)).unwrap();
    let mut bytes = Vec::new();
    disk.read("s", 0).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn opened(bytes: Vec<u8>, config: &ShardConfig) -> Shard {
    let mut shard = Shard::new(config);
    let reader = Reader::from_bytes("s", bytes).unwrap();
    assert!(shard.keyspace().open_cold(reader).is_ok());
    shard
}

/// An op on a few keys of a few databases.
fn any_op(random: &mut Xoshiro256PlusPlus) -> Op {
    let mut key = |kind: &str| format!("{kind}{}", random.random_range(0..300));
    let (string, hash, list) = (key("s"), key("h"), key("l"));
    let (zset, set) = (key("z"), key("t"));
    let other = key("s");
    let any = ["s", "h", "l", "z", "t"][random.random_range(0..5)];
    let any = format!("{any}{}", random.random_range(0..300));
    let n = random.random_range(0..1_000_u32);
    let words = match random.random_range(0..32) {
        0..4 => format!("set {string} {}", "v".repeat(n as usize)),
        4 => format!("set {string} {n} px {}", n + 1),
        5 | 6 => format!("get {string}"),
        7 => format!("append {string} {n}"),
        8 => format!("getdel {string}"),
        9 => format!("mget {string} {other} {any}"),
        10 => format!("exists {any} {string}"),
        11 => format!("del {any}"),
        12 => format!("type {any}"),
        13 => format!("pexpire {any} {}", n * 100),
        14 => format!("pttl {any}"),
        15 => format!("persist {any}"),
        16 => format!("hset {hash} {} {n}", n % 20),
        17 => format!("hget {hash} {}", n % 20),
        18 => format!("hdel {hash} {}", n % 20),
        19 => format!("rpush {list} {n} {n}"),
        20 => format!("lrange {list} 0 -1"),
        21 => format!("lpop {list}"),
        22 => format!("zadd {zset} {n} {}", n % 20),
        23 => format!("zrange {zset} 0 -1 withscores"),
        24 => format!("sadd {set} {n}"),
        25 => format!("sismember {set} {n}"),
        26 => format!("rename {any} {any}x"),
        27 => format!("copy {any} {any} db 1"),
        28 => format!("move {any} 2"),
        29 => format!("sort {list} by s*"),
        30 => format!("llen big{}", n % 3),
        _ if n < 60 => format!("swapdb {} {}", n % 3, random.random_range(0..3)),
        _ => format!("rpush big{} {n}", n % 3),
    };
    op(&words).within([0, 0, 1, 2][random.random_range(0..4)])
}

/// A shard with so many strings of 100 bytes, and what it was made with.
fn filled(keys: usize) -> (ShardConfig, Shard) {
    let config = ShardConfig {
        seed: ShardConfig::seed_of(7, 0),
        ..ShardConfig::default()
    };
    let mut shard = Shard::new(&config);
    for i in 0..keys {
        run(&mut shard, &op(&format!("set key:{i} {}", "v".repeat(100))));
    }
    (config, shard)
}

#[test]
fn a_cold_shard_answers_as_the_one_that_was_saved() {
    for seed in 0..12 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let config = ShardConfig {
            seed: ShardConfig::seed_of(7, 0),
            ..ShardConfig::default()
        };
        let mut warm = Shard::new(&config);
        for _ in 0..random.random_range(0..6_000) {
            run(&mut warm, &any_op(&mut random));
        }
        for i in 0..3_000 {
            run(&mut warm, &op(&format!("rpush big{} element:{i}", i % 2)));
        }
        let codec = if seed % 3 == 0 {
            Codec::Lz4
        } else {
            Codec::Plain
        };
        let mut cold = opened(snapshot_of(&mut warm, codec), &config);
        let (pace, mut out) = (random.random_range(1..400), Out::default());
        for step in 0..4_000 {
            let op = any_op(&mut random);
            let (expected, found) = (run(&mut warm, &op), run(&mut cold, &op));
            assert_eq!(found, expected, "seed {seed} step {step}: {op:?}");
            if random.random_range(0..pace) == 0 {
                cold.tick(NOW, &mut out);
            }
        }
        while cold.tick(NOW, &mut out) {}
        assert_eq!(cold.stats().loading, None, "seed {seed}");
        let (digest, stats) = (debug_digest(), cold.stats());
        assert_eq!(
            run(&mut cold, &digest),
            run(&mut warm, &digest),
            "seed {seed}"
        );
        assert_eq!(stats.databases, warm.stats().databases, "seed {seed}");
    }
}

#[test]
fn who_asks_for_all_keys_waits_until_they_are_there() {
    let (config, mut warm) = filled(3_000);
    let bytes = snapshot_of(&mut warm, Codec::Plain);
    let mut cold = opened(bytes.clone(), &config);
    for words in ["dbsize", "keys *", "scan 0", "randomkey", "flushdb"] {
        let said = run(&mut cold, &op(words));
        let expected = "-LOADING Redis is loading the dataset in memory\r\n";
        assert_eq!(said, expected, "{words}");
    }
    let loading = cold.stats().loading.unwrap();
    assert_eq!(
        (loading.bytes, loading.loaded_bytes),
        (bytes.len() as u64, 0)
    );
    assert_eq!(run(&mut cold, &op("exists key:5 key:3000")), ":1\r\n");
    let slices = (0..100)
        .find(|_| !cold.tick(NOW, &mut Out::default()))
        .unwrap();
    assert!((5..40).contains(&slices), "{slices} slices of some 32 KiB");
    assert_eq!(run(&mut cold, &op("dbsize")), ":3000\r\n");

    // A log has all keys loaded before it goes on, and whoever drops all needs none.
    let mut cold = opened(bytes.clone(), &config);
    cold.replay(&op("flushdb").within(1), &mut Out::default())
        .unwrap();
    assert_eq!(run(&mut cold, &op("dbsize")), ":3000\r\n");
    let mut cold = opened(bytes, &config);
    assert_eq!(run(&mut cold, &op("flushall")), "+OK\r\n");
    assert_eq!(run(&mut cold, &op("dbsize")), ":0\r\n");
    assert_eq!(run(&mut cold, &op("get key:5")), "$-1\r\n");
}

#[test]
fn a_damaged_block_is_told_of_and_nobody_is_told_that_its_keys_are_gone() {
    let (config, mut warm) = filled(2_000);
    run(&mut warm, &op("rpush list 1 2 3"));
    let whole = snapshot_of(&mut warm, Codec::Plain);
    let damaged = |part: usize| {
        let mut bytes = whole.clone();
        bytes[whole.len() * part / 9] ^= 4;
        bytes
    };
    // Any block but the list's.
    let lists = |bytes: &Vec<u8>| {
        let list = run(&mut opened(bytes.clone(), &config), &op("llen list"));
        list == ":3\r\n"
    };
    let bytes = [3, 6].map(damaged).into_iter().find(lists).unwrap();
    let is_told = |said: &str| said.starts_with("-ERR s is damaged at byte ");
    let mut served = 0;
    let mut cold = opened(bytes.clone(), &config);
    for i in 0..2_000 {
        let said = run(&mut cold, &op(&format!("get key:{i}")));
        served += u32::from(said.starts_with("$100"));
        assert!(
            said.starts_with("$100") || is_told(&said),
            "key:{i}: {said}"
        );
    }
    assert!((1..1_900).contains(&served), "{served} before it was met");
    assert!(is_told(&run(&mut cold, &op("set new 1"))));
    assert!(is_told(&run(&mut cold, &op("dbsize"))));
    assert!(is_told(&run(&mut cold, &op("flushdb"))));
    assert_eq!(run(&mut cold, &op("flushall")), "+OK\r\n");
    assert_eq!(run(&mut cold, &op("set new 1")), "+OK\r\n");

    // Slices meet it, too; and one that is met in the midst of an op, by a name that the op does not say.
    let mut cold = opened(bytes.clone(), &config);
    while cold.tick(NOW, &mut Out::default()) {}
    assert!(cold.stats().loading.is_some() && is_told(&run(&mut cold, &op("get key:1"))));
    let told: u32 = (0..2_000)
        .map(|i| {
            let mut cold = opened(bytes.clone(), &config);
            let list = run(&mut cold, &op("lrange list 0 -1"));
            assert!(!is_told(&list));
            let mut out = Out::default();
            cold.apply(
                NOW,
                &op(&format!("sort list by key:{i}*none get key:{i} store to")),
                &mut out,
            );
            let said = String::from_utf8_lossy(out.reply.as_bytes()).into_owned();
            assert_eq!(is_told(&said), out.effects.is_empty(), "{said}");
            u32::from(is_told(&said))
        })
        .take(300)
        .sum();
    assert!(told > 0, "the block is met by names in patterns");
    assert!(cold.keyspace().load_rest().is_err());
}

/// Memory for a tenth of the snapshot: what is loaded and evicted again does not come back, and of a list there
/// is all or nothing.
#[test]
fn what_is_evicted_while_it_is_loaded_is_gone_whole() {
    let mut warm = Shard::new(&ShardConfig {
        seed: ShardConfig::seed_of(7, 0),
        ..ShardConfig::default()
    });
    for i in 0..3_000 {
        run(&mut warm, &op(&format!("set key:{i} {}", "v".repeat(200))));
    }
    for list in 0..4 {
        for i in 0..4_000 {
            run(&mut warm, &op(&format!("rpush list:{list} {i:020}")));
        }
    }
    let bytes = snapshot_of(&mut warm, Codec::Plain);
    for policy in ["allkeys-lru", "volatile-lru", "none"] {
        let maxmemory = 200_000;
        let mut cold = opened(
            bytes.clone(),
            &ShardConfig {
                seed: ShardConfig::seed_of(7, 0),
                maxmemory,
                policy: policy.parse().unwrap(),
                ..ShardConfig::default()
            },
        );
        let (mut most, mut out) = (0, Out::default());
        let mut more = true;
        while more {
            out.clear();
            more = cold.tick(NOW, &mut out);
            most = most.max(cold.stats().used_bytes);
        }
        let stats = cold.stats();
        assert_eq!(stats.loading, None, "{policy}");
        if policy == "allkeys-lru" {
            assert!(stats.evicted > 2_000, "{policy}: {}", stats.evicted);
            assert!(most < 2 * maxmemory, "{policy}: {most}");
        } else {
            assert_eq!((stats.evicted, stats.keys), (0, 3_004), "{policy}");
        }
        for list in 0..4 {
            let len = run(&mut cold, &op(&format!("llen list:{list}")));
            assert!(
                [":0\r\n", ":4000\r\n"].contains(&len.as_str()),
                "{policy}: {len}"
            );
        }
    }
}

/// What comes in parts expires with its last, so no expiry finds half of it.
#[test]
fn what_expires_while_it_is_loaded_is_gone_whole() {
    let (config, mut warm) = filled(100);
    for list in 0..4 {
        for i in 0..4_000 {
            run(&mut warm, &op(&format!("rpush list:{list} {i:020}")));
        }
        let soon = NOW.0 + 1;
        run(&mut warm, &op(&format!("pexpireat list:{list} {soon}")));
    }
    let bytes = snapshot_of(&mut warm, Codec::Plain);
    let (mut cold, mut out) = (opened(bytes, &config), Out::default());
    while cold.tick(Millis(NOW.0 + 2), &mut out) {}
    let stats = cold.stats();
    assert_eq!((stats.loading, stats.keys), (None, 100));
    for i in 0..100 {
        let there = run(&mut cold, &op(&format!("exists key:{i} list:{}", i % 4)));
        assert_eq!(there, ":1\r\n");
    }
}

#[test]
fn readers_on_other_cores_ask_for_what_they_do_not_find() {
    let config = ShardConfig {
        seed: ShardConfig::seed_of(7, 0),
        ..ShardConfig::default()
    };
    let mut warm = Shard::new(&config);
    run(&mut warm, &op("set here 1"));
    let mut cold = opened(snapshot_of(&mut warm, Codec::Plain), &config);
    let reader = cold.keyspace().reader(Arc::default());
    let look = |key: &[u8]| {
        let guard = crossbeam_epoch::pin();
        let probe = reader.probe(0, key, &guard);
        let any = |_: crate::mem::Item<'_>| true;
        match reader.read(probe, &guard, (true, 64), key, || NOW, NOW, any, |_| {}) {
            Found::Hit(item) => Some(item.value().to_vec()),
            Found::Miss => None,
            Found::Ask => Some(b"ask".to_vec()),
        }
    };
    assert_eq!(look(b"here"), Some(b"ask".to_vec()));
    assert_eq!(run(&mut cold, &op("get here")), "$1\r\n1\r\n");
    assert_eq!(
        (look(b"here"), look(b"none")),
        (Some(b"1".to_vec()), Some(b"ask".to_vec()))
    );
    while cold.tick(NOW, &mut Out::default()) {}
    assert_eq!((look(b"here"), look(b"none")), (Some(b"1".to_vec()), None));
}

#[test]
fn other_places_are_loaded_by_name() {
    let config = ShardConfig {
        seed: ShardConfig::seed_of(7, 0),
        ..ShardConfig::default()
    };
    let mut warm = Shard::new(&config);
    run(&mut warm, &op("swapdb 0 9"));
    let reader = Reader::from_bytes("s", snapshot_of(&mut warm, Codec::Plain)).unwrap();
    let mut few = Shard::new(&ShardConfig {
        databases: 4,
        ..config
    });
    let reader = few.keyspace().open_cold(reader).err();
    let reader = reader.expect("it has no database 9");
    let mut other = Shard::new(&ShardConfig::default());
    assert!(other.keyspace().open_cold(*reader).is_err());
    assert_eq!(run(&mut other, &op("dbsize")), ":0\r\n");
}

/// A snapshot whose cells and records `fill` chooses, with good checksums.
fn forged(fill: impl FnOnce(&mut dyn FnMut(Option<u64>, &str))) -> Vec<u8> {
    let disk = MemoryDisk::new();
    let meta = Meta {
        shards: 1,
        seed: 7,
        cell_bits: 8,
        ..Meta::default()
    };
    let written = crate::snapshot::write_to(&disk, "s", &meta, |writer| {
        fill(&mut |ahead, key| {
            match ahead {
                Some(at) => writer.ahead(at),
                None => writer.walked(0),
            }
            writer.push(&Entry {
                database: 0,
                key: key.as_bytes(),
                value: Value::String(b"value"),
                expires: None,
                tag: None,
            });
        });
    });
    written.unwrap();
    let mut bytes = Vec::new();
    disk.read("s", 0).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_no_shard_would_have_written_is_damage() {
    let config = ShardConfig {
        seed: ShardConfig::seed_of(7, 0),
        ..ShardConfig::default()
    };
    let place = |key: &str| {
        let secrets = Shard::new(&config).keyspace().secrets;
        crate::index::position(lookup::hash(0, key.as_bytes(), &secrets))
    };
    let far = 1 << 47;
    let key = (0..).map(|i| format!("key:{i}"));
    let key = key.into_iter().find(|key| place(key) >= far).unwrap();
    // As it is to be: saved ahead, as of its own cell.
    let good = forged(|push| push(Some(place(&key)), &key));
    let mut cold = opened(good, &config);
    while cold.tick(NOW, &mut Out::default()) {}
    assert_eq!(
        run(&mut cold, &op(&format!("get {key}"))),
        "$5\r\nvalue\r\n"
    );

    // As of a cell where nobody looks for it; twice.
    let elsewhere = forged(|push| push(Some(place(&key) ^ far), &key));
    let both = forged(|push| {
        push(None, "other");
        push(Some(place(&key)), &key);
        push(Some(place(&key)), &key);
    });
    for (bytes, what) in [
        (elsewhere, "would be looked for in another block"),
        (both, "another record has"),
    ] {
        let mut cold = opened(bytes, &config);
        while cold.tick(NOW, &mut Out::default()) {}
        let said = run(&mut cold, &op(&format!("exists {key} other")));
        assert!(said.starts_with("-ERR s is damaged at byte "), "{said}");
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn a_head_that_counts_otherwise_is_damage() {
    let config = ShardConfig {
        seed: ShardConfig::seed_of(7, 0),
        ..ShardConfig::default()
    };
    let mut warm = Shard::new(&config);
    run(&mut warm, &op("mset a 1 b 2 c 3"));
    for field in [64, 72] {
        let mut bytes = snapshot_of(&mut warm, Codec::Plain);
        // More records than keys there may be.
        bytes[field] = if field == 64 { 4 } else { 2 };
        let check = xxhash_rust::xxh3::xxh3_64(&bytes[..4088]).to_le_bytes();
        bytes[4088..4096].copy_from_slice(&check);
        let tail = bytes.len() - 16;
        bytes[tail..tail + 8].copy_from_slice(&check);
        let mut cold = opened(bytes, &config);
        while cold.tick(NOW, &mut Out::default()) {}
        let said = run(&mut cold, &op("get new"));
        assert!(said.contains("counts other records"), "{said}");
    }
}

/// What a client of Memcached knows from before a restart fits nothing that came with it.
#[test]
fn numbers_of_changes_do_not_repeat() {
    let config = ShardConfig {
        seed: ShardConfig::seed_of(7, 0),
        ..ShardConfig::default()
    };
    let mut shard = Shard::new(&config);
    let tag = Tag::default();
    let mut known = Vec::new();
    for round in 0..3 {
        let opened_at = Millis(NOW.0 + 1_000 * round);
        let keyspace = shard.keyspace();
        keyspace.begin(opened_at, 0, false);
        for i in 0..20 {
            let key = format!("key:{i}");
            if round == 0 {
                keyspace
                    .set_tagged(key.as_bytes(), b"v", None, tag, None)
                    .unwrap();
            }
            let tagged = keyspace.tagged(key.as_bytes(), true).unwrap().unwrap();
            assert!(!known.contains(&tagged.tag.cas), "round {round}: {key}");
            known.push(tagged.tag.cas);
        }
        let bytes = snapshot_of(&mut shard, Codec::Plain);
        shard = Shard::new(&config);
        shard.keyspace().begin(opened_at + 500, 0, false);
        let reader = Reader::from_bytes("s", bytes).unwrap();
        assert!(shard.keyspace().open_cold(reader).is_ok());
        shard.keyspace().load_rest().unwrap();
    }
}
