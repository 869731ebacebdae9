//! Every command answers, tells and leaves behind the same, whether the keys are in memory or not; or it says that it is
//! about all of them (`Keys::Every`), and is told to come again.
//!
//! A command that looks at keys which its arguments do not name, and does not say so, would take those for missing.

use super::*;
use crate::command::{COMMANDS, Command, Keys, debug, memcached, server};

/// Keys of every kind with one element each, so that no answer hangs on an order or on chance.
const FILL: [&str; 6] = [
    "set s 5",
    "hset h f 1",
    "rpush l e",
    "sadd t m",
    "zadd z 1 m",
    "geoadd g 13 38 m",
];

const KEYS: [&str; 7] = ["s", "h", "l", "t", "z", "g", "none"];

/// What stands where no key does.
const WORDS: [&str; 4] = ["0", "1", "m", "*"];

/// What the server makes ops of and no client can name. How a key lies in memory, which `debug|object` tells, is not
/// the same when it was loaded.
static UNNAMED: [&Command; 5] = [
    &debug::DIGEST,
    &debug::DIGEST_VALUE,
    &debug::LAYOUT,
    &debug::RELOAD,
    &server::ARRIVED,
];

/// An op with so many arguments: `key` wherever the command has one, `word` elsewhere.
fn call(command: &'static Command, count: usize, key: &str, word: &str) -> Op {
    let mut words = vec![word; count];
    if let Keys::Counted { count: at, .. } = command.keys
        && at < count
    {
        words[at] = "1";
    }
    let all = |words: &[&str]| words.iter().fold(Op::new(command), Op::arg);
    for at in command.keys.positions(&all(&words)) {
        words[at] = key;
    }
    all(&words)
}

/// What an op says, tells, and leaves behind when all is in memory.
fn consequences(shard: &mut Shard, op: &Op) -> (Vec<u8>, Vec<u8>, bool, String) {
    let mut out = Out::default();
    shard.apply(NOW, op, &mut out);
    shard.keyspace().load_rest().unwrap();
    (
        out.reply.as_bytes().to_vec(),
        out.effects.as_bytes().to_vec(),
        out.parked.is_some(),
        run(shard, &debug_digest()),
    )
}

/// Calls `command` on shards that have nothing in memory of `snapshot`, and on ones that have all.
fn check(command: &'static Command, snapshot: &[u8], config: &ShardConfig) -> Result<(), String> {
    let least = usize::from(command.arity.unsigned_abs()) - 1;
    let most = if command.arity < 0 { least + 1 } else { least };
    for count in least..=most {
        // Where no argument is a key, one is as good as another.
        let keys = if command.keys.are_named() {
            &KEYS[..]
        } else {
            &KEYS[..1]
        };
        for (key, word) in keys.iter().flat_map(|key| WORDS.map(|word| (key, word))) {
            let op = call(command, count, key, word);
            let mut cold = opened(snapshot.to_vec(), config);
            if command.keys == Keys::Every {
                let said = run(&mut cold, &op);
                if !said.starts_with("-LOADING ") {
                    return Err(format!("{op:?}: {said}"));
                }
                continue;
            }
            let mut warm = opened(snapshot.to_vec(), config);
            warm.keyspace().load_rest().unwrap();
            let (cold, warm) = (consequences(&mut cold, &op), consequences(&mut warm, &op));
            if cold != warm {
                return Err(format!("{op:?}: {cold:?} instead of {warm:?}"));
            }
        }
    }
    Ok(())
}

fn filled() -> (ShardConfig, Vec<u8>) {
    let config = ShardConfig {
        seed: ShardConfig::seed_of(7, 0),
        ..ShardConfig::default()
    };
    let mut shard = Shard::new(&config);
    for words in FILL {
        run(&mut shard, &op(words));
    }
    let snapshot = snapshot_of(&mut shard, Codec::Plain);
    (config, snapshot)
}

fn all() -> impl Iterator<Item = &'static Command> {
    let named = COMMANDS.iter().chain(memcached::COMMANDS);
    named.chain(&UNNAMED).copied()
}

#[test]
fn every_command_answers_as_if_all_were_in_memory() {
    let (config, snapshot) = filled();
    let wrong: Vec<String> = all()
        .filter_map(|command| check(command, &snapshot, &config).err())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_that_does_not_say_that_it_is_about_all_keys_is_found_out() {
    let (config, snapshot) = filled();
    let about_all: Vec<&Command> = all().filter(|it| it.keys == Keys::Every).collect();
    assert!(about_all.len() >= 7, "{about_all:?}");
    for command in about_all {
        let forgetful: &'static Command = Box::leak(Box::new(Command {
            keys: Keys::NONE,
            ..*command
        }));
        let found_out = check(forgetful, &snapshot, &config).is_err();
        assert!(
            found_out,
            "nobody notices that {command:?} forgets to say it"
        );
    }
}
