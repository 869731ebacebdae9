//! The compact forms of older versions: ziplists and zipmaps.
//!
//! ```text
//!  ziplist  bytes u32 · last entry's offset u32 · entries u16 · entry … · 0xff       little-endian
//!           entry: the length of the one before (u8, or 0xfe and u32), encoding, data
//!  zipmap   fields u8 · (length, field, length, free u8, value, free bytes) … · 0xff
//! ```

use std::borrow::Cow;

use super::{Cursor, RdbError};

const END: u8 = 0xff;
/// What stands before a length of 32 bits.
const LONG: u8 = 0xfe;
const COUNT_UNKNOWN: usize = u16::MAX as usize;

/// The elements of a ziplist.
pub fn elements(bytes: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, RdbError> {
    let mut cursor = Cursor { rest: bytes };
    let len = u32::from_le_bytes(cursor.array()?);
    let _last = cursor.take(4)?;
    let count = usize::from(u16::from_le_bytes(cursor.array()?));
    if len as usize != bytes.len() {
        return Err(RdbError::Format);
    }
    let (mut elements, mut previous) = (Vec::new(), 0);
    while cursor.rest.first() != Some(&END) {
        let before = cursor.rest.len();
        let told = match cursor.byte()? {
            LONG => u32::from_le_bytes(cursor.array()?) as usize,
            short => usize::from(short),
        };
        if told != previous {
            return Err(RdbError::Format);
        }
        elements.push(element(&mut cursor)?);
        previous = before - cursor.rest.len();
    }
    let counted = count == COUNT_UNKNOWN || count == elements.len();
    (cursor.rest.len() == 1 && counted)
        .then_some(elements)
        .ok_or(RdbError::Format)
}

fn element<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, [u8]>, RdbError> {
    let code = cursor.byte()?;
    let n = match code {
        0..0x40 => return cursor.take(usize::from(code)).map(Cow::Borrowed),
        0x40..0x80 => {
            let len = usize::from(code & 0x3f) << 8 | usize::from(cursor.byte()?);
            return cursor.take(len).map(Cow::Borrowed);
        }
        0x80 => {
            let len = u32::from_be_bytes(cursor.array()?);
            return cursor.take(len as usize).map(Cow::Borrowed);
        }
        0xc0 => cursor.int(2)?,
        0xd0 => cursor.int(4)?,
        0xe0 => cursor.int(8)?,
        0xf0 => cursor.int(3)?,
        LONG => cursor.int(1)?,
        // The integer itself, one more.
        0xf1..=0xfd => i64::from(code & 0x0f) - 1,
        _ => return Err(RdbError::Format),
    };
    Ok(Cow::Owned(n.to_string().into_bytes()))
}

/// The fields of a zipmap, each followed by its value.
pub fn zipmap(bytes: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, RdbError> {
    let mut cursor = Cursor { rest: bytes };
    // Beyond 253 fields the count says nothing.
    let _count = cursor.byte()?;
    let mut elements = Vec::new();
    while cursor.rest.first() != Some(&END) {
        let len = zipmap_len(&mut cursor)?;
        elements.push(Cow::Borrowed(cursor.take(len)?));
        let len = zipmap_len(&mut cursor)?;
        let free = cursor.byte()?;
        elements.push(Cow::Borrowed(cursor.take(len)?));
        cursor.take(usize::from(free))?;
    }
    (cursor.rest.len() == 1)
        .then_some(elements)
        .ok_or(RdbError::Format)
}

fn zipmap_len(cursor: &mut Cursor<'_>) -> Result<usize, RdbError> {
    match cursor.byte()? {
        LONG => Ok(u32::from_le_bytes(cursor.array()?) as usize),
        END => Err(RdbError::Format),
        short => Ok(usize::from(short)),
    }
}
