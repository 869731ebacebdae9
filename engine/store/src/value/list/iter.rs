//! Going over a list from either end.

use std::collections::VecDeque;

use super::chunk::Chunk;

/// A place between two elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    /// The number of the chunk.
    pub(super) chunk: usize,
    /// The place in it.
    pub(super) place: usize,
}

/// The elements between two places, in order or, from the back, against it.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    pub(super) chunks: &'a VecDeque<Chunk>,
    pub(super) front: Cursor,
    pub(super) back: Cursor,
    pub(super) left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let mut chunk = &self.chunks[self.front.chunk];
        if self.front.place == chunk.used() {
            self.front.chunk += 1;
            self.front.place = 0;
            chunk = &self.chunks[self.front.chunk];
        }
        let (element, end) = chunk.read(self.front.place);
        self.front.place = end;
        Some(element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    fn next_back(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        if self.back.place == 0 {
            self.back.chunk -= 1;
            self.back.place = self.chunks[self.back.chunk].used();
        }
        let (element, begin) = self.chunks[self.back.chunk].read_back(self.back.place);
        self.back.place = begin;
        Some(element)
    }
}

impl ExactSizeIterator for Iter<'_> {}
