//! Values in Redis's RDB form: what `DUMP` gives and `RESTORE` takes.
//!
//! ```text
//!  type u8 · value · RDB version u16 · CRC-64 of all before it        little-endian
//! ```
//!
//! [`write`] gives the form of RDB version 10 (Redis 7.0) that fits the value's encoding; [`read`] takes
//! every form that versions up to 10 have for strings, lists, sets, hashes and sorted sets, the old
//! ziplists and zipmaps among them. What it reads comes from outside: each length is held against what
//! is left before anything is done with it. Whole RDB files are not read here.

mod intset;
mod listpack;
mod lzf;
mod read;
mod write;
mod ziplist;

#[cfg(test)]
mod tests;

use crc_fast::{CrcAlgorithm, checksum};

pub use read::read;
pub use write::write;

/// The version that is written, and the latest that is read.
const VERSION: u16 = 10;
/// Version and checksum.
const FOOTER_BYTES: usize = 10;

/// Why a payload is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RdbError {
    /// It is of a later version, or damaged.
    #[error("ERR DUMP payload version or checksum are wrong")]
    Footer,
    /// It says what it is, and is not.
    #[error("ERR Bad data format")]
    Format,
}

/// The types of values, as RDB numbers them.
mod kind {
    pub const STRING: u8 = 0;
    pub const LIST: u8 = 1;
    pub const SET: u8 = 2;
    pub const SORTED_SET: u8 = 3;
    pub const HASH: u8 = 4;
    pub const SORTED_SET_BINARY: u8 = 5;
    pub const HASH_ZIPMAP: u8 = 9;
    pub const LIST_ZIPLIST: u8 = 10;
    pub const SET_INTSET: u8 = 11;
    pub const SORTED_SET_ZIPLIST: u8 = 12;
    pub const HASH_ZIPLIST: u8 = 13;
    pub const LIST_QUICKLIST: u8 = 14;
    pub const HASH_LISTPACK: u8 = 16;
    pub const SORTED_SET_LISTPACK: u8 = 17;
    pub const LIST_QUICKLIST_LISTPACKS: u8 = 18;
}

/// What stands before a length or a string.
mod head {
    /// The two upper bits: six bits of length follow in the byte itself, fourteen with the next byte.
    pub const BITS_6: u8 = 0;
    pub const BITS_14: u8 = 1;
    /// The length follows, big-endian.
    pub const BITS_32: u8 = 0x80;
    pub const BITS_64: u8 = 0x81;
    /// No length: an integer of so many bits, or a compressed string.
    pub const INT_8: u8 = 0xc0;
    pub const INT_16: u8 = 0xc1;
    pub const INT_32: u8 = 0xc2;
    pub const COMPRESSED: u8 = 0xc3;
}

/// The nodes of a list.
mod node {
    /// One element as it is.
    pub const PLAIN: u64 = 1;
    /// A listpack of elements.
    pub const PACKED: u64 = 2;
}

/// The checksum of a payload: CRC-64 with Jones's polynomial, as Redis computes it.
fn crc64(bytes: &[u8]) -> u64 {
    checksum(CrcAlgorithm::Crc64Redis, bytes)
}

/// Bytes that are read from front to back.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], RdbError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(RdbError::Format)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RdbError> {
        Ok(self.take(N)?.try_into().expect("as many as were taken"))
    }

    fn byte(&mut self) -> Result<u8, RdbError> {
        self.array().map(|[byte]| byte)
    }

    /// A signed integer of so many bytes, little-endian.
    fn int(&mut self, bytes: usize) -> Result<i64, RdbError> {
        let taken = self.take(bytes)?;
        let unsigned = taken
            .iter()
            .rev()
            .fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        let unused = 64 - 8 * bytes as u32;
        Ok((unsigned << unused) as i64 >> unused)
    }
}
