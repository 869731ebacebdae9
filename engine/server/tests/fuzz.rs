//! The fuzz targets as ordinary tests: their corpus, and seeded mutations of it.

#[path = "../fuzz/targets/commands.rs"]
mod commands;
#[path = "../fuzz/targets/items.rs"]
mod items;
#[path = "../fuzz/targets/memcached.rs"]
mod memcached;
#[path = "../fuzz/targets/model.rs"]
mod model;
#[path = "../fuzz/targets/requests.rs"]
mod requests;
#[path = "../fuzz/targets/resp.rs"]
mod resp;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Mutated inputs of a target, unless `SEAWALL_FUZZ_SEEDS` says how many.
const MUTATIONS: u64 = 400;

/// The inputs of a target, by the names of their files.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    inputs
}

/// One of the inputs, damaged: bytes changed, cut out, doubled, or taken from another one.
fn mutate(inputs: &[(String, Vec<u8>)], seed: u64) -> Vec<u8> {
    const EDGES: &[&[u8]] = &[
        b"\r\n",
        b"-1",
        b"2147483648",
        b"9223372036854775807",
        b"-9223372036854775808",
        b"*",
        b"$",
        b"\"",
        b"\0",
        b"nan",
        b"0",
        b"1e400",
        b" ",
        b"noreply",
        b" q O1 v\r\n",
        b"18446744073709551615",
    ];
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut pick = |below: usize| random.random_range(0..below.max(1));
    let mut bytes = inputs[pick(inputs.len())].1.clone();
    for _ in 0..=pick(8) {
        let at = pick(bytes.len());
        let end = (at + pick(40)).min(bytes.len());
        match pick(5) {
            0 if at < bytes.len() => bytes[at] = pick(256) as u8,
            1 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                let to = pick(bytes.len());
                bytes.splice(to..to, part);
            }
            3 => {
                let other = &inputs[pick(inputs.len())].1;
                let from = pick(other.len());
                let part = &other[from..(from + pick(200)).min(other.len())];
                bytes.splice(at..at, part.iter().copied());
            }
            _ => {
                let edge = EDGES[pick(EDGES.len())];
                bytes.splice(at..end, edge.iter().copied());
            }
        }
    }
    bytes
}

fn replay(target: &str, check: fn(&[u8])) {
    let inputs = corpus(target);
    for (name, input) in &inputs {
        let held = catch_unwind(|| check(input));
        assert!(held.is_ok(), "{name} fails");
    }
    let seeds = std::env::var("SEAWALL_FUZZ_SEEDS");
    let seeds = seeds.map_or(MUTATIONS, |seeds| seeds.parse().expect("a number"));
    for seed in 0..seeds {
        let input = mutate(&inputs, seed);
        let held = catch_unwind(|| check(&input));
        assert!(held.is_ok(), "seed {seed} fails: {}", input.escape_ascii());
    }
}

#[test]
fn parser() {
    replay("resp", resp::check);
}

#[test]
fn execution() {
    replay("commands", commands::check);
}

#[test]
fn memcacheds_parser() {
    replay("memcached", memcached::check);
}

#[test]
fn memcacheds_requests() {
    replay("requests", requests::check);
}

/// Likewise every modelled and every written-down request of Memcached's clients.
#[test]
fn what_is_forgotten_of_memcacheds_is_noticed() {
    let inputs: Vec<_> = corpus("requests")
        .iter()
        .map(|(_, input)| requests::parse(input))
        .collect();
    let noticed = |check: &dyn Fn(&[seawall_store::Op])| {
        inputs
            .iter()
            .any(|ops| catch_unwind(AssertUnwindSafe(|| check(ops))).is_err())
    };
    for name in [
        "set", "append", "prepend", "incr", "decr", "delete", "ms", "md", "ma",
    ] {
        let name = format!("memcached.{name}");
        let forget = |op: &seawall_store::Op| op.command().name == name;
        let by_model = noticed(&|ops| requests::against_model(ops, forget));
        assert!(by_model, "the model misses no {name}");
        let by_replica = noticed(&|ops| requests::against_replica(ops, forget));
        assert!(by_replica, "the replica misses no {name}");
    }
}

/// Every modelled and every written-down command of the corpus is missed if it is forgotten.
#[test]
fn what_is_forgotten_is_noticed() {
    let inputs: Vec<_> = corpus("commands")
        .iter()
        .map(|(_, input)| commands::parse(input))
        .collect();
    let noticed = |check: &dyn Fn(&[seawall_store::Op])| {
        inputs
            .iter()
            .any(|ops| catch_unwind(AssertUnwindSafe(|| check(ops))).is_err())
    };
    for name in [
        "set", "append", "incr", "lpush", "rpop", "hset", "hdel", "sadd", "srem", "del",
    ] {
        if seawall_store::command::find(name.as_bytes()).is_none() {
            println!("skipped: the store has no {name}");
            continue;
        }
        let forget = |op: &seawall_store::Op| op.command().name == name;
        let by_model = noticed(&|ops| commands::against_model(ops, forget));
        assert!(by_model, "the model misses no {name}");
        let by_replica = noticed(&|ops| commands::against_replica(ops, forget));
        assert!(by_replica, "the replica misses no {name}");
    }
}
