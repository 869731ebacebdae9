//! A vector that grows without moving what it holds: a vector of chunks, of which all but the first are made at
//! their full size.
//!
//! Moving a vector of a megabyte takes longer than a command may. It grows, shrinks and swaps at its end alone.

use crate::value::allocation;

/// The values of a chunk. What is larger than 8 KiB costs the allocator a page of 512 KiB for the first of its
/// size, so a chunk is not to be.
const CHUNK: usize = 128;

#[derive(Clone, Debug)]
pub(super) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
    /// What the chunks take on the heap.
    bytes: usize,
}

impl<T> Default for Chunks<T> {
    fn default() -> Chunks<T> {
        Chunks {
            chunks: Vec::new(),
            bytes: 0,
        }
    }
}

impl<T> Chunks<T> {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        match self.chunks.last() {
            Some(last) => (self.chunks.len() - 1) * CHUNK + last.len(),
            None => 0,
        }
    }

    /// What the chunks take on the heap.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[inline]
    pub(super) fn get(&self, i: usize) -> &T {
        &self.chunks[i / CHUNK][i % CHUNK]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, i: usize) -> &mut T {
        &mut self.chunks[i / CHUNK][i % CHUNK]
    }

    pub(super) fn last(&self) -> Option<&T> {
        self.chunks.last()?.last()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }

    pub(super) fn push(&mut self, value: T) {
        if self.chunks.last().is_none_or(|last| last.len() == CHUNK) {
            let room = if self.chunks.is_empty() { 1 } else { CHUNK };
            grow(&mut self.chunks, Vec::with_capacity(room));
            self.recount();
        }
        if let Some(last) = self.chunks.last_mut()
            && grow(last, value)
        {
            self.recount();
        }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let last = self.chunks.last_mut()?;
        let value = last.pop();
        if last.is_empty() {
            self.chunks.pop();
            ease(&mut self.chunks);
            self.recount();
        } else if self.chunks.len() == 1 && ease(&mut self.chunks[0]) {
            self.recount();
        }
        value
    }

    /// All chunks but the first have the same room.
    fn recount(&mut self) {
        let chunk = |chunk: &Vec<T>| allocation(chunk.capacity() * size_of::<T>());
        let rest = self.chunks.len().saturating_sub(1) * allocation(CHUNK * size_of::<T>());
        self.bytes = allocation(self.chunks.capacity() * size_of::<Vec<T>>())
            + self.chunks.first().map_or(0, chunk)
            + rest;
    }

    /// Takes the value in place `i` out; the last one moves there.
    pub(super) fn swap_remove(&mut self, i: usize) -> Option<T> {
        let last = self.pop()?;
        if i == self.len() {
            return Some(last);
        }
        Some(std::mem::replace(self.get_mut(i), last))
    }
}

/// Pushes with room for one first, then for twice as many; whether more room was made.
fn grow<T>(values: &mut Vec<T>, value: T) -> bool {
    let full = values.len() == values.capacity();
    if full {
        values.reserve_exact(values.len().max(1));
    }
    values.push(value);
    full
}

/// Gives room back where less than a quarter is used; whether it did.
fn ease<T>(values: &mut Vec<T>) -> bool {
    let loose = values.len() < values.capacity() / 4;
    if loose {
        values.shrink_to(values.len() * 2);
    }
    loose
}
