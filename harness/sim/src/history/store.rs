//! Memory for much of the same: what grows without being moved, and what is forgotten from the front.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::ops::{Index, IndexMut};

/// Things that stay, in pieces: a vector that doubles would copy all of them, and need three times the memory
/// meanwhile.
#[derive(Debug)]
pub(super) struct Chunked<T> {
    chunks: Vec<Vec<T>>,
}

/// Things of one chunk.
const CHUNK: usize = 4096;

impl<T> Default for Chunked<T> {
    fn default() -> Chunked<T> {
        Chunked { chunks: Vec::new() }
    }
}

impl<T> Chunked<T> {
    pub(super) fn push(&mut self, item: T) {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(item),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(item);
                self.chunks.push(chunk);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        let last = self.chunks.last().map_or(0, Vec::len);
        self.chunks.len().saturating_sub(1) * CHUNK + last
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }
}

impl<T> Index<usize> for Chunked<T> {
    type Output = T;
    fn index(&self, at: usize) -> &T {
        &self.chunks[at / CHUNK][at % CHUNK]
    }
}

impl<T> IndexMut<usize> for Chunked<T> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.chunks[at / CHUNK][at % CHUNK]
    }
}

/// Where some bytes are kept in [`Bytes`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// From 1 on, so that where nothing is kept takes no room of its own.
    chunk: NonZeroU32,
    from: u32,
    len: u32,
}

/// Many short strings of bytes, one after the other.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    chunks: Vec<Vec<u8>>,
}

/// Bytes of one chunk, where no single string is longer.
const CHUNK_BYTES: usize = 1 << 20;

impl Bytes {
    pub(super) fn keep(&mut self, bytes: &[u8]) -> Kept {
        let has_room = |chunk: &Vec<u8>| chunk.len() + bytes.len() <= chunk.capacity();
        if !self.chunks.last().is_some_and(has_room) {
            self.chunks
                .push(Vec::with_capacity(CHUNK_BYTES.max(bytes.len())));
        }
        let number = self.chunks.len();
        let from = self.chunks[number - 1].len();
        self.chunks[number - 1].extend_from_slice(bytes);
        let chunk = u32::try_from(number).ok().and_then(NonZeroU32::new);
        Kept {
            chunk: chunk.expect("there is a chunk, and memory for fewer than 32 bits count"),
            from: from as u32,
            len: bytes.len() as u32,
        }
    }

    pub(super) fn get(&self, kept: Kept) -> &[u8] {
        let from = kept.from as usize;
        &self.chunks[kept.chunk.get() as usize - 1][from..from + kept.len as usize]
    }
}

/// Things by their number, of which the first are forgotten.
#[derive(Debug)]
pub(crate) struct Window<T> {
    items: VecDeque<T>,
    /// How many were forgotten.
    first: usize,
}

impl<T> Default for Window<T> {
    fn default() -> Window<T> {
        Window {
            items: VecDeque::new(),
            first: 0,
        }
    }
}

impl<T> Window<T> {
    /// Appends a thing and gives its number.
    pub(super) fn push(&mut self, item: T) -> usize {
        self.items.push_back(item);
        self.end() - 1
    }

    /// The oldest that is known.
    pub(super) fn front(&self) -> Option<&T> {
        self.items.front()
    }

    pub(super) fn forget_front(&mut self) {
        self.first += usize::from(self.items.pop_front().is_some());
    }

    /// Whether the thing with this number is known still.
    pub(super) fn knows(&self, number: usize) -> bool {
        number >= self.first
    }

    /// The number of the next thing.
    pub(super) fn end(&self) -> usize {
        self.first + self.items.len()
    }

    /// All that are known, with their numbers, from the newest on.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = (usize, &T)> {
        (self.first..self.end()).zip(&self.items).rev()
    }
}

impl<T> Index<usize> for Window<T> {
    type Output = T;
    fn index(&self, number: usize) -> &T {
        &self.items[number - self.first]
    }
}

impl<T> IndexMut<usize> for Window<T> {
    fn index_mut(&mut self, number: usize) -> &mut T {
        &mut self.items[number - self.first]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_where_it_is() {
        let (mut numbers, mut bytes) = (Chunked::default(), Bytes::default());
        let lengths = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES + 1, 7];
        let kept: Vec<Kept> = lengths
            .iter()
            .map(|len| bytes.keep(&vec![*len as u8; *len]))
            .collect();
        for (kept, len) in kept.iter().zip(lengths) {
            assert_eq!(bytes.get(*kept), vec![len as u8; len]);
        }
        for number in 0..2 * CHUNK + 3 {
            assert_eq!(numbers.len(), number);
            numbers.push(number);
        }
        assert!(numbers.iter().copied().eq(0..2 * CHUNK + 3));
        assert_eq!(numbers[CHUNK], CHUNK);
    }

    #[test]
    fn numbers_stay_when_the_first_are_forgotten() {
        let mut window = Window::default();
        for number in 0..10 {
            assert_eq!(window.push(number * 10), number);
        }
        window.forget_front();
        window.forget_front();
        assert_eq!((window.knows(1), window.knows(2)), (false, true));
        assert_eq!((window[2], window[9]), (20, 90));
        assert_eq!(window.front(), Some(&20));
        assert_eq!(window.newest_first().count(), 8);
    }
}
