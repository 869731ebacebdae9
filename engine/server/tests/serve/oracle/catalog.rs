//! `COMMAND` of both servers: what they say of each command that is ours.
//!
//! What Redis says in sentences (summaries, complexities, histories, notes on keys) is its authors', and
//! left out of both; all else has to be the same. `SEAWALL_BLESS=1` writes the arguments that Redis
//! documents into `arguments.tsv`, in the form that `command::arguments` reads.

use std::fmt::Write;
use std::path::Path;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_server::command::{Entry, entries, facts};
use seawall_store::Reply;

use super::pair::Pair;
use super::redis::Redis;
use super::wire::{Wire, Words, shown, words};

/// What is said in sentences.
const PROSE: &[&[u8]] = &[b"summary", b"complexity", b"history", b"notes"];

const ARGUMENTS: &str = "src/command/arguments.tsv";

/// What both know: commands of Redis 7.0, subcommands by themselves.
fn known() -> impl Iterator<Item = &'static Entry> {
    entries()
        .iter()
        .filter(|entry| facts::find(entry.name()).is_some())
}

/// The reply without prose. Flat maps of RESP2 are maps whose names are known.
fn plain(reply: Reply) -> Reply {
    let is_prose =
        |name: &Reply| matches!(name, Reply::Bulk(name) if PROSE.contains(&name.as_slice()));
    match reply {
        Reply::Map(fields) => {
            let fields = fields.into_iter().filter(|(name, _)| !is_prose(name));
            Reply::Map(fields.map(|(name, value)| (name, plain(value))).collect())
        }
        Reply::Set(items) => Reply::Set(items.into_iter().map(plain).collect()),
        Reply::Array(items) => {
            let mut kept = Vec::new();
            let mut items = items.into_iter();
            while let Some(item) = items.next() {
                if is_prose(&item) {
                    items.next();
                } else {
                    kept.push(plain(item));
                }
            }
            Reply::Array(kept)
        }
        other => other,
    }
}

/// Without the subcommands, which are asked for by themselves: each server lists its own, in an order of
/// its own. They are the last of both `INFO` and `DOCS`.
fn without_subcommands(reply: Reply) -> Reply {
    let is_it = |name: &Reply| matches!(name, Reply::Bulk(name) if name == b"subcommands");
    match reply {
        // `INFO`: a command's ten parts.
        Reply::Array(mut parts) if parts.len() == 10 => {
            parts.pop();
            Reply::Array(parts)
        }
        Reply::Array(mut parts) => {
            if let Some(at) = parts.iter().position(is_it) {
                parts.truncate(at);
            }
            Reply::Array(parts.into_iter().map(without_subcommands).collect())
        }
        Reply::Map(fields) => {
            let fields = fields.into_iter().filter(|(name, _)| !is_it(name));
            let whole = |(name, value)| (name, without_subcommands(value));
            Reply::Map(fields.map(whole).collect())
        }
        other => other,
    }
}

#[test]
fn every_command_is_described_as_redis_does() {
    let pair = Pair::start();
    let mut differences = String::new();
    for hello in ["hello 2", "hello 3"] {
        let mut wires = pair.addresses().map(Wire::connect);
        for wire in &mut wires {
            wire.ask(&words(hello));
        }
        for entry in known() {
            for question in ["info", "docs"] {
                let asked = words(&format!("command {question} {}", entry.name()));
                let [ours, theirs] = wires.each_mut().map(|wire| {
                    let reply = wire.ask(&asked).reply().expect("a reply");
                    without_subcommands(plain(reply))
                });
                if ours != theirs {
                    let _ = writeln!(
                        differences,
                        "{hello}, {}\n  ours:  {ours:?}\n  redis: {theirs:?}",
                        shown(&asked)
                    );
                }
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// Words that options and counts of keys are made of.
const WORDS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "x",
    "-1",
    "store",
    "STORE",
    "get",
    "by",
    "limit",
    "keys",
    "weights",
    "usage",
    "samples",
    "overflow",
    "set",
    "incrby",
    "storedist",
    "count",
    "left",
    "nosuch",
];

/// How many calls of each command are asked about.
const CALLS: usize = 300;

/// The keys of random calls, with what happens to them, and the errors where there are none.
#[test]
fn the_keys_of_calls_are_those_of_redis() {
    let pair = Pair::start();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
    let mut wires = pair.addresses().map(Wire::connect);
    let mut differences = Vec::new();
    for entry in known() {
        let name: Words = words(&entry.name().replace('|', " "));
        for _ in 0..CALLS {
            let mut call = name.clone();
            let least = usize::from(entry.arity().unsigned_abs());
            let len = (least + random.random_range(0..5)).saturating_sub(random.random_range(0..2));
            while call.len() < len {
                let key = format!("key{}", call.len());
                let word = if random.random_bool(0.5) {
                    key.as_str()
                } else {
                    WORDS.choose(&mut random).expect("some")
                };
                call.push(word.as_bytes().to_vec());
            }
            let question = ["command getkeys", "command getkeysandflags"]
                .choose(&mut random)
                .expect("some");
            let asked = [words(question), call].concat();
            let [ours, theirs] = wires.each_mut().map(|wire| wire.ask(&asked));
            if ours != theirs {
                differences.push(format!(
                    "{}\n  ours:  {ours}\n  redis: {theirs}",
                    shown(&asked)
                ));
                break;
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn documented_arguments_are_those_of_redis() {
    let redis = Redis::start();
    let mut wire = Wire::connect(redis.address);
    wire.ask(&words("hello 3"));
    let mut text = String::from("# name\targuments\n");
    let mut names: Vec<&str> = known().map(Entry::name).collect();
    names.sort_unstable();
    for name in names {
        let reply = wire.ask(&words(&format!("command docs {name}"))).reply();
        let Some(Reply::Map(docs)) = reply else {
            panic!("COMMAND DOCS answers with a map");
        };
        let (_, docs) = docs.first().expect("the command");
        if let Some(Reply::Array(arguments)) = field(docs, "arguments") {
            let _ = writeln!(text, "{name}\t{}", noted_all(arguments));
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(ARGUMENTS);
    if std::env::var_os("SEAWALL_BLESS").is_some() {
        std::fs::write(&file, text).expect("the file can be written");
        return;
    }
    let there = std::fs::read_to_string(&file).expect("the file can be read");
    let stale = text.lines().zip(there.lines()).find(|(a, b)| a != b);
    assert!(there == text, "{ARGUMENTS} is stale: {stale:?}");
}

fn noted_all(arguments: &[Reply]) -> String {
    let arguments: Vec<String> = arguments.iter().map(noted).collect();
    arguments.join(" ")
}

/// An argument as `arguments.tsv` has it.
fn noted(argument: &Reply) -> String {
    let text = |name| match field(argument, name) {
        Some(Reply::Bulk(text)) => Some(String::from_utf8_lossy(text).into_owned()),
        Some(Reply::Int(number)) => Some(number.to_string()),
        _ => None,
    };
    let (name, kind) = (text("name"), text("type"));
    let mut line = format!("{}={}", name.expect("a name"), kind.expect("a type"));
    for (mark, field, end) in [
        ("@", "key_spec_index", ""),
        ("\"", "token", "\""),
        ("/", "since", ""),
        ("!", "deprecated_since", ""),
    ] {
        if let Some(text) = text(field) {
            let _ = write!(line, "{mark}{text}{end}");
        }
    }
    if let Some(Reply::Set(flags)) = field(argument, "flags") {
        line.extend(flags.iter().map(|flag| match flag {
            Reply::Simple(flag) if flag == "optional" => '?',
            Reply::Simple(flag) if flag == "multiple" => '*',
            Reply::Simple(flag) if flag == "multiple_token" => '+',
            other => panic!("an unknown flag: {other:?}"),
        }));
    }
    if let Some(Reply::Array(parts)) = field(argument, "arguments") {
        let _ = write!(line, "({})", noted_all(parts));
    }
    line
}

fn field<'a>(map: &'a Reply, name: &str) -> Option<&'a Reply> {
    let Reply::Map(fields) = map else {
        return None;
    };
    let is_it = |field: &&(Reply, Reply)| matches!(&field.0, Reply::Bulk(bytes) if bytes == name.as_bytes());
    fields.iter().find(is_it).map(|(_, value)| value)
}
