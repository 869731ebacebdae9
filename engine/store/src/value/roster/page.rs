//! A page: up to 64 entries, one after the other in one allocation.
//!
//! ```text
//!  ends    4    9    12              two bytes each; an entry begins where the one before it ends
//!          │    │    │
//!  bytes ┌────┬─────┬───┐
//!        │ 0  │  1  │ 2 │            the bytes of an entry that is far are not here: it ends where it begins
//!        └────┴─────┴───┘
//! ```
//!
//! A change moves what lies behind it, at most 16 KiB, because longer entries are kept [far](super::far).

use seawall_sys::map::prefetch;
use smallvec::SmallVec;

use super::far::Far;
use crate::value::allocation;

/// The most entries.
pub(super) const ENTRIES: usize = 64;
/// The longest entry among its neighbours. Ends fit into two bytes: 64 × 256 is less than 2^16.
const NEAR_BYTES_MAX: usize = 256;

#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    bytes: Vec<u8>,
    ends: Vec<u16>,
    far: Option<Box<Far>>,
}

/// An entry that is on its way from one place to another.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack, for a moment"
)]
pub(super) enum Taken {
    Near(SmallVec<[u8; NEAR_BYTES_MAX]>),
    Far(Box<[u8]>),
}

impl Page {
    /// An empty page with room for what `full` holds.
    pub(super) fn alike(full: &Page) -> Page {
        Page {
            bytes: Vec::with_capacity(allocation(full.bytes.len())),
            ends: Vec::with_capacity(ENTRIES),
            far: None,
        }
    }

    /// What the page owns on the heap.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        allocation(self.bytes.capacity())
            + allocation(self.ends.capacity() * size_of::<u16>())
            + self.far.as_ref().map_or(0, |far| far.bytes())
    }

    /// How many allocations the page is.
    pub(super) fn allocations(&self) -> usize {
        2 + self.far.as_ref().map_or(0, |far| 2 + far.len())
    }

    /// The entry in `spot`, which is below the number of entries.
    #[inline]
    pub(super) fn entry(&self, spot: usize) -> &[u8] {
        let far = self.far.as_ref().and_then(|far| far.get(spot));
        far.unwrap_or_else(|| {
            let (begin, end) = self.bounds(spot);
            &self.bytes[begin..end]
        })
    }

    /// As [`Page::entry`], to change.
    #[inline]
    pub(super) fn entry_mut(&mut self, spot: usize) -> &mut [u8] {
        let (begin, end) = self.bounds(spot);
        let far = self.far.as_mut().and_then(|far| far.get_mut(spot));
        far.unwrap_or(&mut self.bytes[begin..end])
    }

    /// Asks the processor to fetch the entry in `spot`, or where the next one comes to where there is no such
    /// entry. Where it begins is guessed: entries are often of one length.
    pub(super) fn fetch(&self, spot: usize) {
        let (spots, len) = (self.ends.len(), self.bytes.len());
        let spot = spot.min(spots);
        prefetch(self.ends.as_ptr().wrapping_add(spot).cast());
        let begin = self.bytes.as_ptr();
        let at = begin.wrapping_add(len * spot / spots.max(1));
        prefetch(at);
        prefetch(at.wrapping_add(len / spots.max(1)));
    }

    /// The entries by spot.
    pub(super) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).map(|spot| self.entry(spot))
    }

    /// Adds an entry in the last spot; a page with its last entry gives back the room that was held for more.
    pub(super) fn push(&mut self, parts: &[&[u8]]) {
        let spot = self.ends.len();
        self.ends.push(self.bytes.len() as u16);
        let len = total(parts);
        if len <= NEAR_BYTES_MAX {
            self.reserve(self.bytes.len() + len);
            for part in parts {
                self.bytes.extend_from_slice(part);
            }
            self.ends[spot] = self.bytes.len() as u16;
        } else {
            self.far
                .get_or_insert_default()
                .set(spot, parts.concat().into());
        }
        if spot + 1 == ENTRIES {
            self.fit();
        }
    }

    /// Makes what `parts` are the entry in `spot`.
    pub(super) fn replace(&mut self, spot: usize, parts: &[&[u8]]) {
        let len = total(parts);
        if len > NEAR_BYTES_MAX {
            return self.put(spot, Taken::Far(parts.concat().into()));
        }
        self.leave_far(spot);
        self.resize(spot, len);
        let (mut at, _) = self.bounds(spot);
        for part in parts {
            self.bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
    }

    /// Puts an entry into `spot`, where another was.
    pub(super) fn put(&mut self, spot: usize, taken: Taken) {
        match taken {
            Taken::Near(entry) => self.replace(spot, &[&entry]),
            Taken::Far(entry) => {
                self.resize(spot, 0);
                self.far.get_or_insert_default().set(spot, entry);
            }
        }
    }

    /// Takes the last entry out; there is one.
    pub(super) fn pop(&mut self) -> Taken {
        let spot = self.ends.len() - 1;
        let (begin, end) = self.bounds(spot);
        let taken = match self.leave_far(spot) {
            Some(entry) => Taken::Far(entry),
            None => Taken::Near(SmallVec::from_slice(&self.bytes[begin..end])),
        };
        self.ends.pop();
        self.bytes.truncate(begin);
        self.ease();
        taken
    }

    #[inline]
    fn bounds(&self, spot: usize) -> (usize, usize) {
        let begin = match spot.checked_sub(1) {
            Some(before) => self.ends[before],
            None => 0,
        };
        (begin.into(), self.ends[spot].into())
    }

    /// Makes the near part of `spot` so long, whatever it holds then.
    fn resize(&mut self, spot: usize, len: usize) {
        let (begin, end) = self.bounds(spot);
        let (new_end, all) = (begin + len, self.bytes.len());
        match new_end.cmp(&end) {
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Less => {
                self.bytes.copy_within(end.., new_end);
                self.bytes.truncate(all - (end - new_end));
                let by = (end - new_end) as u16;
                self.ends[spot..].iter_mut().for_each(|end| *end -= by);
                self.ease();
            }
            std::cmp::Ordering::Greater => {
                let more = new_end - end;
                self.reserve(all + more);
                self.bytes.resize(all + more, 0);
                self.bytes.copy_within(end..all, new_end);
                let by = more as u16;
                self.ends[spot..].iter_mut().for_each(|end| *end += by);
            }
        }
    }

    /// Takes an entry that is far out.
    fn leave_far(&mut self, spot: usize) -> Option<Box<[u8]>> {
        let far = self.far.as_mut()?;
        let entry = far.take(spot);
        if far.len() == 0 {
            self.far = None;
        }
        entry
    }

    /// Makes room for `len` bytes in all, and for what the allocator gives with them.
    fn reserve(&mut self, len: usize) {
        if len > self.bytes.capacity() {
            self.bytes.reserve_exact(allocation(len) - self.bytes.len());
        }
    }

    /// Gives room back where half of it is not used.
    fn ease(&mut self) {
        if self.bytes.len() < self.bytes.capacity() / 2 {
            self.fit();
        }
    }

    /// Gives room back where the allocator has a use for it.
    fn fit(&mut self) {
        let fitting = allocation(self.bytes.len());
        if fitting < self.bytes.capacity() {
            self.bytes.shrink_to(fitting);
        }
    }
}

fn total(parts: &[&[u8]]) -> usize {
    parts.iter().map(|part| part.len()).sum()
}
