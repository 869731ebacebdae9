//! Multi-probe: each shard has one point on a circle, and a key, hashed several times, belongs to the point that is
//! nearest after any of them.
//!
//! Appleton and O'Reilly, "Multi-probe consistent hashing", arXiv:1505.00062. As balanced as a ring of many points,
//! with one a shard: a look-up pays for it.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Sharding, ShardingMember};
use seawall_store::spec::Param;

pub(super) static MEMBER: ShardingMember = ShardingMember {
    name: "multi-probe",
    about: "a ring of one point a shard, looked into several times: 1/(N+1) of the keys move, little memory",
    source: "Appleton and O'Reilly, arXiv:1505.00062",
    params: &[Param {
        name: "probes",
        default: 21,
        min: 1,
        max: 1000,
        words: &[],
        about: "how often a key is looked for; 1 + 1/e make a peak of 1 + e, and 21 of 1.05",
    }],
    moves: None,
    build: |shards, values| Box::new(MultiProbe::new(shards, values[0], 0)),
};

/// A circle with one point a shard.
pub struct MultiProbe {
    shards: u16,
    probes: u64,
    seed: u64,
    /// Where each shard's point lies, in the circle's order.
    points: Vec<(u64, u16)>,
}

impl MultiProbe {
    /// A circle that is looked into so many times; another seed puts the points elsewhere.
    pub fn new(shards: u16, probes: u64, seed: u64) -> MultiProbe {
        let mut points: Vec<_> = (0..shards)
            .map(|shard| (xxh3_64_with_seed(&shard.to_le_bytes(), seed), shard))
            .collect();
        points.sort_unstable();
        MultiProbe {
            shards,
            probes,
            seed,
            points,
        }
    }

    /// By shard: the part of all keys that is its own.
    ///
    /// A key goes where the least of its distances is. One distance is more than t with the chance S(t) that is the sum
    /// of what exceeds t of each gap between points, so a shard with a gap g has the integral of k S(t)^(k-1) from 0 to g.
    pub fn shares(&self) -> Vec<f64> {
        let before = self.points.iter().cycle().skip(self.points.len() - 1);
        let mut gaps: Vec<(u64, u16)> = self
            .points
            .iter()
            .zip(before)
            .map(|(&(at, shard), &(before, _))| (at.wrapping_sub(before), shard))
            .collect();
        gaps.sort_unstable();
        let mut shares = vec![0.0; usize::from(self.shards)];
        // Between two gaps S falls by the number of those that are longer.
        let (mut rest, mut reached, mut share) = (1.0f64, 0, 0.0);
        for (index, (gap, shard)) in gaps.iter().enumerate() {
            let longer = (gaps.len() - index) as f64;
            let then = rest - longer * (gap - reached) as f64 / CIRCLE;
            let all = |rest: f64| rest.max(0.0).powi(self.probes as i32);
            share += (all(rest) - all(then)) / longer;
            shares[usize::from(*shard)] = share;
            (rest, reached) = (then, *gap);
        }
        shares
    }

    /// The next point after `at`, how far it is, and whose.
    fn next(&self, at: u64) -> (u64, u16) {
        let next = self.points.partition_point(|&(point, _)| point < at);
        let (point, shard) = self.points[if next == self.points.len() { 0 } else { next }];
        (point.wrapping_sub(at), shard)
    }
}

impl Sharding for MultiProbe {
    fn shard_of(&self, key: &[u8]) -> u16 {
        let probe = |number: u64| self.next(xxh3_64_with_seed(key, number + 1));
        (0..self.probes)
            .map(probe)
            .min()
            .map_or(0, |(_, shard)| shard)
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        Box::new(MultiProbe::new(shards, self.probes, self.seed))
    }
}

/// How long the circle is.
const CIRCLE: f64 = 18_446_744_073_709_551_616.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fall_where_shares_say() {
        const KEYS: u64 = 100_000;
        for probes in [1, 2, 21] {
            let sharding = MultiProbe::new(12, probes, 3);
            let mut counts = [0.0; 12];
            for key in 0..KEYS {
                counts[usize::from(sharding.shard_of(&key.to_le_bytes()))] += 1.0;
            }
            for (count, share) in counts.into_iter().zip(sharding.shares()) {
                let expected = share * KEYS as f64;
                // Five standard deviations of so many draws.
                assert!(
                    (count - expected).abs() < 5.0 * expected.sqrt() + 1.0,
                    "{probes} probes: {count}, expected {expected}"
                );
            }
        }
    }
}
