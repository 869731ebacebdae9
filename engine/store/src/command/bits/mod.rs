//! Strings as rows of bits: bit 0 is the highest of the first byte.

pub mod combine;
pub mod count;
pub mod field;
pub mod single;

use super::number;
use crate::command::CommandError;
use crate::keyspace::BULK_BYTES_MAX;

/// An offset in bits, below that of the longest string's end.
fn offset(text: &[u8]) -> Result<u64, CommandError> {
    scaled_offset(text, 1)
}

/// As [`offset`], counted in units of so many bits.
fn scaled_offset(text: &[u8], unit: u32) -> Result<u64, CommandError> {
    number::parse_int(text)
        .and_then(|n| u64::try_from(n).ok())
        .and_then(|n| n.checked_mul(unit.into()))
        .filter(|bits| bits >> 3 < BULK_BYTES_MAX as u64)
        .ok_or(CommandError::fixed(
            "ERR bit offset is not an integer or out of range",
        ))
}

/// Bit `at` of `bytes`; behind their end all bits are 0.
fn bit(bytes: &[u8], at: u64) -> bool {
    let byte = bytes.get((at >> 3) as usize);
    byte.is_some_and(|byte| byte >> (7 - (at & 7)) & 1 == 1)
}

/// Sets bit `at` of `bytes`, which are long enough.
fn set_bit(bytes: &mut [u8], at: u64, on: bool) {
    let mask = 0x80 >> (at & 7);
    let byte = &mut bytes[(at >> 3) as usize];
    *byte = if on { *byte | mask } else { *byte & !mask };
}
