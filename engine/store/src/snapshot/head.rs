//! Head and tail: what opening a snapshot reads.
//!
//! ```text
//!    0  magic "SEAWALLS"             48  records
//!    8  format version               56  first page of the index
//!   12  size of a page               64  pages of the index
//!   16  shard                        72  length of the file
//!   20  how many shards there are    80  save that it is of
//!   24  seed of hash and checksums   88  cipher (0: none), room for a wrapped key; zeroes
//!   32  sequence that it covers    4088  XXH3 of what comes before
//!   40  milliseconds when taken                                   little-endian
//! ```
//!
//! The tail is the head's checksum and "SEAWALLE": a file that lost its end is seen at once.

use xxhash_rust::xxh3::xxh3_64;

use super::PAGE_BYTES;
use crate::time::Millis;

/// The length of the tail.
pub const TAIL_BYTES: usize = 16;

const MAGIC: &[u8; 8] = b"SEAWALLS";
const TAIL_MAGIC: &[u8; 8] = b"SEAWALLE";
const VERSION: u32 = 3;
const CHECK_AT: usize = PAGE_BYTES - 8;
const USED_BYTES: usize = 88;

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The shard.
    pub shard: u32,
    /// How many shards the store has.
    pub shards: u32,
    /// Seeds the hash of keys and the checksums. Secret: who knows it can choose keys that collide.
    pub seed: u64,
    /// The last record of the log that the snapshot covers.
    pub sequence: u64,
    /// When it was taken.
    pub taken: Millis,
    /// The save that it is of: the same for all shards of one.
    pub save: u64,
}

/// What a head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub meta: Meta,
    /// Records.
    pub records: u64,
    /// The first page of the index: behind the last block.
    pub index: u64,
    /// Pages of the index.
    pub index_pages: u64,
}

impl Head {
    /// The length of the whole file.
    pub fn file_bytes(&self) -> Option<u64> {
        let pages = self.index.checked_add(self.index_pages)?;
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
            self.meta.taken.0,
            self.records,
            self.index,
            self.index_pages,
            file_bytes,
            self.meta.save,
        ] {
            put(&number.to_le_bytes());
        }
        debug_assert_eq!(at, USED_BYTES);
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
        let unknown = page[USED_BYTES..CHECK_AT].iter().any(|&byte| byte != 0);
        if u32_at(12) as usize != PAGE_BYTES || unknown {
            let why = "its head has fields that this version does not know";
            return Err(Wrong::Foreign(why.to_owned()));
        }
        let head = Head {
            meta: Meta {
                shard: u32_at(16),
                shards: u32_at(20),
                seed: u64_at(24),
                sequence: u64_at(32),
                taken: Millis(u64_at(40)),
                save: u64_at(80),
            },
            records: u64_at(48),
            index: u64_at(56),
            index_pages: u64_at(64),
        };
        let slots = head
            .index_pages
            .saturating_mul(super::index::SLOTS_PER_PAGE as u64);
        if head.index == 0 || head.index_pages == 0 || head.records >= slots {
            return Err(Wrong::Damaged(48, "its head counts what cannot be"));
        }
        let len = file.len() as u64;
        if head.file_bytes() != Some(len) || u64_at(72) != len {
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
