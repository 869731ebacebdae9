//! A ring of buffers that the kernel fills on its own: one pool for the receives of all sockets.
//!
//! The one idea: a buffer is either *provided* (the kernel may write to it at any time) or *filled* (the
//! kernel has named it in a completion, and does not touch it until it is provided again). Memory is
//! needed for what arrives at once, not for every idle connection.
//!
//! ```text
//! entries  | addr len bid | addr len bid | …      kernel: head →      ← tail: here
//! bytes    | buffer 0     | buffer 1     | …
//! ```
//! The tail lies in the reserved word of the first entry; the kernel keeps the head to itself.

use std::io;
use std::slice;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;
use memmap2::MmapMut;

/// The group under which a ring knows its only pool.
pub(super) const GROUP: u16 = 0;

/// The pool. It must outlive the ring that it is registered with; what is in flight may write to it.
pub(super) struct Buffers {
    /// Page-aligned, as the kernel wants it.
    entries: MmapMut,
    bytes: MmapMut,
    /// A power of two.
    count: u16,
    buffer_bytes: u32,
    tail: u16,
}

impl Buffers {
    /// Registers `count` (a power of two, at most 2¹⁵) buffers of `buffer_bytes` with `ring`, and
    /// provides them all.
    ///
    /// # Safety
    /// The pool must not be dropped before `ring` has nothing in flight that uses it.
    pub(super) unsafe fn register(
        ring: &IoUring,
        count: u16,
        buffer_bytes: u32,
    ) -> io::Result<Buffers> {
        assert!(count.is_power_of_two() && count <= 1 << 15 && buffer_bytes > 0);
        let entries = MmapMut::map_anon(usize::from(count) * size_of::<BufRingEntry>())?;
        let bytes = MmapMut::map_anon(usize::from(count) * buffer_bytes as usize)?;
        // SAFETY: the mapping is as long as `count` entries and, as the caller promises, outlives the
        // ring's use of it.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(
                entries.as_ptr() as u64,
                count,
                GROUP,
                0,
            )?;
        }
        let mut buffers = Buffers {
            entries,
            bytes,
            count,
            buffer_bytes,
            tail: 0,
        };
        // The kernel fills them by turns, so all of them are touched before long: now, and not by a request.
        buffers.bytes.fill(0);
        for buffer in 0..count {
            buffers.provide(buffer);
        }
        Ok(buffers)
    }

    /// The first `len` bytes of a filled buffer. The caller has not provided it since the kernel named it.
    pub(super) fn filled(&self, buffer: u16, len: usize) -> &[u8] {
        assert!(buffer < self.count && len <= self.buffer_bytes as usize);
        let start = usize::from(buffer) * self.buffer_bytes as usize;
        // SAFETY: inside the mapping by the check above; the kernel does not write to a filled buffer,
        // and providing it again takes the pool exclusively, so not while this borrow lives.
        unsafe { slice::from_raw_parts(self.bytes.as_ptr().add(start), len) }
    }

    /// Lets the kernel write to `buffer` again.
    pub(super) fn provide(&mut self, buffer: u16) {
        let place = usize::from(self.tail & (self.count - 1));
        let start = usize::from(buffer) * self.buffer_bytes as usize;
        #[expect(clippy::cast_ptr_alignment, reason = "a mapping begins at a page")]
        let first = self.entries.as_mut_ptr().cast::<BufRingEntry>();
        // SAFETY: `place` is less than `count`, so the entry lies in the mapping, which is page-aligned.
        // At most `count` buffers are provided at a time, so the kernel, which reads between its head and
        // the tail, does not read this entry before the tail moves. Its address, length and number are
        // written field by field: the first entry's reserved word is the tail.
        unsafe {
            let entry = &mut *first.add(place);
            entry.set_addr(self.bytes.as_ptr().add(start) as u64);
            entry.set_len(self.buffer_bytes);
            entry.set_bid(buffer);
        }
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the tail is an aligned `u16` in the first entry, which is mapped; the kernel reads it
        // atomically and only this thread writes it. Pairs with the kernel's acquire load of the tail:
        // who sees the new tail sees the entry.
        unsafe {
            let tail = BufRingEntry::tail(first).cast_mut().cast::<AtomicU16>();
            (*tail).store(self.tail, Ordering::Release);
        }
    }
}
