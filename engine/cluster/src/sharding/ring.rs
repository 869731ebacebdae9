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
        words: &[],
        about: "points of each shard; libketama takes 160",
    }],
    moves: None,
    build: |shards, values| Box::new(Ring::new(shards, values[0], 0)),
};

/// A circle with the points of all shards.
pub struct Ring {
    shards: u16,
    points_per_shard: u64,
    seed: u64,
    /// Where each point lies and whose it is, in the circle's order.
    points: Vec<(u64, u16)>,
}

impl Ring {
    /// A circle with so many points a shard; another seed puts them elsewhere.
    pub fn new(shards: u16, points_per_shard: u64, seed: u64) -> Ring {
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

    /// Whose the points are, from the first one at or after `at` on, once around.
    pub fn clockwise_from(&self, at: u64) -> impl Iterator<Item = u16> {
        let next = self.points.partition_point(|&(point, _)| point < at);
        let (before, after) = self.points.split_at(next);
        after.iter().chain(before).map(|&(_, shard)| shard)
    }

    /// By shard: the part of the circle that is its own.
    pub fn arcs(&self) -> Vec<f64> {
        let mut arcs = vec![0.0; usize::from(self.shards)];
        let mut before = self.points.last().map_or(0, |&(at, _)| at);
        for &(at, shard) in &self.points {
            arcs[usize::from(shard)] += at.wrapping_sub(before) as f64 / CIRCLE;
            before = at;
        }
        arcs
    }
}

/// How long the circle is.
const CIRCLE: f64 = 18_446_744_073_709_551_616.0;

impl Sharding for Ring {
    fn shard_of(&self, key: &[u8]) -> u16 {
        self.clockwise_from(xxh3_64(key)).next().unwrap_or(0)
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        Box::new(Ring::new(shards, self.points_per_shard, self.seed))
    }
}
