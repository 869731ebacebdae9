//! Values that one server dumps and the other restores, both ways: what arrives is what was sent, and kept
//! in the form that its origin would give it.
//!
//! Values of every type and form are made by commands; more by the random commands of the families.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::Reply;

use super::broken;
use super::campaign::schedule;
use super::grammar::{self, Family};
use super::pair::Pair;
use super::redis::Redis;
use super::stream::waits;
use super::wire::{Wire, Words, shown, words};

/// How many random commands make values of a family.
const COMMANDS: usize = 2000;
/// How many are sent at a time.
const BATCH: usize = 50;

/// What is under a key, whatever order it has.
#[derive(Debug, PartialEq)]
struct Value {
    kind: Reply,
    parts: Vec<String>,
}

/// What `RESTORE` made.
#[derive(Debug, PartialEq)]
struct Restored {
    reply: Reply,
    form: Reply,
    /// Whether it has the time that it was given.
    lives: bool,
    value: Value,
}

/// Where two values part.
fn told(a: &Value, b: &Value) -> String {
    let parts = a.parts.iter().zip(&b.parts).find(|(a, b)| a != b);
    format!(
        "{:?} {:?}, {} {} parts: {parts:?}",
        a.kind,
        b.kind,
        a.parts.len(),
        b.parts.len()
    )
}

/// The commands that make values of every type and form, each under a key of its own.
fn makings() -> Vec<Words> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    let bytes = |random: &mut Xoshiro256PlusPlus, len: usize| {
        let mut bytes = vec![0; len];
        random.fill_bytes(&mut bytes);
        bytes
    };
    let mut all: Vec<Words> = Vec::new();
    let mut make = |name: &str, args: Vec<Vec<u8>>| {
        let key = format!("key:{}", all.len()).into_bytes();
        all.push([vec![name.as_bytes().to_vec(), key], args].concat());
    };
    // Integers of each width, on both sides of its bounds.
    for bits in [7, 15, 31, 63] {
        let edge = i128::from(1_u64 << bits);
        for number in [edge - 1, edge, -edge, -edge - 1] {
            make("set", words(&number.to_string()));
        }
    }
    for len in [0, 1, 44, 45, 63, 64, 16_383, 16_384, 100_000] {
        make("set", vec![bytes(&mut random, len)]);
        make("set", vec![b"pack".repeat(len / 4)]);
    }
    let name = |at: usize| format!("name:{at}").into_bytes();
    let number = |at: usize| at.to_string().into_bytes();
    for count in [1, 2, 127, 128, 129, 512, 513, 3000] {
        make("rpush", (0..count).map(name).collect());
        make("rpush", (0..count).map(number).collect());
        make("sadd", (0..count).map(name).collect());
        make("sadd", (0..count).map(number).collect());
        make("hset", (0..count * 2).map(name).collect());
        make("hset", (0..count * 2).map(number).collect());
        make(
            "zadd",
            (0..count).flat_map(|at| [number(at), name(at)]).collect(),
        );
        make("pfadd", (0..count).map(name).collect());
    }
    // Elements that are too long for the small forms, and for one node of a list.
    for len in [64, 65, 8_192, 9_000, 70_000] {
        let long = bytes(&mut random, len);
        make("rpush", vec![name(1), long.clone(), name(2)]);
        make("sadd", vec![name(1), long.clone()]);
        make("hset", vec![name(1), long.clone(), long.clone(), name(2)]);
        make("zadd", vec![number(1), long]);
    }
    // Sets of integers of each width.
    for bits in [14, 30, 62] {
        let numbers = [1_i64 << bits, -(1 << bits), 3].map(|number| number.to_string());
        make(
            "sadd",
            numbers
                .iter()
                .map(|text| text.clone().into_bytes())
                .collect(),
        );
        make(
            "rpush",
            numbers
                .iter()
                .map(|text| text.clone().into_bytes())
                .collect(),
        );
    }
    for score in [
        "inf",
        "-inf",
        "0",
        "-0",
        "1.5",
        "0.1",
        "1e300",
        "-1e-300",
        "9007199254740993",
    ] {
        make("zadd", words(&format!("{score} member")));
        let many = (0..200).flat_map(|at| [score.as_bytes().to_vec(), name(at)]);
        make("zadd", many.collect());
    }
    make("setbit", words("100000 1"));
    make(
        "geoadd",
        words("13.361389 38.115556 Palermo 15.087269 37.502669 Catania"),
    );
    all
}

fn ask(wire: &mut Wire, line: &str, more: &[&[u8]]) -> Reply {
    let mut asked = words(line);
    asked.extend(more.iter().map(|word| word.to_vec()));
    let frame = wire.ask(&asked);
    frame
        .reply()
        .unwrap_or_else(|| panic!("{}: {frame}", shown(&asked)))
}

fn value(wire: &mut Wire, key: &[u8]) -> Value {
    let kind = ask(wire, "type", &[key]);
    let Reply::Simple(name) = &kind else {
        panic!("TYPE answers with a status: {kind:?}");
    };
    let (reply, group) = match name.as_str() {
        "list" => (ask(wire, "lrange", &[key, b"0", b"-1"]), 0),
        "set" => (ask(wire, "smembers", &[key]), 1),
        "hash" => (ask(wire, "hgetall", &[key]), 2),
        "zset" => (ask(wire, "zrange", &[key, b"0", b"-1", b"withscores"]), 0),
        "none" => (Reply::Nil, 0),
        _ => (ask(wire, "get", &[key]), 0),
    };
    let parts = match (reply, group) {
        (Reply::Array(items), 1 | 2) => {
            let mut parts: Vec<String> = items
                .chunks(group)
                .map(|part| format!("{part:?}"))
                .collect();
            parts.sort();
            parts
        }
        (Reply::Array(items), _) => items.iter().map(|item| format!("{item:?}")).collect(),
        (reply, _) => vec![format!("{reply:?}")],
    };
    Value { kind, parts }
}

/// Dumps every key of `from`, restores it on both, and compares: what differs, in words.
fn differences(from: &mut Wire, to: &mut Wire) -> Vec<String> {
    let Reply::Array(keys) = ask(from, "keys *", &[]) else {
        panic!("KEYS answers with an array");
    };
    let mut differences = Vec::new();
    for key in keys {
        let Reply::Bulk(key) = key else {
            panic!("a key is bytes");
        };
        let Reply::Bulk(payload) = ask(from, "dump", &[&key]) else {
            continue;
        };
        let sent = value(from, &key);
        let restored = |wire: &mut Wire| Restored {
            reply: ask(wire, "restore copy 100000", &[&payload, b"replace"]),
            form: ask(wire, "object encoding copy", &[]),
            lives: matches!(ask(wire, "pttl copy", &[]), Reply::Int(50_000..=100_000)),
            value: value(wire, b"copy"),
        };
        let (there, here) = (restored(to), restored(from));
        for wire in [&mut *from, &mut *to] {
            ask(wire, "del copy", &[]);
        }
        if there != here || there.value != sent {
            let mut text = format!(
                "{}: {}\n  dumped as {}\n",
                key.escape_ascii(),
                told(&sent, &there.value),
                payload.escape_ascii()
            );
            text.truncate(1000);
            let forms = [&there, &here].map(|side| (&side.reply, &side.form, side.lives));
            differences.push(format!(
                "{text}\n  there and here {forms:?}, and here {}",
                told(&there.value, &here.value)
            ));
        }
    }
    differences
}

/// Makes values on both servers, and exchanges them both ways.
fn exchanged(pair: &Pair, makings: &[Words]) -> Vec<String> {
    let mut wires = pair.addresses().map(Wire::connect);
    for wire in &mut wires {
        ask(wire, "flushall", &[]);
        for makings in makings.chunks(BATCH) {
            wire.send(makings);
            for _ in makings {
                wire.frame();
            }
        }
    }
    let [ours, theirs] = &mut wires;
    [differences(ours, theirs), differences(theirs, ours)].concat()
}

#[test]
fn values_of_every_form_arrive() {
    let pair = Pair::start();
    for compression in ["yes", "no"] {
        for address in pair.addresses() {
            let mut wire = Wire::connect(address);
            ask(
                &mut wire,
                &format!("config set rdbcompression {compression}"),
                &[],
            );
        }
        let found = exchanged(&pair, &makings());
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn values_of_random_commands_arrive() {
    let pair = Pair::start();
    let of_values = |family: &&&Family| !["keyspace", "keys"].contains(&family.name);
    for family in grammar::FAMILIES.iter().filter(of_values) {
        for seed in 1..=2 {
            let steps = schedule(family, seed);
            let said = steps.into_iter().take(COMMANDS).map(|step| step.words);
            let said = said.filter(|words| !waits(words));
            let found = exchanged(&pair, &said.collect::<Vec<Words>>());
            let name = family.name;
            assert!(
                found.is_empty(),
                "{name}, seed {seed}:\n{}",
                found.join("\n")
            );
        }
    }
}

/// The comparison, proved by a server that gives another element than it holds.
#[test]
fn a_changed_element_is_seen() {
    let redis = Redis::start();
    let makings = [words("rpush list e1 e2")];
    let honest = Pair::with(broken::wire(redis.address, b"nothing", b"nothing"));
    assert_eq!(exchanged(&honest, &makings), [] as [String; 0]);
    let lying = Pair::with(broken::wire(redis.address, b"$2\r\ne1", b"$2\r\nE1"));
    assert!(!exchanged(&lying, &makings).is_empty());
}
