//! Effects: whoever applies them to an empty shard has the state of the shard that gave them.

#[expect(
    dead_code,
    reason = "one client says all, and no family is called by its name"
)]
mod grammar;

use grammar::{FAMILIES, Grammar};
use seawall_store::command::debug;
use seawall_store::{Effects, Millis, Op, Out, Reply, Shard, ShardConfig};

const SEEDS: u64 = 40;
const COMMANDS: usize = 1500;
const EPOCH_MS: u64 = 1_700_000_000_000;

/// The reply to a command, which must be well formed.
fn ask(shard: &mut Shard, now: Millis, words: &[&[u8]]) -> Reply {
    let mut out = Out::default();
    let op = Op::parse(words.iter().copied()).expect("well formed");
    shard.apply(now, &op, &mut out);
    Reply::parse(out.reply.as_bytes()).expect("a whole reply").0
}

/// All that a client can learn of the keys that the grammar names. Lists that have no order are sorted.
fn state(shard: &mut Shard, now: Millis) -> Vec<String> {
    let mut lines = vec![format!("{:?}", ask(shard, now, &[b"dbsize"]))];
    let kinds = grammar::kinds(FAMILIES).map(|kind| kind.name);
    for kind in kinds.chain([grammar::hyperloglogs::SKETCH]) {
        for n in 0..8 {
            let name = format!("{kind}:{n}");
            let key = name.as_bytes();
            let Reply::Simple(held) = ask(shard, now, &[b"type", key]) else {
                panic!("TYPE answers with a status");
            };
            let held = match held.as_str() {
                "string" => format!("{:?}", ask(shard, now, &[b"get", key])),
                "hash" => {
                    let Reply::Array(items) = ask(shard, now, &[b"hgetall", key]) else {
                        panic!("HGETALL of a hash answers with an array");
                    };
                    let mut pairs: Vec<_> = items.chunks(2).map(|p| format!("{p:?}")).collect();
                    pairs.sort();
                    pairs.join(" ")
                }
                "zset" => format!(
                    "{:?}",
                    ask(shard, now, &[b"zrange", key, b"0", b"-1", b"withscores"])
                ),
                "list" => format!("{:?}", ask(shard, now, &[b"lrange", key, b"0", b"-1"])),
                "set" => {
                    let Reply::Array(members) = ask(shard, now, &[b"smembers", key]) else {
                        panic!("SMEMBERS of a set answers with an array");
                    };
                    let mut members: Vec<_> = members.iter().map(|m| format!("{m:?}")).collect();
                    members.sort();
                    members.join(" ")
                }
                "none" => continue,
                other => panic!("how a {other} is shown is not said here"),
            };
            let expires = ask(shard, now, &[b"pexpiretime", key]);
            lines.push(format!("{name} {expires:?} {held}"));
        }
    }
    lines
}

/// Whether a command that only reads may tell this: a key that it found expired, or an estimate that a
/// `HyperLogLog` keeps in its bytes.
fn tells_though_it_reads(effect: &Op) -> bool {
    matches!(effect.command().name, "del" | "pfcount")
}

/// Runs a stream of commands; the state of the shard, and of a replica that heard of all that happened
/// but for what `forget` says.
fn run(seed: u64, forget: impl Fn(&Op) -> bool) -> (Vec<String>, Vec<String>) {
    let mut grammar = Grammar::new(FAMILIES, None, seed, EPOCH_MS);
    let mut shard = Shard::new(&ShardConfig::default());
    let mut told = Effects::default();
    let mut now = Millis(EPOCH_MS);
    for step in 0..COMMANDS {
        // Long enough steps that some keys expire on the way.
        now = now + 1_000_003 * (step as u64 % 3);
        let words = grammar.next();
        let mut out = Out::default();
        if let Ok(op) = Op::parse(words.iter().map(Vec::as_slice)) {
            shard.apply(now, &op, &mut out);
            let read = !op.command().flags.writes();
            let read = read && !out.effects.is_empty();
            assert!(
                !read || decode(&out.effects).all(|effect| tells_though_it_reads(&effect)),
                "seed {seed}: {op:?} reads, and yet tells {:?}",
                decode(&out.effects).collect::<Vec<_>>()
            );
            if !forget(&op) {
                told.append(&mut out.effects);
            }
        }
    }
    let mut replica = Shard::new(&ShardConfig::default());
    let mut refused = Vec::new();
    for effect in decode(&told) {
        let mut out = Out::default();
        // Effects are applied at the beginning of time: what expired says so itself, and must not be
        // found expired by another clock while effects from before are still coming.
        replica.apply(Millis(0), &effect, &mut out);
        let reply = Reply::parse(out.reply.as_bytes()).expect("a whole reply").0;
        if let Reply::Error(words) = reply {
            refused.push(format!("{effect:?} was refused: {words}"));
        }
    }
    refused.extend(state(&mut replica, now));
    (state(&mut shard, now), refused)
}

fn decode(effects: &Effects) -> impl Iterator<Item = Op> {
    Effects::decode(effects.as_bytes()).map(|effect| effect.expect("effects decode"))
}

#[test]
fn effects_rebuild_the_state() {
    for seed in 0..SEEDS {
        let (shard, replica) = run(seed, |_| false);
        assert_eq!(shard, replica, "seed {seed}");
    }
}

/// What `op`, which is in no table, answers.
fn ask_op(shard: &mut Shard, now: Millis, op: &Op) -> Reply {
    let mut out = Out::default();
    shard.apply(now, op, &mut out);
    assert!(out.effects.is_empty(), "{op:?} changes no key");
    Reply::parse(out.reply.as_bytes()).expect("a whole reply").0
}

#[test]
fn a_reload_changes_nothing() {
    let (digest, reload) = (Op::new(&debug::DIGEST), Op::new(&debug::RELOAD));
    let ways = [reload.clone(), reload.arg("LOG")];
    for seed in 0..SEEDS {
        let mut grammar = Grammar::new(FAMILIES, None, seed, EPOCH_MS);
        let mut shard = Shard::new(&ShardConfig::default());
        let now = Millis(EPOCH_MS);
        for reload in &ways {
            for _ in 0..COMMANDS / 2 {
                let words = grammar.next();
                if let Ok(op) = Op::parse(words.iter().map(Vec::as_slice)) {
                    shard.apply(now, &op, &mut Out::default());
                }
            }
            let before = (state(&mut shard, now), ask_op(&mut shard, now, &digest));
            assert!(ask_op(&mut shard, now, reload).is_ok());
            let after = (state(&mut shard, now), ask_op(&mut shard, now, &digest));
            assert_eq!(before, after, "seed {seed}, {reload:?}");
            ask(&mut shard, now, &[b"rpush", b"nobody:names", b"one more"]);
            let changed = ask_op(&mut shard, now, &digest);
            assert_ne!(
                after.1, changed,
                "seed {seed}: the digest hangs on the data"
            );
        }
    }
}

#[test]
fn a_forgotten_effect_is_noticed() {
    for name in [
        "set",
        "hincrbyfloat",
        "zadd",
        "pexpireat",
        "rename",
        "setbit",
        "pfadd",
    ] {
        let noticed = (0..SEEDS).any(|seed| {
            let (shard, replica) = run(seed, |op| op.command().name == name);
            shard != replica
        });
        assert!(noticed, "{name}");
    }
}
