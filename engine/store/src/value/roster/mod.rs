//! Rosters: what hashes, sets and sorted sets become when they are large.
//!
//! ```text
//!   name ─hash─► directory: tag ─► place          pages: 64 places each
//!                (bounded steps)     │            ┌────────────────────────────┐
//!                                    └──────────► │ entry │ entry │ entry │ …  │
//!                                                 └────────────────────────────┘
//! ```
//!
//! An entry is a run of bytes that holds its own name ([`Form`]). Entries have the places 0, 1, 2, … without a
//! gap: a new one comes last, and the last one goes to where one was removed. So a place drawn at random is an
//! entry drawn at random, pages are full but for the last one, and the order depends on what was done and not on
//! a hash function. No change touches more than a page of 64 entries and a segment or two of the directory,
//! however large the roster is.
//!
//! It knows neither small forms nor orders.

mod ahead;
mod chunks;
mod directory;
mod far;
mod group;
pub(super) mod names;
mod page;
mod segment;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;

pub use ahead::Ahead;
use chunks::Chunks;
use directory::Directory;
use page::{ENTRIES, Page};

/// Where an entry has its name.
pub trait Form {
    /// The name in `entry`.
    fn name(entry: &[u8]) -> &[u8];
}

/// Entries by name and by place.
#[derive(Clone, Debug)]
pub struct Roster<F> {
    pages: Chunks<Page>,
    directory: Directory,
    len: usize,
    /// What the pages own on the heap.
    pages_bytes: usize,
    form: PhantomData<F>,
}

/// That a name is not there, and what was learnt when it was looked for.
#[derive(Clone, Copy, Debug)]
pub struct Vacant {
    hash: u64,
}

impl<F: Form> Roster<F> {
    /// An empty one.
    pub fn new() -> Roster<F> {
        Roster {
            pages: Chunks::default(),
            directory: Directory::new(),
            len: 0,
            pages_bytes: 0,
            form: PhantomData,
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The bytes that it takes on the heap, its own among them. Whoever changes something asks twice.
    #[inline]
    pub fn bytes(&self) -> usize {
        super::allocation(size_of::<Self>())
            + self.pages_bytes
            + self.pages.bytes()
            + self.directory.bytes()
    }

    /// The place of `name`, or what [`Roster::push`] wants to know.
    ///
    /// # Errors
    /// `name` is not there.
    #[inline]
    pub fn look(&self, name: &[u8]) -> Result<usize, Vacant> {
        let hash = names::hash(name);
        let is = |place: u32| F::name(self.entry(place as usize)) == name;
        match self.directory.find(hash, is) {
            Some(place) => Ok(place as usize),
            None => Err(Vacant { hash }),
        }
    }

    /// The entry in `place`, which is below the length.
    #[inline]
    pub fn entry(&self, place: usize) -> &[u8] {
        self.pages.get(place / ENTRIES).entry(place % ENTRIES)
    }

    /// As [`Roster::entry`], to change all but the name.
    #[inline]
    pub fn entry_mut(&mut self, place: usize) -> &mut [u8] {
        self.pages
            .get_mut(place / ENTRIES)
            .entry_mut(place % ENTRIES)
    }

    /// Adds the entry that `parts` are one after the other, in the last place. Its name was looked for, and
    /// nothing has changed since.
    pub fn push(&mut self, vacant: Vacant, parts: &[&[u8]]) {
        let place = self.len;
        if place.is_multiple_of(ENTRIES) {
            // The entries of a collection are often of one length.
            let page = match self.pages.last() {
                Some(full) => Page::alike(full),
                None => Page::default(),
            };
            self.pages_bytes += page.bytes();
            self.pages.push(page);
        }
        self.change(place / ENTRIES, |page| page.push(parts));
        self.len += 1;
        let pages = &self.pages;
        let place = u32::try_from(place).expect("a collection has fewer than 2^32 entries");
        self.directory
            .insert(vacant.hash, place, &|place| hash_of::<F>(pages, place));
    }

    /// Puts the entry that `parts` are, which has the same name, where another was.
    pub fn replace(&mut self, place: usize, parts: &[&[u8]]) {
        self.change(place / ENTRIES, |page| page.replace(place % ENTRIES, parts));
    }

    /// Removes the entry in `place`; the last one moves there.
    pub fn remove(&mut self, place: usize) {
        let (last, pages) = (self.len - 1, &self.pages);
        let hash_at = |place: u32| hash_of::<F>(pages, place);
        let (gone, from) = (place as u32, last as u32);
        self.directory.remove(hash_at(gone), gone, &hash_at);
        if place != last {
            self.directory.rename(hash_at(from), from, gone);
        }
        let taken = self.change(last / ENTRIES, Page::pop);
        if place != last {
            self.change(place / ENTRIES, |page| page.put(place % ENTRIES, taken));
        }
        self.len = last;
        if last.is_multiple_of(ENTRIES)
            && let Some(page) = self.pages.pop()
        {
            self.pages_bytes -= page.bytes();
        }
    }

    /// Every entry, by place.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.pages.iter().flat_map(Page::entries)
    }

    /// A part of the entries, `count` or fewer with their places, and where to go on: 0 begins and means the end.
    ///
    /// Every entry that is there from the first call to the last is shown at least once, whatever changes in
    /// between. The places are visited from the last to the first: a new entry comes after all places, and a
    /// removed one is replaced by the last one, which was shown already or is moved to where the scan has yet to
    /// come.
    pub fn scan<'a>(&'a self, cursor: u64, count: usize, mut each: impl FnMut(&'a [u8])) -> u64 {
        let len = self.len as u64;
        let end = if cursor == 0 { len } else { cursor.min(len) };
        let start = end.saturating_sub(count as u64);
        for place in (start..end).rev() {
            each(self.entry(place as usize));
        }
        start
    }

    /// Frees some of what is left of a roster that is not used any more, `allocations` or a page more; whether
    /// anything remains.
    pub fn dismantle(&mut self, allocations: usize) -> bool {
        let mut freed = 0;
        while freed < allocations {
            if let Some(page) = self.pages.pop() {
                freed += page.allocations();
                self.pages_bytes -= page.bytes();
            } else if self.directory.dismantle() {
                freed += 1;
            } else {
                break;
            }
        }
        self.len = 0;
        freed >= allocations
    }

    /// Changes a page, and keeps the account of its bytes.
    fn change<R>(&mut self, page: usize, change: impl FnOnce(&mut Page) -> R) -> R {
        let page = self.pages.get_mut(page);
        let before = page.bytes();
        let result = change(page);
        self.pages_bytes = self.pages_bytes - before + page.bytes();
        result
    }
}

fn hash_of<F: Form>(pages: &Chunks<Page>, place: u32) -> u64 {
    let place = place as usize;
    names::hash(F::name(pages.get(place / ENTRIES).entry(place % ENTRIES)))
}
