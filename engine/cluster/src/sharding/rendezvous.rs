//! Rendezvous: a key belongs to the shard that gives it the highest draw.
//!
//! Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", IEEE/ACM Trans. Netw. 6 (1998). Any shard can
//! leave and takes along its own keys alone; a look-up asks all shards.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{Sharding, ShardingMember};

pub(super) static MEMBER: ShardingMember = ShardingMember {
    name: "rendezvous",
    about: "highest random weight: even, 1/(N+1) of the keys move, any shard can leave; N draws a look-up",
    source: "Thaler and Ravishankar, IEEE/ACM Transactions on Networking, 1998",
    params: &[],
    moves: None,
    build: |shards, _| Box::new(Rendezvous { shards }),
};

struct Rendezvous {
    shards: u16,
}

impl Sharding for Rendezvous {
    fn shard_of(&self, key: &[u8]) -> u16 {
        let hash = xxh3_64(key).to_le_bytes();
        let draw = |shard: &u16| xxh3_64_with_seed(&hash, u64::from(*shard));
        (0..self.shards).max_by_key(draw).unwrap_or(0)
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        Box::new(Rendezvous { shards })
    }
}
