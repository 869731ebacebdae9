//! A family's random commands in one shard and in a server, with replies and keyspace notifications compared.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use seawall_store::command::Flag;
use seawall_store::event::Classes;
use seawall_store::reply::Protocol;
use seawall_store::{Millis, Op, Out, Reply, Shard, ShardConfig};

use crate::grammar::{FAMILIES, Family, Grammar};
use crate::listener::{self, Listener};
use crate::server::{Connection, Server};

const COMMANDS_PER_SEED: usize = 4000;
const BATCH: usize = 100;

/// Twenty thousand commands of a family, or as `ORACLE_SEED`, `ORACLE_SEEDS` and `ORACLE_SHOW` say.
pub fn family(family: &'static Family, protocol: Protocol) {
    let first = variable("ORACLE_SEED", 1);
    let mut answered = BTreeSet::new();
    for seed in first..first + variable("ORACLE_SEEDS", 5) {
        let differences = stream(family, protocol, seed, all(), &mut answered);
        let shown = differences.len().min(variable("ORACLE_SHOW", 3) as usize);
        assert!(
            differences.is_empty(),
            "{} replies or events differ\n{}\nrepeat with ORACLE_SEED={seed} ORACLE_SEEDS=1",
            differences.len(),
            differences[..shown].join("\n")
        );
    }
    let silent: Vec<_> = family
        .rules
        .iter()
        .filter_map(|rule| rule.split(' ').next())
        .filter(|name| *name != "nosuch" && !answered.contains(*name))
        .collect();
    assert!(
        silent.is_empty(),
        "never answered but with errors: {silent:?}"
    );
}

/// Every class of events, as the server is started with.
fn all() -> Classes {
    Classes::parse("AKEmn").expect("letters of classes")
}

/// The differences in one seed's stream of commands, in words; of our events those of the classes `heard` are
/// compared. The names of commands that were answered with
/// something else than an error go to `answered`.
fn stream(
    family: &'static Family,
    protocol: Protocol,
    seed: u64,
    heard: Classes,
    answered: &mut BTreeSet<String>,
) -> Vec<String> {
    let server = Server::start();
    let mut redis = server.connect();
    if protocol == Protocol::Resp3 {
        redis.ask("hello 3");
    }
    let mut listener = Listener::new(&server);
    let mut shard = Shard::new(&ShardConfig::default());
    shard.set_notify(heard);
    let mut grammar = Grammar::of(family, seed, now().0);
    let mut history: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut differences = Vec::new();
    for _ in 0..COMMANDS_PER_SEED / BATCH {
        let batch: Vec<_> = (0..BATCH).map(|_| grammar.next()).collect();
        let marked = |words: &Vec<_>| sent(words).into_iter().chain([Listener::mark()]);
        let all: Vec<_> = batch.iter().flat_map(marked).collect();
        redis.send(&all);
        for words in batch {
            let (ours, mut our_events) = apply(&mut shard, protocol, &words);
            let theirs = receive(&mut redis, &words);
            redis.receive();
            let mut their_events = listener.events();
            if words[0].to_ascii_lowercase().starts_with(b"sort") {
                // A table is sorted from an order of its own, and so are the keys that are looked for.
                our_events.sort();
                their_events.sort();
            }
            if !theirs.starts_with(b"-") {
                answered.insert(String::from_utf8_lossy(&words[0]).to_lowercase());
            }
            if !same(&words, &ours, &theirs) || our_events != their_events {
                let before: Vec<String> = history
                    .iter()
                    .filter(|old| old.get(1) == words.get(1))
                    .map(|old| shown(old))
                    .collect();
                differences.push(format!(
                    "seed {seed}, {}\n  ours:  {} {our_events:?}\n  redis: {} {their_events:?}\n  before: {}",
                    shown(&words),
                    ours.escape_ascii(),
                    theirs.escape_ascii(),
                    before[before.len().saturating_sub(8)..].join("\n          "),
                ));
            }
            follow(&mut shard, &words, &ours, &theirs);
            history.push(words);
        }
    }
    differences
}

/// Our reply, and the events that happened.
pub fn apply(shard: &mut Shard, protocol: Protocol, words: &[Vec<u8>]) -> (Vec<u8>, Vec<String>) {
    let mut out = Out::default();
    match Op::parse(words.iter().map(Vec::as_slice)) {
        Ok(op) => shard.apply_at_once(now(), &op.answered_in(protocol), &mut out),
        Err(error) => out.reply.error(&error),
    }
    let events = listener::shown(&out.events);
    (out.reply.as_bytes().to_vec(), events)
}

/// Where members were taken at random, lets the shard take those that the server took.
fn follow(shard: &mut Shard, words: &[Vec<u8>], ours: &[u8], theirs: &[u8]) {
    if ours == theirs || !words[0].eq_ignore_ascii_case(b"spop") {
        return;
    }
    for (command, reply) in [(b"sadd", ours), (b"srem", theirs)] {
        let members = match Reply::parse(reply).expect("whole replies").0 {
            Reply::Array(members) | Reply::Set(members) => members,
            member @ Reply::Bulk(_) => vec![member],
            _ => continue,
        };
        let mut change = vec![command.to_vec(), words[1].clone()];
        change.extend(members.into_iter().filter_map(|member| match member {
            Reply::Bulk(member) => Some(member),
            _ => None,
        }));
        apply(shard, Protocol::Resp2, &change);
    }
}

/// Whether it may wait: it is then sent in a transaction, where it may not.
fn waits(words: &[Vec<u8>]) -> bool {
    let command = seawall_store::command::find(&words[0]);
    command.is_some_and(|command| command.flags.has(Flag::Blocking))
}

/// What is sent for a command.
fn sent(words: &[Vec<u8>]) -> Vec<Vec<Vec<u8>>> {
    if waits(words) {
        return vec![
            vec![b"multi".to_vec()],
            words.to_vec(),
            vec![b"exec".to_vec()],
        ];
    }
    vec![words.to_vec()]
}

/// The reply to a command that was sent; out of its transaction, where it was sent in one.
fn receive(redis: &mut Connection, words: &[Vec<u8>]) -> Vec<u8> {
    if !waits(words) {
        return redis.receive();
    }
    let (_, queued, done) = (redis.receive(), redis.receive(), redis.receive());
    let refused = queued != b"+QUEUED\r\n";
    if refused {
        queued
    } else {
        done[b"*1\r\n".len()..].to_vec()
    }
}

/// Whether the replies are equal, where Redis defines them.
fn same(words: &[Vec<u8>], ours: &[u8], theirs: &[u8]) -> bool {
    if ours == theirs {
        return true;
    }
    let parse = |bytes| Reply::parse(bytes).expect("whole replies").0;
    let mut loose = FAMILIES.iter().flat_map(|family| family.loose);
    loose
        .find(|(name, _)| words[0].eq_ignore_ascii_case(name.as_bytes()))
        .is_some_and(|(_, same)| same(words, &parse(ours), &parse(theirs)))
}

fn now() -> Millis {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    Millis(elapsed.expect("after 1970").as_millis() as u64)
}

fn shown(words: &[Vec<u8>]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|w| format!("\"{}\"", w.escape_ascii()))
        .collect();
    words.join(" ")
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn a_missing_event_is_a_difference() {
    let heard = Classes::parse("KE$g").expect("letters of classes");
    let family = &crate::grammar::strings::FAMILY;
    let differences = stream(family, Protocol::Resp2, 1, heard, &mut BTreeSet::new());
    assert!(
        !differences.is_empty(),
        "`new` and `keymiss` were not missed"
    );
}

/// A family's commands of which one is answered wrongly are told apart from right ones.
#[test]
fn a_wrong_reply_is_a_difference() {
    let words = |text: &str| {
        text.split(' ')
            .map(|w| w.as_bytes().to_vec())
            .collect::<Vec<_>>()
    };
    let cases: [(&str, &[u8], &[u8]); 5] = [
        ("get k", b"$1\r\na\r\n", b"$1\r\nb\r\n"),
        ("zscore k m", b"$1\r\n1\r\n", b",1\r\n"),
        ("hgetall k", b"*2\r\n+a\r\n+b\r\n", b"*2\r\n+b\r\n+a\r\n"),
        ("hgetall k", b"%1\r\n+a\r\n+b\r\n", b"*2\r\n+a\r\n+b\r\n"),
        ("pttl k", b":1\r\n", b":-1\r\n"),
    ];
    for (command, ours, theirs) in cases {
        assert!(!same(&words(command), ours, theirs), "{command}");
    }
    assert!(same(
        &words("HKEYS k"),
        b"*2\r\n+a\r\n+b\r\n",
        b"*2\r\n+b\r\n+a\r\n"
    ));
}
