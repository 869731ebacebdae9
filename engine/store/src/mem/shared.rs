//! Handles on the items of an arena: of those who read on other cores, and of the owner's policy.
//!
//! The arena itself allocates and frees; these only look, and keep the range where they look.
#![expect(unsafe_code, reason = "the owner looks at marks without a guard")]

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use crossbeam_epoch::Guard;

use super::ItemId;
use super::item::Item;
use super::range::Range;

/// A reader's handle on the items of an arena.
#[derive(Clone, Debug)]
pub struct SharedItems {
    range: Arc<Range>,
    /// Its count tells the arena whether there are readers.
    _reader: Arc<()>,
}

impl SharedItems {
    /// A reader of the items in `range`; `readers` counts them.
    pub(super) fn new(range: &Arc<Range>, readers: &Arc<()>) -> SharedItems {
        SharedItems {
            range: Arc::clone(range),
            _reader: Arc::clone(readers),
        }
    }

    /// The item `id`; see [`Range::item`].
    #[inline]
    pub fn item<'g>(&'g self, id: ItemId, guard: &'g Guard) -> Item<'g> {
        self.range.item(id, guard)
    }

    /// As [`SharedItems::item`], where it is of this key in this database.
    #[inline]
    pub fn item_of<'g>(
        &'g self,
        id: ItemId,
        key: (u8, &[u8]),
        guard: &'g Guard,
    ) -> Option<Item<'g>> {
        self.range.item_of(id, key, guard)
    }

    /// Asks the processor to fetch the first `bytes` of item `id`.
    #[inline]
    pub fn prefetch(&self, id: ItemId, bytes: usize) {
        self.range.prefetch(id, bytes);
    }
}

/// The owner's handle on the marks of items that are in the index.
#[derive(Debug)]
pub struct ItemMarks(Arc<Range>);

impl ItemMarks {
    /// Of the items in `range`.
    pub(super) fn new(range: &Arc<Range>) -> ItemMarks {
        ItemMarks(Arc::clone(range))
    }

    /// The mark of item `id`, which is in the index.
    pub fn of(&self, id: ItemId) -> &AtomicU32 {
        // SAFETY: the guard only lives through this call. The owner alone holds this handle and alone
        // releases items, and none while a policy looks at its mark.
        let guard = unsafe { crossbeam_epoch::unprotected() };
        self.0.item(id, guard).mark()
    }
}
