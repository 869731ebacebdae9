//! A family's seeds, played one after the other: what a test is.

use std::collections::BTreeSet;

use seawall_store::reply::Protocol;

use super::casts;
use super::difference::{Difference, Step, shortest};
use super::grammar::{FAMILIES, Family, Grammar};
use super::pair::Pair;
use super::steps::{self, Cast, Outcome};
use super::stream;
use super::wire::{Words, words};

/// Commands of a family, of all its seeds together.
const COMMANDS: usize = 20_000;
/// Commands of one seed, where one client says them.
const STREAM: usize = 4000;
/// Times of expiry lie beyond this one, in milliseconds: 2096, so that seeds mean the same on every day.
const EPOCH_MS: u64 = 4_000_000_000_000;
/// Of this many seeds differences are told.
const TOLD: usize = 3;
/// How often a schedule is played that a slow machine makes unclear.
const TRIES: usize = 20;

/// Twenty thousand commands of a family from one client, or what `SEAWALL_ORACLE_SEED` and
/// `SEAWALL_ORACLE_SEEDS` say.
pub fn stream(family: &'static Family, protocol: Protocol) {
    let pair = Pair::start();
    let mut answered = BTreeSet::new();
    let told = seeds(STREAM, |seed| {
        let mut play = |steps: &[Step]| stream::play(&pair, protocol, steps, &mut answered);
        let steps = schedule(family, seed);
        let mut difference = play(&steps)?;
        for _ in 0..TRIES {
            if !is_left_over(&difference) {
                break;
            }
            difference = play(&steps)?;
        }
        Some(shortest(steps, difference, play))
    });
    judge(family, &told, &answered);
}

/// Whether Redis says of numbers to sort by that they are none. Its `SORT` looks at `errno` after `strtod`, which sets it
/// where a number is out of range and leaves it alone else, and Redis does not reset it: what an earlier command of the
/// batch left there counts, unless a socket had nothing to read meanwhile. So it comes and goes with the machine's pace.
fn is_left_over(difference: &Difference) -> bool {
    let error = b"-ERR One or more scores can't be converted into double\r\n";
    matches!(difference.theirs.as_slice(), [theirs] if theirs.is(error))
}

/// As [`stream`], from several clients.
pub fn cast(family: &'static Family, protocol: Protocol) {
    let pair = Pair::start();
    let casts = casts::CASTS.iter();
    let found = casts.clone().find(|(known, _)| known.name == family.name);
    let cast = found.expect("it is in the list").1;
    let mut answered = BTreeSet::new();
    let told = seeds(cast.steps, |seed| {
        let mut play = |steps: &[Step]| clearly(&pair, protocol, cast, steps, &mut answered);
        let steps = scene(family, cast, seed);
        let difference = play(&steps)?;
        Some(shortest(steps, difference, play))
    });
    judge(family, &told, &answered);
}

/// Plays a schedule until it is clear what came of it.
fn clearly(
    pair: &Pair,
    protocol: Protocol,
    cast: Cast,
    steps: &[Step],
    answered: &mut BTreeSet<String>,
) -> Option<Difference> {
    for _ in 0..TRIES {
        match steps::play(pair, protocol, cast, steps, answered) {
            Outcome::Same => return None,
            Outcome::Different(difference) => return Some(difference),
            Outcome::Unclear => {}
        }
    }
    panic!("this machine is too slow for times of some milliseconds");
}

/// Plays seed after seed: what is told of those that differ.
fn seeds(commands: usize, mut play: impl FnMut(u64) -> Option<String>) -> Vec<String> {
    let first = variable("SEAWALL_ORACLE_SEED", 1);
    let count = variable("SEAWALL_ORACLE_SEEDS", COMMANDS.div_ceil(commands) as u64);
    let differing = (first..first + count).filter_map(|seed| {
        let shortest = play(seed)?;
        Some(format!(
            "{shortest}\n  repeat with SEAWALL_ORACLE_SEED={seed} SEAWALL_ORACLE_SEEDS=1\n"
        ))
    });
    differing.take(TOLD).collect()
}

/// Nothing differed, and every command of the family was answered with something else than errors.
fn judge(family: &'static Family, told: &[String], answered: &BTreeSet<String>) {
    assert!(told.is_empty(), "\n{}", told.join("\n"));
    if std::env::var_os("SEAWALL_ORACLE_SEED").is_some() {
        // A few seeds that are repeated need not have every command in them.
        return;
    }
    let silent: Vec<&str> = names(family)
        .filter(|name| !NEVER_ANSWERED.contains(name) && !answered.contains(*name))
        .collect();
    assert!(
        silent.is_empty(),
        "never answered but with errors: {silent:?}"
    );
}

/// What is said for the sake of the error, or is no command.
const NEVER_ANSWERED: &[&str] = &[
    "nosuch",
    "pause",
    "walk",
    "monitor",
    "failover",
    "lastsave",
    "save",
    "bgsave",
    "bgrewriteaof",
    "shutdown",
    "time",
    "lolwut",
];

/// The commands of a family's rules.
pub fn names(family: &'static Family) -> impl Iterator<Item = &'static str> {
    let firsts = family.rules.iter();
    firsts.filter_map(|rule| rule.trim_start_matches('!').split(' ').next())
}

/// The commands of a seed. What could be drawn is listed before each draw.
pub fn schedule(family: &'static Family, seed: u64) -> Vec<Step> {
    let mut grammar = Grammar::new(FAMILIES, Some((family, 3)), seed, EPOCH_MS);
    let mut steps = Vec::new();
    while steps.len() < STREAM {
        let words = grammar.next();
        let lister = lister(&words);
        let said = |words| Step { client: 0, words };
        steps.extend(lister.into_iter().chain([words]).map(said));
    }
    steps
}

/// The commands of a seed, and who says each. The first client never waits: somebody must wake the others. In a
/// transaction short times would begin at its end, and who waits is not reached in the midst of one.
fn scene(family: &'static Family, cast: Cast, seed: u64) -> Vec<Step> {
    let mut grammar = Grammar::new(casts::ALL, Some((family, 4)), seed, EPOCH_MS);
    let mut queueing = vec![false; cast.clients];
    let mut steps = Vec::new();
    while steps.len() < cast.steps {
        let words = grammar.next();
        let waits = stream::waits(&words) && cast.clients > 1;
        let client = if waits {
            1 + grammar.below(cast.clients - 1)
        } else {
            grammar.below(cast.clients)
        };
        let name = stream::name(&words);
        let is_short = |word: &Vec<u8>| {
            ["{ms:", "{s:", "{at:"]
                .iter()
                .any(|sign| word.starts_with(sign.as_bytes()))
        };
        let reaches_out = name == "client" && cast.clients > 4;
        if queueing[client] && (reaches_out || words.iter().any(is_short)) {
            continue;
        }
        match name.as_str() {
            "multi" => queueing[client] = true,
            "exec" | "discard" | "reset" if words.len() == 1 => queueing[client] = false,
            _ => {}
        }
        steps.push(Step { client, words });
    }
    steps
}

/// What lists all that a command may draw from.
fn lister(draw: &Words) -> Option<Words> {
    let key = draw.get(1);
    let list = match stream::name(draw).as_str() {
        "srandmember" | "spop" => vec![b"smembers".to_vec(), key?.clone()],
        "hrandfield" => vec![b"hgetall".to_vec(), key?.clone()],
        "zrandmember" => [
            words("zrange"),
            vec![key?.clone()],
            words("0 -1 withscores"),
        ]
        .concat(),
        "randomkey" => words("keys *"),
        _ => return None,
    };
    Some(list)
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}
