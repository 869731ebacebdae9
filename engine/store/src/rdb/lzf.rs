//! LZF (Marc Lehmann), as Redis compresses strings: reading only. Nothing here is written compressed.
//!
//! ```text
//!  000lllll                     l + 1 bytes as they are
//!  lllooooo oooooooo            l + 2 bytes from o + 1 before here (l below 7)
//!  111ooooo llllllll oooooooo   l + 9 bytes likewise
//! ```

use super::{Cursor, RdbError};

/// The most bytes that three bytes stand for.
const RUN_BYTES_MAX: usize = 264;

/// What `bytes` stand for: `len` bytes.
pub fn decompress(bytes: &[u8], len: usize) -> Result<Vec<u8>, RdbError> {
    // Held against what so few bytes can stand for, before memory is taken.
    if len > bytes.len().saturating_mul(RUN_BYTES_MAX) {
        return Err(RdbError::Format);
    }
    let mut cursor = Cursor { rest: bytes };
    let mut plain = Vec::with_capacity(len);
    while !cursor.rest.is_empty() {
        let control = usize::from(cursor.byte()?);
        if control < 32 {
            plain.extend_from_slice(cursor.take(control + 1)?);
        } else {
            let mut run = control >> 5;
            if run == 7 {
                run += usize::from(cursor.byte()?);
            }
            let offset = (control & 0x1f) << 8 | usize::from(cursor.byte()?);
            let start = plain.len().checked_sub(offset + 1);
            let start = start.ok_or(RdbError::Format)?;
            // What is copied may overlap what is being made.
            for at in start..start + run + 2 {
                plain.push(plain[at]);
            }
        }
        if plain.len() > len {
            return Err(RdbError::Format);
        }
    }
    (plain.len() == len)
        .then_some(plain)
        .ok_or(RdbError::Format)
}
