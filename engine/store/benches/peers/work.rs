//! Work: which numbers are asked for, in which order, and which of them are written.
//!
//! Drawn once and replayed by every store, each slice from another place. Popular numbers lie as far
//! apart as others, whoever lays them out.

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;

/// How many ops are drawn; a power of two.
pub const OPS: usize = 1 << 22;
/// The mark of a write.
pub const WRITE: u32 = 1 << 31;
const SKEW: f64 = 0.99;

/// How numbers are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// Each as often as any other.
    Uniform,
    /// The second half as often as the first, and so on: Zipf's law with exponent 0.99.
    Zipf,
}

impl Draw {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Draw::Uniform => "uniform",
            Draw::Zipf => "zipf",
        }
    }
}

/// `OPS` numbers below `keys`, `writes_percent` of them marked as writes.
pub fn draw(draw: Draw, keys: u32, writes_percent: u32, seed: u64) -> Vec<u32> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let zipf = Zipf::new(f64::from(keys), SKEW).expect("the parameters are valid");
    let spread = |rank: u32| {
        // A prime that divides no power of ten: every rank has a number of its own.
        (u64::from(rank) * 7_368_787 % u64::from(keys)) as u32
    };
    let mut one = || {
        let rank = match draw {
            Draw::Uniform => random.random_range(0..keys),
            Draw::Zipf => zipf.sample(&mut random) as u32 - 1,
        };
        let write = random.random_range(0..100) < writes_percent;
        spread(rank) | if write { WRITE } else { 0 }
    };
    (0..OPS).map(|_| one()).collect()
}
