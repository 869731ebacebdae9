//! Random operations. Each history has a mix of its own, in which some commands are common and others
//! missing: mixes that differ find more than one mix of everything (Groce and others, "Swarm testing",
//! 2012).

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The keys: few, so that operations meet.
const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A key.
pub fn key(random: &mut Xoshiro256PlusPlus) -> &'static str {
    KEYS[random.random_range(0..KEYS.len())]
}

#[derive(Clone, Copy)]
enum Kind {
    Get,
    Set,
    SetFor,
    Getset,
    Incr,
    Del,
    Mset,
    Mget,
    Rename,
    Rpush,
    Blpop,
}

const KINDS: [Kind; 11] = [
    Kind::Get,
    Kind::Set,
    Kind::SetFor,
    Kind::Getset,
    Kind::Incr,
    Kind::Del,
    Kind::Mset,
    Kind::Mget,
    Kind::Rename,
    Kind::Rpush,
    Kind::Blpop,
];

/// How often each command is drawn.
pub struct Mix {
    weights: [u32; KINDS.len()],
    /// How often a transaction is.
    pub multi: f64,
    /// The longest time to live.
    live: u64,
    /// How many bytes are put behind a value that is no number; 0: all are numbers.
    padding: usize,
}

impl Mix {
    /// `live` is the longest time to live; with `padding` half of the values are that much longer.
    pub fn draw(random: &mut Xoshiro256PlusPlus, live: u64, padding: usize) -> Mix {
        let mut weights = [0; KINDS.len()];
        for weight in &mut weights {
            *weight = [0, 1, 1, 4][random.random_range(0..4)];
        }
        // Who reads sees what went wrong, and who writes makes it.
        weights[Kind::Get as usize] = [4, 10, 40][random.random_range(0..3)];
        weights[Kind::Mset as usize] += 1;
        Mix {
            weights,
            multi: [0.0, 0.2, 0.5][random.random_range(0..3)],
            live,
            padding,
        }
    }

    /// A command that waits for nothing, unless it `may_wait`. `unique` goes into its values.
    pub fn command(&self, random: &mut Xoshiro256PlusPlus, unique: u64, may_wait: bool) -> String {
        let (key, other) = (key(random), key(random));
        let padded = self.padding > 0 && random.random_bool(0.5);
        let value = if padded {
            format!("{unique}-{}", "x".repeat(self.padding))
        } else {
            // Numbers far enough apart that no two are one by increments.
            (unique * 1_000).to_string()
        };
        match self.kind(random) {
            Kind::Set => format!("set {key} {value}"),
            Kind::SetFor => {
                let live = random.random_range(1..=self.live);
                format!("set {key} {value} px {live}")
            }
            Kind::Getset => format!("getset {key} {value}"),
            Kind::Incr => format!("incr {key}"),
            Kind::Del => format!("del {key} {other}"),
            Kind::Mset => format!("mset a {value} b {value} c {value} d {value}"),
            Kind::Mget => "mget a b c d".to_owned(),
            Kind::Rename => format!("rename {key} {other}"),
            Kind::Rpush => format!("rpush {key} {value}"),
            // 10 ms at the most, where time passes by itself.
            Kind::Blpop if may_wait => format!("blpop {key} e 0.01"),
            Kind::Blpop | Kind::Get => format!("get {key}"),
        }
    }

    fn kind(&self, random: &mut Xoshiro256PlusPlus) -> Kind {
        let mut at = random.random_range(0..self.weights.iter().sum());
        let reached = |weight: &u32| {
            let reached = at < *weight;
            at = at.saturating_sub(*weight);
            reached
        };
        let place = self.weights.iter().position(reached);
        KINDS[place.expect("the sum is of these weights")]
    }
}
