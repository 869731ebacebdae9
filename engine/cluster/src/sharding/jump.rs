//! Jump: a generator seeded by the key jumps to higher and higher shards, until the next would be one too many.
//!
//! Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", arXiv:1406.2294. It needs no memory; only
//! the last shard can leave.

use xxhash_rust::xxh3::xxh3_64;

use super::{Sharding, ShardingMember};

pub(super) static MEMBER: ShardingMember = ShardingMember {
    name: "jump",
    about: "jump consistent hash: even, 1/(N+1) of the keys move, no memory; only the last shard can leave",
    source: "Lamping and Veach, arXiv:1406.2294",
    params: &[],
    moves: None,
    build: |shards, _| Box::new(Jump { shards }),
};

struct Jump {
    shards: u16,
}

/// The shard of a key with this hash.
fn jump(mut state: u64, shards: u16) -> u16 {
    let (mut shard, mut next) = (0, 0u64);
    while next < u64::from(shards) {
        shard = next;
        state = state
            .wrapping_mul(2_862_933_555_777_941_757)
            .wrapping_add(1);
        let draw = (state >> 33) + 1;
        next = ((shard + 1) as f64 * ((1u64 << 31) as f64 / draw as f64)) as u64;
    }
    shard as u16
}

impl Sharding for Jump {
    fn shard_of(&self, key: &[u8]) -> u16 {
        jump(xxh3_64(key), self.shards)
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        Box::new(Jump { shards })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_or_goes_to_a_new_shard() {
        for key in 0..2000u64 {
            let state = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut before = jump(state, 1);
            assert_eq!(before, 0);
            for shards in 2..200 {
                let after = jump(state, shards);
                assert!(
                    after == before || after == shards - 1,
                    "{key} of {shards}: {before} to {after}"
                );
                before = after;
            }
        }
    }
}
