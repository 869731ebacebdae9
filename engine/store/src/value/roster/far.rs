//! The entries of a page that are too long to be moved with their neighbours: each has an allocation of its own.

use crate::value::allocation;

#[derive(Clone, Debug, Default)]
pub(super) struct Far {
    /// A bit for each slot that has its entry here.
    slots: u64,
    /// The entries in the order of their slots.
    entries: Vec<Box<[u8]>>,
    /// What the entries take.
    entries_bytes: usize,
}

impl Far {
    /// The entry in `slot`, where it is here.
    #[inline]
    pub(super) fn get(&self, slot: usize) -> Option<&[u8]> {
        self.has(slot).then(|| &*self.entries[self.rank(slot)])
    }

    /// As [`Far::get`], to change.
    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut [u8]> {
        let rank = self.rank(slot);
        self.has(slot).then(|| &mut *self.entries[rank])
    }

    /// Sets the entry in `slot`.
    pub(super) fn set(&mut self, slot: usize, entry: Box<[u8]>) {
        self.entries_bytes += allocation(entry.len());
        let rank = self.rank(slot);
        if self.has(slot) {
            let old = std::mem::replace(&mut self.entries[rank], entry);
            self.entries_bytes -= allocation(old.len());
        } else {
            self.slots |= 1 << slot;
            self.entries.insert(rank, entry);
        }
    }

    /// Takes the entry in `slot` out, where it is here.
    pub(super) fn take(&mut self, slot: usize) -> Option<Box<[u8]>> {
        if !self.has(slot) {
            return None;
        }
        let entry = self.entries.remove(self.rank(slot));
        self.slots &= !(1 << slot);
        self.entries_bytes -= allocation(entry.len());
        Some(entry)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What they take, and this.
    pub(super) fn bytes(&self) -> usize {
        allocation(size_of::<Far>())
            + allocation(self.entries.capacity() * size_of::<Box<[u8]>>())
            + self.entries_bytes
    }

    fn has(&self, slot: usize) -> bool {
        self.slots >> slot & 1 == 1
    }

    /// How many slots before `slot` have their entries here.
    fn rank(&self, slot: usize) -> usize {
        (self.slots & ((1 << slot) - 1)).count_ones() as usize
    }
}
