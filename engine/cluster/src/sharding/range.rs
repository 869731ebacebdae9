//! Range: keys in order, and split points between shards. A shard that is added takes the upper half of the widest range.
//!
//! Chang et al., "Bigtable", OSDI 2006: a tablet is split where it has grown too large. There, points come from the data;
//! a map alone does not know them, so here keys are ordered by the number that they end in, as those of the workloads do,
//! and the points divide `keys` of them evenly. Neighbours stay together: so do neighbours that are asked for most.

use seawall_store::spec::Param;

use super::{Sharding, ShardingMember};
use crate::migration;

pub(super) static MEMBER: ShardingMember = ShardingMember {
    name: "range",
    about: "ordered ranges by the number a key ends in: half of one range moves, with its data; neighbours stay together",
    source: "Chang et al., Bigtable, OSDI 2006, §5",
    params: &[Param {
        name: "keys",
        default: 6000,
        min: 1,
        max: 1 << 40,
        words: &[],
        about: "keys end in numbers below this; those beyond belong to the last range",
    }],
    moves: Some(|_, slots| migration::build_whole(slots)),
    build: |shards, values| Box::new(Range::new(shards, values[0])),
};

#[derive(Clone)]
struct Range {
    shards: u16,
    keys: u64,
    /// Where each range begins, and whose it is; the first begins at 0.
    begins: Vec<(u64, u16)>,
}

impl Range {
    fn new(shards: u16, keys: u64) -> Range {
        let begin = |shard| (keys * u64::from(shard) / u64::from(shards), shard);
        Range {
            shards,
            keys,
            begins: (0..shards).map(begin).collect(),
        }
    }

    /// One shard more: it takes the upper half of the widest range, the first of them.
    fn grow(&mut self) {
        let width = |at: usize| {
            let end = self.begins.get(at + 1).map_or(self.keys, |next| next.0);
            end.saturating_sub(self.begins[at].0)
        };
        let widest = (0..self.begins.len()).rev().max_by_key(|at| width(*at));
        let widest = widest.unwrap_or(0);
        let middle = self.begins[widest].0 + width(widest).div_ceil(2);
        self.begins.insert(widest + 1, (middle, self.shards));
        self.shards += 1;
    }

    /// One shard fewer: its ranges fall to those below them, the first of all to the one above.
    fn shrink(&mut self) {
        self.shards -= 1;
        let gone = self.shards;
        self.begins.retain(|(_, shard)| *shard != gone);
        self.begins[0].0 = 0;
    }
}

/// The number that a key ends in; 0 where it ends in none.
fn number(key: &[u8]) -> u64 {
    let digits = key.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let first = key.len() - digits.count();
    key[first..].iter().fold(0u64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    })
}

impl Sharding for Range {
    fn shard_of(&self, key: &[u8]) -> u16 {
        let number = number(key);
        let after = self.begins.partition_point(|(begin, _)| *begin <= number);
        self.begins[after.saturating_sub(1)].1
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn resized(&self, shards: u16) -> Box<dyn Sharding> {
        let mut range = self.clone();
        while range.shards < shards {
            range.grow();
        }
        while range.shards > shards.max(1) {
            range.shrink();
        }
        Box::new(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_stay_together_and_the_widest_range_is_halved() {
        let mut range = Range::new(3, 6000);
        let of = |range: &Range, number: u64| range.shard_of(format!("r{number:011}").as_bytes());
        let shards: Vec<u16> = [0, 1999, 2000, 3999, 4000, 5999, 1 << 40]
            .map(|number| of(&range, number))
            .into();
        assert_eq!(shards, [0, 0, 1, 1, 2, 2, 2]);
        range.grow();
        range.grow();
        assert_eq!(
            range.begins,
            [(0, 0), (1000, 3), (2000, 1), (3000, 4), (4000, 2)]
        );
        assert_eq!((of(&range, 999), of(&range, 1000)), (0, 3));
        range.shrink();
        assert_eq!(range.begins, [(0, 0), (1000, 3), (2000, 1), (4000, 2)]);
    }

    #[test]
    fn any_key_has_a_shard() {
        let range = Range::new(5, 3);
        for key in [
            &b""[..],
            b"no number",
            b"99999999999999999999999999",
            b"7\xff",
        ] {
            assert!(range.shard_of(key) < 5);
        }
    }
}
