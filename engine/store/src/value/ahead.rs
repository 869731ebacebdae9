//! Looking ahead in collections: what a call will read is fetched in steps, each of which waits for what the one
//! before it asked for. Who has many calls takes each step for all of them before the next.
//!
//! It changes nothing and answers nothing; a step that is left out costs time and nothing else.

use seawall_sys::map::prefetch;

use super::Stored;
use super::roster::Ahead;

impl Stored {
    /// Asks the processor to fetch what the collection says of where its entries are.
    #[inline]
    pub(crate) fn fetch(&self) {
        match self {
            Stored::Hash(hash) => hash.fetch(),
            Stored::List(list) => list.fetch(),
            Stored::Set(set) => set.fetch(),
            Stored::SortedSet(set) => set.fetch(),
        }
    }

    /// Begins to look for `entry` in a large collection. Of a list it asks the processor to fetch its ends, whatever
    /// `entry` is, and that is all.
    #[inline]
    pub(crate) fn ahead(&self, entry: &[u8]) -> Option<Ahead<'_>> {
        match self {
            Stored::Hash(hash) => hash.ahead(entry),
            Stored::Set(set) => set.ahead(entry),
            Stored::SortedSet(set) => set.ahead(entry),
            Stored::List(list) => {
                list.fetch_ends();
                None
            }
        }
    }
}

/// Asks the processor to fetch what is searched from its front; it goes on by itself.
pub(super) fn fetch_front(bytes: &[u8]) {
    const LINE: usize = 64;
    prefetch(bytes.as_ptr());
    prefetch(bytes.as_ptr().wrapping_add(LINE));
}
