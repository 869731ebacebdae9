//! Records: a key with its value and expiry.
//!
//! ```text
//!  kind u8 · database u8 · holds u8 · [expiry u64] · [flags u32 · stale u8] · key length u32 ·
//!  body length u64 · key · body
//!
//!  holds       bit 0: an expiry; bit 1: what Memcached keeps of a string
//!
//!  string      the bytes
//!  hash        count u64, then for each field: length u32, value's length u32, field, value
//!  sorted set  count u64, then for each member: score f64, length u32, member
//!  list, set   count u64, then for each element: length u32, element                 little-endian
//! ```
//!
//! Decoding looks at a body from front to back before it hands it out: what [`Fields`],
//! [`Members`] and [`Elements`] then give needs no check.

use crate::keyspace::Entry;
use crate::time::Millis;
use crate::value::Value;

/// A record, as it lies in a snapshot.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The database.
    pub database: u8,
    /// The key.
    pub key: &'a [u8],
    /// What it holds.
    pub body: Body<'a>,
    /// When it expires.
    pub expiry: Option<Millis>,
    /// What Memcached keeps of it, as far as it outlives a restart: its flags, and whether it is stale.
    pub tag: Option<(u32, bool)>,
}

/// What a record's key holds.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// A string.
    String(&'a [u8]),
    /// A hash: its fields and their values.
    Hash(Fields<'a>),
    /// A sorted set: its members and their scores, in the order in which they were written.
    SortedSet(Members<'a>),
    /// A list: its elements in order.
    List(Elements<'a>),
    /// A set: its members in the order in which they were written.
    Set(Elements<'a>),
}

const EXPIRES: u8 = 1;
const TAGGED: u8 = 1 << 1;

/// The longest key, field, value of a field, or member: what a length of 32 bits holds.
const PART_BYTES_MAX: usize = u32::MAX as usize;

/// Appends a record to `bytes`; `false`, and nothing appended, where a part is longer than 4 GiB.
#[must_use]
pub fn encode(entry: &Entry<'_>, bytes: &mut Vec<u8>) -> bool {
    let Entry {
        database,
        key,
        value,
        expires,
        tag,
    } = *entry;
    let start = bytes.len();
    bytes.push(match value {
        Value::String(_) => 0,
        Value::Hash(_) => 1,
        Value::SortedSet(_) => 2,
        Value::List(_) => 3,
        Value::Set(_) => 4,
    });
    bytes.push(database);
    let holds = |held: bool, bit| if held { bit } else { 0 };
    bytes.push(holds(expires.is_some(), EXPIRES) | holds(tag.is_some(), TAGGED));
    if let Some(Millis(ms)) = expires {
        bytes.extend_from_slice(&ms.to_le_bytes());
    }
    if let Some(tag) = tag {
        bytes.extend_from_slice(&tag.flags.to_le_bytes());
        bytes.push(u8::from(tag.stale));
    }
    let mut fits = key.len() <= PART_BYTES_MAX;
    bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
    let len_at = bytes.len();
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(key);
    let body_at = bytes.len();
    match value {
        Value::String(string) => bytes.extend_from_slice(string),
        Value::Hash(hash) => {
            bytes.extend_from_slice(&(hash.len() as u64).to_le_bytes());
            for (field, value) in hash.iter() {
                fits &= field.len().max(value.len()) <= PART_BYTES_MAX;
                bytes.extend_from_slice(&(field.len() as u32).to_le_bytes());
                bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
                bytes.extend_from_slice(field);
                bytes.extend_from_slice(value);
            }
        }
        Value::SortedSet(set) => {
            bytes.extend_from_slice(&(set.len() as u64).to_le_bytes());
            for (member, score) in set.iter() {
                fits &= member.len() <= PART_BYTES_MAX;
                bytes.extend_from_slice(&score.to_bits().to_le_bytes());
                bytes.extend_from_slice(&(member.len() as u32).to_le_bytes());
                bytes.extend_from_slice(member);
            }
        }
        Value::List(list) => {
            bytes.extend_from_slice(&(list.len() as u64).to_le_bytes());
            for element in list {
                fits &= element_into(element, bytes);
            }
        }
        Value::Set(set) => {
            bytes.extend_from_slice(&(set.len() as u64).to_le_bytes());
            for member in set.iter() {
                fits &= member.text(|text| element_into(text, bytes));
            }
        }
    }
    let body = (bytes.len() - body_at) as u64;
    bytes[len_at..len_at + 8].copy_from_slice(&body.to_le_bytes());
    if !fits {
        bytes.truncate(start);
    }
    fits
}

/// Appends an element of a list or a member of a set; whether it is short enough.
fn element_into(element: &[u8], bytes: &mut Vec<u8>) -> bool {
    bytes.extend_from_slice(&(element.len() as u32).to_le_bytes());
    bytes.extend_from_slice(element);
    element.len() <= PART_BYTES_MAX
}

impl<'a> Record<'a> {
    /// Reads a record from the front of `bytes`; gives it and what is left.
    pub fn decode(bytes: &'a [u8]) -> Option<(Record<'a>, &'a [u8])> {
        let mut cursor = Cursor { bytes };
        let [kind, database, holds] = cursor.array()?;
        if holds & !(EXPIRES | TAGGED) != 0 {
            return None;
        }
        let expiry = match holds & EXPIRES {
            0 => None,
            _ => Some(Millis(cursor.u64()?)),
        };
        let tag = match holds & TAGGED {
            0 => None,
            _ => match (cursor.u32()?, cursor.array()?) {
                (flags, [stale @ 0..=1]) => Some((flags, stale == 1)),
                _ => return None,
            },
        };
        let key_len = cursor.u32()?;
        let body_len = cursor.u64()?;
        let key = cursor.take(key_len.into())?;
        let body = cursor.take(body_len)?;
        let body = match kind {
            0 => Body::String(body),
            1 => Body::Hash(Fields::checked(body)?),
            2 => Body::SortedSet(Members::checked(body)?),
            3 => Body::List(Elements::checked(body)?),
            4 => Body::Set(Elements::checked(body)?),
            _ => return None,
        };
        let record = Record {
            database,
            key,
            body,
            expiry,
            tag,
        };
        Some((record, cursor.bytes))
    }
}

/// The fields of a hash and their values.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: Cursor<'a>,
}

impl<'a> Fields<'a> {
    fn checked(body: &'a [u8]) -> Option<Fields<'a>> {
        let mut cursor = Cursor { bytes: body };
        let count = cursor.u64()?;
        let fields = Fields { rest: cursor };
        let mut walk = fields.clone();
        let found = walk.by_ref().count() as u64;
        // A walk ends where no whole field is left.
        (found == count && walk.rest.bytes.is_empty()).then_some(fields)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut cursor = self.rest.clone();
        let (field, value) = (cursor.u32()?, cursor.u32()?);
        let pair = (cursor.take(field.into())?, cursor.take(value.into())?);
        self.rest = cursor;
        Some(pair)
    }
}

/// The members of a sorted set and their scores.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    rest: Cursor<'a>,
}

impl<'a> Members<'a> {
    fn checked(body: &'a [u8]) -> Option<Members<'a>> {
        let mut cursor = Cursor { bytes: body };
        let count = cursor.u64()?;
        let members = Members { rest: cursor };
        let mut walk = members.clone();
        let mut found = 0;
        for (_, score) in walk.by_ref() {
            // No command lets such a score in, and no order has a place for it.
            if score.is_nan() {
                return None;
            }
            found += 1;
        }
        (found == count && walk.rest.bytes.is_empty()).then_some(members)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], f64);

    fn next(&mut self) -> Option<Self::Item> {
        let mut cursor = self.rest.clone();
        let score = f64::from_bits(cursor.u64()?);
        let len = cursor.u32()?;
        let member = cursor.take(len.into())?;
        self.rest = cursor;
        Some((member, score))
    }
}

/// The elements of a list, or the members of a set.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: Cursor<'a>,
}

impl<'a> Elements<'a> {
    fn checked(body: &'a [u8]) -> Option<Elements<'a>> {
        let mut cursor = Cursor { bytes: body };
        let count = cursor.u64()?;
        let elements = Elements { rest: cursor };
        let mut walk = elements.clone();
        let found = walk.by_ref().count() as u64;
        (found == count && walk.rest.bytes.is_empty()).then_some(elements)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut cursor = self.rest.clone();
        let len = cursor.u32()?;
        let element = cursor.take(len.into())?;
        self.rest = cursor;
        Some(element)
    }
}

/// Bytes that are read from front to back.
#[derive(Clone, Debug)]
struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(usize::try_from(len).ok()?)?;
        self.bytes = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = self.take(N as u64)?;
        Some(taken.try_into().expect("as many as were taken"))
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}
