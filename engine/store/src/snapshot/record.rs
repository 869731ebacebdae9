//! Records: a key with its value and expiry, or a part of a large collection.
//!
//! ```text
//!  kind u8 · database u8 · holds u8 · [expiry u64] · [flags u32 · stale u8] · key length u32 ·
//!  body length u64 · key · body
//!
//!  holds       bit 0: an expiry; bit 1: what Memcached keeps of a string;
//!              bit 2: it goes on with a collection; bit 3: more of the collection is to come
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
use crate::value::set::Member;

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
    /// Whether it is the first of its key. The others of a collection come after it, in order.
    pub is_first: bool,
    /// Whether it is the last of its key.
    pub is_last: bool,
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

const CONTINUES: u8 = 1 << 2;
const MORE: u8 = 1 << 3;

/// The longest key, field, value of a field, or member: what a length of 32 bits holds.
const LENGTH_MAX: usize = u32::MAX as usize;

/// A part of a collection that has so many bytes takes no more elements.
const PART_BYTES: usize = 32 << 10;

/// How many elements a value has; a string is one.
pub fn elements(value: Value<'_>) -> usize {
    match value {
        Value::String(_) => 1,
        Value::Hash(hash) => hash.len(),
        Value::SortedSet(set) => set.len(),
        Value::List(list) => list.len(),
        Value::Set(set) => set.len(),
    }
}

/// Appends a record of the elements of `entry` from number `from` on to `bytes`: `most` of them, fewer
/// where they take some [`PART_BYTES`], one at least. Where the next part begins; `None`, and nothing
/// appended, where a field or member is longer than 4 GiB.
#[must_use]
pub fn encode(entry: &Entry<'_>, from: usize, most: usize, bytes: &mut Vec<u8>) -> Option<usize> {
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
    let holds_at = bytes.len();
    bytes.push(
        holds(expires.is_some(), EXPIRES)
            | holds(tag.is_some(), TAGGED)
            | holds(from > 0, CONTINUES),
    );
    if let Some(Millis(ms)) = expires {
        bytes.extend_from_slice(&ms.to_le_bytes());
    }
    if let Some(tag) = tag {
        bytes.extend_from_slice(&tag.flags.to_le_bytes());
        bytes.push(u8::from(tag.stale));
    }
    let mut fits = key.len() <= LENGTH_MAX;
    bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
    let len_at = bytes.len();
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(key);
    let body_at = bytes.len();
    let next = if let Value::String(string) = value {
        bytes.extend_from_slice(string);
        1
    } else {
        bytes.extend_from_slice(&[0; 8]);
        let mut room = Room {
            most,
            taken: 0,
            bytes,
        };
        fits &= collection(value, from, &mut room);
        let count = room.taken;
        bytes[body_at..body_at + 8].copy_from_slice(&(count as u64).to_le_bytes());
        from + count
    };
    if next < elements(value) {
        bytes[holds_at] |= MORE;
    }
    let body = (bytes.len() - body_at) as u64;
    bytes[len_at..len_at + 8].copy_from_slice(&body.to_le_bytes());
    if fits {
        return Some(next);
    }
    bytes.truncate(start);
    None
}

/// Where the elements of a part go.
struct Room<'a> {
    most: usize,
    taken: usize,
    bytes: &'a mut Vec<u8>,
}

impl Room<'_> {
    /// Takes elements as long as there is room for them; whether each was short enough.
    fn take<T>(
        &mut self,
        elements: impl Iterator<Item = T>,
        mut put: impl FnMut(T, &mut Vec<u8>) -> bool,
    ) -> bool {
        let end = self.bytes.len() + PART_BYTES;
        for element in elements.take(self.most) {
            if !put(element, self.bytes) {
                return false;
            }
            self.taken += 1;
            if self.bytes.len() >= end {
                break;
            }
        }
        true
    }
}

/// Appends elements of a collection from number `from` on.
fn collection(value: Value<'_>, from: usize, room: &mut Room<'_>) -> bool {
    let put_pair = |(field, value): (&[u8], &[u8]), bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(&(field.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
        bytes.extend_from_slice(field);
        bytes.extend_from_slice(value);
        field.len().max(value.len()) <= LENGTH_MAX
    };
    let put_member =
        |member: Member<'_>, bytes: &mut Vec<u8>| member.text(|text| element_into(text, bytes));
    match value {
        Value::String(_) => true,
        // What is not compact is found by number in constant time, and nothing before it is passed over.
        Value::Hash(hash) if hash.is_compact() => room.take(hash.iter().skip(from), put_pair),
        Value::Hash(hash) => room.take((from..).map_while(|i| hash.entry(i)), put_pair),
        Value::SortedSet(set) => room.take(
            set.range(from..set.len(), false),
            |(member, score), bytes| {
                bytes.extend_from_slice(&score.to_bits().to_le_bytes());
                element_into(member, bytes)
            },
        ),
        Value::List(list) => room.take(list.range(from..list.len()), element_into),
        Value::Set(set) if set.is_table() => {
            room.take((from..).map_while(|i| set.get(i)), put_member)
        }
        Value::Set(set) => room.take(set.iter().skip(from), put_member),
    }
}

/// Appends an element of a list or a member of a set; whether it is short enough.
fn element_into(element: &[u8], bytes: &mut Vec<u8>) -> bool {
    bytes.extend_from_slice(&(element.len() as u32).to_le_bytes());
    bytes.extend_from_slice(element);
    element.len() <= LENGTH_MAX
}

impl<'a> Record<'a> {
    /// Reads a record from the front of `bytes`; gives it and what is left.
    pub fn decode(bytes: &'a [u8]) -> Option<(Record<'a>, &'a [u8])> {
        let mut cursor = Cursor { bytes };
        let [kind, database, holds] = cursor.array()?;
        if holds & !(EXPIRES | TAGGED | CONTINUES | MORE) != 0 {
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
            0 if holds & (CONTINUES | MORE) == 0 => Body::String(body),
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
            is_first: holds & CONTINUES == 0,
            is_last: holds & MORE == 0,
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
