//! Modulo: a hash of the key, modulo the number of shards. The family's trivial member.

use xxhash_rust::xxh3::xxh3_64;

use super::{Sharding, ShardingMember};

pub(super) static MEMBER: ShardingMember = ShardingMember {
    name: "modulo",
    about: "hash modulo N: even, and N/(N+1) of the keys move when a shard is added",
    source: "the usual default of Memcached clients; Lamping and Veach, arXiv:1406.2294, introduction",
    params: &[],
    moves: None,
    build: |shards, _| Box::new(Modulo { shards }),
};

struct Modulo {
    shards: u16,
}

impl Sharding for Modulo {
    fn shard_of(&self, key: &[u8]) -> u16 {
        (xxh3_64(key) % u64::from(self.shards)) as u16
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        Box::new(Modulo { shards })
    }
}
