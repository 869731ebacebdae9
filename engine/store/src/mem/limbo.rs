//! Limbo: items that left the index and that a reader may still be reading.
//!
//! Ids are retired in batches, since one deferred call per item would cost several times what the
//! replacement itself does. A batch that is sealed defers one call, which sets a flag once every
//! guard that was pinned before is gone; the owner polls the flag and reuses the memory. Crossbeam
//! runs the call on whichever thread collects, so nothing but the flag crosses threads.

use std::collections::VecDeque;
use std::sync::Arc;

use super::ItemId;
use crate::sync::{AtomicBool, Ordering};

/// A batch is sealed when it holds so many items ...
const BATCH_ITEMS: usize = 64;
/// ... or so many bytes.
const BATCH_BYTES: u64 = if cfg!(miri) { 1 << 10 } else { 64 << 10 };

#[derive(Debug)]
struct Batch {
    ids: Vec<ItemId>,
    bytes: u64,
    passed: Arc<AtomicBool>,
}

/// The retired items of one arena.
#[derive(Debug, Default)]
pub(super) struct Limbo {
    open: Vec<ItemId>,
    open_bytes: u64,
    sealed: VecDeque<Batch>,
    bytes: u64,
    spare: Vec<Vec<ItemId>>,
}

impl Limbo {
    /// The bytes that wait.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes in `id`, an item of `bytes`, which is no longer in the index.
    pub(super) fn retire(&mut self, id: ItemId, bytes: u64) {
        self.open.push(id);
        self.open_bytes += bytes;
        self.bytes += bytes;
        if self.open.len() >= BATCH_ITEMS || self.open_bytes >= BATCH_BYTES {
            self.seal();
        }
    }

    /// Closes the open batch, so that it can pass.
    pub(super) fn seal(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let passed = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&passed);
        let guard = crossbeam_epoch::pin();
        // Release: pairs with the acquire in `take_passed`; what readers did before they unpinned
        // happened before this call (by the epoch), and so before the memory is reused.
        guard.defer(move || flag.store(true, Ordering::Release));
        guard.flush();
        let next = self.spare.pop().unwrap_or_default();
        self.sealed.push_back(Batch {
            ids: std::mem::replace(&mut self.open, next),
            bytes: std::mem::take(&mut self.open_bytes),
            passed,
        });
    }

    /// Whether no reader can see the oldest batch any more.
    #[inline]
    pub(super) fn has_passed(&self) -> bool {
        // Acquire: pairs with the release in the deferred call.
        (self.sealed.front()).is_some_and(|batch| batch.passed.load(Ordering::Acquire))
    }

    /// Hands every id of the oldest batch to `free` if no reader can see it any more; whether so.
    pub(super) fn take_passed(&mut self, mut free: impl FnMut(ItemId)) -> bool {
        if !self.has_passed() {
            return false;
        }
        let mut batch = self.sealed.pop_front().expect("it was just seen");
        batch.ids.drain(..).for_each(&mut free);
        self.bytes -= batch.bytes;
        if self.spare.len() < 4 {
            self.spare.push(batch.ids);
        }
        true
    }

    /// Whether sealed batches wait.
    pub(super) fn is_waiting(&self) -> bool {
        !self.sealed.is_empty()
    }
}

/// Every interleaving of a reader with a writer that replaces what it reads, retires it, and uses its
/// memory again as soon as it may, by loom; crossbeam's epochs are modelled with it.
#[cfg(all(test, loom))]
mod loom_model {
    use std::sync::Arc;

    use loom::cell::UnsafeCell;
    use loom::thread;

    use super::Limbo;
    use crate::index::Index;
    use crate::mem::ItemId;

    fn id(number: u32) -> ItemId {
        ItemId::from_bits(number).unwrap()
    }

    /// What two ids stand for.
    struct Memory([UnsafeCell<u32>; 2]);

    // SAFETY: the cells are loom's, which refuse a write that is not ordered with every read.
    #[expect(unsafe_code, reason = "loom looks at every access")]
    unsafe impl Sync for Memory {}

    #[expect(unsafe_code, reason = "loom looks at every access")]
    impl Memory {
        fn read(&self, id: u32) -> u32 {
            // SAFETY: see `Memory`.
            self.0[id as usize - 1].with(|cell| unsafe { *cell })
        }

        fn reuse(&self, id: u32) {
            // SAFETY: see `Memory`.
            self.0[id as usize - 1].with_mut(|cell| unsafe { *cell = 99 });
        }
    }

    #[test]
    fn loom_nothing_is_reused_while_it_is_read() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let memory = Arc::new(Memory([UnsafeCell::new(1), UnsafeCell::new(2)]));
            let mut index = Index::new().unwrap();
            index.insert(1, id(1), |_| 1);
            let (table, seen) = (Arc::clone(index.table()), Arc::clone(&memory));
            let reader = thread::spawn(move || {
                let guard = crossbeam_epoch::pin();
                let found = table.find(1, |_| true).unwrap().bits();
                assert_eq!(seen.read(found), found);
                drop(guard);
            });
            let mut limbo = Limbo::default();
            let (place, old) = index.find(1, |_| true).unwrap();
            index.replace(place, id(2));
            limbo.retire(old, 1);
            limbo.seal();
            for _ in 0..3 {
                crossbeam_epoch::pin().flush();
                limbo.take_passed(|id| memory.reuse(id.bits()));
            }
            reader.join().unwrap();
        });
    }
}
