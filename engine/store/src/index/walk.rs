//! Going over the index in parts, and drawing from it.
//!
//! A walk goes through the buckets in the order of their numbers' bits read backwards, as Redis's `SCAN`
//! does (`dictScan`, Pieter Noordhuis). A bucket is then an interval of hashes with their bits read
//! backwards, and a split halves an interval: so whatever was split between two steps, nothing that was
//! there all the time is passed over. A cursor is where the next interval begins, its bits backwards
//! again, so that cursors of a small index are small numbers.

use super::writer::Index;
use crate::mem::ItemId;

/// The bits of a cursor: the upper ones are left to those who walk several indices.
pub const CURSOR_BITS: u32 = 48;

const POSITIONS: u64 = 1 << CURSOR_BITS;

/// The bits of a cursor backwards: from a hash's low bits to a position, and back.
fn mirrored(bits: u64) -> u64 {
    bits.reverse_bits() >> (u64::BITS - CURSOR_BITS)
}

/// The position of a hash, or of a cursor: where a walk meets it, below 2 to the power of [`CURSOR_BITS`].
pub fn position(hash: u64) -> u64 {
    mirrored(hash)
}

impl Index {
    /// Shows the entries whose [positions](position) begin with the `bits` bits of `cell`, in the order of their buckets:
    /// there are no fewer buckets than 2^`bits`, so that buckets lie in it whole.
    pub fn cell(&self, cell: u64, bits: u32, mut each: impl FnMut(ItemId)) {
        debug_assert!(self.buckets() >= 1 << bits);
        let width = POSITIONS >> bits;
        let (mut cursor, end) = (mirrored(cell * width), (cell + 1) * width);
        loop {
            cursor = self.walk(cursor, &mut each);
            if cursor == 0 || mirrored(cursor) >= end {
                return;
            }
        }
    }

    /// Shows the entries of the bucket at `cursor`; the cursor of the next, 0 after the last. Any number
    /// is a cursor; its upper bits mean nothing.
    pub fn walk(&self, cursor: u64, mut each: impl FnMut(ItemId)) -> u64 {
        let cursor = cursor & (POSITIONS - 1);
        let (bucket, bits) = self.bucket_at(cursor);
        self.for_chain(bucket, |_, _, id| each(id));
        let last_of_bucket = mirrored(cursor) | ((POSITIONS >> bits) - 1);
        match last_of_bucket + 1 {
            POSITIONS => 0,
            next => mirrored(next),
        }
    }

    /// Entry `slot` of bucket `bucket`, both of any size: where both are drawn evenly, entries are, for
    /// as long as no chain is longer than the slots that are drawn from.
    pub fn draw(&self, bucket: u64, slot: usize) -> Option<ItemId> {
        let bucket = (bucket % self.buckets() as u64) as usize;
        let (mut found, mut at) = (None, 0);
        self.for_chain(bucket, |_, _, id| {
            if at == slot {
                found = Some(id);
            }
            at += 1;
        });
        found
    }

    /// The bucket of hashes that end in the bits of `cursor`, and how many bits tell it from others.
    fn bucket_at(&self, cursor: u64) -> (usize, u32) {
        let top = self.buckets().next_power_of_two();
        let bits = top.trailing_zeros();
        let half = top / 2;
        let upper = (cursor as usize & half.wrapping_sub(1)) + half;
        if top == self.buckets() || upper < self.buckets() {
            (cursor as usize & (top - 1), bits)
        } else {
            (upper - half, bits - 1)
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn id(n: u32) -> ItemId {
        ItemId::from_bits(n + 1).expect("above 0")
    }

    /// A hash that is spread evenly, as the keyspace's are.
    fn hash(n: u32) -> u64 {
        rapidhash::v3::rapidhash_v3(&n.to_le_bytes())
    }

    fn insert(index: &mut Index, n: u32) {
        assert!(index.insert(hash(n), id(n), |id| hash(id.bits() - 1)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_stays_is_shown_while_the_index_grows(
            first in 1..3000_u32,
            changes in prop::collection::vec((any::<bool>(), 1..400_u32), 0..60),
        ) {
            let mut index = Index::new().unwrap();
            (0..first).for_each(|n| insert(&mut index, n));
            let mut gone = BTreeSet::new();
            let (mut seen, mut cursor, mut steps) = (BTreeSet::new(), 0, 0_usize);
            let (mut changes, mut added) = (changes.into_iter(), first);
            loop {
                cursor = index.walk(cursor, |id| {
                    seen.insert(id.bits() - 1);
                });
                prop_assert!(cursor < POSITIONS);
                steps += 1;
                prop_assert!(steps <= index.buckets(), "a walk ends");
                if cursor == 0 {
                    break;
                }
                match changes.next() {
                    Some((true, count)) => {
                        (0..count).for_each(|more| insert(&mut index, added + more));
                        added += count;
                    }
                    Some((false, n)) => {
                        if let Some((place, _)) = index.find(hash(n), |found| found == id(n)) {
                            index.remove(place);
                            gone.insert(n);
                        }
                    }
                    None => {}
                }
            }
            for n in (0..first).filter(|n| !gone.contains(n)) {
                prop_assert!(seen.contains(&n), "{n} was passed over");
            }
        }
    }

    #[test]
    fn a_walk_at_rest_shows_each_entry_once() {
        for count in [0, 1, 100, 145, 1000, 1777] {
            let mut index = Index::new().unwrap();
            (0..count).for_each(|n| insert(&mut index, n));
            let (mut shown, mut cursor, mut steps) = (Vec::new(), 0, 0);
            loop {
                cursor = index.walk(cursor, |id| shown.push(id.bits() - 1));
                steps += 1;
                if cursor == 0 {
                    break;
                }
            }
            shown.sort_unstable();
            assert!(shown.into_iter().eq(0..count));
            assert_eq!(steps, index.buckets());
        }
    }

    #[test]
    fn cells_stay_what_they_are_while_the_index_grows() {
        let mut index = Index::new().unwrap();
        (0..700).for_each(|n| insert(&mut index, n));
        let bits = index.buckets().ilog2();
        let buckets = index.buckets();
        for more in [700, 1_500, 4_000] {
            (index.len() as u32..more).for_each(|n| insert(&mut index, n));
            let mut shown = 0;
            for cell in 0..1 << bits {
                index.cell(cell, bits, |id| {
                    let at = position(hash(id.bits() - 1));
                    assert_eq!(at >> (CURSOR_BITS - bits), cell);
                    shown += 1;
                });
            }
            assert_eq!(shown, index.len());
        }
        assert!(index.buckets() > 4 * buckets);
        let (mut all, mut one) = (0, 0);
        index.cell(0, 0, |_| all += 1);
        Index::new().unwrap().cell(0, 0, |_| one += 1);
        assert_eq!((all, one), (index.len(), 0));
    }

    #[test]
    fn every_entry_can_be_drawn() {
        let mut index = Index::new().unwrap();
        (0..500).for_each(|n| insert(&mut index, n));
        let draws =
            (0..index.buckets() as u64).flat_map(|bucket| (0..40).map(move |n| (bucket, n)));
        let found: Vec<_> = draws
            .filter_map(|(bucket, n)| index.draw(bucket, n))
            .collect();
        let different: BTreeSet<_> = found.iter().collect();
        assert_eq!((found.len(), different.len()), (500, 500));
        assert_eq!(
            index.draw(u64::MAX, 0),
            index.draw(u64::MAX % index.buckets() as u64, 0)
        );
    }

    #[test]
    fn positions_are_mirrored() {
        assert_eq!(mirrored(1), POSITIONS / 2);
        assert_eq!(mirrored(mirrored(0x1234_5678_9abc)), 0x1234_5678_9abc);
    }
}
