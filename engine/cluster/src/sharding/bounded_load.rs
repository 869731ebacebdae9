//! Bounded load: consistent hashing in which no shard takes more than its share and a part of it.
//!
//! Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", arXiv:1608.01350. There, balls go to the
//! next bin clockwise that has room: ceil(c · balls / bins). A key alone cannot know how many others there are, so the
//! balls are **parts** of the key space, as many whatever is stored: a key is hashed to a part, and the part has a shard.
//! The bound is hard for parts; what keys add is the noise of hashing them to parts, and their popularity.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{Ring, Sharding, ShardingMember};
use seawall_store::spec::Param;

pub(super) static MEMBER: ShardingMember = ShardingMember {
    name: "bounded-load",
    about: "a ring whose shards refuse more than their share and a part of it: a hard peak, and more keys move",
    source: "Mirrokni et al., arXiv:1608.01350; parts instead of requests as in the Go package consistent",
    params: &[
        Param {
            name: "percent",
            default: 125,
            min: 101,
            max: 1000,
            words: &[],
            about: "how much of its share a shard takes at most",
        },
        Param {
            name: "parts",
            default: 16_384,
            min: 1024,
            max: 1 << 20,
            words: &[],
            about: "into how many parts the keys are divided",
        },
        Param {
            name: "points",
            default: 1,
            min: 1,
            max: 1000,
            words: &[],
            about: "points of each shard on the circle",
        },
    ],
    moves: None,
    build: |shards, values| {
        Box::new(BoundedLoad::new(
            shards,
            values[0],
            values[1] as usize,
            values[2],
            0,
        ))
    },
};

/// Parts of the key space, each of which is a shard's.
pub struct BoundedLoad {
    shards: u16,
    percent: u64,
    points: u64,
    seed: u64,
    shard_of_part: Vec<u16>,
}

impl BoundedLoad {
    /// So many parts for so many shards, of which none has more than `percent` of the mean; another seed puts points and
    /// parts elsewhere on the circle.
    pub fn new(shards: u16, percent: u64, parts: usize, points: u64, seed: u64) -> BoundedLoad {
        let ring = Ring::new(shards, points, seed);
        let room = most_parts(parts, shards, percent);
        let mut loads = vec![0; usize::from(shards)];
        let shard_of_part = (0..parts as u64).map(|part| {
            let at = xxh3_64_with_seed(&part.to_le_bytes(), seed);
            // There is room for all: more than the mean, at every shard.
            let shard = ring
                .clockwise_from(at)
                .find(|shard| loads[usize::from(*shard)] < room);
            let shard = shard.unwrap_or(0);
            loads[usize::from(shard)] += 1;
            shard
        });
        BoundedLoad {
            shards,
            percent,
            points,
            seed,
            shard_of_part: shard_of_part.collect(),
        }
    }

    /// By part: whose it is.
    pub fn shard_of_part(&self) -> &[u16] {
        &self.shard_of_part
    }
}

/// What a shard has at most: the mean and the part of it that is allowed on top, rounded up.
pub fn most_parts(parts: usize, shards: u16, percent: u64) -> usize {
    (parts * percent as usize).div_ceil(100 * usize::from(shards))
}

impl Sharding for BoundedLoad {
    fn shard_of(&self, key: &[u8]) -> u16 {
        self.shard_of_part[(xxh3_64(key) % self.shard_of_part.len() as u64) as usize]
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        let parts = self.shard_of_part.len();
        Box::new(BoundedLoad::new(
            shards,
            self.percent,
            parts,
            self.points,
            self.seed,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_shard_has_more_than_the_bound() {
        for (shards, percent, parts) in [
            (1, 125, 1024),
            (3, 101, 1024),
            (64, 110, 16_384),
            (700, 125, 1024),
        ] {
            for seed in 0..5 {
                let sharding = BoundedLoad::new(shards, percent, parts, 1, seed);
                let mut loads = vec![0; usize::from(shards)];
                for shard in sharding.shard_of_part() {
                    loads[usize::from(*shard)] += 1;
                }
                let most = most_parts(parts, shards, percent);
                assert!(
                    loads.iter().all(|load| *load <= most),
                    "{loads:?}, at most {most}"
                );
                // With little room to spare, all are as good as full.
                let spare = most * usize::from(shards) - parts;
                assert_eq!(loads.iter().map(|load| most - load).sum::<usize>(), spare);
            }
        }
    }
}
