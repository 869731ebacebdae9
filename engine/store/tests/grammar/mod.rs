//! Random commands from a grammar: what the tests of commands feed to shards and servers.
//!
//! A family is a file and a line in [`FAMILIES`]. A line of its rules is the form of a command: `$name`
//! is drawn from a pool of values, `[a|b]` is one of them or nothing, `(a b)+` is one to four of it. A
//! few commands are then damaged, so that errors are compared too; but not where the rule begins with `!`.

pub mod bits;
mod draw;
pub mod geo;
pub mod hashes;
pub mod hyperloglogs;
pub mod keys;
pub mod keyspace;
pub mod lists;
pub mod sets;
pub mod sorted_sets;
pub mod strings;

pub use draw::Draw;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Every family.
pub const FAMILIES: &[&Family] = &[
    &strings::FAMILY,
    &keys::FAMILY,
    &hashes::FAMILY,
    &lists::FAMILY,
    &sets::FAMILY,
    &sorted_sets::FAMILY,
    &geo::FAMILY,
    &keyspace::FAMILY,
    &bits::FAMILY,
    &hyperloglogs::FAMILY,
];

/// A family of commands.
pub struct Family {
    /// The name of its file.
    pub name: &'static str,
    /// Its kinds of keys: `$name` draws a key such as `name:2`.
    pub kinds: &'static [Kind],
    /// The forms of its commands.
    pub rules: &'static [&'static str],
    /// Draws from its pools. Any family may draw from them; shared ones are in `draw`.
    pub draw: fn(&mut Draw<'_>, &str) -> Option<String>,
}

/// Keys that hold one kind of value, as a rule.
pub struct Kind {
    pub name: &'static str,
    /// How many keys there are.
    pub keys: u32,
    pub mix: Mix,
}

/// Where commands for one kind of key may now and then go, so that `WRONGTYPE` is seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// To keys of any kind.
    Any,
    /// To keys of those kinds that go anywhere.
    Open,
    /// To no other keys.
    None,
}

impl Kind {
    /// A kind that mixes with all others.
    pub const fn open(name: &'static str, keys: u32) -> Kind {
        let mix = Mix::Any;
        Kind { name, keys, mix }
    }

    /// A kind that does not mix with others of its sort, since they hold values of one type that differ.
    pub const fn closed(name: &'static str, keys: u32) -> Kind {
        let mix = Mix::Open;
        Kind { name, keys, mix }
    }

    /// A kind whose commands are defined for values that they made themselves alone.
    pub const fn apart(name: &'static str, keys: u32) -> Kind {
        let mix = Mix::None;
        Kind { name, keys, mix }
    }
}

/// Every kind of key of these families.
pub fn kinds(families: &'static [&'static Family]) -> impl Iterator<Item = &'static Kind> {
    families.iter().flat_map(|family| family.kinds)
}

/// Words that stand in the place of others in damaged commands.
const GARBAGE: &[&str] = &[
    "",
    "abc",
    "-1",
    "0",
    "-0",
    "nan",
    "-nan",
    "inf",
    "-Infinity",
    "1e400",
    "1e-400",
    "(5",
    "(inf",
    "[a",
    "(",
    "[",
    "-",
    "+",
    " 1",
    "1 ",
    "+1",
    "0x10",
    "0x1p-3",
    "1.5",
    ".5",
    "5.",
    "01",
    "1e3",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "nx",
    "xx",
    "gt",
    "get",
    "limit",
    "count",
    "km",
    "frommember",
    "withscores",
    "bylex",
    "keepttl",
];

/// A stream of commands.
pub struct Grammar {
    rng: Xoshiro256PlusPlus,
    families: &'static [&'static Family],
    favourite: Option<(&'static Family, u32)>,
    /// The time from which times of expiry count, in milliseconds.
    epoch_ms: u64,
}

impl Grammar {
    /// Commands of these families; of the favourite, where there is one, so many in four.
    pub fn new(
        families: &'static [&'static Family],
        favourite: Option<(&'static Family, u32)>,
        seed: u64,
        epoch_ms: u64,
    ) -> Grammar {
        Grammar {
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            families,
            favourite,
            epoch_ms,
        }
    }

    /// A number below `end`, for whoever decides who says the next command.
    pub fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end)
    }

    /// The next command, its name first.
    pub fn next(&mut self) -> Vec<Vec<u8>> {
        let rule = match self.favourite {
            Some((family, share)) if self.rng.random_ratio(share, 4) => {
                family.rules.choose(&mut self.rng)
            }
            _ => {
                let rules: Vec<_> = self
                    .families
                    .iter()
                    .flat_map(|family| family.rules)
                    .collect();
                rules.choose(&mut self.rng).copied()
            }
        };
        let mut words = Vec::new();
        let rule = rule.expect("there are rules");
        let whole = rule.strip_prefix('!');
        self.expand(whole.unwrap_or(rule), &mut words);
        // A damaged score would put members of unequal scores where ranges of members are asked for.
        let fragile = whole.is_some() || words[0] == b"zadd" && words[1].starts_with(b"lex");
        if self.rng.random_ratio(1, 25) && !fragile {
            self.damage(&mut words);
        }
        if self.rng.random_ratio(1, 10) {
            words[0].make_ascii_uppercase();
        }
        words
    }

    fn damage(&mut self, words: &mut Vec<Vec<u8>>) {
        let garbage = || GARBAGE.iter().map(|word| word.as_bytes().to_vec());
        let i = self.rng.random_range(0..words.len());
        let word = garbage().nth(self.rng.random_range(0..GARBAGE.len()));
        let word = word.expect("in range");
        match self.rng.random_range(0..4) {
            0 if i > 0 => drop(words.remove(i)),
            1 => words.insert(i + 1, word),
            2 => words.push(word),
            _ if i > 0 => words[i] = word,
            _ => {}
        }
    }

    fn expand(&mut self, mut rule: &str, words: &mut Vec<Vec<u8>>) {
        while !rule.is_empty() {
            rule = rule.trim_start();
            if let Some(rest) = rule.strip_prefix('[') {
                let (inner, after) = rest.split_once(']').expect("closed");
                let choices: Vec<&str> = inner.split('|').collect();
                let pick = self.rng.random_range(0..=2 * choices.len());
                if let Some(choice) = choices.get(pick) {
                    self.expand(choice, words);
                }
                rule = after;
            } else if let Some(rest) = rule.strip_prefix('(') {
                let (inner, after) = rest.split_once(")+").expect("closed");
                for _ in 0..self.rng.random_range(1..=4) {
                    self.expand(inner, words);
                }
                rule = after;
            } else {
                let (word, after) = rule.split_once(' ').unwrap_or((rule, ""));
                let word = match word.strip_prefix('$') {
                    Some(name) => {
                        Draw::new(&mut self.rng, self.families, self.epoch_ms).value(name)
                    }
                    None if word.starts_with('{') => word.to_owned(),
                    None if self.rng.random_ratio(1, 8) && !words.is_empty() => word.to_uppercase(),
                    None => word.to_owned(),
                };
                words.push(word.into_bytes());
                rule = after;
            }
        }
    }
}
