//! Slots: Redis Cluster's 16384 hash slots with an explicit map from slot to shard.
//!
//! The map is an operator's: a shard that is added takes whole slots, in equal parts from all others,
//! and nothing else moves. Because the cluster knows the map, the data of a slot moves with it.

use seawall_store::Slot;
use seawall_store::spec::Param;

use super::{Sharding, ShardingMember};
use crate::migration::{self, BATCH, MIGRATION};

pub(super) static MEMBER: ShardingMember = ShardingMember {
    name: "slots",
    about: "16384 hash slots by an explicit map: exactly the planned slots move, with their data",
    source: "Redis Cluster specification, key distribution model",
    params: &[
        MIGRATION,
        BATCH,
        Param {
            name: "count",
            about: "how many slots there are: 16384 in Redis Cluster; fewer have more keys each, as those of a large cluster",
            default: Slot::COUNT as u64,
            min: 64,
            max: Slot::COUNT as u64,
            words: &[],
        },
    ],
    moves: Some(|values, slots| migration::build(values[0], values[1], slots)),
    build: |shards, values| Box::new(Slots::new(shards, values[2] as u16)),
};

/// A twin that is broken on purpose, to prove the checkers.
pub(super) static FORGETFUL: ShardingMember = ShardingMember {
    name: "broken-slots",
    about: "broken on purpose: the new shard takes over without what changed since its data was copied",
    source: "a twin of slots, to prove the checkers",
    moves: Some(|_, slots| migration::build_forgetful(slots)),
    ..MEMBER
};

struct Slots {
    shards: u16,
    shard_of_slot: Vec<u16>,
}

impl Slots {
    fn new(shards: u16, count: u16) -> Slots {
        // The same rounding as `Slot::shard`: contiguous ranges, as `redis-cli --cluster create` makes.
        let count = u32::from(count);
        let shard_of_slot = (0..count)
            .map(|slot| (slot * u32::from(shards) / count) as u16)
            .collect();
        Slots {
            shards,
            shard_of_slot,
        }
    }

    fn owned(&self, shards: u16) -> Vec<u32> {
        let mut owned = vec![0; usize::from(shards.max(self.shards))];
        self.shard_of_slot
            .iter()
            .for_each(|&shard| owned[usize::from(shard)] += 1);
        owned
    }

    /// One shard more: it takes slots from whoever has most, until it has its share.
    fn grow(&mut self) {
        let new = self.shards;
        let mut owned = self.owned(new + 1);
        let share = self.shard_of_slot.len() as u32 / u32::from(new + 1);
        for shard in &mut self.shard_of_slot {
            if owned[usize::from(new)] == share {
                break;
            }
            if owned[usize::from(*shard)] > share {
                owned[usize::from(*shard)] -= 1;
                owned[usize::from(new)] += 1;
                *shard = new;
            }
        }
        self.shards = new + 1;
    }

    /// One shard fewer: its slots go, one by one, to whoever has least.
    fn shrink(&mut self) {
        let gone = self.shards - 1;
        let mut owned = self.owned(self.shards);
        for shard in &mut self.shard_of_slot {
            if *shard == gone {
                let least = (0..gone)
                    .min_by_key(|&s| owned[usize::from(s)])
                    .unwrap_or(0);
                owned[usize::from(least)] += 1;
                *shard = least;
            }
        }
        self.shards = gone;
    }
}

impl Sharding for Slots {
    fn shard_of(&self, key: &[u8]) -> u16 {
        self.shard_of_slot[usize::from(self.slot_of(key))]
    }

    fn slot_of(&self, key: &[u8]) -> u16 {
        (Slot::of(key).index() % self.shard_of_slot.len()) as u16
    }

    fn slots(&self) -> &[u16] {
        &self.shard_of_slot
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        let mut slots = Slots {
            shards: self.shards,
            shard_of_slot: self.shard_of_slot.clone(),
        };
        while slots.shards < shards {
            slots.grow();
        }
        while slots.shards > shards.max(1) {
            slots.shrink();
        }
        Box::new(slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_stays_even() {
        let mut slots = Slots::new(3, Slot::COUNT);
        for shards in 4..20 {
            slots.grow();
            let owned = slots.owned(shards);
            let (least, most) = (owned.iter().min().unwrap(), owned.iter().max().unwrap());
            assert!(
                most - least <= 1 + u32::from(shards),
                "{shards} shards: {owned:?}"
            );
        }
    }

    #[test]
    fn formed_as_the_store_splits() {
        let slots = Slots::new(3, Slot::COUNT);
        for i in 0..1000u32 {
            let key = format!("k{i}");
            let slot = Slot::of(key.as_bytes());
            assert_eq!(usize::from(slots.shard_of(key.as_bytes())), slot.shard(3));
        }
    }
}
