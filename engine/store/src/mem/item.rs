//! Items: a key, its value and a small header, in one block.
//!
//! ```text
//!  0  mark      u32  atomic: what hits leave for the policy, from any core
//!  4  entry     u32  atomic: the policy's number of the item, the owner's
//!  8  meta      u32  kind 2 bits, database 1, expiry 1, wide 1, key length 9,
//!                   value length 18
//!  narrow, never expires:  12 key, value
//!  16 expiry    u64  atomic, milliseconds; where the expiry bit is set
//!  .. lengths   u64  key length in the low half, value length in the high; where wide
//!     database u8 where its bit is set, that is, in databases other than 0
//!     key, value
//! ```
//!
//! So a short item of database 0 that never expires pays 12 bytes. Everything but the atomic words is written
//! before the item is published and never again.
#![expect(unsafe_code, reason = "items are bytes in a range of memory")]

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::evict::EntryId;
use crate::time::Millis;

const MARK: usize = 0;
const ENTRY: usize = 4;
const META: usize = 8;
const NARROW_BYTES: usize = 12;
const WORDS: usize = 16;

const KIND_MASK: u32 = 0b11;
const DATABASE: u32 = 1 << 2;
const EXPIRES: u32 = 1 << 3;
const WIDE: u32 = 1 << 4;
const KEY_SHIFT: u32 = 5;
const KEY_NARROW_MAX: usize = (1 << 9) - 1;
const VALUE_SHIFT: u32 = 14;
const VALUE_NARROW_MAX: usize = (1 << 18) - 1;

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
    /// The policy's number.
    pub entry: EntryId,
    /// The mark that it begins with.
    pub mark: u32,
}

impl NewItem<'_> {
    fn wide(&self) -> bool {
        self.key.len() > KEY_NARROW_MAX || self.value.len() > VALUE_NARROW_MAX
    }

    /// The bytes that the item takes, before rounding to a block.
    pub fn bytes(&self) -> usize {
        body_at(self.expires.is_some(), self.wide())
            + usize::from(self.database != 0)
            + self.key.len()
            + self.value.len()
    }

    /// The bytes of an item with such a key and value that never expires, in database 0.
    pub fn bytes_narrow(key: usize, value: usize) -> usize {
        NARROW_BYTES + key + value
    }

    /// Writes the item.
    ///
    /// # Safety
    /// `at` points to [`NewItem::bytes`] writable bytes, aligned to 8, that nobody else reads or
    /// writes until the item is published.
    pub(super) unsafe fn write(&self, at: NonNull<u8>) {
        let wide = self.wide();
        let mut meta = match self.kind {
            ItemKind::String => 0,
            ItemKind::Collection => 1,
            ItemKind::Raw => 2,
        };
        if self.database != 0 {
            meta |= DATABASE;
        }
        if self.expires.is_some() {
            meta |= EXPIRES;
        }
        if wide {
            meta |= WIDE;
        } else {
            meta |= (self.key.len() as u32) << KEY_SHIFT | (self.value.len() as u32) << VALUE_SHIFT;
        }
        // SAFETY: every write below lies within `bytes()` bytes by the layout that `body_at` computes;
        // words lie at multiples of their size from an address aligned to 8.
        unsafe {
            at.add(MARK).cast::<u32>().write(self.mark);
            at.add(ENTRY).cast::<u32>().write(self.entry);
            at.add(META).cast::<u32>().write(meta);
            let mut word = at.add(WORDS).cast::<u64>();
            if let Some(Millis(ms)) = self.expires {
                word.write(ms);
                word = word.add(1);
            }
            if wide {
                word.write(self.key.len() as u64 | (self.value.len() as u64) << 32);
            }
            let mut body = at.add(body_at(self.expires.is_some(), wide));
            if self.database != 0 {
                body.write(self.database);
                body = body.add(1);
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

fn body_at(expires: bool, wide: bool) -> usize {
    match usize::from(expires) + usize::from(wide) {
        0 => NARROW_BYTES,
        words => WORDS + words * 8,
    }
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
    pub(super) unsafe fn at(at: NonNull<u8>) -> Item<'g> {
        // SAFETY: the header is initialised and `meta` never changes after publication.
        let meta = unsafe { at.add(META).cast::<u32>().read() };
        let (expires, wide) = (meta & EXPIRES != 0, meta & WIDE != 0);
        let database = usize::from(meta & DATABASE != 0);
        let (key_bytes, value_bytes) = if wide {
            // SAFETY: a wide item has its lengths in the last header word, written before publication.
            let lengths = unsafe {
                at.add(WORDS + usize::from(expires) * 8)
                    .cast::<u64>()
                    .read()
            };
            (lengths as u32, (lengths >> 32) as u32)
        } else {
            (
                meta >> KEY_SHIFT & KEY_NARROW_MAX as u32,
                meta >> VALUE_SHIFT & VALUE_NARROW_MAX as u32,
            )
        };
        Item {
            at,
            // SAFETY: the body begins within the block.
            body: unsafe { at.add(body_at(expires, wide) + database) },
            key_bytes,
            value_bytes,
            meta,
            held: PhantomData,
        }
    }

    /// What the value is.
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
    pub fn bytes(self) -> usize {
        body_at(self.meta & EXPIRES != 0, self.meta & WIDE != 0)
            + usize::from(self.meta & DATABASE != 0)
            + self.key_bytes as usize
            + self.value_bytes as usize
    }

    /// The mark, which any core may change; it orders nothing, so all its accesses are relaxed.
    pub fn mark(self) -> &'g AtomicU32 {
        self.word32(MARK)
    }

    /// The policy's number of this item.
    pub fn entry(self) -> EntryId {
        // Relaxed: a reader that sees an older number sends a touch that the owner then discards.
        self.word32(ENTRY).load(Ordering::Relaxed)
    }

    /// Changes the policy's number; the owner's alone.
    pub fn set_entry(self, entry: EntryId) {
        self.word32(ENTRY).store(entry, Ordering::Relaxed);
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

    fn expiry(self) -> Option<&'g AtomicU64> {
        (self.meta & EXPIRES != 0).then(|| {
            // SAFETY: the word is there by its bit, aligned to 8, and only accessed atomically once
            // the item is published.
            unsafe { AtomicU64::from_ptr(self.at.add(WORDS).cast().as_ptr()) }
        })
    }

    fn word32(self, at: usize) -> &'g AtomicU32 {
        // SAFETY: every header has the two atomic words, aligned to 4, and they are only accessed
        // atomically once the item is published.
        unsafe { AtomicU32::from_ptr(self.at.add(at).cast().as_ptr()) }
    }
}
