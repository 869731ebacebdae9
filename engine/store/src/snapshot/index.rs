//! The index: which blocks have which cells.
//!
//! ```text
//!  page:   0  XXH3 of all that follows     8  zeroes     16  255 entries
//!  entry:  0  where the cell begins (48 bits); bit 63: the block goes on with this cell
//!          8  the page at which the block begins                                   little-endian
//! ```
//!
//! First come the walked blocks, an entry each, in ascending order: a block has the cells from its first
//! one to the first of the next. Then the cells that were saved ahead, an entry for each block that has
//! records of it, sorted by cell and page. Opening reads all of it: 16 bytes for a block of 32 KiB, and
//! for a cell saved ahead.

use std::ops::Range;

use super::{PAGE_BYTES, block};
use crate::index::CURSOR_BITS;

/// Entries in a page.
pub const ENTRIES_PER_PAGE: usize = (PAGE_BYTES - HEAD_BYTES) / ENTRY_BYTES;

const HEAD_BYTES: usize = 16;
const ENTRY_BYTES: usize = 16;
const CONTINUES: u64 = 1 << 63;

/// The highest position.
pub const POSITION_MAX: u64 = (1 << CURSOR_BITS) - 1;

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Where the cell begins.
    pub cell: u64,
    /// The page at which the block begins.
    pub page: u64,
    /// Whether the block goes on with this cell.
    pub continues: bool,
}

/// How many pages so many entries take.
pub fn pages(entries: u64) -> u64 {
    entries.div_ceil(ENTRIES_PER_PAGE as u64)
}

/// The pages of `entries`, which will stand from page `first` on.
pub fn encode<'a>(entries: impl Iterator<Item = &'a Entry>, first: u64, seed: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (i, entry) in entries.enumerate() {
        if i % ENTRIES_PER_PAGE == 0 {
            bytes.resize(bytes.len().next_multiple_of(PAGE_BYTES) + HEAD_BYTES, 0);
        }
        let continues = if entry.continues { CONTINUES } else { 0 };
        bytes.extend_from_slice(&(entry.cell | continues).to_le_bytes());
        bytes.extend_from_slice(&entry.page.to_le_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(PAGE_BYTES), 0);
    for (i, page) in bytes.chunks_mut(PAGE_BYTES).enumerate() {
        let check = block::checksum(&page[8..], first + i as u64, seed);
        page[..8].copy_from_slice(&check.to_le_bytes());
    }
    bytes
}

/// Reads the first `count` entries of `pages`, which stand from page `first` on. The page that is damaged
/// otherwise.
pub fn decode(pages: &[u8], count: usize, first: u64, seed: u64) -> Result<Vec<Entry>, u64> {
    let mut entries = Vec::with_capacity(count.min(pages.len() / ENTRY_BYTES));
    for (page, bytes) in (first..).zip(pages.chunks(PAGE_BYTES)) {
        if bytes[..8] != block::checksum(&bytes[8..], page, seed).to_le_bytes() {
            return Err(page);
        }
        let here = (count - entries.len()).min(ENTRIES_PER_PAGE);
        let u64_at = |at| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"));
        entries.extend((0..here).map(|i| HEAD_BYTES + i * ENTRY_BYTES).map(|at| {
            let cell = u64_at(at);
            Entry {
                cell: cell & !CONTINUES,
                page: u64_at(at + 8),
                continues: cell & CONTINUES != 0,
            }
        }));
    }
    Ok(entries)
}

/// The index of a whole file.
#[derive(Debug)]
pub struct Index {
    walked: Vec<Entry>,
    ahead: Vec<Entry>,
}

impl Index {
    /// From all entries, the first `walked` of which are of walked blocks; each block begins at one of
    /// `pages`. What is wrong otherwise.
    pub fn new(
        mut entries: Vec<Entry>,
        walked: usize,
        pages: &Range<u64>,
    ) -> Result<Index, &'static str> {
        if entries
            .iter()
            .any(|entry| entry.cell > POSITION_MAX || !pages.contains(&entry.page))
        {
            return Err("the index points outside the blocks");
        }
        let ahead = entries.split_off(walked.min(entries.len()));
        let in_order = |pair: &[Entry]| {
            pair[0].cell <= pair[1].cell
                && pair[0].page < pair[1].page
                && (pair[0].cell < pair[1].cell || pair[1].continues)
        };
        let sorted = |pair: &[Entry]| (pair[0].cell, pair[0].page) < (pair[1].cell, pair[1].page);
        if !entries.windows(2).all(in_order) || !ahead.windows(2).all(sorted) {
            return Err("the index is not in order");
        }
        Ok(Index {
            walked: entries,
            ahead,
        })
    }

    /// The pages of the blocks that may have records of the cell that begins at `cell`, ascending.
    pub fn blocks_of(&self, cell: u64) -> impl Iterator<Item = u64> + '_ {
        let begin = first_at(&self.ahead, cell);
        let end = begin
            + (self.ahead[begin..]
                .iter()
                .take_while(|entry| entry.cell == cell))
            .count();
        let found = if begin < end {
            &self.ahead[begin..end]
        } else {
            let end = first_at(&self.walked, cell + 1);
            let mut begin = end.saturating_sub(1);
            while begin > 0 && self.walked[begin].continues && self.walked[begin].cell == cell {
                begin -= 1;
            }
            // A block that goes on with a cell has nothing else. To have it looked at for another would be to have the
            // end of a collection before its beginning.
            let is_of_another = |last: &Entry| last.continues && last.cell != cell;
            if self.walked[begin..end].last().is_some_and(is_of_another) {
                begin = end;
            }
            &self.walked[begin..end]
        };
        found.iter().map(|entry| entry.page)
    }
}

/// The place of the first of `entries`, which ascend, whose cell is not below `cell`. Cells are hashes: they lie about
/// where their share of all positions says, so a few looks around there find it, where halving would wait for memory
/// twenty times.
fn first_at(entries: &[Entry], cell: u64) -> usize {
    let share = u128::from(cell.min(POSITION_MAX)) * entries.len() as u128;
    let guess = (share >> CURSOR_BITS) as usize;
    let is_below = |at: usize| entries[at].cell < cell;
    // It is in `low..=high`, which is sought first below the guess and then above it, by steps that double.
    let (mut low, mut high, mut step) = (guess, guess, 1);
    while low > 0 && !is_below(low - 1) {
        high = low - 1;
        low = low.saturating_sub(step);
        step *= 2;
    }
    step = 1;
    while high < entries.len() && is_below(high) {
        low = high + 1;
        high = entries.len().min(high + step);
        step *= 2;
    }
    low + entries[low..high].partition_point(|entry| entry.cell < cell)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_end_of_a_split_cell_is_looked_at_for_no_other() {
        let entry = |(cell, page, continues)| Entry {
            cell,
            page,
            continues,
        };
        let walked = [(10, 1, false), (20, 2, true), (20, 3, true), (40, 4, false)];
        let ahead = [(30, 5, false), (30, 6, true)];
        let all = walked.into_iter().chain(ahead).map(entry).collect();
        let index = Index::new(all, walked.len(), &(1..7)).expect("in order");
        let blocks = |cell| index.blocks_of(cell).collect::<Vec<_>>();
        assert_eq!(blocks(5), [] as [u64; 0]);
        // The second begins in the first's block.
        assert_eq!([10, 15].map(blocks), [[1], [1]]);
        assert_eq!(blocks(20), [1, 2, 3]);
        assert_eq!(blocks(25), [] as [u64; 0]);
        assert_eq!(blocks(30), [5, 6]);
        assert_eq!([40, 50].map(blocks), [[4], [4]]);
    }

    proptest! {
        #[test]
        fn what_is_guessed_is_what_halving_finds(
            cells in prop_oneof![
                // As hashes lie, and as they never do.
                prop::collection::vec(0..=POSITION_MAX, 0..600),
                prop::collection::vec(0..50_u64, 0..600),
                prop::collection::vec(POSITION_MAX - 50..=POSITION_MAX, 0..600),
            ],
            asked in prop_oneof![0..=POSITION_MAX + 1, 0..60_u64],
        ) {
            let mut cells = cells;
            cells.sort_unstable();
            let entry = |cell: &u64| Entry { cell: *cell, page: 1, continues: false };
            let entries: Vec<Entry> = cells.iter().map(entry).collect();
            let near = cells.first().copied().unwrap_or(0);
            for cell in [asked, near, near + 1].into_iter().chain(cells.iter().copied().take(20)) {
                prop_assert_eq!(
                    first_at(&entries, cell),
                    entries.partition_point(|entry| entry.cell < cell)
                );
            }
        }
    }
}
