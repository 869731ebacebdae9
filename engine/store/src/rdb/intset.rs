//! Sets of integers: how they are written still.
//!
//! ```text
//!  bytes of an integer u32 · integers u32 · integers in order                       little-endian
//! ```

use super::{Cursor, RdbError};

/// The integers of a set.
pub fn integers(bytes: &[u8]) -> Result<Vec<i64>, RdbError> {
    let mut cursor = Cursor { rest: bytes };
    let width = u32::from_le_bytes(cursor.array()?) as usize;
    let count = u32::from_le_bytes(cursor.array()?) as usize;
    let whole = count.checked_mul(width) == Some(cursor.rest.len());
    if !matches!(width, 2 | 4 | 8) || !whole {
        return Err(RdbError::Format);
    }
    let integers: Vec<i64> = (0..count)
        .map(|_| cursor.int(width))
        .collect::<Result<_, _>>()?;
    integers
        .is_sorted_by(|a, b| a < b)
        .then_some(integers)
        .ok_or(RdbError::Format)
}

/// A set of integers in order, each once.
pub fn write(integers: &[i64]) -> Vec<u8> {
    let fits = |low: i64, high: i64| {
        let ends = [integers.first(), integers.last()];
        ends.iter().flatten().all(|n| (low..=high).contains(*n))
    };
    let width = if fits(i16::MIN.into(), i16::MAX.into()) {
        2
    } else if fits(i32::MIN.into(), i32::MAX.into()) {
        4
    } else {
        8
    };
    let mut bytes = Vec::with_capacity(8 + integers.len() * width);
    bytes.extend_from_slice(&(width as u32).to_le_bytes());
    bytes.extend_from_slice(&(integers.len() as u32).to_le_bytes());
    for n in integers {
        bytes.extend_from_slice(&n.to_le_bytes()[..width]);
    }
    bytes
}
