//! Hashes: fields and their values.
//!
//! A small hash is one buffer of bytes that is searched from its front:
//!
//! ```text
//! ┌───────────┬───────────┬───────┬───────┬───────────┬──
//! │ field len │ value len │ field │ value │ field len │ …       lengths below 128 are one byte each
//! └───────────┴───────────┴───────┴───────┴───────────┴──
//! ```
//!
//! Past a number of fields, or with a field or value longer than is allowed ([`Bounds`]), it becomes
//! a roster (`roster`), and stays one. Both show their fields in an order that depends on what was
//! done to the hash alone and not on a hash function, so that a replica and a simulated run see the same
//! order.

use super::ahead::fetch_front;
use super::limits::Bounds;
use super::roster::{self, Form, Roster};
use super::{Collection, Limits, Stored, allocation, in_common, length};

/// An entry of a large hash: the length of the field, the field, and then the value to the end.
#[derive(Clone, Copy, Debug)]
struct Pair;

impl Form for Pair {
    #[inline]
    fn name(entry: &[u8]) -> &[u8] {
        split(entry).0
    }
}

type Table = Roster<Pair>;

/// A hash.
#[derive(Clone, Debug, Default)]
pub struct Hash {
    encoding: Encoding,
}

#[derive(Clone, Debug)]
enum Encoding {
    Compact { bytes: Vec<u8>, len: usize },
    Table(Box<Table>),
}

impl Default for Encoding {
    fn default() -> Encoding {
        Encoding::Compact {
            bytes: Vec::new(),
            len: 0,
        }
    }
}

impl Hash {
    /// How many fields there are.
    pub fn len(&self) -> usize {
        match &self.encoding {
            Encoding::Compact { len, .. } => *len,
            Encoding::Table(table) => table.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the hash is one buffer.
    pub fn is_compact(&self) -> bool {
        matches!(self.encoding, Encoding::Compact { .. })
    }

    /// The value of `field`.
    pub fn get(&self, field: &[u8]) -> Option<&[u8]> {
        match &self.encoding {
            Encoding::Compact { bytes, .. } => {
                find(bytes, field).map(|at| Entry::read(bytes, at).value)
            }
            Encoding::Table(table) => {
                let place = table.look(field).ok()?;
                Some(split(table.entry(place)).1)
            }
        }
    }

    /// Sets `field`; whether it is new. What is longer than `bounds` allows, or one field more than
    /// they do, makes the hash a table.
    pub fn set(&mut self, field: &[u8], value: &[u8], bounds: Bounds) -> bool {
        if let Encoding::Compact { bytes, len } = &mut self.encoding {
            let entry = entry_bytes(field, value);
            let fits = field.len() <= bounds.bytes && value.len() <= bounds.bytes;
            match find(bytes, field) {
                Some(at) if fits && bounds.hold(*len, bytes.len() + entry) => {
                    let old = Entry::read(bytes, at);
                    let (old_len, end) = (old.value.len(), old.end);
                    bytes.splice(end - old_len..end, value.iter().copied());
                    let told = at + length::size(field.len());
                    bytes.splice(
                        told..told + length::size(old_len),
                        length::bytes(value.len()),
                    );
                    return false;
                }
                None if fits && bounds.hold(*len + 1, bytes.len() + entry) => {
                    bytes.reserve(entry);
                    push_entry(bytes, field, value);
                    *len += 1;
                    return true;
                }
                _ => {}
            }
        }
        let table = self.table();
        let head = length::Packed::of(field.len());
        let parts = [head.as_slice(), field, value];
        match table.look(field) {
            Ok(place) => {
                let old = table.entry_mut(place);
                let before = head.as_slice().len() + field.len();
                if old.len() - before == value.len() {
                    old[before..].copy_from_slice(value);
                } else {
                    table.replace(place, &parts);
                }
                false
            }
            Err(vacant) => {
                table.push(vacant, &parts);
                true
            }
        }
    }

    /// Removes `field`; whether it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match &mut self.encoding {
            Encoding::Compact { bytes, len } => {
                let Some(at) = find(bytes, field) else {
                    return false;
                };
                let end = Entry::read(bytes, at).end;
                bytes.drain(at..end);
                *len -= 1;
                true
            }
            Encoding::Table(table) => {
                let place = table.look(field);
                place.map(|place| table.remove(place)).is_ok()
            }
        }
    }

    /// Every field with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (bytes, table): (&[u8], _) = match &self.encoding {
            Encoding::Compact { bytes, .. } => (bytes, None),
            Encoding::Table(table) => (&[], Some(table)),
        };
        let large = table.into_iter().flat_map(|table| table.iter());
        entries(bytes)
            .map(|(_, entry)| (entry.field, entry.value))
            .chain(large.map(split))
    }

    /// The field in place `i` of [`Hash::iter`], with its value: in constant time where the hash is
    /// not compact.
    pub fn entry(&self, i: usize) -> Option<(&[u8], &[u8])> {
        match &self.encoding {
            Encoding::Compact { .. } => self.iter().nth(i),
            Encoding::Table(table) => (i < table.len()).then(|| split(table.entry(i))),
        }
    }

    /// A part of the fields, about `count`, and where to go on: 0 begins and means the end.
    ///
    /// Every field that is there from the first call to the last is shown at least once, whatever
    /// changes in between; a small hash is shown whole.
    pub fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut each: impl FnMut(&'a [u8], &'a [u8]),
    ) -> u64 {
        match &self.encoding {
            Encoding::Compact { .. } => {
                self.iter().for_each(|(field, value)| each(field, value));
                0
            }
            Encoding::Table(table) => table.scan(cursor, count, |entry| {
                let (field, value) = split(entry);
                each(field, value);
            }),
        }
    }

    /// The table, made from the buffer first where the hash is compact.
    fn table(&mut self) -> &mut Table {
        if let Encoding::Compact { bytes, .. } = &mut self.encoding {
            let bytes = std::mem::take(bytes);
            let mut table = Box::new(Table::new());
            for (_, entry) in entries(&bytes) {
                if let Err(vacant) = table.look(entry.field) {
                    let head = length::Packed::of(entry.field.len());
                    table.push(vacant, &[head.as_slice(), entry.field, entry.value]);
                }
            }
            self.encoding = Encoding::Table(table);
        }
        match &mut self.encoding {
            Encoding::Table(table) => table,
            Encoding::Compact { .. } => unreachable!("it was just made a table"),
        }
    }
}

/// The field and the value of a large hash's entry.
#[inline]
fn split(entry: &[u8]) -> (&[u8], &[u8]) {
    let (len, before) = length::read(entry.iter());
    entry[before..].split_at(len)
}

/// An entry of the compact encoding, and where the next one begins.
struct Entry<'a> {
    field: &'a [u8],
    value: &'a [u8],
    end: usize,
}

impl Entry<'_> {
    /// The lengths of field and value, and where the field begins.
    #[inline]
    fn head(bytes: &[u8], at: usize) -> (usize, usize, usize) {
        if let [field @ 0..0x80, value @ 0..0x80, ..] = bytes[at..] {
            return (field.into(), value.into(), at + 2);
        }
        let mut rest = bytes[at..].iter();
        let (field, before) = length::read(rest.by_ref());
        let (value, between) = length::read(rest);
        (field, value, at + before + between)
    }

    #[inline]
    fn read(bytes: &[u8], at: usize) -> Entry<'_> {
        let (field_len, value_len, field) = Entry::head(bytes, at);
        let value = field + field_len;
        let end = value + value_len;
        Entry {
            field: &bytes[field..value],
            value: &bytes[value..end],
            end,
        }
    }
}

/// The bytes that an entry takes.
fn entry_bytes(field: &[u8], value: &[u8]) -> usize {
    length::size(field.len()) + length::size(value.len()) + field.len() + value.len()
}

fn push_entry(bytes: &mut Vec<u8>, field: &[u8], value: &[u8]) {
    bytes.extend(length::bytes(field.len()));
    bytes.extend(length::bytes(value.len()));
    bytes.extend_from_slice(field);
    bytes.extend_from_slice(value);
}

/// The entries of the compact encoding with the places where they begin.
fn entries(bytes: &[u8]) -> impl Iterator<Item = (usize, Entry<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at;
        (begin < bytes.len()).then(|| {
            let entry = Entry::read(bytes, begin);
            at = entry.end;
            (begin, entry)
        })
    })
}

fn find(bytes: &[u8], field: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        let (field_len, value_len, begin) = Entry::head(bytes, at);
        // Comparing bytes is a call, which other lengths save.
        if field_len == field.len() && bytes[begin..begin + field_len] == *field {
            return Some(at);
        }
        at = begin + field_len + value_len;
    }
    None
}

impl Hash {
    /// Asks the processor to fetch what a search reads first.
    pub(super) fn fetch(&self) {
        match &self.encoding {
            Encoding::Compact { bytes, .. } => fetch_front(bytes),
            Encoding::Table(table) => table.fetch(),
        }
    }

    /// Begins to look for `field` in a large hash.
    pub(super) fn ahead(&self, field: &[u8]) -> Option<roster::Ahead<'_>> {
        match &self.encoding {
            Encoding::Compact { .. } => None,
            Encoding::Table(table) => Some(table.ahead(field)),
        }
    }
}

impl Collection for Hash {
    fn new(_limits: &Limits) -> Hash {
        Hash::default()
    }
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
    fn bytes(&self) -> usize {
        match &self.encoding {
            Encoding::Compact { bytes, .. } => allocation(bytes.capacity()),
            Encoding::Table(table) => table.bytes(),
        }
    }
    fn dismantle(&mut self, allocations: usize) -> bool {
        if let Encoding::Table(table) = &mut self.encoding {
            table.dismantle(allocations)
        } else {
            false
        }
    }
    in_common!(Hash);
}
