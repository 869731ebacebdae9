//! A family's seeds, played one after the other: what a test is.

use std::collections::BTreeSet;

use seawall_store::reply::Protocol;

use super::difference::{Step, shortest};
use super::grammar::{FAMILIES, Family, Grammar};
use super::pair::Pair;
use super::stream;
use super::wire::{Words, words};

/// Commands of a family, of all its seeds together.
const COMMANDS: usize = 20_000;
/// Commands of one seed.
const COMMANDS_PER_SEED: usize = 4000;
/// Times of expiry lie beyond this one, in milliseconds: 2096, so that seeds mean the same on every day.
const EPOCH_MS: u64 = 4_000_000_000_000;
/// Of this many seeds differences are told.
const TOLD: usize = 3;

/// Twenty thousand commands of a family, or what `SEAWALL_ORACLE_SEED` and `SEAWALL_ORACLE_SEEDS` say.
pub fn family(family: &'static Family, protocol: Protocol) {
    let pair = Pair::start();
    let first = variable("SEAWALL_ORACLE_SEED", 1);
    let seeds = variable(
        "SEAWALL_ORACLE_SEEDS",
        (COMMANDS / COMMANDS_PER_SEED) as u64,
    );
    let mut answered = BTreeSet::new();
    let mut told = Vec::new();
    for seed in first..first + seeds {
        let steps = schedule(family, seed);
        let mut play = |steps: &[Step]| stream::play(&pair, protocol, steps, &mut answered);
        if let Some(difference) = play(&steps) {
            let shortest = shortest(steps, difference, play);
            told.push(format!(
                "{shortest}\n  repeat with SEAWALL_ORACLE_SEED={seed} SEAWALL_ORACLE_SEEDS=1\n"
            ));
            if told.len() == TOLD {
                break;
            }
        }
    }
    assert!(told.is_empty(), "\n{}", told.join("\n"));
    let silent: Vec<&str> = names(family)
        .filter(|name| *name != "nosuch" && !answered.contains(*name))
        .collect();
    assert!(silent.is_empty(), "never answered but with errors: {silent:?}");
}

/// The commands of a family's rules.
pub fn names(family: &'static Family) -> impl Iterator<Item = &'static str> {
    family.rules.iter().filter_map(|rule| rule.split(' ').next())
}

/// The commands of a seed. What could be drawn is listed before each draw.
pub fn schedule(family: &'static Family, seed: u64) -> Vec<Step> {
    let mut grammar = Grammar::new(FAMILIES, Some(family), seed, EPOCH_MS);
    let mut steps = Vec::new();
    while steps.len() < COMMANDS_PER_SEED {
        let words = grammar.next();
        let lister = lister(&words);
        let said = |words| Step { client: 0, words };
        steps.extend(lister.into_iter().chain([words]).map(said));
    }
    steps
}

/// What lists all that a command may draw from.
fn lister(draw: &Words) -> Option<Words> {
    let key = draw.get(1);
    let list = match stream::name(draw).as_str() {
        "srandmember" | "spop" => vec![b"smembers".to_vec(), key?.clone()],
        "hrandfield" => vec![b"hgetall".to_vec(), key?.clone()],
        "zrandmember" => [words("zrange"), vec![key?.clone()], words("0 -1 withscores")].concat(),
        "randomkey" => words("keys *"),
        _ => return None,
    };
    Some(list)
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}
