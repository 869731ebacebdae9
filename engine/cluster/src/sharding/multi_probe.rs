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
        about: "how often a key is looked for; 1 + 1/e make a peak of 1 + e, and 21 of 1.05",
    }],
    moves_data: false,
    build: |shards, values| Box::new(MultiProbe::new(shards, values[0], 0)),
};

struct MultiProbe {
    shards: u16,
    probes: u64,
    seed: u64,
    /// Where each shard's point lies, in the circle's order.
    points: Vec<(u64, u16)>,
}

impl MultiProbe {
    fn new(shards: u16, probes: u64, seed: u64) -> MultiProbe {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_bounded_by_the_probes() {
        // arXiv:1505.00062: 1 + 1/e probes make a peak of 1 + e of the mean. With K keys the highest of N counts is some
        // three standard deviations of sqrt(N / K) above that. One circle is one draw, so the mean over circles is compared.
        let (shards, keys, circles) = (100u16, 200_000u64, 4);
        for probes in [11, 21] {
            let peak_of = |seed| {
                let sharding = MultiProbe::new(shards, probes, seed);
                let mut counts = vec![0u64; usize::from(shards)];
                for key in 0..keys {
                    counts[usize::from(sharding.shard_of(&key.to_le_bytes()))] += 1;
                }
                *counts.iter().max().unwrap() as f64 * f64::from(shards) / keys as f64
            };
            let peak = (0..circles).map(peak_of).sum::<f64>() / circles as f64;
            let noise = (f64::from(shards) / keys as f64).sqrt();
            let bound = 1.0 + 1.0 / (probes - 1) as f64 + 3.0 * noise;
            assert!(peak <= bound, "{probes} probes: {peak}, at most {bound}");
        }
    }
}
