//! Who is resident, and the mark of each: arrays over a trace's dense ids.

use std::cell::Cell;

use seawall_store::evict::{EntryId, MarkRule, Marks};

/// The objects of a trace: whether each is in the cache, and its mark.
pub trait Residents: Marks {
    /// Nobody of `objects` is resident.
    fn new(objects: u32) -> Self;

    /// Whether `object` is resident.
    fn contains(&self, object: EntryId) -> bool;

    /// `object` is resident from now on, its mark 0.
    fn enter(&mut self, object: EntryId);

    /// `object` is resident no more.
    ///
    /// # Panics
    /// It is not: a policy named a victim that it had been told of as gone.
    fn leave(&mut self, object: EntryId);
}

/// Marks of up to [`SmallMarks::MAX`], in one byte an object with whether it is resident: what a request
/// looks at is one byte, so the objects of most traces lie in a core's own cache.
pub struct SmallMarks(Vec<Cell<u8>>);

/// In an object's byte: it is resident. The other bits are its mark.
const RESIDENT: u8 = 1 << 7;

impl SmallMarks {
    /// The greatest mark.
    pub const MAX: u32 = (RESIDENT - 1) as u32;

    /// Whether all marks that `rule` makes are small.
    pub fn hold(rule: MarkRule) -> bool {
        match rule {
            MarkRule::Nothing | MarkRule::Bit | MarkRule::Touch => true,
            MarkRule::Count { max } => max <= SmallMarks::MAX,
            MarkRule::Stamp | MarkRule::Second | MarkRule::LogCount => false,
        }
    }
}

impl Marks for SmallMarks {
    fn get(&self, entry: EntryId) -> u32 {
        u32::from(self.0[entry as usize].get() & !RESIDENT)
    }

    fn set(&self, entry: EntryId, mark: u32) {
        debug_assert!(mark <= SmallMarks::MAX, "the rule makes small marks");
        let byte = &self.0[entry as usize];
        byte.set(byte.get() & RESIDENT | mark as u8);
    }
}

impl Residents for SmallMarks {
    fn new(objects: u32) -> SmallMarks {
        SmallMarks(vec![Cell::new(0); objects as usize])
    }

    fn contains(&self, object: EntryId) -> bool {
        self.0[object as usize].get() >= RESIDENT
    }

    fn enter(&mut self, object: EntryId) {
        self.0[object as usize].set(RESIDENT);
    }

    fn leave(&mut self, object: EntryId) {
        let before = self.0[object as usize].replace(0);
        assert!(before >= RESIDENT, "{object} is a victim and not resident");
    }
}

/// Marks of a whole word, as the store has them.
pub struct WordMarks {
    marks: Vec<Cell<u32>>,
    resident: Vec<bool>,
}

impl Marks for WordMarks {
    fn get(&self, entry: EntryId) -> u32 {
        self.marks[entry as usize].get()
    }

    fn set(&self, entry: EntryId, mark: u32) {
        self.marks[entry as usize].set(mark);
    }
}

impl Residents for WordMarks {
    fn new(objects: u32) -> WordMarks {
        WordMarks {
            marks: vec![Cell::new(0); objects as usize],
            resident: vec![false; objects as usize],
        }
    }

    fn contains(&self, object: EntryId) -> bool {
        self.resident[object as usize]
    }

    fn enter(&mut self, object: EntryId) {
        self.resident[object as usize] = true;
        self.marks[object as usize].set(0);
    }

    fn leave(&mut self, object: EntryId) {
        let before = std::mem::replace(&mut self.resident[object as usize], false);
        assert!(before, "{object} is a victim and not resident");
    }
}

/// What each resident takes of the cache.
pub trait Held {
    /// Nobody of `objects` is resident.
    fn new(objects: u32) -> Self;

    /// The room for an object of `bytes`.
    fn room(bytes: u32) -> u64;

    /// `object` came in with `bytes`.
    fn enter(&mut self, object: EntryId, bytes: u32);

    /// The room that resident `object` has.
    fn of(&self, object: EntryId) -> u64;
}

/// Every object takes 1.
pub struct HeldObjects;

impl Held for HeldObjects {
    fn new(_objects: u32) -> HeldObjects {
        HeldObjects
    }

    fn room(_bytes: u32) -> u64 {
        1
    }

    fn enter(&mut self, _object: EntryId, _bytes: u32) {}

    fn of(&self, _object: EntryId) -> u64 {
        1
    }
}

/// An object takes the bytes that it came in with.
pub struct HeldBytes(Vec<u32>);

impl Held for HeldBytes {
    fn new(objects: u32) -> HeldBytes {
        HeldBytes(vec![0; objects as usize])
    }

    fn room(bytes: u32) -> u64 {
        u64::from(bytes)
    }

    fn enter(&mut self, object: EntryId, bytes: u32) {
        self.0[object as usize] = bytes;
    }

    fn of(&self, object: EntryId) -> u64 {
        u64::from(self.0[object as usize])
    }
}
