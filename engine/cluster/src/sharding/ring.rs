//! Ring: each shard owns points on a circle of hashes, and a key belongs to the next point clockwise.
//!
//! Karger et al., "Consistent Hashing and Random Trees", STOC 1997. The standard error of a shard's
//! share falls with the square root of its points (table in Lamping and Veach, arXiv:1406.2294).

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{Sharding, ShardingMember};
use seawall_store::spec::Param;

pub(super) static MEMBER: ShardingMember = ShardingMember {
    name: "ring",
    about: "consistent hashing: 1/(N+1) of the keys move; balance costs points",
    source: "Karger et al., STOC 1997; points as in libketama",
    params: &[Param {
        name: "points",
        default: 160,
        min: 1,
        max: 10_000,
        about: "points of each shard; libketama takes 160",
    }],
    moves_data: false,
    build: |shards, values| Box::new(Ring::new(shards, values[0], 0)),
};

struct Ring {
    shards: u16,
    points_per_shard: u64,
    seed: u64,
    /// Where each point lies and whose it is, in the circle's order.
    points: Vec<(u64, u16)>,
}

impl Ring {
    fn new(shards: u16, points_per_shard: u64, seed: u64) -> Ring {
        let mut points: Vec<_> = (0..shards)
            .flat_map(|shard| {
                (0..points_per_shard).map(move |point| {
                    let mut name = [0; 10];
                    name[..2].copy_from_slice(&shard.to_le_bytes());
                    name[2..].copy_from_slice(&point.to_le_bytes());
                    (xxh3_64_with_seed(&name, seed), shard)
                })
            })
            .collect();
        points.sort_unstable();
        Ring {
            shards,
            points_per_shard,
            seed,
            points,
        }
    }
}

impl Sharding for Ring {
    fn shard_of(&self, key: &[u8]) -> u16 {
        let hash = xxh3_64(key);
        let next = self.points.partition_point(|&(at, _)| at < hash);
        // Past the last point the circle begins again.
        self.points[if next == self.points.len() { 0 } else { next }].1
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        Box::new(Ring::new(shards, self.points_per_shard, self.seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard deviation of the shards' exact arcs over their mean.
    fn std_err(ring: &Ring) -> f64 {
        let mut arcs = vec![0f64; usize::from(ring.shards)];
        let last = ring.points.last().unwrap().0;
        let mut before = last;
        for &(at, shard) in &ring.points {
            arcs[usize::from(shard)] += at.wrapping_sub(before) as f64;
            before = at;
        }
        let mean = arcs.iter().sum::<f64>() / arcs.len() as f64;
        let variance = arcs.iter().map(|arc| (arc - mean).powi(2)).sum::<f64>() / arcs.len() as f64;
        variance.sqrt() / mean
    }

    #[test]
    fn balance_is_the_published_one() {
        // Lamping and Veach, arXiv:1406.2294, table of the standard error for 1000 buckets. One ring is
        // one draw of a noisy figure, so the mean over rings is compared.
        for (points, published, tolerance, rings) in [
            (1, 0.997_906_0, 0.02, 100),
            (10, 0.315_181_0, 0.02, 20),
            (100, 0.099_699_6, 0.02, 8),
            (1000, 0.031_572_3, 0.04, 2),
        ] {
            let sum: f64 = (0..rings)
                .map(|seed| std_err(&Ring::new(1000, points, seed)))
                .sum();
            let mean = sum / rings as f64;
            assert!(
                (mean / published - 1.0).abs() < tolerance,
                "{points} points: {mean}, published {published}"
            );
        }
    }
}
