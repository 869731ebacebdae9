//! Lists: elements in order, pushed and popped at both ends.
//!
//! A list is a deque of chunks, each a packed buffer of some kilobytes: an element costs two bytes
//! besides its own, an end is reached in constant time, and a change in the middle moves no more than
//! one chunk. What a chunk holds is settled when the list is made ([`Fill`]). A short list is a single small chunk. (The idea is that of Redis's quicklist; the bytes
//! are not.)

mod chunk;
mod iter;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ops::Range;

use chunk::{Chunk, entry_bytes};
use iter::Cursor;
pub use iter::Iter;
use seawall_sys::map::prefetch;

use super::limits::Fill;
use super::{Collection, Limits, Stored, allocation, in_common};

/// A list.
#[derive(Clone, Debug, Default)]
pub struct List {
    chunks: VecDeque<Chunk>,
    len: usize,
    /// What the chunks take on the heap.
    heap: usize,
    /// What a chunk holds.
    fill: Fill,
}

impl List {
    /// No elements; a chunk will hold as many as `fill` says.
    pub fn new(fill: Fill) -> List {
        List {
            fill,
            ..List::default()
        }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many buffers hold them.
    pub fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// Puts `value` before all others.
    pub fn push_front(&mut self, value: &[u8]) {
        let size = entry_bytes(value.len());
        if !self
            .chunks
            .front()
            .is_some_and(|c| c.accepts_front(size, self.fill))
        {
            self.add_chunk(0, Chunk::default());
        }
        self.change(0, |chunk| chunk.push_front(value));
        self.len += 1;
    }

    /// Puts `value` behind all others.
    pub fn push_back(&mut self, value: &[u8]) {
        let size = entry_bytes(value.len());
        if !self
            .chunks
            .back()
            .is_some_and(|c| c.accepts_back(size, self.fill))
        {
            self.add_chunk(self.chunks.len(), Chunk::default());
        }
        self.change(self.chunks.len() - 1, |chunk| chunk.push_back(value));
        self.len += 1;
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        (index < self.len).then(|| {
            let (number, element) = self.find(index);
            let chunk = &self.chunks[number];
            chunk.read(chunk.place_of(element)).0
        })
    }

    /// Puts `value` in the place of the element at `index`, which is below the length.
    pub fn set(&mut self, index: usize, value: &[u8]) {
        let (number, element) = self.find(index);
        let chunk = &self.chunks[number];
        let place = chunk.place_of(element);
        let old = entry_bytes(chunk.read(place).0.len());
        let used = chunk.used() - old + entry_bytes(value.len());
        if self.fill.holds(chunk.len(), used) {
            self.change(number, |chunk| chunk.replace(place, value));
        } else {
            self.remove(index..index + 1);
            self.insert(index, value);
        }
    }

    /// Puts `value` before the element at `index`; behind all where there is none.
    pub fn insert(&mut self, index: usize, value: &[u8]) {
        if index == 0 {
            return self.push_front(value);
        }
        if index >= self.len {
            return self.push_back(value);
        }
        let size = entry_bytes(value.len());
        let (mut number, mut element) = self.find(index);
        if !self.chunks[number].accepts(size, self.fill) {
            if element > 0 {
                let tail = self.change(number, |chunk| chunk.split_off(element));
                number += 1;
                self.add_chunk(number, tail);
            }
            // It goes between two chunks: into either, or into one of its own.
            element = 0;
            if self.chunks[number - 1].accepts(size, self.fill) {
                number -= 1;
                element = self.chunks[number].len();
            } else if !self.chunks[number].accepts(size, self.fill) {
                self.add_chunk(number, Chunk::default());
            }
        }
        self.change(number, |chunk| {
            let place = chunk.place_of(element);
            chunk.insert(place, value);
        });
        self.len += 1;
    }

    /// Removes the elements at these indices, which are not past the end.
    pub fn remove(&mut self, indices: Range<usize>) {
        if indices.is_empty() {
            return;
        }
        let (first, mut element) = self.find(indices.start);
        let (mut number, mut left) = (first, indices.len());
        self.len -= left;
        // Whole chunks in the midst go at once.
        let mut gone = first..first;
        while left > 0 {
            let len = self.chunks[number].len();
            let taken = left.min(len - element);
            if taken == len {
                if gone.is_empty() {
                    gone = number..number;
                }
                gone.end = number + 1;
            } else {
                self.change(number, |chunk| chunk.remove(element..element + taken));
            }
            left -= taken;
            element = 0;
            number += 1;
        }
        for chunk in self.chunks.drain(gone) {
            self.heap -= chunk.heap();
        }
        self.shrink();
        self.merge(first);
    }

    /// Removes elements that equal `value`, `most` at most, from the front or from the back; how many.
    pub fn remove_equal(&mut self, value: &[u8], most: usize, from_back: bool) -> usize {
        let (mut left, chunks) = (most, self.chunks.len());
        for i in 0..chunks {
            if left == 0 {
                break;
            }
            let number = if from_back { chunks - 1 - i } else { i };
            let skip = if from_back {
                self.count_equal(number, value).saturating_sub(left)
            } else {
                0
            };
            left -= self.change(number, |chunk| chunk.remove_equal(value, skip, left));
        }
        let removed = most - left;
        if removed > 0 {
            self.len -= removed;
            self.pack();
        }
        removed
    }

    /// All elements, in order.
    pub fn iter(&self) -> Iter<'_> {
        self.range(0..self.len)
    }

    /// The elements at these indices, which are not past the end.
    pub fn range(&self, indices: Range<usize>) -> Iter<'_> {
        Iter {
            chunks: &self.chunks,
            front: self.cursor(indices.start),
            back: self.cursor(indices.end),
            left: indices.len(),
        }
    }

    fn cursor(&self, index: usize) -> Cursor {
        if index == self.len {
            let chunk = self.chunks.len().saturating_sub(1);
            let place = self.chunks.back().map_or(0, Chunk::used);
            return Cursor { chunk, place };
        }
        let (chunk, element) = self.find(index);
        let place = self.chunks[chunk].place_of(element);
        Cursor { chunk, place }
    }

    /// The chunk that holds the element at `index`, which is below the length, and its number there.
    fn find(&self, index: usize) -> (usize, usize) {
        if index <= self.len / 2 {
            let mut left = index;
            for (number, chunk) in self.chunks.iter().enumerate() {
                if left < chunk.len() {
                    return (number, left);
                }
                left -= chunk.len();
            }
        } else {
            let mut left = self.len - index;
            for (number, chunk) in self.chunks.iter().enumerate().rev() {
                if left <= chunk.len() {
                    return (number, chunk.len() - left);
                }
                left -= chunk.len();
            }
        }
        unreachable!("the chunks hold as many elements as the list")
    }

    fn count_equal(&self, number: usize, value: &[u8]) -> usize {
        let chunk = &self.chunks[number];
        let mut place = 0;
        let elements = std::iter::from_fn(|| {
            (place < chunk.used()).then(|| {
                let (element, end) = chunk.read(place);
                place = end;
                element
            })
        });
        elements.filter(|element| *element == value).count()
    }

    /// Changes a chunk, and keeps account of its memory.
    fn change<R>(&mut self, number: usize, change: impl FnOnce(&mut Chunk) -> R) -> R {
        let chunk = &mut self.chunks[number];
        let before = chunk.capacity();
        let result = change(chunk);
        if chunk.capacity() != before {
            self.heap = self.heap - allocation(before) + chunk.heap();
        }
        result
    }

    fn add_chunk(&mut self, number: usize, chunk: Chunk) {
        if self.chunks.is_empty() {
            // Most lists are short: one chunk is all that they need.
            self.chunks.reserve_exact(1);
        }
        self.heap += chunk.heap();
        self.chunks.insert(number, chunk);
    }

    /// Makes chunk `number` and its neighbours one, where they are small.
    fn merge(&mut self, number: usize) {
        for left in [number, number.wrapping_sub(1)] {
            let (Some(a), Some(b)) = (self.chunks.get(left), self.chunks.get(left.wrapping_add(1)))
            else {
                continue;
            };
            if self.fill.merges(a.len() + b.len(), a.used() + b.used()) {
                let tail = self.chunks.remove(left + 1).expect("it was just seen");
                self.heap -= tail.heap();
                self.change(left, |chunk| chunk.append(&tail));
            }
        }
    }

    /// Drops empty chunks and merges small ones, over the whole list.
    fn pack(&mut self) {
        let old = std::mem::take(&mut self.chunks);
        self.heap = 0;
        for chunk in old {
            if chunk.len() == 0 {
                continue;
            }
            match self.chunks.back() {
                Some(last)
                    if (self.fill).merges(last.len() + chunk.len(), last.used() + chunk.used()) =>
                {
                    self.change(self.chunks.len() - 1, |last| last.append(&chunk));
                }
                _ => self.add_chunk(self.chunks.len(), chunk),
            }
        }
    }

    /// Gives memory of the deque back where most chunks are gone.
    fn shrink(&mut self) {
        if self.chunks.len() < self.chunks.capacity() / 4 {
            self.chunks.shrink_to(self.chunks.len() * 2);
        }
    }
}

impl List {
    /// Asks the processor to fetch what says where both ends are.
    pub(super) fn fetch(&self) {
        for end in [self.chunks.front(), self.chunks.back()] {
            prefetch(end.map_or(std::ptr::null(), std::ptr::from_ref).cast());
        }
    }

    /// Asks the processor to fetch both ends.
    pub(super) fn fetch_ends(&self) {
        if let Some(chunk) = self.chunks.front() {
            chunk.fetch_front();
        }
        if let Some(chunk) = self.chunks.back() {
            chunk.fetch_back();
        }
    }
}

impl<'a> IntoIterator for &'a List {
    type Item = &'a [u8];
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl Collection for List {
    fn new(limits: &Limits) -> List {
        List::new(limits.list)
    }
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
    fn bytes(&self) -> usize {
        self.heap + allocation(self.chunks.capacity() * size_of::<Chunk>())
    }
    fn dismantle(&mut self, allocations: usize) -> bool {
        let kept = self.chunks.len().saturating_sub(allocations);
        for chunk in self.chunks.drain(kept..) {
            self.heap -= chunk.heap();
            self.len -= chunk.len();
        }
        kept > 0
    }
    in_common!(List);
}
