//! Listpacks: Redis's compact sequences of strings and integers.
//!
//! ```text
//!  bytes u32 · elements u16 (65535: unknown) · entry … · 0xff          little-endian
//!  entry: encoding, data, the length of both backwards in groups of seven bits
//! ```
//!
//! Facts from Redis's `listpack.md`. A string that is an integer's text is kept as the integer.

use std::borrow::Cow;

use super::{Cursor, RdbError};
use crate::command::number::parse_int;

const HEAD_BYTES: usize = 6;
const END: u8 = 0xff;
const COUNT_UNKNOWN: usize = u16::MAX as usize;

/// A listpack that is being written.
#[derive(Debug)]
pub struct Listpack {
    bytes: Vec<u8>,
    count: usize,
}

impl Listpack {
    pub fn new() -> Listpack {
        Listpack {
            bytes: vec![0; HEAD_BYTES],
            count: 0,
        }
    }

    /// The bytes that it takes, its end among them.
    pub fn len(&self) -> usize {
        self.bytes.len() + 1
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Appends an element.
    pub fn push(&mut self, element: &[u8]) {
        let start = self.bytes.len();
        match parse_int(element) {
            Some(n) => self.push_int(n),
            None => self.push_string(element),
        }
        let len = self.bytes.len() - start;
        // The most significant group comes first and alone has no continuation bit.
        let groups = back_bytes(len);
        self.bytes.extend((0..groups).rev().map(|group| {
            let bits = (len >> (7 * group)) as u8 & 0x7f;
            bits | if group + 1 == groups { 0 } else { 0x80 }
        }));
        self.count += 1;
    }

    fn push_int(&mut self, n: i64) {
        let le = n.to_le_bytes();
        match n {
            0..=127 => self.bytes.push(n as u8),
            -4096..=4095 => {
                let bits = n as u16 & 0x1fff;
                let [high, low] = (0xc000 | bits).to_be_bytes();
                self.bytes.extend_from_slice(&[high, low]);
            }
            -0x8000..=0x7fff => self.push_coded(0xf1, &le[..2]),
            -0x80_0000..=0x7f_ffff => self.push_coded(0xf2, &le[..3]),
            -0x8000_0000..=0x7fff_ffff => self.push_coded(0xf3, &le[..4]),
            _ => self.push_coded(0xf4, &le),
        }
    }

    fn push_string(&mut self, string: &[u8]) {
        match string.len() {
            len @ 0..=63 => self.push_coded(0x80 | len as u8, string),
            len @ 64..=4095 => {
                self.bytes.push(0xe0 | (len >> 8) as u8);
                self.push_coded(len as u8, string);
            }
            len => {
                self.push_coded(0xf0, &(len as u32).to_le_bytes());
                self.bytes.extend_from_slice(string);
            }
        }
    }

    fn push_coded(&mut self, code: u8, data: &[u8]) {
        self.bytes.push(code);
        self.bytes.extend_from_slice(data);
    }

    /// The listpack whole.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(END);
        let len = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&len.to_le_bytes());
        let count = self.count.min(COUNT_UNKNOWN) as u16;
        self.bytes[4..HEAD_BYTES].copy_from_slice(&count.to_le_bytes());
        self.bytes
    }
}

/// The groups of seven bits that Redis gives an entry's length. Its limits lie one below what so many
/// bits hold, except for the first.
fn back_bytes(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

/// The elements of a listpack.
pub fn elements(bytes: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, RdbError> {
    let mut cursor = Cursor { rest: bytes };
    let len = u32::from_le_bytes(cursor.array()?);
    let count = usize::from(u16::from_le_bytes(cursor.array()?));
    if len as usize != bytes.len() {
        return Err(RdbError::Format);
    }
    let mut elements = Vec::new();
    loop {
        let before = cursor.rest.len();
        let code = cursor.byte()?;
        if code == END {
            break;
        }
        elements.push(element(code, &mut cursor)?);
        let len = before - cursor.rest.len();
        let back = cursor.take(back_bytes(len))?;
        let told = back.iter().fold(0, |n, b| n << 7 | usize::from(b & 0x7f));
        if told != len {
            return Err(RdbError::Format);
        }
    }
    let counted = count == COUNT_UNKNOWN || count == elements.len();
    (cursor.rest.is_empty() && counted)
        .then_some(elements)
        .ok_or(RdbError::Format)
}

fn element<'a>(code: u8, cursor: &mut Cursor<'a>) -> Result<Cow<'a, [u8]>, RdbError> {
    let n = match code {
        0..0x80 => i64::from(code),
        0x80..0xc0 => return cursor.take(usize::from(code & 0x3f)).map(Cow::Borrowed),
        0xc0..0xe0 => {
            let bits = i64::from(code & 0x1f) << 8 | i64::from(cursor.byte()?);
            bits << 51 >> 51
        }
        0xe0..0xf0 => {
            let len = usize::from(code & 0x0f) << 8 | usize::from(cursor.byte()?);
            return cursor.take(len).map(Cow::Borrowed);
        }
        0xf0 => {
            let len = u32::from_le_bytes(cursor.array()?);
            return cursor.take(len as usize).map(Cow::Borrowed);
        }
        0xf1..=0xf3 => cursor.int(usize::from(code - 0xf1) + 2)?,
        0xf4 => cursor.int(8)?,
        _ => return Err(RdbError::Format),
    };
    Ok(Cow::Owned(n.to_string().into_bytes()))
}
