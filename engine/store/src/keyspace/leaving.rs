//! What leaves: large collections whose keys are gone, taken apart a bounded part at a time.
//!
//! A collection of a million members is a hundred thousand allocations and more; to free them at once would
//! let everybody else wait. So whoever removes, overwrites, evicts or expires such a key only puts its
//! collection here, and every tick of the shard frees so many allocations, whatever they hold. Until then its
//! bytes count as used, and as on their way out.

use std::collections::VecDeque;

use crate::value::Stored;

/// What takes no more than this is freed at once: some hundred allocations at most.
const AT_ONCE_BYTES: usize = 16 << 10;
/// Where so much waits already, or an eighth of what memory is bounded to, what comes is freed at once, and whoever
/// removes it waits: who makes large collections faster than they are freed is not to fill the memory with
/// what is gone, which comes on top of the bound.
const WAITING_BYTES_MAX: u64 = 256 << 20;
const WAITING_SHARE_MAX: u64 = 8;
/// Allocations that are freed in one step: some tens of microseconds.
const STEP_ALLOCATIONS: usize = 512;

/// The collections that leave.
#[derive(Debug)]
pub(super) struct Leaving {
    collections: VecDeque<Stored>,
    bytes: u64,
    bytes_max: u64,
}

impl Leaving {
    /// Nothing, of a shard whose memory is bounded so; 0: it is not.
    pub(super) fn within(maxmemory: u64) -> Leaving {
        let mut leaving = Leaving {
            collections: VecDeque::new(),
            bytes: 0,
            bytes_max: 0,
        };
        leaving.set_maxmemory(maxmemory);
        leaving
    }

    /// Another bound of the shard's memory.
    pub(super) fn set_maxmemory(&mut self, maxmemory: u64) {
        self.bytes_max = match maxmemory {
            0 => WAITING_BYTES_MAX,
            bound => WAITING_BYTES_MAX.min(bound / WAITING_SHARE_MAX),
        };
    }

    /// The bytes that are still there.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many collections are still there.
    pub(super) fn len(&self) -> usize {
        self.collections.len()
    }

    /// Frees `stored`, in steps where it is large.
    pub(super) fn take(&mut self, stored: Stored) {
        let bytes = stored.bytes();
        if bytes > AT_ONCE_BYTES && self.bytes <= self.bytes_max {
            self.bytes += bytes as u64;
            self.collections.push_back(stored);
        }
    }

    /// Frees a part of what there is; whether more is left.
    pub(super) fn step(&mut self) -> bool {
        if let Some(stored) = self.collections.front_mut() {
            let before = stored.bytes() as u64;
            if stored.dismantle(STEP_ALLOCATIONS) {
                self.bytes = self.bytes - before + stored.bytes() as u64;
            } else {
                self.bytes -= before;
                self.collections.pop_front();
            }
        }
        !self.collections.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Collection, Limits, List};

    fn list(elements: usize) -> Stored {
        let mut list = List::new(Limits::default().list);
        (0..elements).for_each(|_| list.push_back(&[7; 100]));
        list.into_stored()
    }

    #[test]
    fn what_is_large_leaves_in_steps_and_its_bytes_with_it() {
        let mut leaving = Leaving::within(0);
        leaving.take(list(10));
        assert_eq!((leaving.bytes(), leaving.len()), (0, 0));
        for _ in 0..2 {
            leaving.take(list(100_000));
        }
        let (all, mut steps) = (leaving.bytes(), 0);
        assert!(all > 20_000_000 && leaving.len() == 2);
        let mut before = all;
        while leaving.step() {
            steps += 1;
            // A chunk of a list is 8 KiB.
            let freed = before - leaving.bytes();
            assert!(
                freed > 0 && freed <= STEP_ALLOCATIONS as u64 * (9 << 10),
                "{freed}"
            );
            before = leaving.bytes();
        }
        assert!(steps >= 4, "{steps}");
        assert_eq!((leaving.bytes(), leaving.len()), (0, 0));
    }

    #[test]
    fn little_waits_where_memory_is_bounded() {
        let mut leaving = Leaving::within(8 << 20);
        for _ in 0..4 {
            leaving.take(list(100_000));
        }
        assert_eq!(leaving.len(), 1);
        leaving.set_maxmemory(0);
        leaving.take(list(100_000));
        assert_eq!(leaving.len(), 2);
    }
}
