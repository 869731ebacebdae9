//! Values that tell whose they are and whether they are whole.
//!
//! ```text
//!  0        8          12       16          24
//!  ├─ row ──┼─ version ┼─ bytes ┼─ checksum ┼─ padding …
//! ```
//!
//! Integers are little-endian; the checksum is XXH3 of all other bytes. Whoever reads such a value
//! needs nothing else to see that it belongs to this key, is not older than it may be, and was not
//! damaged on the way.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::dist::mix;

/// The least bytes of a sealed value.
pub(crate) const BYTES_MIN: usize = 24;

/// Appends the value of `version` of `row`, `bytes` long (at least [`BYTES_MIN`]), to `out`.
pub(crate) fn seal(out: &mut Vec<u8>, row: u64, version: u32, bytes: usize) {
    let bytes = bytes.max(BYTES_MIN);
    let begin = out.len();
    out.extend_from_slice(&row.to_le_bytes());
    out.extend_from_slice(&version.to_le_bytes());
    out.extend_from_slice(&(bytes as u32).to_le_bytes());
    out.extend_from_slice(&[0; 8]);
    let mut word = mix(row, u64::from(version));
    while out.len() - begin < bytes {
        // A multiplicative step: cheap, never repeating within a value, and not compressible.
        word = word.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        let left = (bytes - (out.len() - begin)).min(8);
        out.extend_from_slice(&word.to_le_bytes()[..left]);
    }
    let checksum = checksum(&out[begin..]);
    out[begin + 16..begin + 24].copy_from_slice(&checksum.to_le_bytes());
}

/// Whose value this is, and its version; in words what is wrong with it.
pub(crate) fn open(value: &[u8]) -> Result<(u64, u32), String> {
    let word = |at: usize| -> Option<u64> {
        Some(u64::from_le_bytes(value.get(at..at + 8)?.try_into().ok()?))
    };
    let (Some(row), Some(middle), Some(sum)) = (word(0), word(8), word(16)) else {
        return Err(format!("a value of {} bytes is cut off", value.len()));
    };
    if (middle >> 32) as usize != value.len() {
        let (is, was) = (value.len(), middle >> 32);
        return Err(format!(
            "the value has {is} bytes and was written with {was}"
        ));
    }
    if sum != checksum(value) {
        return Err("the value's checksum does not fit".to_owned());
    }
    Ok((row, middle as u32))
}

fn checksum(value: &[u8]) -> u64 {
    xxh3_64_with_seed(&value[24..], xxh3_64(&value[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_was_sealed_and_nothing_else() {
        for bytes in [0, 24, 25, 31, 32, 273, 70_000] {
            let mut value = Vec::new();
            seal(&mut value, 7, 3, bytes);
            assert_eq!(value.len(), bytes.max(BYTES_MIN));
            assert_eq!(open(&value), Ok((7, 3)));
            for at in (0..value.len()).step_by(1 + value.len() / 50) {
                let mut broken = value.clone();
                broken[at] ^= 0x10;
                assert!(open(&broken).is_err(), "byte {at} of {bytes}");
            }
            assert!(open(&value[..value.len() - 1]).is_err());
        }
    }
}
