//! The arena: allocation in a shard's range, by its owner alone.
//!
//! Small items come from size classes. A class owns chunks of 2 MiB; a chunk hands out blocks that
//! were never used, then those freed, kept in a list through the free blocks themselves. A chunk whose
//! last block is freed leaves its class, so a change in the sizes of values strands no memory. Larger
//! items are runs of pages at the other end of the range. Where a populator was told of, the pages that are
//! next are asked for before they are needed: a part of a chunk of small ones, and of huge ones as many chunks as
//! the shard opened in half a second.
#![expect(unsafe_code, reason = "blocks are bytes in a range of memory")]

mod pages;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::ahead::{Asked, Populator, SMALL_STEP_BYTES};
use super::class::{CLASSES, class_bytes, class_of};
use super::extent::{Extents, PAGE_BYTES};
use super::item::{Item, NewItem};
use super::limbo::Limbo;
use super::poison::Poison;
use super::range::{CHUNK_BYTES, Range};
use super::shared::{ItemMarks, SharedItems};
use super::{GRANULE, ItemId};

/// Where a class has so many chunks, further ones get huge pages: with fewer it would touch far more than it
/// uses, and so would each of many classes.
const HUGE_FROM: u32 = 8;
/// Items are fetched ahead up to here; what follows the processor fetches by itself.
pub const AHEAD_BYTES_MAX: usize = 512;
/// Over so many items the mean of their bytes is taken.
const RECENT: usize = 8;
/// Empty chunks that are kept with their pages; those of the others go back to the system.
const WARM_CHUNKS: usize = 8;
/// No chunk.
const NONE: u32 = u32::MAX;

/// The range has no room for the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an item of {bytes} bytes finds no room in the shard's range")]
pub struct Full {
    /// The item's bytes.
    pub bytes: usize,
}

/// A chunk of a class.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    class: u32,
    /// Whether huge pages were asked for.
    huge: bool,
    live: u32,
    /// Blocks handed out at least once, from the front.
    fresh: u32,
    /// When so many bytes were handed out, pages are asked for.
    ask_at: u32,
    /// The first free block in granules, 0 for none.
    free: u32,
    before: u32,
    after: u32,
}

/// The allocator of one shard.
#[derive(Debug)]
pub struct Arena {
    range: Arc<Range>,
    /// Held once here and once by every reader's handle.
    readers: Arc<()>,
    chunks: Vec<Chunk>,
    /// The first chunk with a free block, by class.
    open: [u32; CLASSES],
    /// How many chunks each class has.
    owned: [u32; CLASSES],
    empty: Vec<u32>,
    extents: Extents,
    limbo: Limbo,
    poison: Poison,
    used: u64,
    /// The bytes of the last items that were made, so to say: each time an eighth of it goes.
    recent_bytes: usize,
    /// Whether huge pages were asked for in all that is not in use yet, since there is no populator.
    huge: bool,
    populator: Option<Populator>,
    /// Huge pages that were asked for behind the last chunk: of the next chunk, of the one after it and so on.
    ahead: VecDeque<Asked>,
    /// Chunks in use for which the populator had too much to do.
    late: Vec<u32>,
    /// The chunk that was filled when they were last asked for.
    asker: u32,
    /// How many new chunks were opened since half a second ended, and in the one before.
    opened: usize,
    opened_before: usize,
}

impl Arena {
    /// An empty arena.
    ///
    /// # Errors
    /// The system grants no address space.
    pub fn new() -> io::Result<Arena> {
        let range = Range::reserve()?;
        let extents = Extents::new(range.len() / PAGE_BYTES);
        Ok(Arena {
            range: Arc::new(range),
            readers: Arc::new(()),
            chunks: Vec::new(),
            open: [NONE; CLASSES],
            owned: [0; CLASSES],
            empty: Vec::new(),
            extents,
            limbo: Limbo::default(),
            poison: Poison::default(),
            used: 0,
            recent_bytes: RECENT,
            huge: false,
            populator: None,
            ahead: VecDeque::new(),
            late: Vec::new(),
            asker: NONE,
            opened: 0,
            opened_before: 0,
        })
    }

    /// What readers on other cores need to dereference ids.
    pub fn share(&self) -> SharedItems {
        SharedItems::new(&self.range, &self.readers)
    }

    /// The marks of items, for the owner's policy.
    pub fn marks(&self) -> ItemMarks {
        ItemMarks::new(&self.range)
    }

    /// Places memory that is touched from now on at NUMA node `node`.
    ///
    /// # Errors
    /// The system cannot.
    pub fn bind(&self, node: usize) -> io::Result<()> {
        self.range.bind(node)
    }

    /// Asks `populator` for the pages that are next, from now on.
    pub fn populate_by(&mut self, populator: Populator) {
        self.populator = Some(populator);
    }

    /// The bytes of all blocks that are taken, those in limbo among them.
    pub fn used_bytes(&self) -> u64 {
        self.used
    }

    /// The bytes of blocks that wait for readers.
    pub fn limbo_bytes(&self) -> u64 {
        self.limbo.bytes()
    }

    /// Whether a reader on another core may exist.
    pub fn is_shared(&self) -> bool {
        // Readers are made of readers, or of the arena by its owner: where there is none, none can come.
        if Arc::strong_count(&self.readers) > 1 {
            return true;
        }
        // Acquire: pairs with the release in the drop of the last reader's handle, whose reads are over.
        fence(Ordering::Acquire);
        false
    }

    /// The bytes that an item of `bytes` really takes.
    pub fn block_bytes(bytes: usize) -> u64 {
        match class_of(bytes) {
            Some(class) => class_bytes(class) as u64,
            None => (bytes.div_ceil(PAGE_BYTES) * PAGE_BYTES) as u64,
        }
    }

    /// Makes an item. Nobody sees it until its id is published in the index.
    ///
    /// # Errors
    /// The range has no room.
    pub fn insert(&mut self, new: &NewItem<'_>) -> Result<ItemId, Full> {
        let bytes = new.bytes();
        let (block, block_bytes) = match class_of(bytes) {
            Some(class) => (self.take_block(class), class_bytes(class) as u64),
            None => (self.take_extent(bytes), Arena::block_bytes(bytes)),
        };
        let id = block.ok_or(Full { bytes })?;
        self.used += block_bytes;
        self.recent_bytes -= self.recent_bytes / RECENT;
        self.recent_bytes += bytes.min(AHEAD_BYTES_MAX);
        self.poison.allow(&self.range, id.offset(), bytes);
        // SAFETY: the block was just taken, so nobody else knows it; it holds `bytes` bytes; blocks lie
        // at multiples of a granule, which is 4, and those of a multiple of 8 bytes at multiples of 8.
        unsafe { new.write(self.range.at(id.offset())) };
        Ok(id)
    }

    /// An item, as its owner sees it.
    #[inline]
    pub fn own(&self, id: ItemId) -> Item<'_> {
        // SAFETY: the guard only lives through this call. The item lives as long as the borrow of
        // `self`, and blocks are reused by `&mut self` alone, so no release can happen meanwhile.
        let guard = unsafe { crossbeam_epoch::unprotected() };
        self.range.item(id, guard)
    }

    /// As [`Arena::own`], where it is of this key in this database.
    #[inline]
    pub fn own_of(&self, id: ItemId, key: (u8, &[u8])) -> Option<Item<'_>> {
        // SAFETY: as in `own`.
        let guard = unsafe { crossbeam_epoch::unprotected() };
        self.range.item_of(id, key, guard)
    }

    /// Asks the processor to fetch the first `bytes` of item `id`.
    #[inline]
    pub fn prefetch(&self, id: ItemId, bytes: usize) {
        self.range.prefetch(id, bytes);
    }

    /// Asks the processor to fetch as much of item `id` as items of late had: all at once, and not what follows its
    /// first line when that has come.
    #[inline]
    pub fn prefetch_whole(&self, id: ItemId) {
        self.range.prefetch(id, self.recent_bytes / RECENT);
    }

    /// Releases an item that left the index: at once where nobody else can be reading, otherwise when
    /// all who may be are done.
    pub fn retire(&mut self, id: ItemId) {
        if self.is_shared() {
            let bytes = Arena::block_bytes(self.own(id).bytes());
            self.limbo.retire(id, bytes);
            if self.limbo.is_waiting() {
                self.collect();
            }
        } else {
            self.free(id);
        }
    }

    /// Reuses what no reader can see any more.
    pub fn collect(&mut self) {
        if !self.limbo.has_passed() {
            return;
        }
        let mut limbo = std::mem::take(&mut self.limbo);
        while limbo.take_passed(|id| self.free(id)) {}
        self.limbo = limbo;
    }

    /// Pushes what is in limbo along: for moments without new garbage, which would push by itself.
    pub fn quiesce(&mut self) {
        self.limbo.seal();
        if self.limbo.is_waiting() {
            crossbeam_epoch::pin().flush();
            self.collect();
        }
    }

    fn take_block(&mut self, class: usize) -> Option<ItemId> {
        let number = match self.open[class] {
            NONE => self.open_chunk(class)?,
            number => number,
        };
        let chunk = &mut self.chunks[number as usize];
        let block_bytes = class_bytes(class);
        let granule = if chunk.free != 0 {
            let granule = chunk.free;
            let offset = granule as usize * GRANULE;
            self.poison.allow(&self.range, offset, size_of::<u32>());
            // SAFETY: a free block holds the granule of the next free one (see `free`), and nobody else
            // refers to it.
            chunk.free = unsafe {
                let block = self.range.at(offset);
                block.cast::<u32>().read()
            };
            if let Some(next) = ItemId::from_bits(chunk.free) {
                // It left its readers' caches long ago, and is written, and read for the one after it, next.
                self.range.prefetch(next, block_bytes.min(AHEAD_BYTES_MAX));
            }
            granule
        } else {
            let offset = number as usize * CHUNK_BYTES + chunk.fresh as usize * block_bytes;
            chunk.fresh += 1;
            if chunk.fresh * block_bytes as u32 >= chunk.ask_at {
                self.ask_ahead(number);
            }
            (offset / GRANULE) as u32
        };
        let chunk = &mut self.chunks[number as usize];
        chunk.live += 1;
        if chunk.free == 0 && (chunk.fresh as usize + 1) * block_bytes > CHUNK_BYTES {
            self.unlink(number);
        }
        ItemId::from_bits(granule)
    }

    fn open_chunk(&mut self, class: usize) -> Option<u32> {
        let number = if let Some(number) = self.empty.pop() {
            number
        } else {
            let end = (self.chunks.len() + 1) * CHUNK_BYTES;
            if end > self.extents.floor() * PAGE_BYTES {
                return None;
            }
            self.chunks.push(Chunk {
                class: 0,
                huge: false,
                live: 0,
                fresh: 0,
                ask_at: 0,
                free: 0,
                before: NONE,
                after: NONE,
            });
            self.opened += 1;
            let number = self.chunks.len() as u32 - 1;
            let asked = self.ahead.pop_front().is_some();
            self.chunks[number as usize].huge = asked || self.huge;
            number
        };
        let offset = number as usize * CHUNK_BYTES;
        let huge = self.owned[class] >= HUGE_FROM;
        if huge && !self.chunks[number as usize].huge {
            self.ask_huge(number);
        } else if !huge && self.huge && self.chunks[number as usize].huge {
            self.range.advise(offset, CHUNK_BYTES, false);
            self.chunks[number as usize].huge = false;
        }
        let chunk = &mut self.chunks[number as usize];
        chunk.class = class as u32;
        chunk.free = 0;
        chunk.ask_at = match self.owned[class] {
            0 => SMALL_STEP_BYTES as u32 / 4,
            1..HUGE_FROM => 0,
            _ => CHUNK_BYTES as u32 / 8,
        };
        self.owned[class] += 1;
        self.poison.forbid(&self.range, offset, CHUNK_BYTES);
        // The very first block stays unused: granule 0 means none.
        chunk.fresh = u32::from(number == 0);
        self.link(number);
        Some(number)
    }

    fn take_extent(&mut self, bytes: usize) -> Option<ItemId> {
        let lowest = (self.chunks.len() * CHUNK_BYTES).div_ceil(PAGE_BYTES);
        let page = self
            .extents
            .take(bytes.div_ceil(PAGE_BYTES), lowest.max(1))?;
        ItemId::from_bits((page * PAGE_BYTES / GRANULE) as u32)
    }

    fn free(&mut self, id: ItemId) {
        let number = (id.offset() / CHUNK_BYTES) as u32;
        // Chunks lie below extents. Of a block its chunk knows the size, so it is not read once more.
        let Some(chunk) = self.chunks.get_mut(number as usize) else {
            let bytes = self.own(id).bytes();
            self.used -= Arena::block_bytes(bytes);
            let pages = bytes.div_ceil(PAGE_BYTES);
            // SAFETY: the run is freed here, so nobody refers to its bytes.
            unsafe {
                (self.range).discard(id.offset(), pages * PAGE_BYTES, self.huge);
            }
            (self.poison).forbid(&self.range, id.offset(), pages * PAGE_BYTES);
            self.extents.give(id.offset() / PAGE_BYTES, pages);
            return;
        };
        let block_bytes = class_bytes(chunk.class as usize);
        self.used -= block_bytes as u64;
        let was_full = chunk.free == 0 && (chunk.fresh as usize + 1) * block_bytes > CHUNK_BYTES;
        // SAFETY: the block is freed here, so nobody else refers to it; it is aligned to 4 and holds at
        // least 16 bytes.
        unsafe { self.range.at(id.offset()).cast::<u32>().write(chunk.free) };
        (self.poison).forbid(&self.range, id.offset(), block_bytes);
        chunk.free = id.bits();
        chunk.live -= 1;
        if chunk.live == 0 {
            self.owned[chunk.class as usize] -= 1;
            if !was_full {
                self.unlink(number);
            }
            if self.empty.len() >= WARM_CHUNKS {
                let offset = number as usize * CHUNK_BYTES;
                let huge = std::mem::take(&mut self.chunks[number as usize].huge);
                // SAFETY: no block of the chunk is taken, so nobody refers to its bytes.
                unsafe { self.range.discard(offset, CHUNK_BYTES, huge) };
            }
            self.empty.push(number);
        } else if was_full {
            self.link(number);
        }
    }

    fn link(&mut self, number: u32) {
        let class = self.chunks[number as usize].class as usize;
        let after = std::mem::replace(&mut self.open[class], number);
        if after != NONE {
            self.chunks[after as usize].before = number;
        }
        let chunk = &mut self.chunks[number as usize];
        chunk.before = NONE;
        chunk.after = after;
    }

    fn unlink(&mut self, number: u32) {
        let Chunk {
            class,
            before,
            after,
            ..
        } = self.chunks[number as usize];
        if before == NONE {
            self.open[class as usize] = after;
        } else {
            self.chunks[before as usize].after = after;
        }
        if after != NONE {
            self.chunks[after as usize].before = before;
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.poison.end(&self.range);
    }
}
