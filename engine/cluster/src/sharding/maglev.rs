//! Maglev: a table that shards fill by turns, each in an order of its own; a look-up is one step.
//!
//! Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, §3.4. Shares differ by
//! less than one in a hundred where the table has a hundred places a shard; when a shard comes or goes, some keys
//! move that need not.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{Sharding, ShardingMember};
use seawall_store::spec::Param;

pub(super) static MEMBER: ShardingMember = ShardingMember {
    name: "maglev",
    about: "a table filled by turns: even to 1 %, a look-up is one step; a few more keys move than need",
    source: "Eisenbud et al., NSDI 2016",
    params: &[Param {
        name: "table",
        default: 65_537,
        min: 101,
        max: 1 << 20,
        words: &[],
        about: "places of the table, raised to the next prime; the paper has 65537 and 655373",
    }],
    moves: None,
    build: |shards, values| Box::new(Maglev::new(shards, next_prime(values[0]))),
};

fn next_prime(from: u64) -> u64 {
    let is_prime = |n: &u64| (2..=n.isqrt()).all(|d| !n.is_multiple_of(d));
    // There is one below twice any number (Bertrand's postulate).
    (from..2 * from).find(is_prime).unwrap_or(from)
}

/// A table of places, each of which is a shard's.
pub struct Maglev {
    shards: u16,
    /// By place: whose it is.
    table: Vec<u16>,
}

impl Maglev {
    /// With so many places, a prime number.
    pub fn new(shards: u16, places: u64) -> Maglev {
        // Each shard prefers places in an order of its own: an offset and a step, both from its name.
        let mut preferred: Vec<(u64, u64)> = (0..shards)
            .map(|shard| {
                let name = shard.to_le_bytes();
                let offset = xxh3_64_with_seed(&name, 1) % places;
                let step = xxh3_64_with_seed(&name, 2) % (places - 1) + 1;
                (offset, step)
            })
            .collect();
        let mut table: Vec<Option<u16>> = vec![None; places as usize];
        let mut free = table.len();
        while free > 0 {
            for (shard, (next, step)) in (0u16..).zip(&mut preferred) {
                while table[*next as usize].is_some() {
                    *next = (*next + *step) % places;
                }
                table[*next as usize] = Some(shard);
                free -= 1;
                if free == 0 {
                    break;
                }
            }
        }
        Maglev {
            shards,
            table: table.into_iter().flatten().collect(),
        }
    }

    /// By shard: how many places are its own.
    pub fn places(&self) -> Vec<u64> {
        let mut places = vec![0; usize::from(self.shards)];
        for &shard in &self.table {
            places[usize::from(shard)] += 1;
        }
        places
    }
}

impl Sharding for Maglev {
    fn shard_of(&self, key: &[u8]) -> u16 {
        self.table[(xxh3_64(key) % self.table.len() as u64) as usize]
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        Box::new(Maglev::new(shards, self.table.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_that_leaves_moves_little_else() {
        // Where one of 1000 leaves, 0.66 % of 65,537 places change, where 0.1 % must (our own baseline; the paper has
        // a curve, figure 12, and no number).
        let (before, after) = (Maglev::new(1000, 65_537), Maglev::new(999, 65_537));
        let changed = before
            .table
            .iter()
            .zip(&after.table)
            .filter(|(a, b)| a != b)
            .count();
        let share = changed as f64 / before.table.len() as f64;
        assert!((0.001..0.015).contains(&share), "{share}");
    }

    #[test]
    fn a_table_has_a_prime_number_of_places() {
        assert_eq!(
            [101, 102, 65_537, 65_538].map(next_prime),
            [101, 103, 65_537, 65_539]
        );
    }
}
