//! A chunk of a list: elements packed into one buffer that grows at both ends.
//!
//! ```text
//!         start
//! ┌──────┬─┴───────────────────┬─────────────────────┬─ ─ ─ ─ ─
//! │ free │ len │ element │ len │ len │ element │ len │  capacity
//! └──────┴─────────────────────┴─────────────────────┴─ ─ ─ ─ ─
//! ```
//!
//! An element's length stands before it in groups of seven bits, and after it with the groups reversed,
//! so that a chunk is read in both directions. Places are bytes from `start`. A chunk does not know its
//! neighbours: what it cannot hold is the list's to place.

use std::ops::Range;

use seawall_sys::map::prefetch;

use crate::value::limits::Fill;
use crate::value::{allocation, length};

/// The least capacity of a chunk.
const CAPACITY_MIN: usize = 32;
/// Up to this capacity a chunk doubles; past it it grows by as much.
const CAPACITY_DOUBLED_MAX: usize = 4096;

/// The bytes that an element of `len` bytes takes in a chunk.
pub(super) fn entry_bytes(len: usize) -> usize {
    len + 2 * length::size(len)
}

/// A packed run of elements.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Chunk {
    /// How many elements there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The bytes of the elements.
    pub(super) fn used(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// The bytes that it has room for, free ones at its front counted.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// The bytes that the chunk takes on the heap.
    pub(super) fn heap(&self) -> usize {
        allocation(self.bytes.capacity())
    }

    /// Whether an entry of `size` bytes is to be put at the front of this chunk.
    pub(super) fn accepts_front(&self, size: usize, fill: Fill) -> bool {
        let cheap = self.start >= size || self.bytes.capacity() < fill.bytes();
        let used = self.used() + size;
        fill.holds(self.len + 1, used) && (cheap || self.len == 0 || used <= fill.eased_bytes())
    }

    /// As [`Chunk::accepts_front`], at the back.
    pub(super) fn accepts_back(&self, size: usize, fill: Fill) -> bool {
        let cheap = self.bytes.len() + size <= fill.bytes();
        let used = self.used() + size;
        fill.holds(self.len + 1, used) && (cheap || self.len == 0 || used <= fill.eased_bytes())
    }

    /// Asks the processor to fetch where the next element would come to at the front.
    pub(super) fn fetch_front(&self) {
        prefetch(self.bytes.as_ptr().wrapping_add(self.start).wrapping_sub(1));
    }

    /// As [`Chunk::fetch_front`], at the back.
    pub(super) fn fetch_back(&self) {
        prefetch(self.bytes.as_ptr().wrapping_add(self.bytes.len()));
    }

    /// Whether an entry of `size` bytes fits anywhere in this chunk.
    pub(super) fn accepts(&self, size: usize, fill: Fill) -> bool {
        fill.holds(self.len + 1, self.used() + size)
    }

    /// Puts `value` before all others.
    pub(super) fn push_front(&mut self, value: &[u8]) {
        let size = entry_bytes(value.len());
        if self.start < size {
            let capacity = self.capacity_for(self.used() + size);
            self.place(capacity, capacity - self.used());
        }
        self.start -= size;
        write(&mut self.bytes[self.start..self.start + size], value);
        self.len += 1;
    }

    /// Puts `value` behind all others.
    pub(super) fn push_back(&mut self, value: &[u8]) {
        self.insert(self.used(), value);
    }

    /// Puts `value` at `place`.
    pub(super) fn insert(&mut self, place: usize, value: &[u8]) {
        let size = entry_bytes(value.len());
        self.open(place, size);
        let at = self.start + place;
        write(&mut self.bytes[at..at + size], value);
        self.len += 1;
    }

    /// Puts `value` in the place of the element at `place`.
    pub(super) fn replace(&mut self, place: usize, value: &[u8]) {
        let old = entry_bytes(self.read(place).0.len());
        let new = entry_bytes(value.len());
        if new > old {
            self.open(place, new - old);
        } else {
            self.close(place, old - new);
        }
        let at = self.start + place;
        write(&mut self.bytes[at..at + new], value);
        self.shrink();
    }

    /// Removes the elements with these numbers.
    pub(super) fn remove(&mut self, elements: Range<usize>) {
        let begin = self.place_of(elements.start);
        let mut end = begin;
        if elements.end == self.len {
            end = self.used();
        } else {
            for _ in elements.clone() {
                end = self.read(end).1;
            }
        }
        self.len -= elements.len();
        self.close(begin, end - begin);
        self.shrink();
    }

    /// Removes elements that equal `value`, the first `skip` of them left out, `most` at most; how many.
    pub(super) fn remove_equal(&mut self, value: &[u8], skip: usize, most: usize) -> usize {
        let (mut read, mut kept, mut met, mut removed) = (0, 0, 0, 0);
        while read < self.used() && removed < most {
            let (element, end) = self.read(read);
            let equal = element == value;
            met += usize::from(equal);
            if equal && met > skip {
                removed += 1;
            } else {
                let from = self.start + read..self.start + end;
                if read != kept {
                    self.bytes.copy_within(from, self.start + kept);
                }
                kept += end - read;
            }
            read = end;
        }
        self.len -= removed;
        self.close(kept, read - kept);
        if removed > 0 {
            self.shrink();
        }
        removed
    }

    /// Takes the elements from number `element` on out, as a chunk of their own.
    pub(super) fn split_off(&mut self, element: usize) -> Chunk {
        let at = self.start + self.place_of(element);
        let tail = Chunk {
            bytes: self.bytes[at..].to_vec(),
            start: 0,
            len: self.len - element,
        };
        self.bytes.truncate(at);
        self.len = element;
        self.shrink();
        tail
    }

    /// Puts the elements of `other` behind all others.
    pub(super) fn append(&mut self, other: &Chunk) {
        let place = self.used();
        self.open(place, other.used());
        let at = self.start + place;
        self.bytes[at..].copy_from_slice(&other.bytes[other.start..]);
        self.len += other.len;
    }

    /// The element at `place`, and the place of the next one.
    pub(super) fn read(&self, place: usize) -> (&[u8], usize) {
        let entry = &self.bytes[self.start + place..];
        let (len, before) = length::read(entry.iter());
        (&entry[before..before + len], place + before * 2 + len)
    }

    /// The element that ends at `place`, and where it begins.
    pub(super) fn read_back(&self, place: usize) -> (&[u8], usize) {
        let entries = &self.bytes[self.start..self.start + place];
        let (len, after) = length::read(entries.iter().rev());
        let end = place - after;
        (&entries[end - len..end], end - len - after)
    }

    /// Where element number `element` begins; where the last ends for the number past it.
    pub(super) fn place_of(&self, element: usize) -> usize {
        if element <= self.len / 2 {
            return (0..element).fold(0, |place, _| self.read(place).1);
        }
        (element..self.len).fold(self.used(), |place, _| self.read_back(place).1)
    }

    /// Makes room for `size` bytes at `place`.
    fn open(&mut self, place: usize, size: usize) {
        let (used, end) = (self.used(), self.bytes.len());
        if end + size > self.bytes.capacity() {
            let capacity = self.capacity_for(used + size);
            // What was popped from the front is shared between both ends.
            let front = if self.start == 0 {
                0
            } else {
                (capacity - used - size) / 2
            };
            self.place(capacity, front);
        }
        let (at, end) = (self.start + place, self.bytes.len());
        self.bytes.resize(end + size, 0);
        self.bytes.copy_within(at..end, at + size);
    }

    /// Takes `size` bytes at `place` out.
    fn close(&mut self, place: usize, size: usize) {
        let at = self.start + place;
        if place == 0 {
            self.start += size;
        } else if size > 0 {
            self.bytes.copy_within(at + size.., at);
            self.bytes.truncate(self.bytes.len() - size);
        }
    }

    /// A capacity that holds `bytes`: what there is, or more than is asked for.
    fn capacity_for(&self, bytes: usize) -> usize {
        if bytes <= self.bytes.capacity() {
            return self.bytes.capacity();
        }
        match bytes {
            _ if bytes <= CAPACITY_DOUBLED_MAX => bytes.next_power_of_two().max(CAPACITY_MIN),
            // Most that begin so large hold the one element.
            _ if self.len == 0 => bytes,
            _ => bytes.next_multiple_of(CAPACITY_DOUBLED_MAX),
        }
    }

    /// Lets the elements begin at `start` of a buffer of `capacity` bytes at least.
    fn place(&mut self, capacity: usize, start: usize) {
        let used = self.used();
        if capacity > self.bytes.capacity() {
            let mut bytes = Vec::with_capacity(capacity);
            bytes.resize(start, 0);
            bytes.extend_from_slice(&self.bytes[self.start..]);
            self.bytes = bytes;
        } else {
            if start > self.start {
                self.bytes.resize(start + used, 0);
            }
            self.bytes.copy_within(self.start..self.start + used, start);
            self.bytes.truncate(start + used);
        }
        self.start = start;
    }

    /// Gives memory back where three quarters of it are free.
    fn shrink(&mut self) {
        let used = self.used();
        if self.bytes.capacity() > CAPACITY_MIN && used < self.bytes.capacity() / 4 {
            let mut bytes = Vec::with_capacity((used * 2).max(CAPACITY_MIN));
            bytes.extend_from_slice(&self.bytes[self.start..]);
            self.bytes = bytes;
            self.start = 0;
        }
    }
}

/// Writes an entry into `slot`, which has its size.
fn write(slot: &mut [u8], value: &[u8]) {
    let groups = length::size(value.len());
    let last = slot.len() - 1;
    for i in 0..groups {
        let byte = length::group(value.len(), i);
        slot[i] = byte;
        slot[last - i] = byte;
    }
    slot[groups..groups + value.len()].copy_from_slice(value);
}
