//! Looking ahead for a name: what a search of it will read is fetched, a wait for memory at a time.
//!
//! ```text
//!   the roster ─► groups of the directory ─► page ─► ends and entry
//!      begin              fetch_page         fetch_entry
//! ```
//!
//! Who looks for many names takes each step for all of them before the next, so that the waits overlap. Nothing
//! of it is an answer: a place is that of a tag alone, and names are not compared.

use seawall_sys::map::prefetch;

use super::chunks::Chunks;
use super::names;
use super::page::{ENTRIES, Page};
use super::segment::Segment;
use super::{Form, Roster};

/// A name that is looked for, and how far.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<'a> {
    hash: u64,
    pages: &'a Chunks<Page>,
    segment: &'a Segment,
    /// The page that most likely has the entry, and the spot there; the last one, to which a new entry would
    /// come, where there seems to be none.
    page: Option<(&'a Page, usize)>,
}

impl<F: Form> Roster<F> {
    /// Asks the processor to fetch the roster itself.
    pub(in crate::value) fn fetch(&self) {
        const LINE: usize = 64;
        let begin = std::ptr::from_ref(self).cast::<u8>();
        for at in (0..size_of::<Self>()).step_by(LINE) {
            prefetch(begin.wrapping_add(at));
        }
        prefetch(begin.wrapping_add(size_of::<Self>() - 1));
    }

    /// Begins to look for `name`: the processor is asked to fetch what of the directory knows it.
    pub(in crate::value) fn ahead(&self, name: &[u8]) -> Ahead<'_> {
        let hash = names::hash(name);
        let segment = self.directory.segment(hash);
        segment.fetch(hash);
        if let Some(last) = self.pages.last() {
            prefetch(std::ptr::from_ref(last).cast());
        }
        Ahead {
            hash,
            pages: &self.pages,
            segment,
            page: None,
        }
    }
}

impl Ahead<'_> {
    /// Asks the processor to fetch the page.
    pub(crate) fn fetch_page(&mut self) {
        let place = self.segment.find(self.hash, |_| true);
        self.page = match place {
            Some(place) => {
                let page = self.pages.get(place as usize / ENTRIES);
                prefetch(std::ptr::from_ref(page).cast());
                Some((page, place as usize % ENTRIES))
            }
            None => self.pages.last().map(|page| (page, ENTRIES)),
        };
    }

    /// Asks the processor to fetch the entry.
    pub(crate) fn fetch_entry(&self) {
        if let Some((page, spot)) = self.page {
            page.fetch(spot);
        }
    }
}
