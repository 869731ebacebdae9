//! Reading a value as `RESTORE` takes it.

use std::borrow::Cow;

use super::{
    Cursor, FOOTER_BYTES, RdbError, VERSION, crc64, head, intset, kind, listpack, lzf, node,
    ziplist,
};
use crate::command::number::parse_float;
use crate::keyspace::{BULK_BYTES_MAX, Owned};
use crate::value::limits::{Bounds, IntsMax};
use crate::value::{Hash, Limits, List, Set, SortedSet};

type Elements<'a> = Vec<Cow<'a, [u8]>>;
type Unpack = fn(&[u8]) -> Result<Elements<'_>, RdbError>;

/// The value of a payload, in a form that `limits` allow.
///
/// # Errors
/// The payload is damaged, of a later version, or of a form that means nothing here.
pub fn read(payload: &[u8], limits: Limits) -> Result<Owned, RdbError> {
    let split = payload.len().checked_sub(FOOTER_BYTES);
    let (body, footer) = payload.split_at(split.ok_or(RdbError::Footer)?);
    let version = u16::from_le_bytes([footer[0], footer[1]]);
    let covered = &payload[..payload.len() - 8];
    if version > VERSION || crc64(covered).to_le_bytes() != footer[2..] {
        return Err(RdbError::Footer);
    }
    let mut source = Source {
        cursor: Cursor { rest: body },
        limits,
    };
    let kind = source.cursor.byte()?;
    source.value(kind)
}

struct Source<'a> {
    cursor: Cursor<'a>,
    limits: Limits,
}

impl<'a> Source<'a> {
    fn value(&mut self, kind: u8) -> Result<Owned, RdbError> {
        match kind {
            kind::STRING => Ok(Owned::String {
                bytes: self.string()?.into_owned(),
                raw: false,
                tag: None,
            }),
            kind::LIST => {
                let mut list = List::new(self.limits.list);
                for _ in 0..self.count()? {
                    list.push_back(&self.string()?);
                }
                of_list(list)
            }
            kind::LIST_ZIPLIST => {
                let mut list = List::new(self.limits.list);
                append(&mut list, ziplist::elements(&self.string()?)?);
                of_list(list)
            }
            kind::LIST_QUICKLIST | kind::LIST_QUICKLIST_LISTPACKS => self.list(kind),
            kind::SET => {
                let mut set = Set::default();
                for _ in 0..self.count()? {
                    add(&mut set, &self.string()?, self.limits.ints)?;
                }
                of_set(set)
            }
            kind::SET_INTSET => {
                let mut set = Set::default();
                for n in intset::integers(&self.string()?)? {
                    add(&mut set, n.to_string().as_bytes(), self.limits.ints)?;
                }
                of_set(set)
            }
            kind::HASH => {
                let count = self.count()?;
                let mut hash = Hash::default();
                for _ in 0..count {
                    let (field, value) = (self.string()?, self.string()?);
                    add_field(&mut hash, &field, &value, self.limits.hash)?;
                }
                of_hash(hash)
            }
            kind::HASH_LISTPACK => self.packed_hash(listpack::elements),
            kind::HASH_ZIPLIST => self.packed_hash(ziplist::elements),
            kind::HASH_ZIPMAP => self.packed_hash(ziplist::zipmap),
            kind::SORTED_SET | kind::SORTED_SET_BINARY => {
                let count = self.count()?;
                // As Redis reads it: the large form first, which tells zeros by their sign.
                let mut set = SortedSet::default();
                for _ in 0..count {
                    let member = self.string()?;
                    let score = if kind == kind::SORTED_SET_BINARY {
                        f64::from_bits(u64::from_le_bytes(self.cursor.array()?))
                    } else {
                        self.text_score()?
                    };
                    add_member(&mut set, &member, score, NEVER_COMPACT)?;
                }
                let bounds = self.limits.sorted_set;
                if set.len() <= bounds.entries {
                    let members: Vec<(&[u8], f64)> = set.iter().collect();
                    set = SortedSet::from_ordered(members.into_iter(), bounds);
                }
                of_sorted_set(set)
            }
            kind::SORTED_SET_LISTPACK => self.packed_sorted_set(listpack::elements),
            kind::SORTED_SET_ZIPLIST => self.packed_sorted_set(ziplist::elements),
            _ => Err(RdbError::Format),
        }
    }

    /// A list in nodes.
    fn list(&mut self, kind: u8) -> Result<Owned, RdbError> {
        let mut list = List::new(self.limits.list);
        for _ in 0..self.count()? {
            let container = match kind {
                kind::LIST_QUICKLIST => None,
                _ => Some(self.plain_len()? as u64),
            };
            let blob = self.string()?;
            match container {
                Some(node::PLAIN) => list.push_back(&blob),
                Some(node::PACKED) => append(&mut list, listpack::elements(&blob)?),
                None => append(&mut list, ziplist::elements(&blob)?),
                Some(_) => return Err(RdbError::Format),
            }
        }
        of_list(list)
    }

    fn packed_hash(&mut self, unpack: Unpack) -> Result<Owned, RdbError> {
        let blob = self.string()?;
        let mut hash = Hash::default();
        for pair in unpack(&blob)?.chunks(2) {
            let [field, value] = pair else {
                return Err(RdbError::Format);
            };
            add_field(&mut hash, field, value, self.limits.hash)?;
        }
        of_hash(hash)
    }

    fn packed_sorted_set(&mut self, unpack: Unpack) -> Result<Owned, RdbError> {
        let blob = self.string()?;
        let mut set = SortedSet::default();
        for pair in unpack(&blob)?.chunks(2) {
            let [member, score] = pair else {
                return Err(RdbError::Format);
            };
            let score = parse_float(score).ok_or(RdbError::Format)?;
            add_member(&mut set, member, score, self.limits.sorted_set)?;
        }
        of_sorted_set(set)
    }

    /// A count of what follows: each takes a byte at least.
    fn count(&mut self) -> Result<usize, RdbError> {
        let count = self.plain_len()?;
        (count <= self.cursor.rest.len())
            .then_some(count)
            .ok_or(RdbError::Format)
    }

    fn plain_len(&mut self) -> Result<usize, RdbError> {
        let first = self.cursor.byte()?;
        self.len(first)
    }

    /// A length whose first byte is `first`.
    fn len(&mut self, first: u8) -> Result<usize, RdbError> {
        let len = match (first >> 6, first) {
            (head::BITS_6, _) => u64::from(first),
            (head::BITS_14, _) => u64::from(first & 0x3f) << 8 | u64::from(self.cursor.byte()?),
            (_, head::BITS_32) => u32::from_be_bytes(self.cursor.array()?).into(),
            (_, head::BITS_64) => u64::from_be_bytes(self.cursor.array()?),
            _ => return Err(RdbError::Format),
        };
        usize::try_from(len).map_err(|_| RdbError::Format)
    }

    fn string(&mut self) -> Result<Cow<'a, [u8]>, RdbError> {
        let first = self.cursor.byte()?;
        let n = match first {
            head::INT_8 => self.cursor.int(1)?,
            head::INT_16 => self.cursor.int(2)?,
            head::INT_32 => self.cursor.int(4)?,
            head::COMPRESSED => {
                let (packed, len) = (self.plain_len()?, self.plain_len()?);
                if len > BULK_BYTES_MAX {
                    return Err(RdbError::Format);
                }
                let bytes = self.cursor.take(packed)?;
                return lzf::decompress(bytes, len).map(Cow::Owned);
            }
            _ => {
                let len = self.len(first)?;
                return self.cursor.take(len).map(Cow::Borrowed);
            }
        };
        Ok(Cow::Owned(n.to_string().into_bytes()))
    }

    /// A score as a text, its length in one byte; the last three lengths are words.
    fn text_score(&mut self) -> Result<f64, RdbError> {
        match self.cursor.byte()? {
            255 => Ok(f64::NEG_INFINITY),
            254 => Ok(f64::INFINITY),
            253 => Err(RdbError::Format),
            len => parse_float(self.cursor.take(len.into())?).ok_or(RdbError::Format),
        }
    }
}

fn append(list: &mut List, elements: Elements<'_>) {
    for element in elements {
        list.push_back(&element);
    }
}

fn add(set: &mut Set, member: &[u8], most: IntsMax) -> Result<(), RdbError> {
    let new = set.insert(member, most);
    new.then_some(()).ok_or(RdbError::Format)
}

fn add_field(hash: &mut Hash, field: &[u8], value: &[u8], bounds: Bounds) -> Result<(), RdbError> {
    let new = hash.set(field, value, bounds);
    new.then_some(()).ok_or(RdbError::Format)
}

/// No member is kept in a small form.
const NEVER_COMPACT: Bounds = Bounds {
    entries: 0,
    bytes: 0,
};

fn add_member(
    set: &mut SortedSet,
    member: &[u8],
    score: f64,
    bounds: Bounds,
) -> Result<(), RdbError> {
    if score.is_nan() || set.insert(member, score, bounds).is_some() {
        return Err(RdbError::Format);
    }
    Ok(())
}

fn of_hash(hash: Hash) -> Result<Owned, RdbError> {
    (!hash.is_empty())
        .then(|| Owned::collection(hash))
        .ok_or(RdbError::Format)
}

fn of_list(list: List) -> Result<Owned, RdbError> {
    (!list.is_empty())
        .then(|| Owned::collection(list))
        .ok_or(RdbError::Format)
}

fn of_set(set: Set) -> Result<Owned, RdbError> {
    (!set.is_empty())
        .then(|| Owned::collection(set))
        .ok_or(RdbError::Format)
}

fn of_sorted_set(set: SortedSet) -> Result<Owned, RdbError> {
    (!set.is_empty())
        .then(|| Owned::collection(set))
        .ok_or(RdbError::Format)
}
