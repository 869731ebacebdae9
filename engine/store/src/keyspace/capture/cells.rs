//! Cells: the parts of a shard that a snapshot saves whole, and which of them it has.
//!
//! The one idea: a cell is an interval of [positions](crate::index::position), in whose order the index is walked. There
//! are so many as the index had buckets at the start, or half of that, and a bucket that is split later leaves both
//! halves in its cell: so whatever the index becomes, a bit a cell tells what is still to be saved.
//!
//! It knows no items, and saves nothing.

use crate::index::{CURSOR_BITS, position};

/// Which cells are saved.
#[derive(Debug)]
pub(super) struct Cells {
    /// There are 2^`bits` of them.
    bits: u32,
    /// The first that the walk has not come to.
    next: u64,
    /// A bit for each that was saved before the walk came to it.
    ahead: Vec<u64>,
}

impl Cells {
    /// None is saved of an index that has so many buckets.
    pub(super) fn new(buckets: usize) -> Cells {
        let bits = buckets.ilog2();
        Cells {
            bits,
            next: 0,
            ahead: vec![0; (1_usize << bits).div_ceil(64)],
        }
    }

    /// The logarithm of how many there are.
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// The cell of a hash.
    #[inline]
    pub(super) fn of(&self, hash: u64) -> u64 {
        position(hash) >> (CURSOR_BITS - self.bits)
    }

    /// Where a cell begins.
    pub(super) fn begin(&self, cell: u64) -> u64 {
        cell << (CURSOR_BITS - self.bits)
    }

    /// Lets a cell be saved ahead of the walk; whether it is to be, since it was not.
    #[inline]
    pub(super) fn take_ahead(&mut self, cell: u64) -> bool {
        if cell < self.next {
            return false;
        }
        let (word, bit) = (&mut self.ahead[(cell / 64) as usize], 1 << (cell % 64));
        let is_left = *word & bit == 0;
        *word |= bit;
        is_left
    }

    /// The next cell that the walk has to save, which counts as saved from here on; `None` when all are, or `looks` are
    /// used up: one for each word of bits that it looks at.
    pub(super) fn take_next(&mut self, looks: &mut usize) -> Option<u64> {
        while !self.is_over() && *looks > 0 {
            *looks -= 1;
            let (word, bit) = ((self.next / 64) as usize, self.next % 64);
            // Cells below the next one are saved, and none is behind the last.
            let left = !self.ahead[word] & u64::MAX << bit;
            let end = (self.next - bit + 64).min(1 << self.bits);
            let cell = self.next - bit + u64::from(left.trailing_zeros());
            self.next = (cell + 1).min(end);
            if cell < end {
                return Some(cell);
            }
        }
        None
    }

    /// Whether the walk is through.
    pub(super) fn is_over(&self) -> bool {
        self.next >> self.bits != 0
    }

    /// The bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.ahead.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_taken_once() {
        for buckets in [1, 2, 16, 17, 1_000, 4_096] {
            let mut cells = Cells::new(buckets);
            let count = 1 << cells.bits();
            assert!(count <= buckets && buckets < 2 * count);
            let mut taken = Vec::new();
            let mut hash = 1_u64;
            loop {
                for _ in 0..3 {
                    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ hash >> 29;
                    let cell = cells.of(hash);
                    assert_eq!(cells.begin(cell) >> (CURSOR_BITS - cells.bits()), cell);
                    if cells.take_ahead(cell) {
                        taken.push(cell);
                    }
                }
                match cells.take_next(&mut 1_000) {
                    Some(cell) => taken.push(cell),
                    None => break,
                }
            }
            taken.sort_unstable();
            assert!(taken.into_iter().eq(0..count as u64), "{buckets}");
        }
    }

    #[test]
    fn what_was_saved_ahead_is_passed_by_words() {
        let mut cells = Cells::new(64 * 1_000);
        let count = 1 << cells.bits();
        (0..count - 1).for_each(|cell| assert!(cells.take_ahead(cell)));
        let (mut looks, mut slices) = (100, 1);
        let last = loop {
            if let Some(cell) = cells.take_next(&mut looks) {
                break cell;
            }
            assert!(looks == 0 && !cells.is_over());
            (looks, slices) = (100, slices + 1);
        };
        assert_eq!((last, slices), (count - 1, count.div_ceil(64 * 100)));
        assert!(cells.is_over());
    }
}
