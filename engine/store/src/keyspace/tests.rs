//! Keyspace: expiry, eviction and accounts, driven through a shard.

use std::sync::Arc;

use super::Found;
use crate::event::{Classes, Event};
use crate::op::Op;
use crate::shard::{Out, Shard, ShardConfig};
use crate::time::Millis;

fn apply(shard: &mut Shard, now: u64, words: &str) -> (String, String) {
    let mut out = Out::default();
    let op = Op::parse(words.split(' ').map(str::as_bytes)).unwrap();
    shard.apply(Millis(now), &op, &mut out);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", " ");
    (
        text(out.reply.as_bytes()).trim_end().to_owned(),
        text(out.effects.as_bytes()).trim_end().to_owned(),
    )
}

fn shard(policy: &str, maxmemory: u64) -> Shard {
    Shard::new(&ShardConfig {
        policy: policy.parse().unwrap(),
        maxmemory,
        ..ShardConfig::default()
    })
}

#[test]
fn an_expired_key_is_gone_and_its_removal_is_told() {
    let mut shard = shard("none", 0);
    apply(&mut shard, 0, "set k v px 100");
    assert_eq!(apply(&mut shard, 100, "get k").0, "$1 v");
    let (reply, effects) = apply(&mut shard, 101, "get k");
    assert_eq!(reply, "$-1");
    assert_eq!(effects, "*2 $3 del $1 k");
    assert_eq!(shard.stats().expired, 1);
    assert_eq!(shard.stats().used_bytes, 0);
}

#[test]
fn a_string_takes_what_is_foretold() {
    for (value, expires) in [
        (0, false),
        (1, true),
        (90, false),
        (90, true),
        (1 << 17, true),
    ] {
        let mut shard = shard("fifo", 1 << 30);
        let value = "x".repeat(value);
        let mut op = Op::new(&crate::command::set::SET).arg(b"key").arg(&value);
        if expires {
            op = op.arg(b"EX").arg(b"100");
        }
        shard.apply(Millis(0), &op, &mut Out::default());
        let foretold = super::string_bytes(3, value.len(), expires);
        assert_eq!(shard.stats().used_bytes, foretold, "{} bytes", value.len());
    }
}

/// What is too large for an empty cache is refused alone: others are not, though a list has grown past the bound since.
#[test]
fn a_refusal_does_not_outlive_its_reason() {
    let mut shard = shard("allkeys-lru", 900);
    let large = "x".repeat(1_000);
    let (reply, _) = apply(&mut shard, 0, &format!("set large {large}"));
    assert!(reply.starts_with("-OOM"), "{reply}");
    let element = "x".repeat(250);
    while !shard.keyspace().is_above() {
        apply(&mut shard, 0, &format!("rpush list {element}"));
    }
    assert!(!shard.keyspace().is_full(), "the list may go");
    assert_eq!(
        apply(&mut shard, 0, &format!("set small {element}")).0,
        "+OK"
    );
    let mut shard = self::shard("none", 900);
    while !shard.keyspace().is_above() {
        apply(&mut shard, 0, &format!("rpush list {element}"));
    }
    let (reply, _) = apply(&mut shard, 0, &format!("set small {element}"));
    assert!(reply.starts_with("-OOM"), "{reply}");
    assert!(shard.keyspace().is_full(), "nothing may go");
}

#[test]
fn a_tick_removes_what_nobody_asks_for() {
    let mut shard = shard("none", 0);
    for key in 0..200 {
        apply(&mut shard, 0, &format!("set {key} v px {}", 1 + key));
    }
    apply(&mut shard, 0, "hset h f v");
    apply(&mut shard, 0, "pexpire h 50");
    apply(&mut shard, 0, "persist 7");
    let mut out = Out::default();
    let mut ticks = 0;
    while shard.tick(Millis(1_000), &mut out) {
        ticks += 1;
    }
    assert!(ticks > 1, "a slice is bounded");
    assert_eq!((shard.stats().keys, shard.stats().expired), (1, 200));
    assert_eq!(out.effects.len(), 200);
    assert_eq!(apply(&mut shard, 1_000, "get 7").0, "$1 v");
}

#[test]
fn memory_stays_below_its_bound_under_every_policy() {
    let value = "v".repeat(100);
    for description in crate::evict::LIST {
        let mut shard = shard(description.name, 64 << 10);
        let mut refused = 0;
        for step in 0..4_000u64 {
            let key = step * 7919 % 1_500;
            let expire = if step % 2 == 0 { " px 100000" } else { "" };
            let (reply, _) = match step % 5 {
                0 => apply(&mut shard, step, &format!("get {key}")),
                1 => apply(&mut shard, step, &format!("del {key}")),
                2 => apply(
                    &mut shard,
                    step,
                    &format!("set {key} {}{expire}", &value[..50]),
                ),
                3 => apply(
                    &mut shard,
                    step,
                    &format!("hset h{} f{step} {value}", key % 50),
                ),
                _ => apply(&mut shard, step, &format!("set {key} {value}{expire}")),
            };
            refused += u32::from(reply.contains("OOM"));
            let used = shard.stats().used_bytes;
            // A collection grows by more than its new field where its table does.
            assert!(used <= 72 << 10, "{}: {used} bytes", description.name);
        }
        let stats = shard.stats();
        let evicts = description.name != "none";
        assert_eq!(stats.evicted > 0, evicts, "{}", description.name);
        assert_eq!(
            refused > 0,
            !evicts || description.name.starts_with("volatile-"),
            "{}",
            description.name
        );
        apply(&mut shard, 9_000, "flushall");
        assert_eq!(shard.stats().used_bytes, 0, "{}", description.name);
    }
}

#[test]
fn an_eviction_is_told_before_the_write_that_needed_it() {
    let mut shard = shard("fifo", 300);
    let value = "v".repeat(80);
    for key in ["a", "b", "c"] {
        apply(&mut shard, 0, &format!("set {key} {value}"));
    }
    let (_, effects) = apply(&mut shard, 0, &format!("set d {value}"));
    assert!(
        effects.starts_with("*2 $3 del $1 a *3 $3 set $1 d"),
        "{effects}"
    );
    // Replacing a resident evicts nobody.
    let (_, effects) = apply(&mut shard, 0, &format!("set c {value}"));
    assert!(effects.starts_with("*3 $3 set"), "{effects}");
    assert_eq!(shard.stats().evicted, 1);
}

#[test]
fn hits_save_from_the_clock() {
    let mut shard = shard("clock", 300);
    let value = "v".repeat(80);
    for key in ["a", "b", "c"] {
        apply(&mut shard, 0, &format!("set {key} {value}"));
    }
    apply(&mut shard, 0, "get a");
    apply(&mut shard, 0, &format!("set d {value}"));
    assert_eq!(apply(&mut shard, 0, "exists a b c d").0, ":3");
    assert_eq!(apply(&mut shard, 0, "exists a").0, ":1");
}

#[test]
fn only_reads_count_as_hits_and_misses() {
    let mut shard = shard("none", 0);
    for words in ["set k 1", "incr k", "append k x", "hset h f v"] {
        apply(&mut shard, 0, words);
    }
    assert_eq!((shard.stats().hits, shard.stats().misses), (0, 0));
    for words in ["get k", "get x", "hget h f", "mget k x"] {
        apply(&mut shard, 0, words);
    }
    assert_eq!((shard.stats().hits, shard.stats().misses), (3, 2));
}

#[test]
fn a_dump_rebuilds_the_state() {
    let mut first = shard("none", 0);
    for words in [
        "set a 1",
        "set b 2 pxat 5000",
        "set gone 2 pxat 10",
        "hset h f v g w",
        "pexpireat h 6000",
        "zadd z 1.5 m -2 n",
    ] {
        apply(&mut first, 0, words);
    }
    for n in 0..2_000 {
        apply(&mut first, 0, &format!("zadd big {n} member{n}"));
    }
    let mut second = shard("none", 0);
    let mut out = Out::default();
    let mut ops = 0;
    first.dump(Millis(100), &mut |op| {
        ops += 1;
        second.apply(Millis(100), op, &mut out);
    });
    assert!(ops > 10, "a large collection comes in several ops");
    assert_eq!(second.stats().keys, 5);
    for words in [
        "get a",
        "get b",
        "get gone",
        "pexpiretime b",
        "hgetall h",
        "pexpiretime h",
        "zrange z 0 -1 withscores",
        "zrange big 0 -1 withscores",
    ] {
        assert_eq!(
            apply(&mut second, 100, words).0,
            apply(&mut first, 100, words).0
        );
    }
}

#[test]
fn what_a_key_is_goes_over_whatever_another_shard_has() {
    let (mut first, mut second) = (shard("none", 0), shard("none", 0));
    for words in [
        "set s 1 pxat 5000",
        "hset h f v",
        "rpush l a b",
        "set gone 1 pxat 10",
    ] {
        apply(&mut first, 0, words);
    }
    for words in [
        "rpush s z",
        "hset h other w",
        "set l 2",
        "set gone 2",
        "set none 2",
        "set kept 3",
    ] {
        apply(&mut second, 0, words);
    }
    let mut out = Out::default();
    for key in ["s", "h", "l", "gone", "none"] {
        first.dump_key(key.as_bytes(), &mut |op| {
            second.apply(Millis(100), op, &mut out);
        });
    }
    assert_eq!(first.stats().expired, 0, "no time passes");
    assert_eq!(second.stats().keys, 4);
    for words in ["get s", "pexpiretime s", "hgetall h", "lrange l 0 -1"] {
        assert_eq!(
            apply(&mut second, 100, words).0,
            apply(&mut first, 100, words).0
        );
    }
    assert_eq!(apply(&mut second, 100, "get kept").0, "$1 3");
}

/// What happened, in the letters that somebody listens to.
fn events(shard: &mut Shard, now: u64, words: &str) -> Vec<String> {
    let mut out = Out::default();
    let op = Op::parse(words.split(' ').map(str::as_bytes)).unwrap();
    shard.apply(Millis(now), &op, &mut out);
    let shown = |event: Event| format!("{} {}", event.name, String::from_utf8_lossy(&event.key));
    out.events.into_iter().map(shown).collect()
}

#[test]
fn the_keyspace_tells_what_it_does_by_itself() {
    let mut shard = shard("fifo", 4096);
    assert!(events(&mut shard, 0, "set k v px 5").is_empty());
    shard.set_notify(Classes::parse("Exenm").unwrap());
    assert_eq!(
        events(&mut shard, 6, "get k"),
        ["expired k", "keymiss k"],
        "an expired key goes first"
    );
    assert_eq!(events(&mut shard, 6, "exists k"), ["keymiss k"]);
    assert_eq!(events(&mut shard, 6, "hset h f v"), ["new h"]);
    assert!(events(&mut shard, 6, "hset h f w").is_empty());
    let value = "v".repeat(1000);
    let mut told = Vec::new();
    for key in 0..8 {
        told.extend(events(&mut shard, 6, &format!("set {key} {value}")));
    }
    assert_eq!(
        told.iter()
            .filter(|event| event.starts_with("new "))
            .count(),
        8
    );
    assert_eq!(told[told.len() - 2..], ["evicted 3", "new 7"], "{told:?}");
    shard.set_notify(Classes::parse("xenm").unwrap());
    assert!(
        events(&mut shard, 6, "get nothing").is_empty(),
        "no channel"
    );
}

/// Who reads several keys, one after the other, must not be told of the second as it was before the first.
#[test]
fn what_a_probe_saw_is_not_what_is_read_of_anothers_shard() {
    let mut shard = shard("none", 0);
    apply(&mut shard, 0, "set k old");
    let reader = shard.keyspace().reader(Arc::default());
    let guard = crossbeam_epoch::pin();
    let mut probe = reader.probe(0, b"k", &guard);
    reader.approach(&mut probe, 64);
    apply(&mut shard, 0, "set k new");
    let (now, lately) = (|| Millis(0), Millis(0));
    let read = reader.read(
        probe,
        &guard,
        (false, 1),
        b"k",
        now,
        lately,
        |_| true,
        |_| (),
    );
    assert!(matches!(read, Found::Hit(item) if item.value() == b"new"));
}
