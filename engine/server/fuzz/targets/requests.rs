//! A shard, fed any requests of Memcached's clients, through the parser. Two checks on the same requests:
//!
//! - **Against the model** ([`Items`]): those that it knows must answer byte for byte as it does.
//! - **Against a replica**: every answer is made of whole lines and blocks, and who applies the effects has
//!   the same keys in the end.

use std::collections::BTreeMap;

use seawall_server::memcached::{Parser, Request};
use seawall_store::{Effects, Millis, Op, Out, Shard, ShardConfig};

use crate::items::Items;

const INPUT_BYTES_MAX: usize = 16 << 10;
const BEGIN: Millis = Millis(1_700_000_000_000);

/// Checks one input.
///
/// # Panics
/// A reply is not the model's or not whole, or a replica would differ.
pub fn check(input: &[u8]) {
    if input.len() <= INPUT_BYTES_MAX {
        let ops = parse(input);
        against_model(&ops, |_| false);
        against_replica(&ops, |_| false);
    }
}

/// The ops that `input` asks for, as far as it can be understood.
pub fn parse(input: &[u8]) -> Vec<Op> {
    let mut parser = Parser::default();
    let mut rest = input;
    let mut ops = Vec::new();
    loop {
        let (used, request) = parser.next(rest, INPUT_BYTES_MAX);
        rest = &rest[used..];
        match request {
            Some(Request::Op { op, .. }) => ops.push(op),
            Some(Request::Refused(_) | Request::Quit) => return ops,
            None if used == 0 => return ops,
            _ => {}
        }
    }
}

/// Runs what the model knows of `ops`; `forget` keeps a command from the model, to show that it is missed.
///
/// # Panics
/// A reply is not the model's.
pub fn against_model(ops: &[Op], forget: impl Fn(&Op) -> bool) {
    let mut shard = Shard::new(&ShardConfig::default());
    let mut model = Items::default();
    let mut out = Out::default();
    for op in ops {
        let args: Vec<&[u8]> = op.args().collect();
        let expected = if forget(op) {
            None
        } else {
            model.answer(op.command().name, &args)
        };
        if expected.is_none() && !forget(op) {
            continue;
        }
        out.clear();
        shard.apply(BEGIN, op, &mut out);
        if let Some(expected) = expected {
            let reply = out.reply.as_bytes();
            assert!(
                reply == expected,
                "{op:?}: {} and not {}",
                reply.escape_ascii(),
                expected.escape_ascii()
            );
        }
    }
}

/// Runs all of `ops` and rebuilds the keys from the effects; `forget` keeps a command's effects from the
/// replica, to show that they are missed.
///
/// # Panics
/// A reply is not whole, or the replica has other keys.
pub fn against_replica(ops: &[Op], forget: impl Fn(&Op) -> bool) {
    let mut shard = Shard::new(&ShardConfig::default());
    let mut replica = Shard::new(&ShardConfig::default());
    let mut out = Out::default();
    let mut now = BEGIN;
    for (i, op) in ops.iter().enumerate() {
        now = now + (i as u64 % 4) * 250;
        out.clear();
        shard.apply(now, op, &mut out);
        let reply = out.reply.as_bytes();
        assert!(is_whole(reply), "{op:?} answered {}", reply.escape_ascii());
        if !forget(op) {
            follow(&mut replica, &out.effects);
        }
    }
    assert_eq!(keys(&replica, now), keys(&shard, now), "the replica's keys");
}

/// Whether it is nothing, a line, or a line and the block whose length it tells.
fn is_whole(reply: &[u8]) -> bool {
    let Some(end) = reply.windows(2).position(|pair| pair == b"\r\n") else {
        return reply.is_empty();
    };
    let (line, rest) = (&reply[..end], &reply[end + 2..]);
    let mut words = line.split(|&b| b == b' ');
    let len = match words.next() {
        Some(b"VA") => words.next(),
        // The key may hold spaces where it came in base64, but not in `get`.
        Some(b"VALUE") => words.nth(2),
        _ => return rest.is_empty(),
    };
    let len = len.and_then(|len| std::str::from_utf8(len).ok()?.parse().ok());
    len.is_some_and(|len: usize| rest.len() == len + 2 && rest.ends_with(b"\r\n"))
}

fn follow(replica: &mut Shard, effects: &Effects) {
    let mut out = Out::default();
    for effect in Effects::decode(effects.as_bytes()) {
        let effect = effect.expect("effects decode");
        if let Err(error) = replica.replay(&effect, &mut out) {
            panic!("{effect:?} was refused: {error}");
        }
    }
}

/// What rebuilds each key.
fn keys(shard: &Shard, now: Millis) -> BTreeMap<Vec<u8>, Vec<String>> {
    let mut keys: BTreeMap<_, Vec<String>> = BTreeMap::new();
    shard.dump(now, &mut |op| {
        let lines = keys
            .entry(op.key().unwrap_or_default().to_vec())
            .or_default();
        lines.push(format!("{op:?}"));
    });
    keys
}
