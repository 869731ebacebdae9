//! Blocks: runs of records with a checksum.
//!
//! ```text
//!    0  XXH3 of all that follows, seeded by seed and page      16  records
//!    8  bytes of records                                       24  records…, zeroes to a whole page
//! ```
//!
//! A block begins at a page and has as many as it needs: some 16 KiB of small records, or one record
//! that is larger. So a lookup reads and checks about 16 KiB at a first touch, and no record lies in
//! two blocks.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::PAGE_BYTES;

/// The length of a block's head.
pub const HEAD_BYTES: usize = 24;

/// A block that has reached this size is full.
pub const FULL_BYTES: usize = 16 << 10;

/// The checksum of `bytes` at page `page`: a page that stands elsewhere has another.
pub fn checksum(bytes: &[u8], page: u64, seed: u64) -> u64 {
    xxh3_64_with_seed(bytes, seed ^ page.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Makes `block`, whose first [`HEAD_BYTES`] are room for its head, ready to stand at `page`.
pub fn seal(block: &mut Vec<u8>, records: u64, page: u64, seed: u64) {
    let payload = (block.len() - HEAD_BYTES) as u64;
    block.resize(block.len().next_multiple_of(PAGE_BYTES), 0);
    block[8..16].copy_from_slice(&payload.to_le_bytes());
    block[16..24].copy_from_slice(&records.to_le_bytes());
    let check = checksum(&block[8..], page, seed);
    block[..8].copy_from_slice(&check.to_le_bytes());
}

/// A block as it lies in the file.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    bytes: &'a [u8],
    payload: usize,
}

impl<'a> Block<'a> {
    /// The block at the front of `bytes`, its end bounded and nothing checked yet.
    pub fn bounded(bytes: &'a [u8]) -> Option<Block<'a>> {
        let payload = u64::from_le_bytes(bytes.get(8..16)?.try_into().expect("eight"));
        let end = usize::try_from(payload)
            .ok()?
            .checked_add(HEAD_BYTES)?
            .checked_next_multiple_of(PAGE_BYTES)?;
        Some(Block {
            bytes: bytes.get(..end)?,
            payload: payload as usize,
        })
    }

    /// Whether the checksum matches.
    pub fn is_whole(&self, page: u64, seed: u64) -> bool {
        self.bytes[..8] == checksum(&self.bytes[8..], page, seed).to_le_bytes()
    }

    /// Pages that it takes.
    pub fn pages(&self) -> u64 {
        (self.bytes.len() / PAGE_BYTES) as u64
    }

    /// How many records it says it has.
    pub fn records(&self) -> u64 {
        u64::from_le_bytes(self.bytes[16..24].try_into().expect("eight"))
    }

    /// The records from byte `offset` of the block on.
    pub fn from(&self, offset: usize) -> Option<&'a [u8]> {
        self.bytes[..HEAD_BYTES + self.payload].get(offset..)
    }
}
