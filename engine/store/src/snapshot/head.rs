//! Head and tail: what opening a snapshot reads first.
//!
//! ```text
//!    0  magic "SEAWALLS"             64  records
//!    8  format version               72  keys
//!   12  size of a page               80  first page of the index
//!   16  shard                        88  walked blocks
//!   20  how many shards there are    96  entries of cells saved ahead
//!   24  seed of hash and checksums  104  length of the file
//!   32  sequence that it covers     112  bits of a cell
//!   40  log that has the sequence   116  codec of the blocks (0: plain, 1: LZ4)
//!   48  milliseconds when taken     120  cipher (0: none)
//!   56  save that it is of          124  room for a wrapped key; zeroes
//!                                   512  for each of 256 databases, its place
//!                                  4088  XXH3 of what comes before             little-endian
//! ```
//!
//! The tail is the head's checksum and "SEAWALLE": a file that lost its end is seen at once.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::{PAGE_BYTES, index};
use crate::index::CURSOR_BITS;
use crate::keyspace::DATABASES_MAX;
use crate::time::Millis;

/// The length of the tail.
pub const TAIL_BYTES: usize = 16;

const MAGIC: &[u8; 8] = b"SEAWALLS";
const TAIL_MAGIC: &[u8; 8] = b"SEAWALLE";
const VERSION: u32 = 4;
const CHECK_AT: usize = PAGE_BYTES - 8;
const USED_BYTES: usize = 120;
const PLACES_AT: usize = 512;
const PLACES: Range<usize> = PLACES_AT..PLACES_AT + DATABASES_MAX;

/// How the records of a block are written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codec {
    /// As they are.
    #[default]
    Plain,
    /// Compressed, block by block.
    Lz4,
}

impl Codec {
    /// The codec of who wants blocks compressed, or not.
    pub fn compressing(whether: bool) -> Codec {
        if whether { Codec::Lz4 } else { Codec::Plain }
    }
}

/// For each database, the place in the shard by which its keys are hashed: `SWAPDB` exchanges places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places(Box<[u8; DATABASES_MAX]>);

impl Default for Places {
    /// Every database at the place that has its number.
    fn default() -> Places {
        Places::from_fn(|number| number)
    }
}

impl Places {
    /// The places that `place` gives to databases.
    pub fn from_fn(place: impl Fn(u8) -> u8) -> Places {
        let places = std::array::from_fn(|number| place(number as u8));
        Places(Box::new(places))
    }

    /// The place of database `number`.
    pub fn of(&self, number: u8) -> u8 {
        self.0[usize::from(number)]
    }

    fn is_valid(&self) -> bool {
        let mut taken = [false; DATABASES_MAX];
        (self.0.iter()).all(|&place| !std::mem::replace(&mut taken[usize::from(place)], true))
    }
}

/// What a snapshot is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The shard.
    pub shard: u32,
    /// How many shards the store has.
    pub shards: u32,
    /// Seeds the hash of keys and the checksums. Secret: who knows it can choose keys that collide.
    pub seed: u64,
    /// The last record of the log that the snapshot covers.
    pub sequence: u64,
    /// Tells the log that has that record from others; 0: no log.
    pub log: u64,
    /// When it was taken.
    pub taken: Millis,
    /// The save that it is of: the same for all shards of one.
    pub save: u64,
    /// There are 2 to the power of so many cells.
    pub cell_bits: u8,
    /// How the records of a block are written down.
    pub codec: Codec,
    /// The places of databases when it was taken.
    pub places: Places,
}

/// What a head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub meta: Meta,
    /// Records.
    pub records: u64,
    /// Keys: those of several parts are several records.
    pub keys: u64,
    /// The first page of the index: behind the last block.
    pub index: u64,
    /// Entries of the index that are of walked blocks.
    pub walked: u64,
    /// Entries that are of cells saved ahead.
    pub ahead: u64,
}

impl Head {
    /// The length of the whole file.
    pub fn file_bytes(&self) -> Option<u64> {
        let entries = self.walked.checked_add(self.ahead)?;
        let pages = self.index.checked_add(index::pages(entries))?;
        pages
            .checked_mul(PAGE_BYTES as u64)?
            .checked_add(TAIL_BYTES as u64)
    }

    /// The head's page and the tail.
    pub fn encode(&self) -> ([u8; PAGE_BYTES], [u8; TAIL_BYTES]) {
        let mut page = [0; PAGE_BYTES];
        page[..8].copy_from_slice(MAGIC);
        let mut at = 8;
        let mut put = |bytes: &[u8]| {
            page[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&VERSION.to_le_bytes());
        put(&(PAGE_BYTES as u32).to_le_bytes());
        put(&self.meta.shard.to_le_bytes());
        put(&self.meta.shards.to_le_bytes());
        let file_bytes = self
            .file_bytes()
            .expect("a file that was written has a length");
        for number in [
            self.meta.seed,
            self.meta.sequence,
            self.meta.log,
            self.meta.taken.0,
            self.meta.save,
            self.records,
            self.keys,
            self.index,
            self.walked,
            self.ahead,
            file_bytes,
        ] {
            put(&number.to_le_bytes());
        }
        let codec = match self.meta.codec {
            Codec::Plain => 0_u32,
            Codec::Lz4 => 1,
        };
        put(&u32::from(self.meta.cell_bits).to_le_bytes());
        put(&codec.to_le_bytes());
        debug_assert_eq!(at, USED_BYTES);
        page[PLACES].copy_from_slice(&self.meta.places.0[..]);
        let check = xxh3_64(&page[..CHECK_AT]).to_le_bytes();
        page[CHECK_AT..].copy_from_slice(&check);
        let mut tail = [0; TAIL_BYTES];
        tail[..8].copy_from_slice(&check);
        tail[8..].copy_from_slice(TAIL_MAGIC);
        (page, tail)
    }

    /// Reads the head of a whole file.
    pub fn decode(file: &[u8]) -> Result<Head, Wrong> {
        let Some(page) = file.get(..PAGE_BYTES).filter(|page| &page[..8] == MAGIC) else {
            return Err(Wrong::Foreign(
                "it does not begin as a snapshot does".to_owned(),
            ));
        };
        let u32_at = |at: usize| u32::from_le_bytes(page[at..at + 4].try_into().expect("four"));
        let u64_at = |at: usize| u64::from_le_bytes(page[at..at + 8].try_into().expect("eight"));
        let version = u32_at(8);
        if version != VERSION {
            let why = format!("format version {version}; this program reads {VERSION}");
            return Err(Wrong::Foreign(why));
        }
        if xxh3_64(&page[..CHECK_AT]) != u64_at(CHECK_AT) {
            return Err(Wrong::Damaged(0, "the checksum of its head does not match"));
        }
        let unused = [USED_BYTES..PLACES.start, PLACES.end..CHECK_AT];
        let unknown = unused.into_iter().flat_map(|part| &page[part]);
        let codec = match u32_at(116) {
            0 => Some(Codec::Plain),
            1 => Some(Codec::Lz4),
            _ => None,
        };
        let (true, true, Some(codec)) = (
            u32_at(12) as usize == PAGE_BYTES,
            unknown.into_iter().all(|&byte| byte == 0),
            codec,
        ) else {
            let why = "its head has fields that this version does not know";
            return Err(Wrong::Foreign(why.to_owned()));
        };
        let head = Head {
            meta: Meta {
                shard: u32_at(16),
                shards: u32_at(20),
                seed: u64_at(24),
                sequence: u64_at(32),
                log: u64_at(40),
                taken: Millis(u64_at(48)),
                save: u64_at(56),
                cell_bits: u32_at(112).min(CURSOR_BITS + 1) as u8,
                codec,
                places: Places::from_fn(|number| page[PLACES_AT + usize::from(number)]),
            },
            records: u64_at(64),
            keys: u64_at(72),
            index: u64_at(80),
            walked: u64_at(88),
            ahead: u64_at(96),
        };
        let meta = &head.meta;
        let cannot_be = head.index == 0
            || head.keys > head.records
            || u32::from(meta.cell_bits) > CURSOR_BITS
            // A log goes on behind what a snapshot covers.
            || meta.sequence == u64::MAX
            || !meta.places.is_valid();
        if cannot_be {
            return Err(Wrong::Damaged(64, "its head says what cannot be"));
        }
        let len = file.len() as u64;
        if head.file_bytes() != Some(len) || u64_at(104) != len {
            return Err(Wrong::Damaged(
                len,
                "the file is not as long as its head says",
            ));
        }
        let (tail_at, check) = (file.len() - TAIL_BYTES, &page[CHECK_AT..]);
        if &file[tail_at..tail_at + 8] != check || &file[tail_at + 8..] != TAIL_MAGIC {
            return Err(Wrong::Damaged(
                tail_at as u64,
                "its end is not the one of its head",
            ));
        }
        Ok(head)
    }
}

/// Why a head cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The file is something else.
    Foreign(String),
    /// The file is damaged, at this offset.
    Damaged(u64, &'static str),
}
