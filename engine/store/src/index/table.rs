//! The table: the lines and the shape, which readers and the writer share.

use std::hint::select_unpredictable;

use crate::mem::{ItemId, Line, Lines, equal_bytes, equal_tops};
use crate::sync::{AtomicU64, Ordering};

/// How many entries a line holds.
pub(super) const SLOTS: usize = 12;
/// The same of half a line, which has so many words.
const HALF_SLOTS: usize = 5;
const HALF_WORDS: usize = 4;
const LINK_SHIFT: u32 = 32;

/// Reserved address space: 4 GiB of primary lines, 2 GiB for overflow.
const PRIMARY_LINES: usize = 1 << 26;
const OVERFLOW_LINES: usize = 1 << 25;
const LINES_MIN: usize = 1 << 20;

/// What readers of an index need.
#[derive(Debug)]
pub struct Table {
    pub(super) primary: Lines,
    pub(super) overflow: Lines,
    shape: AtomicU64,
}

/// A primary line below [`LineId::OVERFLOW`], half a line of overflow from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LineId(u32);

impl LineId {
    const OVERFLOW: u32 = 1 << 31;

    pub(super) fn primary(bucket: usize) -> LineId {
        LineId(bucket as u32)
    }

    /// The half that `link` names, counted from 1.
    pub(super) fn overflow(link: u32) -> LineId {
        LineId(LineId::OVERFLOW | link)
    }

    /// The link to this half, where it is one.
    pub(super) fn link(self) -> Option<u32> {
        (self.0 >= LineId::OVERFLOW).then_some(self.0 & !LineId::OVERFLOW)
    }
}

/// Where a hash is searched first, at some time.
#[derive(Clone, Copy, Debug)]
pub struct Bucket(u32);

/// The tag of a hash: its top bits, never 0.
pub(super) fn tag_of(hash: u64) -> u8 {
    ((hash >> 56) as u8).max(1)
}

/// The bucket of a hash among `buckets`: linear hashing.
#[inline]
pub(super) fn bucket_of(hash: u64, buckets: usize) -> usize {
    // One bucket has a mask of one bit too, of which the second choice takes nothing.
    let mask = usize::MAX >> ((buckets - 1) | 1).leading_zeros();
    let bucket = hash as usize & mask;
    // Half of all hashes have been split already, anybody's guess which.
    select_unpredictable(bucket < buckets, bucket, bucket & (mask >> 1))
}

impl Table {
    /// An empty table of `buckets` buckets.
    pub(super) fn new(buckets: usize) -> std::io::Result<Table> {
        Ok(Table {
            primary: Lines::reserve(PRIMARY_LINES, LINES_MIN)?,
            overflow: Lines::reserve(OVERFLOW_LINES, LINES_MIN)?,
            shape: AtomicU64::new((buckets as u64) << 32),
        })
    }

    /// The item with `hash` that `matches` accepts, as any core may ask at any time.
    #[inline]
    pub fn find(&self, hash: u64, mut matches: impl FnMut(ItemId) -> bool) -> Option<ItemId> {
        loop {
            // Acquire: pairs with the release in `reshape`; the buckets counted here are filled.
            let shape = self.shape.load(Ordering::Acquire);
            let bucket = bucket_of(hash, (shape >> 32) as usize);
            if let Some((.., id)) = self.search(bucket, tag_of(hash), &mut matches) {
                return Some(id);
            }
            // A slot that was cleared after the shape changed was loaded with acquire, so the change
            // is seen here.
            if self.shape.load(Ordering::Acquire) == shape {
                return None;
            }
        }
    }

    /// Asks the processor to fetch where `hash` is searched first: the bucket that it told of.
    #[inline]
    pub fn prefetch(&self, hash: u64) -> Bucket {
        // Relaxed: a guess is enough.
        let buckets = (self.shape.load(Ordering::Relaxed) >> 32) as usize;
        let bucket = bucket_of(hash, buckets);
        self.primary.prefetch(bucket);
        Bucket(bucket as u32)
    }

    /// The first id under `hash`'s tag, unverified: what a prefetch of items goes by.
    #[inline]
    pub fn hint(&self, hash: u64) -> Option<ItemId> {
        let buckets = (self.shape.load(Ordering::Relaxed) >> 32) as usize;
        self.search(bucket_of(hash, buckets), tag_of(hash), &mut |_| true)
            .map(|(.., id)| id)
    }

    /// As [`Table::hint`], in the first line alone of the bucket that [`Table::prefetch`] told of. Where there is nothing and the bucket goes on, the
    /// processor is asked to fetch where, and a look further on is worth while: that is the second value.
    #[inline]
    pub fn glance(&self, Bucket(bucket): Bucket, hash: u64) -> (Option<ItemId>, bool) {
        let mut near = self.primary.all()[bucket as usize].near(tag_of(hash));
        match near.next() {
            Some((_, id)) => (Some(id), false),
            None if near.link == 0 => (None, false),
            None => {
                self.overflow.prefetch(near.link as usize / 2);
                (None, true)
            }
        }
    }

    /// The entries under `hash`'s tag in the first line of its bucket among `buckets`.
    #[inline]
    pub(super) fn near(&self, hash: u64, buckets: usize) -> Near<'_> {
        self.primary.all()[bucket_of(hash, buckets)].near(tag_of(hash))
    }

    /// Searches one bucket's chain.
    #[inline]
    pub(super) fn search(
        &self,
        bucket: usize,
        tag: u8,
        matches: &mut impl FnMut(ItemId) -> bool,
    ) -> Option<(LineId, usize, ItemId)> {
        let mut near = self.primary.all()[bucket].near(tag);
        for (slot, id) in near.by_ref() {
            if matches(id) {
                return Some((LineId::primary(bucket), slot, id));
            }
        }
        self.search_beyond(near.link, tag, matches)
    }

    /// Searches what `link` leads to.
    #[inline]
    pub(super) fn search_beyond(
        &self,
        link: u32,
        tag: u8,
        matches: &mut impl FnMut(ItemId) -> bool,
    ) -> Option<(LineId, usize, ItemId)> {
        let mut next = link;
        while next != 0 {
            match self.half(next).search_half(tag, matches) {
                Ok((slot, id)) => return Some((LineId::overflow(next), slot, id)),
                Err(after) => next = after,
            }
        }
        None
    }

    /// The entries of a line or of half a line.
    #[inline]
    pub(super) fn line(&self, id: LineId) -> Entries<'_> {
        match id.link() {
            None => self.primary.all()[id.0 as usize].entries(),
            Some(link) => self.half(link),
        }
    }

    #[inline]
    fn half(&self, link: u32) -> Entries<'_> {
        let pair = &self.overflow.all()[link as usize / 2];
        Entries {
            words: &pair.0[link as usize % 2 * HALF_WORDS..][..HALF_WORDS],
        }
    }

    /// How many links there may be: those below are good.
    pub(super) fn links(&self) -> usize {
        self.overflow.all().len() * 2
    }

    /// Announces that entries moved: `buckets` count from now on. The writer's alone.
    pub(super) fn reshape(&self, buckets: usize) {
        // Relaxed: the writer alone stores it.
        let version = self.shape.load(Ordering::Relaxed) as u32;
        let shape = (buckets as u64) << 32 | u64::from(version.wrapping_add(1));
        // Release: what was published in new places happened before; clearing the old ones comes after
        // and is a release too, so that whoever sees it sees this.
        self.shape.store(shape, Ordering::Release);
    }
}

impl Line {
    /// The tags of slots 0 to 7, and those of 8 to 11 with the link above them.
    #[inline]
    fn tags(&self) -> (u64, u64) {
        // Acquire: pairs with the release in `set_tag`, and in `set_link`: the half linked to is filled.
        let low = self.0[0].load(Ordering::Acquire);
        let high = self.0[1].load(Ordering::Acquire);
        (low, high)
    }

    /// The entries under `tag`.
    #[inline]
    fn near(&self, tag: u8) -> Near<'_> {
        let (low, high) = self.tags();
        Near {
            line: self,
            // The link, above four tags, is none.
            fits: equal_bytes([low, high], tag) & ((1 << SLOTS) - 1),
            link: (high >> LINK_SHIFT) as u32,
        }
    }

    /// The id in `slot`, of those that there are.
    #[inline]
    fn id(&self, slot: usize) -> Option<ItemId> {
        // Acquire: as in `Entries::id`. Slots have their ids in words 2 to 7.
        let pair = self.0[(2 + slot / 2) % 8].load(Ordering::Acquire);
        ItemId::from_bits((pair >> (slot % 2 * 32)) as u32)
    }

    #[inline]
    fn entries(&self) -> Entries<'_> {
        Entries { words: &self.0 }
    }
}

/// The entries of a bucket's first line under one tag: slots and ids.
pub struct Near<'a> {
    line: &'a Line,
    /// The slots that were not looked at yet, a bit each.
    fits: u32,
    /// Where the bucket goes on, 0 for nowhere.
    link: u32,
}

impl Near<'_> {
    /// Where the bucket goes on, if it does.
    #[inline]
    pub fn link(&self) -> Option<u32> {
        (self.link != 0).then_some(self.link)
    }
}

impl Iterator for Near<'_> {
    type Item = (usize, ItemId);

    #[inline]
    fn next(&mut self) -> Option<(usize, ItemId)> {
        while self.fits != 0 {
            let slot = self.fits.trailing_zeros() as usize;
            self.fits &= self.fits - 1;
            if let Some(id) = self.line.id(slot) {
                return Some((slot, id));
            }
        }
        None
    }
}

/// The entries of a line, or of half a line.
#[derive(Clone, Copy)]
pub(super) struct Entries<'a> {
    words: &'a [AtomicU64],
}

impl Entries<'_> {
    #[inline]
    fn is_half(self) -> bool {
        self.words.len() == HALF_WORDS
    }

    /// How many there may be.
    #[inline]
    fn slots(self) -> usize {
        if self.is_half() { HALF_SLOTS } else { SLOTS }
    }

    /// The word whose upper half is the link.
    #[inline]
    fn link_at(self) -> usize {
        if self.is_half() { HALF_WORDS - 1 } else { 1 }
    }

    /// The word of a slot's id.
    #[inline]
    fn id_at(self, slot: usize) -> usize {
        self.slots().div_ceil(8) + slot / 2
    }

    /// The slot and id under `tag` that `matches` accepts, in half a line; where there is none, the link.
    #[inline]
    fn search_half(
        self,
        tag: u8,
        matches: &mut impl FnMut(ItemId) -> bool,
    ) -> Result<(usize, ItemId), u32> {
        // Acquire: pairs with the release in `set_tag`. What is beside the five tags is 0, and no tag is.
        let mut fits = equal_tops(self.words[0].load(Ordering::Acquire), tag);
        while fits != 0 {
            let slot = fits.trailing_zeros() as usize / 8;
            fits &= fits - 1;
            if let Some(id) = self.id(slot)
                && matches(id)
            {
                return Ok((slot, id));
            }
        }
        Err(self.link())
    }

    /// The half with which the chain goes on, 0 for none.
    #[inline]
    pub(super) fn link(self) -> u32 {
        // Acquire: pairs with the release in `set_link`; the half linked to is filled.
        (self.words[self.link_at()].load(Ordering::Acquire) >> LINK_SHIFT) as u32
    }

    /// The id in `slot`.
    #[inline]
    pub(super) fn id(self, slot: usize) -> Option<ItemId> {
        // Acquire: pairs with the release in `set_id`; the item's bytes are seen whole.
        let pair = self.words[self.id_at(slot)].load(Ordering::Acquire);
        ItemId::from_bits((pair >> (slot % 2 * 32)) as u32)
    }

    /// The tag in `slot`, 0 where it is empty.
    pub(super) fn tag(self, slot: usize) -> u8 {
        (self.words[slot / 8].load(Ordering::Relaxed) >> (slot % 8 * 8)) as u8
    }

    /// The slots that hold something.
    pub(super) fn taken(self) -> impl Iterator<Item = usize> {
        (0..self.slots()).filter(move |&slot| self.tag(slot) != 0)
    }

    /// The slots that hold nothing.
    pub(super) fn vacant(self) -> impl Iterator<Item = usize> {
        (0..self.slots()).filter(move |&slot| self.tag(slot) == 0)
    }

    /// Fills an empty slot: the id first, so that a tag that is seen has its id.
    pub(super) fn fill(self, slot: usize, tag: u8, id: ItemId) {
        self.set_id(slot, Some(id));
        self.set_tag(slot, tag);
    }

    /// Empties a slot.
    pub(super) fn clear(self, slot: usize) {
        self.set_tag(slot, 0);
        self.set_id(slot, None);
    }

    /// Replaces the id of a slot.
    pub(super) fn set_id(self, slot: usize, id: Option<ItemId>) {
        let bits = u64::from(id.map_or(0, ItemId::bits));
        let word = self.id_at(slot);
        self.change(word, u64::from(u32::MAX), slot % 2 * 32, bits);
    }

    /// Changes where the chain goes on.
    pub(super) fn set_link(self, link: u32) {
        let (word, bits) = (self.link_at(), u64::from(link));
        self.change(word, u64::from(u32::MAX), LINK_SHIFT as usize, bits);
    }

    fn set_tag(self, slot: usize, tag: u8) {
        self.change(slot / 8, 0xff, slot % 8 * 8, u64::from(tag));
    }

    fn change(self, word: usize, mask: u64, shift: usize, bits: u64) {
        // The writer alone stores, so load and store need not be one step. Release: pairs with the
        // acquire of every load by readers, per the table in `mod.rs`.
        let old = self.words[word].load(Ordering::Relaxed);
        self.words[word].store(old & !(mask << shift) | bits << shift, Ordering::Release);
    }
}
