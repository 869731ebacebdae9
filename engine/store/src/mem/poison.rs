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

/// That the sanitizer ends the program where it should: each mistake is made in a process of its own.
#[cfg(all(test, asan))]
mod tests {
    use std::hint::black_box;
    use std::process::Command;

    use crate::mem::{Arena, ItemId, ItemKind, NewItem};

    fn item(arena: &mut Arena, value: &[u8]) -> ItemId {
        let new = NewItem {
            kind: ItemKind::String,
            database: 0,
            key: b"key",
            value,
            expires: None,
            tag: None,
            entry: None,
            mark: 0,
        };
        arena.insert(&new).unwrap()
    }

    #[test]
    #[ignore = "it ends the program: `mistakes_end_the_program` runs it in one of its own (`just sanitize`)"]
    fn reads_a_freed_item() {
        let mut arena = Arena::new().unwrap();
        let (short, long) = (item(&mut arena, b"short"), item(&mut arena, &[7; 100_000]));
        arena.retire(short);
        arena.retire(long);
        if std::env::var("MISTAKE").unwrap() == "short" {
            black_box(arena.own(short).key().len());
        } else {
            black_box(arena.own(long).key().len());
        }
    }

    #[test]
    #[ignore = "it ends the program: `mistakes_end_the_program` runs it in one of its own (`just sanitize`)"]
    fn reads_past_an_item() {
        let mut arena = Arena::new().unwrap();
        let value = if std::env::var("MISTAKE").unwrap() == "short" {
            vec![7; 6]
        } else {
            vec![7; 100_000]
        };
        let id = item(&mut arena, &value);
        let read = arena.own(id).value();
        // SAFETY: none: this is the mistake. The byte lies in the block, behind the item.
        black_box(unsafe { *read.as_ptr().add(read.len()) });
    }

    #[test]
    fn mistakes_end_the_program() {
        for mistake in ["reads_a_freed_item", "reads_past_an_item"] {
            for size in ["short", "long"] {
                let name = format!("mem::poison::tests::{mistake}");
                let mut made = Command::new(std::env::current_exe().unwrap());
                made.args(["--exact", &name, "--include-ignored"]);
                let ended = made.env("MISTAKE", size).output().unwrap();
                let told = String::from_utf8_lossy(&ended.stderr);
                assert!(!ended.status.success(), "{mistake}, {size}");
                assert!(
                    told.contains("use-after-poison"),
                    "{mistake}, {size}: {told}"
                );
            }
        }
    }
}
