//! Every command of ours beside what Redis 7.0 says of it: arity, flags, keys.

use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_server::command::facts::{self, Facts, Find};
use seawall_server::command::{Entry, Runner, entries};
use seawall_store::Op;
use seawall_store::command::Flag;

/// Commands of later versions of Redis, or of none.
const NOT_OF_REDIS_7_0: &[&str] = &["client|setinfo", "waitaof"];

/// Containers of the store's, which are one command there with their subcommands' arguments.
fn is_container(facts: &Facts) -> bool {
    let prefix = format!("{}|", facts.name);
    facts::all()
        .iter()
        .any(|other| other.name.starts_with(&prefix))
}

fn known() -> impl Iterator<Item = (&'static Entry, &'static Facts)> {
    entries()
        .iter()
        .filter_map(|entry| Some((entry, facts::find(entry.name())?)))
}

#[test]
fn every_command_is_of_redis() {
    for entry in entries() {
        let excepted = NOT_OF_REDIS_7_0.contains(&entry.name());
        let found = facts::find(entry.name()).is_some();
        assert!(found != excepted, "{}: in the facts: {found}", entry.name());
    }
}

#[test]
fn arity_and_flags_are_those_of_redis() {
    let mut differences = Vec::new();
    for (entry, facts) in known() {
        if entry.arity() != facts.arity {
            differences.push(format!(
                "{}: arity {}, Redis {}",
                facts.name,
                entry.arity(),
                facts.arity
            ));
        }
        let flags: Vec<&str> = entry.flags().iter().map(Flag::name).collect();
        if flags != facts.flags {
            differences.push(format!(
                "{}: flags {flags:?}, Redis {:?}",
                facts.name, facts.flags
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The keys of a random call, by Redis's specs and by our rule.
#[test]
fn keys_are_where_redis_has_them() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut differences = Vec::new();
    for (entry, facts) in known() {
        let Runner::Store(command) = entry.runner else {
            // The server's own commands have keys by one rule only, which `WATCH` has.
            let has_keys = entry.keys().are_named();
            assert_eq!(
                has_keys,
                !facts.keys.is_empty() && !is_channel(facts),
                "{}",
                facts.name
            );
            continue;
        };
        if is_container(facts) || facts.keys.iter().any(|spec| spec.find == Find::Unknown) {
            continue;
        }
        let least = usize::from(facts.arity.unsigned_abs()).max(2);
        for _ in 0..50 {
            let len = if facts.arity < 0 {
                least + random.random_range(0..4)
            } else {
                least
            };
            let words = call(facts, len, &mut random);
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            let theirs: Option<Vec<usize>> = (facts.keys.iter())
                .filter(|spec| !spec.is_optional())
                .map(|spec| spec.positions(&words))
                .collect::<Option<Vec<_>>>()
                .map(|positions| positions.concat());
            let Some(mut theirs) = theirs else {
                continue;
            };
            theirs.sort_unstable();
            let op = words[1..].iter().fold(Op::new(command), Op::arg);
            let mut ours: Vec<usize> = command
                .keys
                .positions(&op)
                .iter()
                .map(|position| position + 1)
                .collect();
            ours.sort_unstable();
            if ours != theirs {
                differences.push(format!("{op:?}: keys at {ours:?}, Redis {theirs:?}"));
                break;
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn is_channel(facts: &Facts) -> bool {
    facts
        .keys
        .iter()
        .all(|spec| spec.flags.contains(&"not_key"))
}

/// Words of a call: a number where a spec counts, else letters.
fn call(facts: &Facts, len: usize, random: &mut impl Rng) -> Vec<Vec<u8>> {
    let mut words = vec![facts.name.as_bytes().to_vec()];
    words.extend((1..len).map(|at| format!("w{at}").into_bytes()));
    for spec in &facts.keys {
        if let (
            facts::Begin::Index(index),
            Find::Counted {
                number,
                first,
                step,
            },
        ) = (&spec.begin, &spec.find)
        {
            let room = len.saturating_sub(index + first) / step.max(&1);
            if room > 0 {
                words[index + number] = random.random_range(1..=room).to_string().into_bytes();
            }
        }
    }
    words
}
