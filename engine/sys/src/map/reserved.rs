//! A range of anonymous memory, reserved at once and paid for page by page.
//!
//! The one idea: address space costs nothing, so an arena reserves what it may ever need and never
//! moves; a page takes memory when it is first written and gives it back when it is discarded. The
//! range begins and ends at multiples of 2 MiB, so that the kernel may back all of it with huge
//! pages. Who may read or write which byte when is not known here: that is the arena's contract.
#![expect(
    unsafe_code,
    reason = "mmap, madvise, mbind and munmap are foreign calls"
)]

use std::io;
use std::ops::Range;
use std::ptr::NonNull;

/// The size of a huge page, and the alignment of every [`Reserved`] range: 2 MiB.
pub const HUGE_PAGE_BYTES: usize = 2 << 20;

/// Nodes that a mask for `mbind` can name.
const NODES_MAX: usize = 1024;

/// A reserved range: readable and writable, zeroes until written, unmapped when dropped. Its pages are small until
/// huge ones are asked for, also where the system would give them unasked.
#[derive(Debug)]
pub struct Reserved {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the range belongs to this value alone and is not tied to the thread that made it.
unsafe impl Send for Reserved {}
// SAFETY: shared references give the address, the length and advice to the kernel; none of the safe
// methods reads or writes the range.
unsafe impl Sync for Reserved {}

impl Reserved {
    /// Reserves at least `bytes`, rounded up to a multiple of [`HUGE_PAGE_BYTES`].
    ///
    /// No memory is committed (`MAP_NORESERVE`).
    ///
    /// # Errors
    /// `InvalidInput` where `bytes` is 0 or rounds beyond the address space; what the kernel says
    /// otherwise (a limit on address space, most likely).
    pub fn new(bytes: usize) -> io::Result<Reserved> {
        let invalid = |why: &str| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("cannot reserve {bytes} bytes: {why}"),
            )
        };
        if bytes == 0 {
            return Err(invalid("a range has at least one byte"));
        }
        let (len, spacious) = bytes
            .checked_next_multiple_of(HUGE_PAGE_BYTES)
            .and_then(|len| Some((len, len.checked_add(HUGE_PAGE_BYTES)?)))
            .filter(|&(_, spacious)| isize::try_from(spacious).is_ok())
            .ok_or_else(|| invalid("it is more than the address space holds"))?;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory
        // that exists.
        let mapped = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                spacious,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if mapped == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = mapped.cast::<u8>();
        // The kernel aligns to small pages only: one huge page more was mapped, and what lies
        // before and behind the aligned part goes back.
        let before = start.align_offset(HUGE_PAGE_BYTES);
        let base = start.wrapping_add(before);
        unmap(start, before);
        unmap(base.wrapping_add(len), spacious - before - len);
        let base = NonNull::new(base).expect("the kernel maps nothing at address 0");
        let range = Reserved { base, len };
        // Where it is refused, the kernel knows no huge pages.
        let _ = range.advise(0..len, false);
        Ok(range)
    }

    /// Where the range begins: a multiple of [`HUGE_PAGE_BYTES`].
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// The length in bytes: a multiple of [`HUGE_PAGE_BYTES`].
    pub fn len(&self) -> usize {
        self.len
    }

    /// Always false: a range has at least one huge page.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Asks for huge pages in `range` (offsets in bytes) where `huge` (`MADV_HUGEPAGE`), else for small ones
    /// (`MADV_NOHUGEPAGE`), as far as its pages are touched from now on.
    ///
    /// # Errors
    /// `InvalidInput` where `range` is outside or not made of whole pages; `EINVAL` where the kernel was
    /// built without huge pages; the range serves as well, only slower.
    pub fn advise(&self, range: Range<usize>, huge: bool) -> io::Result<()> {
        let start = self.part(&range)?;
        let advice = if huge {
            libc::MADV_HUGEPAGE
        } else {
            libc::MADV_NOHUGEPAGE
        };
        // SAFETY: advice on a part of this value's own range; contents do not change.
        check(unsafe { libc::madvise(start.cast(), range.len(), advice) })
    }

    /// Puts memory behind `range` (offsets in bytes) as a first write would, without writing
    /// (`MADV_POPULATE_WRITE`, Linux 5.14): contents stay, whoever reads or writes them meanwhile.
    ///
    /// # Errors
    /// `InvalidInput` where `range` is outside or not made of whole pages; `EINVAL` where the kernel is
    /// older; `ENOMEM` where there is no memory.
    pub fn populate(&self, range: Range<usize>) -> io::Result<()> {
        let start = self.part(&range)?;
        // SAFETY: a part of this value's own range; contents do not change.
        check(unsafe { libc::madvise(start.cast(), range.len(), libc::MADV_POPULATE_WRITE) })
    }

    /// Puts huge pages in the place of small ones in `range` (offsets in bytes), as far as some are there
    /// (`MADV_COLLAPSE`, Linux 6.1): contents stay, and whoever touches them meanwhile waits.
    ///
    /// # Errors
    /// `InvalidInput` where `range` is outside or not made of whole pages; `EINVAL` where the kernel is older, where
    /// no page is there, or no huge one can be; `ENOMEM` or `EAGAIN` where there is no memory.
    pub fn collapse(&self, range: Range<usize>) -> io::Result<()> {
        let start = self.part(&range)?;
        // SAFETY: a part of this value's own range; contents do not change.
        check(unsafe { libc::madvise(start.cast(), range.len(), libc::MADV_COLLAPSE) })
    }

    /// Prefers memory of NUMA node `node` for pages not yet touched (`MPOL_PREFERRED`: where that
    /// node is full, the kernel takes the next one, rather than end the process).
    ///
    /// # Errors
    /// `InvalidInput` for a node above 1023; `EINVAL` for a node that has no memory; `ENOSYS` or
    /// `EPERM` where the kernel or a sandbox refuses the call.
    pub fn bind(&self, node: usize) -> io::Result<()> {
        const BITS: usize = u64::BITS as usize;
        if node >= NODES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("NUMA node {node} is out of range (0 to {})", NODES_MAX - 1),
            ));
        }
        let mut mask = [0u64; NODES_MAX / BITS];
        mask[node / BITS] |= 1 << (node % BITS);
        // SAFETY: the range is this value's own; the mask has as many bits as the call is told
        // (the kernel reads one bit fewer than `maxnode`, hence the one more), and contents of
        // memory do not change.
        let status = unsafe {
            libc::syscall(
                libc::SYS_mbind,
                self.base.as_ptr(),
                self.len,
                libc::MPOL_PREFERRED,
                mask.as_ptr(),
                NODES_MAX + 1,
                0,
            )
        };
        check(i32::from(status != 0))
    }

    /// Gives the pages of `range` (offsets in bytes) back: they read as zeroes afterwards.
    ///
    /// # Safety
    /// No reference into `range` may exist, and no other thread may read or write it during the
    /// call: bytes change under them.
    ///
    /// # Errors
    /// `InvalidInput` where `range` is outside or not made of whole pages.
    pub unsafe fn discard(&self, range: Range<usize>) -> io::Result<()> {
        let start = self.part(&range)?;
        // SAFETY: `range` lies within this value's mapping, and the caller vouches that nobody
        // looks at it.
        check(unsafe { libc::madvise(start.cast(), range.len(), libc::MADV_DONTNEED) })
    }

    /// Where `range` begins, which is made of whole pages of this value.
    fn part(&self, range: &Range<usize>) -> io::Result<*mut u8> {
        let page = page_bytes();
        if range.start > range.end
            || range.end > self.len
            || !range.start.is_multiple_of(page)
            || !range.end.is_multiple_of(page)
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{range:?} is no part: whole pages of {page} bytes within 0..{} are accepted",
                    self.len
                ),
            ));
        }
        Ok(self.base.as_ptr().wrapping_add(range.start))
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        unmap(self.base.as_ptr(), self.len);
    }
}

/// The size of a small page in bytes.
pub(crate) fn page_bytes() -> usize {
    // SAFETY: no argument, no memory.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).expect("Linux always knows its page size")
}

fn unmap(start: *mut u8, len: usize) {
    if len > 0 {
        // SAFETY: called with parts of a mapping that `Reserved` made and that nobody uses: the
        // margins before they are handed out, the rest when its owner is dropped.
        let status = unsafe { libc::munmap(start.cast(), len) };
        debug_assert_eq!(status, 0, "unmapping an own mapping does not fail");
    }
}

fn check(status: i32) -> io::Result<()> {
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(range: &Reserved, at: usize) -> u8 {
        assert!(at < range.len());
        // SAFETY: within the range, which is readable, and only this thread knows of it.
        unsafe { range.base().as_ptr().add(at).read() }
    }

    fn write(range: &Reserved, at: usize, byte: u8) {
        assert!(at < range.len());
        // SAFETY: as in `read`.
        unsafe { range.base().as_ptr().add(at).write(byte) }
    }

    #[test]
    fn aligned_rounded_and_zero() {
        for bytes in [
            1,
            HUGE_PAGE_BYTES,
            HUGE_PAGE_BYTES + 1,
            5 * HUGE_PAGE_BYTES - 1,
        ] {
            let range = Reserved::new(bytes).unwrap();
            assert_eq!(range.base().as_ptr() as usize % HUGE_PAGE_BYTES, 0);
            assert_eq!(range.len(), bytes.next_multiple_of(HUGE_PAGE_BYTES));
            assert!(
                [0, bytes - 1, range.len() - 1]
                    .iter()
                    .all(|&at| read(&range, at) == 0)
            );
            for at in [0, bytes - 1, range.len() - 1] {
                write(&range, at, 7);
                assert_eq!(read(&range, at), 7);
            }
        }
    }

    #[test]
    fn far_more_than_memory_can_be_reserved() {
        let range = Reserved::new(1 << 40).unwrap();
        write(&range, (1 << 40) - 1, 1);
        assert_eq!(read(&range, (1 << 40) - 1), 1);
    }

    #[test]
    fn absurd_sizes_are_refused() {
        for bytes in [0, usize::MAX, isize::MAX as usize] {
            let error = Reserved::new(bytes).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
        }
    }

    #[test]
    fn discarded_pages_read_as_zero_and_others_stay() {
        let range = Reserved::new(HUGE_PAGE_BYTES).unwrap();
        let page = page_bytes();
        write(&range, page, 1);
        write(&range, 2 * page, 2);
        // SAFETY: this test alone knows the range and holds no reference into it.
        unsafe { range.discard(page..2 * page) }.unwrap();
        assert_eq!((read(&range, page), read(&range, 2 * page)), (0, 2));
        for wrong in [0..1, 1..page, 0..range.len() + page, page..0] {
            // SAFETY: as above; the call is refused.
            let error = unsafe { range.discard(wrong) }.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn populated_pages_keep_what_is_in_them() {
        let range = Reserved::new(2 * HUGE_PAGE_BYTES).unwrap();
        write(&range, 7, 7);
        for huge in [false, true] {
            // A kernel without huge pages, or one that cannot populate, refuses; the range must serve all
            // the same.
            let _ = range.advise(HUGE_PAGE_BYTES..range.len(), huge);
            let _ = range.populate(0..range.len());
            assert_eq!((read(&range, 7), read(&range, range.len() - 1)), (7, 0));
        }
        for wrong in [0..1, 0..range.len() + HUGE_PAGE_BYTES] {
            let error = range.populate(wrong.clone()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            let error = range.advise(wrong, true).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }

    /// The flags that the kernel shows for the mapping in which `range` begins (`VmFlags`, proc(5)).
    fn flags(range: &Reserved) -> String {
        let base = range.base().addr().get();
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut lines = smaps.lines().skip_while(|line| {
            let bounds = line
                .split_once(' ')
                .and_then(|(bounds, _)| bounds.split_once('-'));
            let number = |text| usize::from_str_radix(text, 16).ok();
            let bounds = bounds.and_then(|(start, end)| Some(number(start)?..number(end)?));
            bounds.is_none_or(|bounds| !bounds.contains(&base))
        });
        let flags = lines.find_map(|line| line.strip_prefix("VmFlags:"));
        flags.expect("every mapping has flags").to_owned()
    }

    #[test]
    fn pages_are_small_until_huge_ones_are_asked_for() {
        let range = Reserved::new(HUGE_PAGE_BYTES).unwrap();
        if range.advise(0..range.len(), false).is_err() {
            println!("skipped: this kernel has no huge pages");
            return;
        }
        let fresh = Reserved::new(HUGE_PAGE_BYTES).unwrap();
        assert!(flags(&fresh).contains(" nh"), "{}", flags(&fresh));
        fresh.advise(0..fresh.len(), true).unwrap();
        assert!(flags(&fresh).contains(" hg"), "{}", flags(&fresh));
    }

    #[test]
    fn pages_that_become_a_huge_one_keep_what_is_in_them() {
        let range = Reserved::new(HUGE_PAGE_BYTES).unwrap();
        for at in [3, 70_000] {
            write(&range, at, 7);
        }
        let _ = range.advise(0..range.len(), true);
        // A kernel that is older refuses, or one without huge pages; nothing may change either way.
        let _ = range.collapse(0..range.len());
        let all = [3, 70_000, range.len() - 1].map(|at| read(&range, at));
        assert_eq!(all, [7, 7, 0]);
        let error = range.collapse(0..1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn binding_to_a_node() {
        let range = Reserved::new(HUGE_PAGE_BYTES).unwrap();
        match range.bind(0) {
            Ok(()) => write(&range, 0, 1),
            Err(error) => assert!(
                matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)),
                "{error}"
            ),
        }
        assert_eq!(
            range.bind(NODES_MAX).unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
        assert!(
            range.bind(NODES_MAX - 1).is_err(),
            "no machine has 1024 nodes"
        );
        // A kernel without huge pages refuses the advice; the range must serve all the same.
        let _ = range.advise(0..range.len(), true);
        write(&range, HUGE_PAGE_BYTES - 1, 3);
        assert_eq!(read(&range, HUGE_PAGE_BYTES - 1), 3);
    }
}
