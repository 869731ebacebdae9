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
//! an index map, and stays one. Both show their fields in an order that depends on what was done to
//! the hash alone and not on a hash function, so that a replica and a simulated run see the same order.

use indexmap::IndexMap;
use rapidhash::fast::GlobalState;

use super::limits::Bounds;
use super::{Collection, Limits, Stored, allocation, in_common, length};

/// A table of fewer fields gives no memory back.
const SHRUNK_MIN: usize = 128;

/// Bytes that an index map takes for an entry: key, value, hash, and its share of the index.
const TABLE_ENTRY_BYTES: usize = 2 * size_of::<Box<[u8]>>() + size_of::<u64>() + 6;

type Table = IndexMap<Box<[u8]>, Box<[u8]>, GlobalState>;

/// A hash.
#[derive(Clone, Debug, Default)]
pub struct Hash {
    encoding: Encoding,
}

#[derive(Clone, Debug)]
enum Encoding {
    Compact {
        bytes: Vec<u8>,
        len: usize,
    },
    /// `text` is what the fields and values take on the heap.
    Table {
        table: Table,
        text: usize,
    },
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
            Encoding::Table { table, .. } => table.len(),
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
            Encoding::Table { table, .. } => table.get(field).map(|value| &**value),
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
        let (table, text) = self.table();
        *text += allocation(value.len());
        if let Some(old) = table.get_mut(field) {
            *text -= allocation(old.len());
            *old = value.into();
            return false;
        }
        *text += allocation(field.len());
        table.insert(field.into(), value.into());
        true
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
            Encoding::Table { table, text } => {
                let Some((field, value)) = table.swap_remove_entry(field) else {
                    return false;
                };
                *text -= allocation(field.len()) + allocation(value.len());
                // A table that shrank to a quarter gives memory back.
                if table.len() >= SHRUNK_MIN && table.len() < table.capacity() / 4 {
                    table.shrink_to(table.len() * 2);
                }
                true
            }
        }
    }

    /// Every field with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (bytes, table): (&[u8], _) = match &self.encoding {
            Encoding::Compact { bytes, .. } => (bytes, None),
            Encoding::Table { table, .. } => (&[], Some(table)),
        };
        let large = table.into_iter().flatten();
        entries(bytes)
            .map(|(_, entry)| (entry.field, entry.value))
            .chain(large.map(|(field, value)| (&**field, &**value)))
    }

    /// The field in place `i` of [`Hash::iter`], with its value: in constant time where the hash is
    /// not compact.
    pub fn entry(&self, i: usize) -> Option<(&[u8], &[u8])> {
        match &self.encoding {
            Encoding::Compact { .. } => self.iter().nth(i),
            Encoding::Table { table, .. } => table.get_index(i).map(|(f, v)| (&**f, &**v)),
        }
    }

    /// A part of the fields, about `count`, and where to go on: 0 begins and means the end.
    ///
    /// Every field that is there from the first call to the last is shown at least once, whatever
    /// changes in between. The places are visited from the last to the first: a new field comes after
    /// all places, and a removed one is replaced by the last field, which was shown already or is
    /// moved to where the scan has yet to come.
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
            Encoding::Table { table, .. } => {
                let len = table.len() as u64;
                let end = if cursor == 0 { len } else { cursor.min(len) };
                let start = end.saturating_sub(count as u64);
                for i in (start..end).rev() {
                    let (field, value) = &table.get_index(i as usize).expect("i is below len");
                    each(field, value);
                }
                start
            }
        }
    }

    /// The table, made from the buffer first where the hash is compact.
    fn table(&mut self) -> (&mut Table, &mut usize) {
        if let Encoding::Compact { bytes, len } = &mut self.encoding {
            let bytes = std::mem::take(bytes);
            let mut table = Table::with_capacity_and_hasher(*len + 1, GlobalState::new());
            let mut text = 0;
            for (_, entry) in entries(&bytes) {
                text += allocation(entry.field.len()) + allocation(entry.value.len());
                table.insert(entry.field.into(), entry.value.into());
            }
            self.encoding = Encoding::Table { table, text };
        }
        match &mut self.encoding {
            Encoding::Table { table, text } => (table, text),
            Encoding::Compact { .. } => unreachable!("it was just made a table"),
        }
    }
}

/// An entry of the compact encoding, and where the next one begins.
struct Entry<'a> {
    field: &'a [u8],
    value: &'a [u8],
    end: usize,
}

impl Entry<'_> {
    #[inline]
    fn read(bytes: &[u8], at: usize) -> Entry<'_> {
        let mut rest = bytes[at..].iter();
        let (field_len, before) = length::read(rest.by_ref());
        let (value_len, between) = length::read(rest);
        let field = at + before + between;
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
    entries(bytes).find_map(|(at, entry)| (entry.field == field).then_some(at))
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
            Encoding::Table { table, text } => text + table.capacity() * TABLE_ENTRY_BYTES,
        }
    }
    in_common!(Hash);
}
