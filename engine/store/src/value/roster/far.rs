//! The entries of a page that are too long to be moved with their neighbours: each has an allocation of its own.

use crate::value::allocation;

#[derive(Clone, Debug, Default)]
pub(super) struct Far {
    /// A bit for each spot that has its entry here.
    spots: u64,
    /// The entries in the order of their spots.
    entries: Vec<Box<[u8]>>,
    /// What the entries take.
    entries_bytes: usize,
}

impl Far {
    /// The entry in `spot`, where it is here.
    #[inline]
    pub(super) fn get(&self, spot: usize) -> Option<&[u8]> {
        self.has(spot).then(|| &*self.entries[self.rank(spot)])
    }

    /// As [`Far::get`], to change.
    pub(super) fn get_mut(&mut self, spot: usize) -> Option<&mut [u8]> {
        let rank = self.rank(spot);
        self.has(spot).then(|| &mut *self.entries[rank])
    }

    /// Sets the entry in `spot`.
    pub(super) fn set(&mut self, spot: usize, entry: Box<[u8]>) {
        self.entries_bytes += allocation(entry.len());
        let rank = self.rank(spot);
        if self.has(spot) {
            let old = std::mem::replace(&mut self.entries[rank], entry);
            self.entries_bytes -= allocation(old.len());
        } else {
            self.spots |= 1 << spot;
            self.entries.insert(rank, entry);
        }
    }

    /// Takes the entry in `spot` out, where it is here.
    pub(super) fn take(&mut self, spot: usize) -> Option<Box<[u8]>> {
        if !self.has(spot) {
            return None;
        }
        let entry = self.entries.remove(self.rank(spot));
        self.spots &= !(1 << spot);
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

    fn has(&self, spot: usize) -> bool {
        self.spots >> spot & 1 == 1
    }

    /// How many spots before `spot` have their entries here.
    fn rank(&self, spot: usize) -> usize {
        (self.spots & ((1 << spot) - 1)).count_ones() as usize
    }
}
