//! Keys and values by number: 16 letters, made in registers, and 100 bytes that tell their number.
//!
//! A key that is written byte by byte and then loaded as words waits until the stores have left the
//! core, and with them every earlier op: whoever hashes would be measured at its latency, and whoever
//! does not would not.

/// The bytes of a key.
pub type Key = [u8; 16];
/// How long values are.
pub const VALUE_BYTES: usize = 100;

/// Eight letters, four bits of a spread of `number` each, and the same eight the other way round: few
/// instructions, since all that is measured has them too.
#[inline]
pub fn key(number: u32) -> Key {
    // An odd factor keeps keys distinct.
    let spread = u64::from(number.wrapping_mul(0x9e37_79b1));
    let pairs = (spread & 0xffff_0000) << 16 | spread & 0xffff;
    let bytes = (pairs & 0x0000_ff00_0000_ff00) << 8 | pairs & 0x0000_00ff_0000_00ff;
    let nibbles = (bytes & 0x00f0_00f0_00f0_00f0) << 4 | bytes & 0x000f_000f_000f_000f;
    let letters = nibbles | 0x6060_6060_6060_6060;
    let text = u128::from(letters.swap_bytes()) << 64 | u128::from(letters);
    text.to_be_bytes()
}

/// The value of `number`.
#[inline]
pub fn value(number: u32) -> [u8; VALUE_BYTES] {
    let mut value = [b'v'; VALUE_BYTES];
    value[..4].copy_from_slice(&number.to_le_bytes());
    value
}

/// The number that a value tells.
#[inline]
pub fn told(value: &[u8]) -> u32 {
    match value.first_chunk() {
        Some(&number) if value.len() == VALUE_BYTES => u32::from_le_bytes(number),
        _ => u32::MAX,
    }
}
