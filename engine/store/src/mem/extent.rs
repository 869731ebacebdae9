//! Extents: runs of pages at the top of a range, for items that no size class holds.
//!
//! Best fit among free runs, neighbours joined when freed. The area grows downwards; freed pages at
//! its lower edge are given back to the middle of the range, which chunks grow into from below. Pure
//! bookkeeping: it knows no memory.

use std::collections::{BTreeMap, BTreeSet};

/// The bytes of one page of an extent.
pub(super) const PAGE_BYTES: usize = 4096;

/// The runs of one range, in pages.
#[derive(Debug)]
pub(super) struct Extents {
    floor: usize,
    top: usize,
    by_start: BTreeMap<usize, usize>,
    by_pages: BTreeSet<(usize, usize)>,
}

impl Extents {
    /// No runs yet, in a range of `top` pages.
    pub(super) fn new(top: usize) -> Extents {
        Extents {
            floor: top,
            top,
            by_start: BTreeMap::new(),
            by_pages: BTreeSet::new(),
        }
    }

    /// The lowest page of the area: everything below it belongs to chunks.
    pub(super) fn floor(&self) -> usize {
        self.floor
    }

    /// Takes a run of `pages`, growing the area no lower than `lowest`; its first page.
    pub(super) fn take(&mut self, pages: usize, lowest: usize) -> Option<usize> {
        if let Some(&(found, start)) = self.by_pages.range((pages, 0)..).next() {
            self.forget(start, found);
            if found > pages {
                self.keep(start + pages, found - pages);
            }
            return Some(start);
        }
        let start = self.floor.checked_sub(pages).filter(|&s| s >= lowest)?;
        self.floor = start;
        Some(start)
    }

    /// Gives the run of `pages` at `start` back.
    pub(super) fn give(&mut self, mut start: usize, mut pages: usize) {
        debug_assert!(start >= self.floor && start + pages <= self.top);
        if let Some((&before, &len)) = self.by_start.range(..start).next_back()
            && before + len == start
        {
            self.forget(before, len);
            start = before;
            pages += len;
        }
        if let Some(&len) = self.by_start.get(&(start + pages)) {
            self.forget(start + pages, len);
            pages += len;
        }
        if start == self.floor {
            self.floor += pages;
        } else {
            self.keep(start, pages);
        }
    }

    fn keep(&mut self, start: usize, pages: usize) {
        self.by_start.insert(start, pages);
        self.by_pages.insert((pages, start));
    }

    fn forget(&mut self, start: usize, pages: usize) {
        self.by_start.remove(&start);
        self.by_pages.remove(&(pages, start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_never_overlap_and_all_comes_back(steps in prop::collection::vec((1usize..40, any::<prop::sample::Index>(), any::<bool>()), 1..200)) {
            let mut extents = Extents::new(500);
            let mut held: Vec<(usize, usize)> = Vec::new();
            for (pages, which, give) in steps {
                if give && !held.is_empty() {
                    let (start, pages) = held.swap_remove(which.index(held.len()));
                    extents.give(start, pages);
                } else if let Some(start) = extents.take(pages, 100) {
                    prop_assert!(start >= 100 && start + pages <= 500);
                    prop_assert!(held.iter().all(|&(s, p)| s + p <= start || start + pages <= s));
                    held.push((start, pages));
                } else {
                    prop_assert!(held.iter().map(|run| run.1).sum::<usize>() + pages > 100);
                }
            }
            for (start, pages) in held {
                extents.give(start, pages);
            }
            prop_assert_eq!(extents.floor(), 500);
            prop_assert_eq!(extents.take(400, 100), Some(100));
        }
    }
}
