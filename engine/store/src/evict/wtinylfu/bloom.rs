//! The counting Bloom filter of the `libcachesim` variant: ten counters an identity, all of them raised.

use hashbrown::HashTable;
use xxhash_rust::xxh64::xxh64;

/// Counters per entry for an error of one in a thousand, ln(1000) / ln(2)², and how many an identity has.
const COUNTERS_PER_ENTRY: f64 = 14.377_587_517_5;
const HASHES: u32 = 10;
const SEEDS: [u64; 2] = [0x1234_5678, 0x1234_4321];
/// More counters than these are not all kept: in bytes there are 14 for every byte of the cache.
const DENSE_MAX: u64 = 1 << 24;

/// Two hashes of an identity, of which its counters' places are made.
pub type Hashes = [u32; 2];

/// How often each identity was counted, or more often.
pub struct Bloom {
    counters: Counters,
    count: Count,
}

enum Counters {
    All(Vec<u32>),
    /// Each place that was counted, and its count.
    Used(HashTable<(u32, u32)>),
}

impl Bloom {
    /// For `entries`, in the unit of the capacity.
    pub fn new(entries: u64) -> Bloom {
        let bits = -(0.001f64.ln()) / 0.480_453_013_918_201;
        debug_assert!((bits - COUNTERS_PER_ENTRY).abs() < 1e-6, "{bits}");
        let count = (bits * entries as f64).ceil().min(f64::from(i32::MAX));
        let count = (count as u32).max(if count < f64::from(HASHES) {
            2 * HASHES
        } else {
            1
        });
        Bloom {
            counters: if u64::from(count) <= DENSE_MAX {
                Counters::All(vec![0; count as usize])
            } else {
                Counters::Used(HashTable::new())
            },
            count: Count::new(count),
        }
    }

    /// Counts the identity of these hashes once more.
    pub fn add(&mut self, hashes: Hashes) {
        for place in places(hashes, self.count) {
            match &mut self.counters {
                Counters::All(counters) => counters[place as usize] += 1,
                Counters::Used(counters) => {
                    let counter = counters
                        .entry(
                            spread(place),
                            |counter| counter.0 == place,
                            |counter| spread(counter.0),
                        )
                        .or_insert((place, 0));
                    counter.into_mut().1 += 1;
                }
            }
        }
    }

    /// The least of the counters of the identity of these hashes.
    pub fn estimate(&self, hashes: Hashes) -> u32 {
        let counts = places(hashes, self.count).map(|place| match &self.counters {
            Counters::All(counters) => counters[place as usize],
            Counters::Used(counters) => counters
                .find(spread(place), |counter| counter.0 == place)
                .map_or(0, |counter| counter.1),
        });
        counts.min().unwrap_or(0)
    }

    /// Halves all counters.
    pub fn halve(&mut self) {
        match &mut self.counters {
            Counters::All(counters) => counters.iter_mut().for_each(|count| *count >>= 1),
            Counters::Used(counters) => counters.iter_mut().for_each(|counter| counter.1 >>= 1),
        }
    }
}

/// The hashes of `identity`.
pub fn hashes(identity: u64) -> Hashes {
    SEEDS.map(|seed| xxh64(&identity.to_le_bytes(), seed) as u32)
}

fn places([first, step]: Hashes, count: Count) -> impl Iterator<Item = u32> {
    (0..HASHES).map(move |i| count.remainder(first.wrapping_add(i.wrapping_mul(step))))
}

/// Spreads a place over the bits that a hash table looks at.
fn spread(place: u32) -> u64 {
    u64::from(place).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// How many counters there are, to divide by without a division: Lemire, Kaser, Kurz, Faster remainder by direct
/// computation, 2019, section 3.
#[derive(Clone, Copy)]
struct Count {
    count: u32,
    /// 2^64 / count, rounded up.
    inverse: u64,
}

impl Count {
    fn new(count: u32) -> Count {
        Count {
            count,
            inverse: (u64::MAX / u64::from(count)).wrapping_add(1),
        }
    }

    /// `number` modulo the count.
    #[inline]
    fn remainder(self, number: u32) -> u32 {
        let fraction = self.inverse.wrapping_mul(u64::from(number));
        ((u128::from(fraction) * u128::from(self.count)) >> 64) as u32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_remainder_is_that_of_a_division(number: u32, count in 1..=u32::MAX) {
            prop_assert_eq!(Count::new(count).remainder(number), number % count);
            prop_assert_eq!(Count::new(count).remainder(u32::MAX), u32::MAX % count);
        }
    }
}
