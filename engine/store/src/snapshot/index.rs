//! The index: an open hash table in pages, each with a checksum of its own.
//!
//! ```text
//!  page:  0  XXH3 of all that follows     8  zeroes     16  255 slots
//!  slot:  0  hash of the key              8  page of the block, 0 where the slot is empty
//!                                        12  where in the block the record begins
//! ```
//!
//! A key's slot is its hash scaled to the number of slots, or the next empty one behind it (linear
//! probing, wrapping round). At most three slots of four are taken, so probes are short.

use super::{PAGE_BYTES, block};

/// Slots in a page.
pub const SLOTS_PER_PAGE: usize = (PAGE_BYTES - HEAD_BYTES) / SLOT_BYTES;

const HEAD_BYTES: usize = 16;
const SLOT_BYTES: usize = 16;

/// A slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// The key's hash.
    pub hash: u64,
    /// The page where the record's block begins; 0: empty.
    pub page: u32,
    /// Where in the block the record begins.
    pub offset: u32,
}

/// The slot of `slots` at which the search for `hash` begins.
pub fn home(hash: u64, slots: u64) -> u64 {
    ((u128::from(hash) * u128::from(slots)) >> 64) as u64
}

/// The pages of the index of `entries`, which will stand from page `first` on.
pub fn pages(entries: &[Slot], first: u64, seed: u64) -> Vec<u8> {
    let wanted = entries.len() + entries.len() / 3 + 1;
    let pages = wanted.div_ceil(SLOTS_PER_PAGE);
    let slots = pages * SLOTS_PER_PAGE;
    let mut table = vec![Slot::default(); slots];
    for entry in entries {
        let mut at = home(entry.hash, slots as u64) as usize;
        while table[at].page != 0 {
            at = (at + 1) % slots;
        }
        table[at] = *entry;
    }
    let mut bytes = Vec::with_capacity(pages * PAGE_BYTES);
    for (i, slots) in table.chunks(SLOTS_PER_PAGE).enumerate() {
        let start = bytes.len();
        bytes.extend_from_slice(&[0; HEAD_BYTES]);
        for slot in slots {
            bytes.extend_from_slice(&slot.hash.to_le_bytes());
            bytes.extend_from_slice(&slot.page.to_le_bytes());
            bytes.extend_from_slice(&slot.offset.to_le_bytes());
        }
        let check = block::checksum(&bytes[start + 8..], first + i as u64, seed);
        bytes[start..start + 8].copy_from_slice(&check.to_le_bytes());
    }
    bytes
}

/// Whether the checksum of the index's page `bytes` matches.
pub fn is_whole(bytes: &[u8], page: u64, seed: u64) -> bool {
    bytes[..8] == block::checksum(&bytes[8..], page, seed).to_le_bytes()
}

/// Slot `i` of the index's page `bytes`.
pub fn slot(bytes: &[u8], i: usize) -> Slot {
    let at = HEAD_BYTES + i * SLOT_BYTES;
    let slot = &bytes[at..at + SLOT_BYTES];
    Slot {
        hash: u64::from_le_bytes(slot[..8].try_into().expect("eight")),
        page: u32::from_le_bytes(slot[8..12].try_into().expect("four")),
        offset: u32::from_le_bytes(slot[12..].try_into().expect("four")),
    }
}
