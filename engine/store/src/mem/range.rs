//! A range: the reserved memory of one shard, shared by its owner and its readers.
#![expect(unsafe_code, reason = "the one place where an id becomes a reference")]

use std::io;
use std::ptr::NonNull;

use crossbeam_epoch::Guard;

use super::item::Item;
use super::{ItemId, SHARD_BYTES_MAX};

/// The bytes of a chunk: a huge page.
pub(super) const CHUNK_BYTES: usize = if cfg!(miri) { 64 << 10 } else { 2 << 20 };
/// A cache line.
const LINE_BYTES: usize = 64;
/// Less than this is not worth trying.
const BYTES_MIN: usize = 1 << 28;

/// The memory of one shard.
#[derive(Debug)]
pub struct Range {
    #[cfg(not(miri))]
    memory: seawall_sys::map::Reserved,
    #[cfg(miri)]
    memory: miri::Plain,
}

impl Range {
    /// Reserves as much address space as ids can name, or as much of it as the system grants.
    ///
    /// # Errors
    /// Not even the smallest range is granted.
    pub(super) fn reserve() -> io::Result<Range> {
        #[cfg(miri)]
        return Ok(Range {
            memory: miri::Plain::new(),
        });
        #[cfg(not(miri))]
        {
            let mut bytes = SHARD_BYTES_MAX;
            loop {
                match seawall_sys::map::Reserved::new(bytes) {
                    Ok(memory) => return Ok(Range { memory }),
                    Err(error) if bytes <= BYTES_MIN => return Err(error),
                    Err(_) => bytes /= 2,
                }
            }
        }
    }

    /// The bytes of the range.
    pub(super) fn len(&self) -> usize {
        self.memory.len()
    }

    /// The address `offset` bytes into the range.
    pub(super) fn at(&self, offset: usize) -> NonNull<u8> {
        debug_assert!(offset <= self.len());
        // SAFETY: callers stay within the range, which is one mapping.
        unsafe { self.memory.base().add(offset) }
    }

    /// The item `id`. This, and [`Range::item_of`] in the same way, is the one place where an id is dereferenced.
    ///
    /// `guard` was pinned before `id` was read from the index (see the module's contract), so the
    /// block is not reused while it lives; and the index published `id` with a release store that its
    /// reader acquired, so what the owner wrote before is seen whole.
    #[inline]
    pub fn item<'g>(&'g self, id: ItemId, guard: &'g Guard) -> Item<'g> {
        // SAFETY: the arena gave this id for an item that it wrote, and the guard holds it.
        unsafe { Item::at(self.place(id, guard)) }
    }

    /// As [`Range::item`], where it is of `key` in `database`.
    #[expect(clippy::inline_always, reason = "as `Item::of`")]
    #[inline(always)]
    pub fn item_of<'g>(
        &'g self,
        id: ItemId,
        (database, key): (u8, &[u8]),
        guard: &'g Guard,
    ) -> Option<Item<'g>> {
        // SAFETY: as in `item`.
        unsafe { Item::of(self.place(id, guard), key, database) }
    }

    /// Where the item `id` lies.
    #[inline]
    fn place(&self, id: ItemId, _guard: &Guard) -> NonNull<u8> {
        let offset = id.offset();
        assert!(
            offset < self.memory.len(),
            "an id names a place in its range"
        );
        // SAFETY: it is within the mapping.
        unsafe { self.memory.base().add(offset) }
    }

    /// Asks the processor to fetch the first `bytes` of item `id`.
    #[inline]
    pub fn prefetch(&self, id: ItemId, bytes: usize) {
        let first = self.memory.base().as_ptr().wrapping_add(id.offset());
        let last = first.wrapping_add(bytes);
        let mut line = first;
        while line < last {
            seawall_sys::map::prefetch(line);
            line = line.wrapping_add(LINE_BYTES);
        }
        // Where the item does not begin with a line, it ends in one more.
        seawall_sys::map::prefetch(last.wrapping_sub(1));
    }

    /// Asks for huge pages, or for small ones, in `len` bytes at `offset` from now on. Where the system has
    /// no huge ones, small ones do.
    #[cfg_attr(miri, expect(clippy::unused_self, reason = "Miri has no pages"))]
    pub(super) fn advise(&self, offset: usize, len: usize, huge: bool) {
        #[cfg(not(miri))]
        let _ = self.memory.advise(offset..offset + len, huge);
        #[cfg(miri)]
        let _ = (offset, len, huge);
    }

    /// Puts pages behind `len` bytes at `offset`, whose contents stay: huge ones where `huge`, also in the place of
    /// small ones that somebody was quicker to touch. Where the system cannot, they come with the first touch.
    #[cfg_attr(miri, expect(clippy::unused_self, reason = "Miri has no pages"))]
    pub(super) fn populate(&self, offset: usize, len: usize, huge: bool) {
        #[cfg(not(miri))]
        super::ahead::populate(&self.memory, offset..offset + len, huge);
        #[cfg(miri)]
        let _ = (offset, len, huge);
    }

    /// Places pages that are touched from now on at NUMA node `node`, where the system can.
    pub(super) fn bind(&self, node: usize) -> io::Result<()> {
        #[cfg(not(miri))]
        return self.memory.bind(node);
        #[cfg(miri)]
        return Err(io::Error::other(format!("Miri has no node {node}")));
    }

    /// Gives the pages of `len` bytes at `offset` back to the system. What comes there next are small pages, also
    /// where these were `huge`.
    ///
    /// # Safety
    /// Nobody refers to these bytes.
    pub(super) unsafe fn discard(&self, offset: usize, len: usize, huge: bool) {
        if huge {
            // Before: a huge page that came by itself would be the longest thing that happens to a request.
            self.advise(offset, len, false);
        }
        #[cfg(not(miri))]
        // SAFETY: the caller's promise. Failure keeps the pages, which costs memory and nothing else.
        let _ = unsafe { self.memory.discard(offset..offset + len) };
        #[cfg(miri)]
        let _ = (offset, len);
    }
}

#[cfg(miri)]
mod miri {
    //! Miri has no `mmap` with the flags that a range needs: it gets a plain allocation.

    use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
    use std::ptr::NonNull;

    const LAYOUT: Layout = match Layout::from_size_align(4 << 20, 4096) {
        Ok(layout) => layout,
        Err(_) => panic!("a layout of whole pages"),
    };

    #[derive(Debug)]
    pub(super) struct Plain(NonNull<u8>);

    // SAFETY: the memory is owned; what is in it is synchronised by the arena's users.
    unsafe impl Send for Plain {}
    // SAFETY: as above.
    unsafe impl Sync for Plain {}

    impl Plain {
        pub(super) fn new() -> Plain {
            // SAFETY: the layout is not empty.
            let base = unsafe { alloc_zeroed(LAYOUT) };
            Plain(NonNull::new(base).unwrap_or_else(|| handle_alloc_error(LAYOUT)))
        }
        pub(super) fn base(&self) -> NonNull<u8> {
            self.0
        }
        #[expect(clippy::unused_self, reason = "as the mapping's")]
        pub(super) fn len(&self) -> usize {
            LAYOUT.size()
        }
    }

    impl Drop for Plain {
        fn drop(&mut self) {
            // SAFETY: allocated with this layout in `new`.
            unsafe { dealloc(self.0.as_ptr(), LAYOUT) }
        }
    }
}
