//! The heap of a program whose allocator is mimalloc: who allocates or frees is kept from what takes long.
//!
//! Two things do. *Giving memory back*: mimalloc does it in passing, for all that was freed since a second, so that
//! one request in a while waits for hundreds of system calls. And the *first touch of a huge page*: mimalloc asks for
//! them everywhere, so that whoever is the first to need a few bytes of one waits until 2 MiB were found and cleared.
//! Here a thread of low priority gives back what is free, and pages are small until one's whole 2 MiB are in use: then
//! the thread puts a huge page in their place (`MADV_COLLAPSE`, Linux 6.1), and whoever touches them meanwhile
//! waits for a copy. That holds for the allocator's first GiB; further ones are as it makes them.
#![expect(
    unsafe_code,
    reason = "mimalloc, madvise and mincore are foreign calls"
)]

use std::fs;
use std::io;
use std::ops::Range;
use std::time::Duration;

use libmimalloc_sys::{mi_collect, mi_option_set, mi_option_t};

use crate::map::{HUGE_PAGE_BYTES, page_bytes};
use crate::pin;

/// How long mimalloc is to keep what was freed, in milliseconds (`mi_option_purge_delay`, which the crate does not name).
const PURGE_DELAY: mi_option_t = 15;
/// Longer than it is ever left to it.
const NEVER_MS: i64 = 365 * 24 * 3_600 * 1_000;
/// Between two looks at what is in use.
const PAUSE: Duration = Duration::from_millis(250);
/// Every so many looks memory is given back: once a second.
const LOOKS: u32 = 4;
/// The most huge pages that one look makes.
const HUGE_MAX: usize = 32;

/// Keeps whoever allocates from stalls, from now on. To be called early, once.
///
/// # Errors
/// The system grants no thread, or does not tell where memory lies; then nothing changes.
pub fn tend() -> io::Result<()> {
    let mut heap = Heap::around(Box::new(0_u8).as_ref())?;
    let all = heap.mapping.clone();
    std::thread::Builder::new()
        .name("heap".to_owned())
        .spawn(move || {
            // Where the system refuses, it is only more in the way.
            let _ = pin::stand_back();
            for look in 1_u32.. {
                std::thread::sleep(PAUSE);
                if look % LOOKS == 0 {
                    // SAFETY: any thread may ask for it at any time.
                    unsafe { mi_collect(true) };
                }
                heap.join_pages();
            }
        })?;
    // SAFETY: an option of the allocator's, which reads it whenever it is about to give memory back.
    unsafe { mi_option_set(PURGE_DELAY, NEVER_MS) };
    // Where it is refused, pages come as before.
    let _ = advise(&all, libc::MADV_NOHUGEPAGE);
    Ok(())
}

/// The part of the heap that is looked after.
struct Heap {
    mapping: Range<usize>,
    /// By number of the 2 MiB in the mapping: whether a huge page was tried.
    tried: Vec<bool>,
    /// What is resident of one of them, a byte a page.
    resident: Vec<u8>,
}

impl Heap {
    /// Where `value` lies.
    fn around<T>(value: &T) -> io::Result<Heap> {
        let mapping = mapping_of(value)?;
        Ok(Heap {
            tried: vec![false; mapping.len() / HUGE_PAGE_BYTES],
            resident: vec![0; HUGE_PAGE_BYTES / page_bytes()],
            mapping,
        })
    }

    /// Puts huge pages where all small ones are in use, some of them.
    fn join_pages(&mut self) {
        let first = self.mapping.start.next_multiple_of(HUGE_PAGE_BYTES);
        let blocks = (first..self.mapping.end).step_by(HUGE_PAGE_BYTES);
        let mut left = HUGE_MAX;
        for (number, begin) in blocks.enumerate() {
            let block = begin..begin + HUGE_PAGE_BYTES;
            if left == 0 || block.end > self.mapping.end {
                return;
            }
            if self.tried[number] || !is_resident(&block, &mut self.resident) {
                continue;
            }
            self.tried[number] = true;
            left -= 1;
            // What is given back of it one day returns as small pages. Each call may be refused, by an older kernel or
            // for want of memory; then small pages stay.
            let _ = advise(&block, libc::MADV_HUGEPAGE);
            let _ = advise(&block, libc::MADV_COLLAPSE);
            let _ = advise(&block, libc::MADV_NOHUGEPAGE);
        }
    }
}

/// Gives the kernel advice on `part` of the heap.
fn advise(part: &Range<usize>, advice: libc::c_int) -> io::Result<()> {
    let at = std::ptr::without_provenance_mut(part.start);
    // SAFETY: the advice that is given here changes no contents.
    let status = unsafe { libc::madvise(at, part.len(), advice) };
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Whether every page of `part` is there; `pages` has room for a byte of each.
fn is_resident(part: &Range<usize>, pages: &mut [u8]) -> bool {
    assert!(pages.len() >= part.len() / page_bytes());
    let at = std::ptr::without_provenance_mut(part.start);
    // SAFETY: it writes one byte a page, for which there is room, and reads nothing of the part.
    let status = unsafe { libc::mincore(at, part.len(), pages.as_mut_ptr()) };
    status == 0 && pages.iter().all(|page| page & 1 == 1)
}

/// The addresses of the mapping in which `value` lies.
fn mapping_of<T>(value: &T) -> io::Result<Range<usize>> {
    let path = "/proc/self/maps";
    let address = std::ptr::from_ref(value).addr();
    let maps = fs::read_to_string(path)?;
    let found = maps.lines().filter_map(addresses);
    found
        .into_iter()
        .find(|range| range.contains(&address))
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{path} lacks {address:x}")))
}

/// Those of a line of `/proc/PID/maps` (proc(5)).
fn addresses(line: &str) -> Option<Range<usize>> {
    let (start, rest) = line.split_once('-')?;
    let (end, _) = rest.split_once(' ')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some(number(start)?..number(end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

    #[test]
    fn a_mapping_is_found_by_what_lies_in_it() {
        let (value, other) = (7_u8, Box::new(7_u8));
        for value in [&value, &*other] {
            let range = mapping_of(value).unwrap();
            assert!(range.contains(&std::ptr::from_ref(value).addr()));
        }
        let line = "7f20a000-7f20b000 rw-p 00000000 00:00 0 ";
        assert_eq!(addresses(line), Some(0x7f20_a000..0x7f20_b000));
        for wrong in ["", "7f20a000", "7f-", "x-y z"] {
            assert_eq!(addresses(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_used_stays_while_the_rest_is_given_back_and_pages_are_joined() {
        tend().unwrap();
        let filled = |n: u32| n.to_le_bytes().repeat(10_000);
        let kept: Vec<Vec<u8>> = (0..500).map(filled).collect();
        drop((0..500).map(filled).collect::<Vec<_>>());
        // SAFETY: any thread may ask for it at any time.
        unsafe { mi_collect(true) };
        let mut heap = Heap::around(&kept[250][0]).unwrap();
        heap.join_pages();
        // 20 MB in use fill some of them.
        assert!(heap.tried.iter().any(|tried| *tried));
        for (n, bytes) in kept.iter().enumerate() {
            assert!(*bytes == filled(n as u32), "{n}");
        }
    }
}
