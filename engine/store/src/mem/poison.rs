//! What `AddressSanitizer` is told of a range, where it watches (`just sanitize`): bytes of no item.
//!
//! To it a range is one mapping, all of which may be touched. With what is told here, whoever reads an item
//! that was freed, or reads or writes past the end of one, ends the program. In any other build there is
//! nothing here.
#![cfg_attr(
    asan,
    expect(unsafe_code, reason = "the sanitizer's functions are C's")
)]
#![cfg_attr(
    not(asan),
    expect(clippy::unused_self, reason = "nothing watches in this build")
)]

use super::range::Range;

#[cfg(asan)]
unsafe extern "C" {
    fn __asan_poison_memory_region(at: *const u8, bytes: usize);
    fn __asan_unpoison_memory_region(at: *const u8, bytes: usize);
}

/// What is forbidden in one range.
#[derive(Debug, Default)]
pub(super) struct Poison {
    /// How many bytes from the front, and from the end, ever had something forbidden.
    #[cfg(asan)]
    front: usize,
    #[cfg(asan)]
    end: usize,
}

#[cfg(not(asan))]
impl Poison {
    /// Nobody may touch these bytes until they are allowed.
    #[inline]
    pub(super) fn forbid(&mut self, _: &Range, _: usize, _: usize) {}

    /// These bytes belong to somebody.
    #[inline]
    pub(super) fn allow(&self, _: &Range, _: usize, _: usize) {}

    /// The range goes back to the system, and its addresses to whoever maps something next.
    #[inline]
    pub(super) fn end(&self, _: &Range) {}
}

#[cfg(asan)]
impl Poison {
    pub(super) fn forbid(&mut self, range: &Range, offset: usize, bytes: usize) {
        if offset < range.len() / 2 {
            self.front = self.front.max(offset + bytes);
        } else {
            self.end = self.end.max(range.len() - offset);
        }
        // SAFETY: it changes what the sanitizer knows of these bytes, and none of them.
        unsafe { __asan_poison_memory_region(range.at(offset).as_ptr(), bytes) }
    }

    pub(super) fn allow(&self, range: &Range, offset: usize, bytes: usize) {
        // SAFETY: as above.
        unsafe { __asan_unpoison_memory_region(range.at(offset).as_ptr(), bytes) }
    }

    pub(super) fn end(&self, range: &Range) {
        self.allow(range, 0, self.front);
        self.allow(range, range.len() - self.end, self.end);
    }
}
