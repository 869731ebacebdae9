//! Items: a key, its value and a small header, in one block.
//!
//! ```text
//!  0  mark      u32  atomic: what hits leave for the policy, from any core
//!  4  meta      u32  kind 2 bits, database 1, expiry 1, wide 1, tag 1, entry 1, key length 8, value length 17
//!  .. expiry    u64  atomic, milliseconds; where the expiry bit is set
//!  .. lengths   u64  key length in the low half, value length in the high; where wide
//!  .. cas       u64  where tagged: what Memcached's clients compare
//!  .. flags     u32  where tagged: the client's
//!     accessed  u32  where tagged: atomic, seconds
//!  .. entry     u32  atomic: the policy's number of the item, the owner's; where there is a policy that evicts
//!  .. state     u8   where tagged: atomic, the owner's
//!     database  u8   where its bit is set, that is, in databases other than 0
//!     key, value
//! ```
//!
//! So a short item of database 0 that never expires and is never evicted pays 8 bytes, and lies at a multiple
//! of 4; one that has a word of 8 bytes takes a multiple of 8, and so lies at one. Everything but the atomic
//! words is written before the item is published and never again.
#![expect(unsafe_code, reason = "items are bytes in a range of memory")]

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use super::equal::equal;
use crate::evict::EntryId;
use crate::time::Millis;

/// The header of the commonest items.
pub const HEADER_BYTES: usize = WORDS;

const MARK: usize = 0;
const META: usize = 4;
const WORDS: usize = 8;
const ENTRY_BYTES: usize = 4;

const KIND_MASK: u32 = 0b11;
const DATABASE: u32 = 1 << 2;
const EXPIRES: u32 = 1 << 3;
const WIDE: u32 = 1 << 4;
const TAGGED: u32 = 1 << 5;
const EVICTED: u32 = 1 << 6;
const KEY_SHIFT: u32 = 7;
const KEY_NARROW_MAX: usize = (1 << 8) - 1;
const VALUE_SHIFT: u32 = 15;
const VALUE_NARROW_MAX: usize = (1 << 17) - 1;

/// What an item's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// The bytes of a string.
    String,
    /// The same, of a string that was changed in its parts: `OBJECT ENCODING` calls it raw, however
    /// short it is.
    Raw,
    /// The number of a collection in the owner's slab, 4 bytes, little-endian.
    Collection,
}

/// What Memcached's protocol keeps of an item beside its value. Items that were set by Redis's commands
/// have none until it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    /// The number that changes whenever the item does (`cas unique`).
    pub cas: u64,
    /// The client's flags.
    pub flags: u32,
    /// When it was last read, in seconds of the store's time.
    pub accessed_s: u32,
    /// Whether it was read at all.
    pub fetched: bool,
    /// Whether it is outdated, and served until somebody renews it.
    pub stale: bool,
    /// Whether somebody was chosen to renew it.
    pub won: bool,
}

impl Tag {
    const FETCHED: u8 = 1;
    const STALE: u8 = 1 << 1;
    const WON: u8 = 1 << 2;

    fn state(self) -> u8 {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        bit(self.fetched, Tag::FETCHED) | bit(self.stale, Tag::STALE) | bit(self.won, Tag::WON)
    }
}

/// An item to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewItem<'a> {
    /// What the value is.
    pub kind: ItemKind,
    /// The database.
    pub database: u8,
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// When it expires.
    pub expires: Option<Millis>,
    /// What Memcached keeps of it.
    pub tag: Option<&'a Tag>,
    /// The policy's number, where there is a policy that evicts.
    pub entry: Option<EntryId>,
    /// The mark that it begins with.
    pub mark: u32,
}

/// Whether lengths take a word of their own.
fn is_wide(key: usize, value: usize) -> bool {
    key > KEY_NARROW_MAX || value > VALUE_NARROW_MAX
}

/// The bytes of an item with these parts.
fn bytes_of(parts: u32, key: usize, value: usize) -> usize {
    aligned(parts, body_at(parts) + key + value)
}

impl NewItem<'_> {
    /// What is set in `meta` besides kind and lengths.
    fn parts(&self) -> u32 {
        let bit = |is: bool, bit: u32| if is { bit } else { 0 };
        bit(self.database != 0, DATABASE)
            | bit(self.expires.is_some(), EXPIRES)
            | bit(is_wide(self.key.len(), self.value.len()), WIDE)
            | bit(self.tag.is_some(), TAGGED)
            | bit(self.entry.is_some(), EVICTED)
    }

    /// The bytes that the item takes, before rounding to a block.
    pub fn bytes(&self) -> usize {
        bytes_of(self.parts(), self.key.len(), self.value.len())
    }

    /// As [`NewItem::bytes`], of a string that a policy may evict, in database 0.
    pub fn bytes_evicted(key: usize, value: usize, expires: bool) -> usize {
        let expiry = if expires { EXPIRES } else { 0 };
        let wide = if is_wide(key, value) { WIDE } else { 0 };
        bytes_of(EVICTED | expiry | wide, key, value)
    }

    /// The bytes of an item with such a key and value that never expires, in database 0.
    pub fn bytes_narrow(key: usize, value: usize, evicted: bool) -> usize {
        body_at(if evicted { EVICTED } else { 0 }) + key + value
    }

    /// Writes the item.
    ///
    /// # Safety
    /// `at` points to [`NewItem::bytes`] writable bytes, aligned to 4, and to 8 where these are a multiple
    /// of 8, that nobody else reads or writes until the item is published.
    pub(super) unsafe fn write(&self, at: NonNull<u8>) {
        let kind = match self.kind {
            ItemKind::String => 0,
            ItemKind::Collection => 1,
            ItemKind::Raw => 2,
        };
        let parts = self.parts();
        let lengths = if parts & WIDE == 0 {
            (self.key.len() as u32) << KEY_SHIFT | (self.value.len() as u32) << VALUE_SHIFT
        } else {
            0
        };
        // SAFETY: every write below lies within `bytes()` bytes by the layout that `body_at` computes;
        // words lie at multiples of their size from an address that is aligned to 8 where there is a word of
        // 8 bytes (see `aligned`), and to 4 anyway.
        unsafe {
            at.add(MARK).cast::<u32>().write(self.mark);
            at.add(META).cast::<u32>().write(kind | parts | lengths);
            let mut word = at.add(WORDS).cast::<u64>();
            if let Some(Millis(ms)) = self.expires {
                word.write(ms);
                word = word.add(1);
            }
            if parts & WIDE != 0 {
                word.write(self.key.len() as u64 | (self.value.len() as u64) << 32);
                word = word.add(1);
            }
            if let Some(tag) = self.tag {
                word.write(tag.cas);
                let halves = word.add(1).cast::<u32>();
                halves.write(tag.flags);
                halves.add(1).write(tag.accessed_s);
                word = word.add(2);
            }
            if let Some(entry) = self.entry {
                word.cast::<u32>().write(entry);
            }
            let body = at.add(body_at(parts));
            if self.database != 0 {
                body.sub(1).write(self.database);
            }
            if let Some(tag) = self.tag {
                let database = usize::from(self.database != 0);
                body.sub(1 + database).write(tag.state());
            }
            body.copy_from_nonoverlapping(
                NonNull::new_unchecked(self.key.as_ptr().cast_mut()),
                self.key.len(),
            );
            body.add(self.key.len()).copy_from_nonoverlapping(
                NonNull::new_unchecked(self.value.as_ptr().cast_mut()),
                self.value.len(),
            );
        }
    }
}

/// The bytes of an item that would take `bytes`: so many that the block of one with words of 8 bytes lies at a
/// multiple of 8.
#[inline]
fn aligned(meta: u32, bytes: usize) -> usize {
    if meta & (EXPIRES | WIDE | TAGGED) == 0 {
        bytes
    } else {
        bytes.next_multiple_of(size_of::<u64>())
    }
}

/// Where an entry's word begins, or would, behind the words of 8 bytes.
#[inline]
fn entry_at(meta: u32) -> usize {
    let words = (meta & (EXPIRES | WIDE)).count_ones() + 2 * (meta & TAGGED).count_ones();
    WORDS + words as usize * 8
}

/// Where the key begins.
#[inline]
fn body_at(meta: u32) -> usize {
    // The commonest at once.
    if meta & (DATABASE | EXPIRES | WIDE | TAGGED | EVICTED) == 0 {
        return WORDS;
    }
    let entry = if meta & EVICTED == 0 { 0 } else { ENTRY_BYTES };
    entry_at(meta) + entry + (meta & (DATABASE | TAGGED)).count_ones() as usize
}

/// An item in place, for as long as a guard or the owner's borrow keeps it.
#[derive(Clone, Copy)]
pub struct Item<'g> {
    at: NonNull<u8>,
    body: NonNull<u8>,
    key_bytes: u32,
    value_bytes: u32,
    meta: u32,
    held: PhantomData<&'g [u8]>,
}

impl<'g> Item<'g> {
    /// The item at `at`.
    ///
    /// # Safety
    /// [`NewItem::write`] wrote an item here, its writing happened before this call, and the block is
    /// not reused during `'g`.
    #[inline]
    pub(super) unsafe fn at(at: NonNull<u8>) -> Item<'g> {
        // SAFETY: the header is initialised and `meta` never changes after publication.
        let meta = unsafe { at.add(META).cast::<u32>().read() };
        let (key_bytes, value_bytes) = if meta & WIDE == 0 {
            (
                meta >> KEY_SHIFT & KEY_NARROW_MAX as u32,
                meta >> VALUE_SHIFT & VALUE_NARROW_MAX as u32,
            )
        } else {
            let lengths_at = WORDS + if meta & EXPIRES == 0 { 0 } else { 8 };
            // SAFETY: a wide item has its lengths behind its expiry, written before publication.
            let lengths = unsafe { at.add(lengths_at).cast::<u64>().read() };
            (lengths as u32, (lengths >> 32) as u32)
        };
        Item {
            at,
            // SAFETY: the body begins within the block.
            body: unsafe { at.add(body_at(meta)) },
            key_bytes,
            value_bytes,
            meta,
            held: PhantomData,
        }
    }

    /// The item at `at`, where it is of `key` in `database`.
    ///
    /// # Safety
    /// As of [`Item::at`].
    #[inline(always)]
    pub(super) unsafe fn of(at: NonNull<u8>, key: &[u8], database: u8) -> Option<Item<'g>> {
        /// What is all 0 in the meta of the commonest items, whose key lies right behind it, and the key's length.
        const PLAIN: u32 =
            DATABASE | EXPIRES | WIDE | TAGGED | EVICTED | (KEY_NARROW_MAX as u32) << KEY_SHIFT;
        // SAFETY: as in `at`.
        let meta = unsafe { at.add(META).cast::<u32>().read() };
        // Longer keys, and other databases, are no item's that is so.
        let plain = (key.len() as u64) << KEY_SHIFT | u64::from(database) << u32::BITS;
        if u64::from(meta & PLAIN) == plain {
            // The key's length is the caller's, not the item's, so that nothing below waits for the item's first
            // line to know where its others are.
            let item = Item {
                at,
                // SAFETY: the body begins within the block.
                body: unsafe { at.add(WORDS) },
                key_bytes: key.len() as u32,
                value_bytes: meta >> VALUE_SHIFT,
                meta,
                held: PhantomData,
            };
            return equal(item.key(), key).then_some(item);
        }
        // SAFETY: as the caller promised.
        let item = unsafe { Item::at(at) };
        item.is_of(key, database).then_some(item)
    }

    /// Whether the item is of `key` in `database`, wherever it has them.
    #[inline(never)]
    fn is_of(self, key: &[u8], database: u8) -> bool {
        equal(self.key(), key) && self.database() == database
    }

    /// What the value is.
    #[inline]
    pub fn kind(self) -> ItemKind {
        match self.meta & KIND_MASK {
            0 => ItemKind::String,
            1 => ItemKind::Collection,
            _ => ItemKind::Raw,
        }
    }

    /// Whether the value is a string's bytes.
    #[inline]
    pub fn is_string(self) -> bool {
        self.kind() != ItemKind::Collection
    }

    /// The database.
    #[inline]
    pub fn database(self) -> u8 {
        if self.meta & DATABASE == 0 {
            return 0;
        }
        // SAFETY: by its bit the byte stands right before the key, and it never changes after
        // publication.
        unsafe { self.body.sub(1).read() }
    }

    /// The key.
    #[inline]
    pub fn key(self) -> &'g [u8] {
        // SAFETY: key bytes follow the header and never change after publication.
        unsafe { std::slice::from_raw_parts(self.body.as_ptr(), self.key_bytes as usize) }
    }

    /// The value.
    #[inline]
    pub fn value(self) -> &'g [u8] {
        // SAFETY: value bytes follow the key and never change after publication.
        unsafe {
            std::slice::from_raw_parts(
                self.body.as_ptr().add(self.key_bytes as usize),
                self.value_bytes as usize,
            )
        }
    }

    /// The bytes of header, key and value, before rounding to a block.
    #[inline]
    pub fn bytes(self) -> usize {
        let body_at = self.body.addr().get() - self.at.addr().get();
        let bytes = body_at + self.key_bytes as usize + self.value_bytes as usize;
        aligned(self.meta, bytes)
    }

    /// The mark, which any core may change; it orders nothing, so all its accesses are relaxed.
    #[inline]
    pub fn mark(self) -> &'g AtomicU32 {
        self.word32(MARK)
    }

    /// The policy's number of this item, where it has room for one.
    pub fn entry(self) -> Option<EntryId> {
        // Relaxed: a reader that sees an older number sends a touch that the owner then discards.
        let word = (self.meta & EVICTED != 0).then(|| self.word32(entry_at(self.meta)));
        word.map(|word| word.load(Ordering::Relaxed))
    }

    /// Changes the policy's number; the owner's alone, and only of an item that has room for one.
    pub fn set_entry(self, entry: EntryId) {
        debug_assert!(self.meta & EVICTED != 0, "an item of a policy that evicts");
        if self.meta & EVICTED != 0 {
            self.word32(entry_at(self.meta))
                .store(entry, Ordering::Relaxed);
        }
    }

    /// When the item expires.
    #[inline]
    pub fn expires(self) -> Option<Millis> {
        self.expiry()
            // Relaxed: one word, whole in itself; a reader sees the time before or after a change.
            .map(|word| Millis(word.load(Ordering::Relaxed)))
    }

    /// Changes when the item expires; `false` where it has no room for that and must be made anew.
    pub fn set_expires(self, at: Millis) -> bool {
        self.expiry()
            .map(|word| word.store(at.0, Ordering::Relaxed))
            .is_some()
    }

    /// What Memcached keeps of it.
    pub fn tag(self) -> Option<Tag> {
        if self.meta & TAGGED == 0 {
            return None;
        }
        let (cas, flags) = self.tag_words();
        // Relaxed: words that order nothing.
        let state = self.state().load(Ordering::Relaxed);
        Some(Tag {
            cas,
            flags,
            accessed_s: self.accessed().load(Ordering::Relaxed),
            fetched: state & Tag::FETCHED != 0,
            stale: state & Tag::STALE != 0,
            won: state & Tag::WON != 0,
        })
    }

    /// Changes what may change of a tag in place: when it was read, and its state. The owner's alone, and
    /// only of an item that has a tag.
    pub fn set_tag(self, tag: Tag) {
        if self.meta & TAGGED != 0 {
            self.accessed().store(tag.accessed_s, Ordering::Relaxed);
            self.state().store(tag.state(), Ordering::Relaxed);
        }
    }

    /// Whether any core may note a reading for Memcached's clients: the state, which is the owner's alone, says
    /// already that there was one, or nothing is kept of any.
    #[inline]
    pub fn is_fetched(self) -> bool {
        // Relaxed: it is never taken back.
        self.meta & TAGGED == 0 || self.state().load(Ordering::Relaxed) & Tag::FETCHED != 0
    }

    /// Notes when the item was read; of one without a tag nothing.
    #[inline]
    pub fn set_accessed(self, seconds: u32) {
        if self.meta & TAGGED != 0 {
            // Relaxed: it orders nothing; of two readings at one time either may be told.
            self.accessed().store(seconds, Ordering::Relaxed);
        }
    }

    /// Where a tag's words begin; the item has one.
    fn tag_at(self) -> usize {
        let before = self.meta & (EXPIRES | WIDE);
        WORDS + before.count_ones() as usize * 8
    }

    fn tag_words(self) -> (u64, u32) {
        // SAFETY: a tagged item has both words, written before publication and never again.
        unsafe {
            let cas = self.at.add(self.tag_at()).cast::<u64>();
            (cas.read(), cas.add(1).cast::<u32>().read())
        }
    }

    fn accessed(self) -> &'g AtomicU32 {
        self.word32(self.tag_at() + 12)
    }

    fn state(self) -> &'g AtomicU8 {
        let database = usize::from(self.meta & DATABASE != 0);
        // SAFETY: a tagged item has the byte before its database's, or before its key, and it is only
        // accessed atomically once the item is published.
        unsafe { AtomicU8::from_ptr(self.body.sub(1 + database).as_ptr()) }
    }

    fn expiry(self) -> Option<&'g AtomicU64> {
        (self.meta & EXPIRES != 0).then(|| {
            // SAFETY: the word is there by its bit, aligned to 8, and only accessed atomically once
            // the item is published.
            unsafe { AtomicU64::from_ptr(self.at.add(WORDS).cast().as_ptr()) }
        })
    }

    #[inline]
    fn word32(self, at: usize) -> &'g AtomicU32 {
        // SAFETY: every header has the mark, a tagged one its second half, one of a policy its entry, all
        // aligned to 4; they are only accessed atomically once the item is published.
        unsafe { AtomicU32::from_ptr(self.at.add(at).cast().as_ptr()) }
    }
}
