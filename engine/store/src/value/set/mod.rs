//! Sets: different members in no order.
//!
//! A set of few integers is a sorted array of them. One of few short members is a buffer that is
//! searched from its front:
//!
//! ```text
//! ┌─────┬────────┬─────┬────────┬──
//! │ len │ member │ len │ member │ …       a length is one byte
//! └─────┴────────┴─────┴────────┴──
//! ```
//!
//! Any other is a roster (`roster`), and stays one. All give a member at random in time that does not grow with
//! a large set, and show members in an order that depends on what was done to the set and on no hash
//! function, so that a replica and a simulated run see the same order.

mod ints;
mod member;
#[cfg(test)]
mod tests;

use super::ahead::fetch_front;
use super::limits::IntsMax;
use super::roster::{self, Form, Roster};
use super::{Collection, Limits, Stored, allocation, in_common};
use crate::command::number::parse_int;
use ints::Ints;
pub use member::Member;

/// The most members of the buffer.
pub const PACKED_ENTRIES: usize = 128;
/// The longest member of the buffer.
pub const PACKED_BYTES: usize = 64;

/// An entry of a large set: a member.
#[derive(Clone, Copy, Debug)]
struct Bare;

impl Form for Bare {
    #[inline]
    fn name(entry: &[u8]) -> &[u8] {
        entry
    }
}

type Table = Roster<Bare>;

/// A set.
#[derive(Clone, Debug, Default)]
pub struct Set {
    encoding: Encoding,
}

#[derive(Clone, Debug)]
enum Encoding {
    Ints(Ints),
    Packed { bytes: Vec<u8>, len: usize },
    Table(Box<Table>),
}

impl Default for Encoding {
    fn default() -> Encoding {
        Encoding::Ints(Ints::default())
    }
}

impl Set {
    /// How many members there are.
    pub fn len(&self) -> usize {
        match &self.encoding {
            Encoding::Ints(ints) => ints.len(),
            Encoding::Packed { len, .. } => *len,
            Encoding::Table(table) => table.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the set is an array of integers (`OBJECT ENCODING`: `intset`).
    pub fn is_ints(&self) -> bool {
        matches!(self.encoding, Encoding::Ints(_))
    }

    /// Whether the set is a roster, the encoding of large ones.
    pub fn is_table(&self) -> bool {
        matches!(self.encoding, Encoding::Table(_))
    }

    /// Whether `member` is there.
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.encoding {
            Encoding::Ints(ints) => parse_int(member).and_then(|n| ints.place(n)).is_some(),
            Encoding::Packed { bytes, .. } => find(bytes, member).is_some(),
            Encoding::Table(table) => table.look(member).is_ok(),
        }
    }

    /// Whether another set's member is there.
    pub fn has(&self, member: Member<'_>) -> bool {
        match (&self.encoding, member) {
            (Encoding::Ints(ints), Member::Int(n)) => ints.place(n).is_some(),
            _ => member.text(|text| self.contains(text)),
        }
    }

    /// The set of these members.
    pub fn collect<'a>(members: impl Iterator<Item = Member<'a>>, ints: IntsMax) -> Set {
        let mut set = Set::default();
        for member in members {
            member.text(|text| set.insert(text, ints));
        }
        set
    }

    /// Adds `member`; whether it is new. One integer more than `most` makes a set of integers a
    /// roster.
    pub fn insert(&mut self, member: &[u8], most: IntsMax) -> bool {
        if let Encoding::Ints(ints) = &mut self.encoding {
            if let Some(n) = parse_int(member) {
                let new = ints.insert(n);
                if new && ints.len() > most.get() {
                    self.spread();
                }
                return new;
            }
            self.pack();
        }
        if let Encoding::Packed { bytes, len } = &mut self.encoding {
            if find(bytes, member).is_some() {
                return false;
            }
            if *len < PACKED_ENTRIES && member.len() <= PACKED_BYTES {
                bytes.push(member.len() as u8);
                bytes.extend_from_slice(member);
                *len += 1;
                return true;
            }
            self.spread();
        }
        match &mut self.encoding {
            Encoding::Table(table) => {
                let place = table.look(member);
                if let Err(vacant) = place {
                    table.push(vacant, &[member]);
                }
                place.is_err()
            }
            Encoding::Ints(_) | Encoding::Packed { .. } => unreachable!("it was spread"),
        }
    }

    /// Removes `member`; whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.encoding {
            Encoding::Ints(ints) => {
                let place = parse_int(member).and_then(|n| ints.place(n));
                if let Some(place) = place {
                    ints.remove(place);
                }
                place.is_some()
            }
            Encoding::Packed { bytes, len } => {
                let Some(at) = find(bytes, member) else {
                    return false;
                };
                bytes.drain(at..=at + member.len());
                *len -= 1;
                true
            }
            Encoding::Table(table) => {
                let place = table.look(member);
                place.map(|place| table.remove(place)).is_ok()
            }
        }
    }

    /// Every member.
    pub fn iter(&self) -> impl Iterator<Item = Member<'_>> {
        let (ints, bytes, table): (_, &[u8], _) = match &self.encoding {
            Encoding::Ints(ints) => (Some(ints), &[], None),
            Encoding::Packed { bytes, .. } => (None, bytes, None),
            Encoding::Table(table) => (None, &[], Some(table)),
        };
        let ints = ints
            .into_iter()
            .flat_map(|ints| (0..ints.len()).map(|i| Member::Int(ints.get(i))));
        let packed = members(bytes).map(|(_, member)| Member::Text(member));
        let table = table.into_iter().flat_map(|table| table.iter());
        ints.chain(packed).chain(table.map(Member::Text))
    }

    /// The member in place `i` of [`Set::iter`]: in constant time where the set is large.
    pub fn get(&self, i: usize) -> Option<Member<'_>> {
        match &self.encoding {
            Encoding::Ints(ints) => (i < ints.len()).then(|| Member::Int(ints.get(i))),
            Encoding::Packed { .. } => self.iter().nth(i),
            Encoding::Table(table) => (i < table.len()).then(|| Member::Text(table.entry(i))),
        }
    }

    /// A part of the members, about `count`, and where to go on: 0 begins and means the end.
    ///
    /// Every member that is there from the first call to the last is shown at least once, whatever
    /// changes in between; a small set is shown whole.
    pub fn scan<'a>(&'a self, cursor: u64, count: usize, mut each: impl FnMut(Member<'a>)) -> u64 {
        let Encoding::Table(table) = &self.encoding else {
            self.iter().for_each(each);
            return 0;
        };
        table.scan(cursor, count, |member| each(Member::Text(member)))
    }

    /// Asks the processor to fetch what a search reads first.
    pub(super) fn fetch(&self) {
        match &self.encoding {
            Encoding::Ints(_) => {}
            Encoding::Packed { bytes, .. } => fetch_front(bytes),
            Encoding::Table(table) => table.fetch(),
        }
    }

    /// Begins to look for `member` in a large set.
    pub(super) fn ahead(&self, member: &[u8]) -> Option<roster::Ahead<'_>> {
        match &self.encoding {
            Encoding::Ints(_) | Encoding::Packed { .. } => None,
            Encoding::Table(table) => Some(table.ahead(member)),
        }
    }

    /// Makes a set of integers a buffer, or a roster where it is too large for that.
    fn pack(&mut self) {
        if self.len() > PACKED_ENTRIES {
            return self.spread();
        }
        let mut bytes = Vec::new();
        for member in self.iter() {
            member.text(|text| {
                bytes.push(text.len() as u8);
                bytes.extend_from_slice(text);
            });
        }
        let len = self.len();
        self.encoding = Encoding::Packed { bytes, len };
    }

    /// Makes the set a roster.
    fn spread(&mut self) {
        let mut table = Box::new(Table::new());
        for member in self.iter() {
            member.text(|text| {
                if let Err(vacant) = table.look(text) {
                    table.push(vacant, &[text]);
                }
            });
        }
        self.encoding = Encoding::Table(table);
    }
}

/// The members of the buffer with the places where their lengths stand.
fn members(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at;
        let len = usize::from(*bytes.get(begin)?);
        at = begin + 1 + len;
        Some((begin, &bytes[begin + 1..at]))
    })
}

fn find(bytes: &[u8], member: &[u8]) -> Option<usize> {
    members(bytes).find_map(|(at, other)| (other == member).then_some(at))
}

impl Collection for Set {
    fn new(_limits: &Limits) -> Set {
        Set::default()
    }
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
    fn bytes(&self) -> usize {
        match &self.encoding {
            Encoding::Ints(ints) => ints.heap(),
            Encoding::Packed { bytes, .. } => allocation(bytes.capacity()),
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
    in_common!(Set);
}
