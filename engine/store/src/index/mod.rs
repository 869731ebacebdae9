//! The index: which item has this hash. One writer, any reader, no locks.
//!
//! ```text
//!  line = 8 atomic words   tags 0-7 | tags 8-11, link | ids 0,1 | 2,3 | 4,5 | 6,7 | 8,9 | 10,11
//!  half = 4 atomic words   tags 0-4 | ids 0,1 | 2,3 | id 4, link
//!  primary lines  0 .. buckets         linear hashing, one bucket split at a time
//!  overflow halves 1 .. , by link      where a bucket holds more than 12
//!  shape          buckets << 32 | version
//! ```
//!
//! Buckets are split one by one, so those that wait for it have up to twice the entries of the others, and
//! what overflows is mostly an entry or two: half a line for these, rather than a whole one, saves an eighth
//! of the index.
//!
//! A tag is 8 bits of the hash, never 0; 0 is an empty slot. Whoever searches compares the key of
//! each item whose tag fits, so a stale tag or id costs a comparison and is never wrong. What could
//! be wrong is a **miss** while an entry moves. So an entry that moves is published in its new place
//! first, then the shape changes, and only then the old place is cleared; and a reader that found
//! nothing looks at the shape again and searches anew if it changed.
//!
//! | the writer's store (release)           | pairs with the reader's load (acquire)              |
//! |----------------------------------------|-----------------------------------------------------|
//! | id into a slot, then its tag           | tags, then the id: the item's bytes are seen whole  |
//! | entries of a new bucket, then shape    | shape: a bucket that is counted is filled           |
//! | shape, then clearing the old place     | the cleared word, then shape: the change is noticed |
//!
//! The index holds ids and knows no item: hashes and comparisons are its callers' functions.

mod table;
mod walk;
mod writer;

#[cfg(all(test, loom))]
mod loom_model;
#[cfg(all(test, not(loom)))]
mod tests;

pub use table::{Bucket, Table};
pub use walk::{CURSOR_BITS, position};
pub use writer::{Index, Place};
