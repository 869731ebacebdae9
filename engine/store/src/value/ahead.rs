//! Looking ahead in collections: what a call will read is fetched in steps, each of which waits for what the one
//! before it asked for. Who has many calls takes each step for all of them before the next.
//!
//! It changes nothing and answers nothing; a step that is left out costs time and nothing else.

use seawall_sys::map::prefetch;

use super::{Stored, roster};

/// How far it was looked ahead for an entry of a collection.
pub enum Ahead<'a> {
    /// A large one, which has a directory.
    Roster(roster::Ahead<'a>),
    /// There is nothing more to be fetched.
    Done,
}

impl Stored {
    /// Asks the processor to fetch what the collection says of where its entries are.
    pub(crate) fn fetch(&self) {
        match self {
            Stored::Hash(hash) => hash.fetch(),
            Stored::List(list) => list.fetch(),
            Stored::Set(set) => set.fetch(),
            Stored::SortedSet(set) => set.fetch(),
        }
    }

    /// Begins to look for `entry`; of a list, for its ends.
    pub(crate) fn ahead(&self, entry: &[u8]) -> Ahead<'_> {
        let roster = match self {
            Stored::Hash(hash) => hash.ahead(entry),
            Stored::Set(set) => set.ahead(entry),
            Stored::SortedSet(set) => set.ahead(entry),
            Stored::List(list) => {
                list.fetch_ends();
                None
            }
        };
        roster.map_or(Ahead::Done, Ahead::Roster)
    }
}

impl Ahead<'_> {
    /// Asks the processor to fetch what says where the entry is.
    pub(crate) fn fetch_page(&mut self) {
        if let Ahead::Roster(ahead) = self {
            ahead.fetch_page();
        }
    }

    /// Asks the processor to fetch the entry.
    pub(crate) fn fetch_entry(&self) {
        if let Ahead::Roster(ahead) = self {
            ahead.fetch_entry();
        }
    }
}

/// Asks the processor to fetch what is searched from its front; it goes on by itself.
pub(super) fn fetch_front(bytes: &[u8]) {
    const LINE: usize = 64;
    prefetch(bytes.as_ptr());
    prefetch(bytes.as_ptr().wrapping_add(LINE));
}
