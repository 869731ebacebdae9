//! A shard, fed any commands: what a client sends, through the parser.
//!
//! Lines that begin with `#` are for the reader. Two checks on the same commands:
//!
//! - **Against the model** ([`Model`]): those that it knows must answer byte for byte as it does.
//! - **Against a replica**: every command answers with exactly one whole element, in either protocol, or
//!   waits and answers nothing; and who applies the effects has the same keys in the end.

use std::collections::BTreeMap;

use seawall_server::resp::{Bounds, Parsed, Parser};
use seawall_store::reply::{Protocol, element};
use seawall_store::{Effects, Millis, Op, Out, Shard, ShardConfig};

use crate::model::Model;

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

/// The store's commands in `input`, as far as it can be understood.
pub fn parse(input: &[u8]) -> Vec<Op> {
    let bounds = Bounds {
        bulk_bytes: INPUT_BYTES_MAX,
        query_bytes: INPUT_BYTES_MAX,
        stranger: false,
    };
    let mut parser = Parser::default();
    let mut rest = input;
    let mut ops = Vec::new();
    while let Ok((used, Some(parsed))) = parser.next(rest, bounds) {
        rest = &rest[used..];
        if let Parsed::Store(_, op) = parsed
            && op.command().accepts(op.len())
            && !is_huge(&op)
        {
            ops.push(op);
        }
    }
    ops
}

/// Whether it would make a string of many megabytes, which is right and slow.
fn is_huge(op: &Op) -> bool {
    let big = |arg: &[u8]| {
        let digits = arg.iter().filter(|byte| byte.is_ascii_digit());
        digits.count() > 6
    };
    matches!(op.command().name, "setrange" | "setbit" | "bitfield") && op.args().any(big)
}

/// Runs what the model knows of `ops`; `forget` keeps a command from the model, to show that it is missed.
///
/// # Panics
/// A reply is not the model's.
pub fn against_model(ops: &[Op], forget: impl Fn(&Op) -> bool) {
    let mut shard = Shard::new(&ShardConfig::default());
    let mut model = Model::default();
    let mut out = Out::default();
    for op in ops {
        let args: Vec<&[u8]> = op.args().collect();
        let expected = if forget(op) {
            Some(Vec::new())
        } else {
            model.answer(op.command().name, &args)
        };
        if let Some(expected) = expected {
            out.clear();
            shard.apply(BEGIN, op, &mut out);
            let reply = out.reply.as_bytes();
            assert!(
                expected.is_empty() || reply == expected,
                "{op:?}: {} and not {}",
                reply.escape_ascii(),
                expected.escape_ascii()
            );
        }
    }
}

/// Runs all of `ops` in both protocols and rebuilds the keys from the effects; `forget` keeps a command's
/// effects from the replica, to show that they are missed.
///
/// # Panics
/// A reply is not one whole element, or the replica has other keys.
pub fn against_replica(ops: &[Op], forget: impl Fn(&Op) -> bool) {
    let mut shard = Shard::new(&ShardConfig::default());
    let mut replica = Shard::new(&ShardConfig::default());
    let mut out = Out::default();
    let mut now = BEGIN;
    for (i, op) in ops.iter().enumerate() {
        now = now + (i as u64 % 4) * 250;
        out.clear();
        let protocol = [Protocol::Resp2, Protocol::Resp3][i % 2];
        shard.apply(now, &op.clone().answered_in(protocol), &mut out);
        let reply = out.reply.as_bytes();
        let whole = element::len(reply) == Some(reply.len());
        assert_eq!(
            whole,
            out.parked.is_none(),
            "{op:?} answered {}",
            reply.escape_ascii()
        );
        assert!(
            out.parked.is_none() || reply.is_empty(),
            "{op:?} waits and answers"
        );
        if !forget(op) {
            follow(&mut replica, &out.effects);
        }
    }
    assert_eq!(keys(&replica, now), keys(&shard, now), "the replica's keys");
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

/// What rebuilds each key, without the order in which a hash or a set lies in memory.
fn keys(shard: &Shard, now: Millis) -> BTreeMap<(u8, Vec<u8>), Vec<String>> {
    let mut keys: BTreeMap<_, Vec<String>> = BTreeMap::new();
    shard.dump(now, &mut |op| {
        let key = op.key().unwrap_or_default().to_vec();
        let name = op.command().name;
        let mut args: Vec<_> = op
            .args()
            .map(|arg| arg.escape_ascii().to_string())
            .collect();
        if name != "rpush" {
            args.sort_unstable();
        }
        let lines = keys.entry((op.database(), key)).or_default();
        lines.push(format!("{name} {}", args.join(" ")));
    });
    keys
}
