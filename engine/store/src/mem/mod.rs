//! Memory: where a shard's items live, and the only unsafe code of the store.
//!
//! ```text
//!  Arena (owner only)                        Range (shared)
//!   ├─ classes   size classes, 2 MiB chunks ─► chunks grow up from the bottom ...
//!   ├─ extents   runs of pages for the rest ─► ... extents grow down from the top
//!   ├─ limbo     ids that readers may still see
//!   └─ ahead     pages for what comes next, asked for by a thread that has time
//! ```
//!
//! One range of virtual memory is reserved per shard, so an item's name ([`ItemId`]) is its offset
//! and nobody keeps pointers: index and policies are safe code. **Every dereference is one function**,
//! [`range::Range::item`], which takes the epoch guard that keeps the item from being reused. What is
//! published does not change, except the header's atomic words.
//!
//! The contract with the rest of this crate, which the type system does not hold by itself: an id is
//! dereferenced under a guard that was pinned before the id was taken from the index, or through the
//! owner's [`Arena::own`], whose borrow forbids any release meanwhile; and an id is retired once, after
//! it left the index. Index, keyspace and sessions are the only users of this module.

mod ahead;
mod arena;
mod class;
mod equal;
mod extent;
mod item;
mod limbo;
mod lines;
mod poison;
mod range;
mod shared;
mod tags;
#[cfg(all(test, not(loom)))]
mod tests;

pub use ahead::{Asked, Edge, Populator};
pub use arena::{AHEAD_BYTES_MAX, Arena, Full};
pub use item::{HEADER_BYTES, Item, ItemKind, NewItem, Tag};
pub use lines::{Line, Lines};
pub use shared::{ItemMarks, SharedItems};
pub use tags::{equal_bytes, equal_tops};

/// The bytes of one granule: the unit of [`ItemId`]s.
pub const GRANULE: usize = 4;
/// The most bytes of items that a shard can hold: what 32 bits of granules can name.
pub const SHARD_BYTES_MAX: usize = GRANULE << 32;

/// Where an item lies: its offset in the shard's range, in granules. Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(std::num::NonZeroU32);

impl ItemId {
    /// The id with these bits, as [`ItemId::bits`] gave them; `None` for 0.
    pub fn from_bits(bits: u32) -> Option<ItemId> {
        std::num::NonZeroU32::new(bits).map(ItemId)
    }

    /// The id as a number above 0.
    pub fn bits(self) -> u32 {
        self.0.get()
    }

    fn offset(self) -> usize {
        self.bits() as usize * GRANULE
    }
}
