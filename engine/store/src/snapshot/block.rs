//! Blocks: runs of records with a checksum.
//!
//! ```text
//!    0  XXH3 of all that follows, seeded by all that it is of  24  records
//!    8  bytes of records as they stand here                    28  flags
//!   16  bytes of records once decompressed                     32  its first cell: where that begins
//!                                                              40  records…, zeroes to a whole page
//!
//!  flags     bit 0: its cells were saved ahead of the walk; bit 1: it goes on with a cell that an earlier
//!            block of its sort began, and has nothing else                                little-endian
//! ```
//!
//! A block begins at a page and has as many as it needs: some 32 KiB of small records, or one record
//! that is larger. No record lies in two blocks. Where the head of the file says so, the records are
//! one block of LZ4.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::PAGE_BYTES;
use super::head::Codec;

/// The length of a block's head.
pub const HEAD_BYTES: usize = 40;

/// A block that has reached this size is full.
pub const FULL_BYTES: usize = 32 << 10;

/// LZ4 says no more than 255 bytes with one: more is promised by nobody but a forger.
const LZ4_RATIO_MAX: usize = 255;

const AHEAD: u32 = 1;
const CONTINUES: u32 = 1 << 1;

/// The checksum of `bytes` at page `page`: a page that stands elsewhere has another. The seed is one of the save and the
/// shard ([`Meta`](super::Meta)).
pub fn checksum(bytes: &[u8], page: u64, seed: u64) -> u64 {
    xxh3_64_with_seed(bytes, seed ^ page.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// What a block's head says of its cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// Records.
    pub records: u32,
    /// Where its first cell begins.
    pub cell: u64,
    /// Whether its cells were saved ahead of the walk.
    pub ahead: bool,
    /// Whether it has the rest of a cell that an earlier block began, or a part of that rest.
    pub continues: bool,
}

/// Makes `block`, whose first [`HEAD_BYTES`] are room for its head, ready to stand at `page`.
pub fn seal(block: &mut Vec<u8>, label: &Label, page: u64, seed: u64, codec: Codec) {
    let plain = (block.len() - HEAD_BYTES) as u64;
    if codec == Codec::Lz4 {
        let room = lz4_flex::block::get_maximum_output_size(plain as usize);
        let mut packed = vec![0; HEAD_BYTES + room];
        let packed_bytes =
            lz4_flex::block::compress_into(&block[HEAD_BYTES..], &mut packed[HEAD_BYTES..])
                .expect("the room is as much as it says that it may take");
        packed.truncate(HEAD_BYTES + packed_bytes);
        *block = packed;
    }
    let stored = (block.len() - HEAD_BYTES) as u64;
    block.resize(block.len().next_multiple_of(PAGE_BYTES), 0);
    let flag = |whether: bool, flag| if whether { flag } else { 0 };
    let flags = flag(label.ahead, AHEAD) | flag(label.continues, CONTINUES);
    block[8..16].copy_from_slice(&stored.to_le_bytes());
    block[16..24].copy_from_slice(&plain.to_le_bytes());
    block[24..28].copy_from_slice(&label.records.to_le_bytes());
    block[28..32].copy_from_slice(&flags.to_le_bytes());
    block[32..40].copy_from_slice(&label.cell.to_le_bytes());
    let check = checksum(&block[8..], page, seed);
    block[..8].copy_from_slice(&check.to_le_bytes());
}

/// A block as it lies in the file.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    bytes: &'a [u8],
    stored: usize,
}

impl<'a> Block<'a> {
    /// The block at the front of `bytes`, its end bounded and nothing checked yet.
    pub fn bounded(bytes: &'a [u8]) -> Option<Block<'a>> {
        let stored = u64::from_le_bytes(bytes.get(8..16)?.try_into().expect("eight"));
        let stored = usize::try_from(stored).ok()?;
        let end = stored
            .checked_add(HEAD_BYTES)?
            .checked_next_multiple_of(PAGE_BYTES)?;
        let bytes = bytes.get(..end)?;
        Some(Block { bytes, stored })
    }

    /// Whether the checksum matches.
    pub fn is_whole(&self, page: u64, seed: u64) -> bool {
        self.bytes[..8] == checksum(&self.bytes[8..], page, seed).to_le_bytes()
    }

    /// Pages that it takes.
    pub fn pages(&self) -> u64 {
        (self.bytes.len() / PAGE_BYTES) as u64
    }

    /// What its head says of its cells; `None`: flags that this version does not know.
    pub fn label(&self) -> Option<Label> {
        let u32_at = |at| u32::from_le_bytes(self.array(at));
        let flags = u32_at(28);
        (flags & !(AHEAD | CONTINUES) == 0).then(|| Label {
            records: u32_at(24),
            cell: u64::from_le_bytes(self.array(32)),
            ahead: flags & AHEAD != 0,
            continues: flags & CONTINUES != 0,
        })
    }

    /// Its records, decompressed where they are not plain; `None` where they cannot be.
    pub fn records(&self, codec: Codec) -> Option<Cow<'a, [u8]>> {
        let stored = &self.bytes[HEAD_BYTES..HEAD_BYTES + self.stored];
        let plain = usize::try_from(u64::from_le_bytes(self.array(16))).ok()?;
        match codec {
            Codec::Plain => (plain == stored.len()).then_some(Cow::Borrowed(stored)),
            Codec::Lz4 => {
                if plain / LZ4_RATIO_MAX > stored.len() {
                    return None;
                }
                let bytes = lz4_flex::block::decompress(stored, plain).ok()?;
                (bytes.len() == plain).then_some(Cow::Owned(bytes))
            }
        }
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes[at..at + N].try_into().expect("a part of a head")
    }
}
