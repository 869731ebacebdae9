//! Anchor: a key is hashed into a set of places for all shards that there may ever be; where a place is empty, it is
//! hashed again among those that were there when its shard left.
//!
//! Mendelson et al., "`AnchorHash`: A Scalable Consistent Hash", arXiv:1812.09674. Even, any
//! shard can leave and takes along its own keys alone, and a look-up takes a step or two.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{Sharding, ShardingMember};
use seawall_store::spec::Param;

pub(super) static MEMBER: ShardingMember = ShardingMember {
    name: "anchor",
    about: "AnchorHash: even, 1/(N+1) of the keys move, any shard can leave, a step or two a look-up",
    source: "Mendelson et al., arXiv:1812.09674",
    params: &[Param {
        name: "capacity",
        default: 128,
        min: 128,
        max: 65_535,
        words: &[],
        about: "how many shards there can be at most",
    }],
    moves: None,
    build: |shards, values| {
        let mut anchor = Anchor::full(values[0] as u16);
        anchor.resize(shards);
        Box::new(anchor)
    },
};

/// The arrays of the paper: `A`, `K`, `W`, `L`, and the stack `R`.
#[derive(Clone)]
struct Anchor {
    /// By place: how many shards there were just after its own left; 0 while it is there.
    left_at: Vec<u16>,
    /// By place: who took its turn in the list of those that were there.
    successor: Vec<u16>,
    /// The places that are taken, in an order of their own.
    taken: Vec<u16>,
    /// By place: where it is in that order.
    order: Vec<u16>,
    /// Those that left, the last one last.
    gone: Vec<u16>,
    shards: u16,
}

impl Anchor {
    /// With a shard in every place.
    fn full(capacity: u16) -> Anchor {
        let all: Vec<u16> = (0..capacity).collect();
        Anchor {
            left_at: vec![0; all.len()],
            successor: all.clone(),
            taken: all.clone(),
            order: all,
            gone: Vec::new(),
            shards: capacity,
        }
    }

    /// The shard `place` leaves.
    fn remove(&mut self, place: u16) {
        let at = usize::from(place);
        self.gone.push(place);
        self.shards -= 1;
        let last = self.taken[usize::from(self.shards)];
        self.left_at[at] = self.shards;
        self.taken[usize::from(self.order[at])] = last;
        self.order[usize::from(last)] = self.order[at];
        self.successor[at] = last;
    }

    /// Who left last comes back.
    fn add(&mut self) {
        let Some(place) = self.gone.pop() else {
            return;
        };
        let at = usize::from(place);
        self.left_at[at] = 0;
        let moved = self.taken[usize::from(self.shards)];
        self.order[usize::from(moved)] = self.shards;
        self.taken[usize::from(self.order[at])] = place;
        self.successor[at] = place;
        self.shards += 1;
    }

    fn resize(&mut self, shards: u16) {
        while self.shards > shards.max(1) {
            self.remove(self.shards - 1);
        }
        while self.shards < shards && !self.gone.is_empty() {
            self.add();
        }
    }

    fn place_of(&self, hash: u64) -> u16 {
        let mut place = (hash % self.left_at.len() as u64) as usize;
        while self.left_at[place] > 0 {
            let among = self.left_at[place];
            let again = xxh3_64_with_seed(&hash.to_le_bytes(), place as u64) % u64::from(among);
            let mut next = again as usize;
            // Whoever left before this one did is stood in for.
            while self.left_at[next] >= among {
                next = usize::from(self.successor[next]);
            }
            place = next;
        }
        place as u16
    }
}

impl Sharding for Anchor {
    fn shard_of(&self, key: &[u8]) -> u16 {
        self.place_of(xxh3_64(key))
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        let mut anchor = self.clone();
        anchor.resize(shards);
        Box::new(anchor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_shard_can_leave_and_takes_its_own_keys_alone() {
        let hashes: Vec<u64> = (0..20_000u64)
            .map(|key| xxh3_64(&key.to_le_bytes()))
            .collect();
        let mut anchor = Anchor::full(150);
        anchor.resize(50);
        for place in [7, 31, 0, 49, 12] {
            let before: Vec<u16> = hashes.iter().map(|&hash| anchor.place_of(hash)).collect();
            anchor.remove(place);
            for (hash, before) in hashes.iter().zip(&before) {
                let after = anchor.place_of(*hash);
                assert_ne!(after, place);
                assert!(*before == place || after == *before);
            }
        }
        let mut counts = vec![0u32; 50];
        for hash in &hashes {
            counts[usize::from(anchor.place_of(*hash))] += 1;
        }
        let (least, most) = (
            counts.iter().filter(|&&c| c > 0).min().unwrap(),
            counts.iter().max().unwrap(),
        );
        // 444 a shard, whose standard deviation is 21.
        assert!(*least > 350 && *most < 550, "{counts:?}");
        for _ in 0..5 {
            anchor.add();
        }
        let mut as_before = Anchor::full(150);
        as_before.resize(50);
        assert!(
            hashes
                .iter()
                .all(|&hash| anchor.place_of(hash) == as_before.place_of(hash))
        );
    }
}
