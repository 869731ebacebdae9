//! A group of the directory: 16 tags of a byte, searched at once, and 16 places.

/// The slots of a group.
pub(super) const SLOTS: usize = 16;
/// The tag of a slot that is free.
const FREE: u8 = 0;
/// The lower seven bits of each byte.
const LOW: u128 = u128::MAX / 255 * 127;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    tags: [u8; SLOTS],
    places: [u32; SLOTS],
}

impl Group {
    /// How many slots are free.
    #[inline]
    pub(super) fn free(&self) -> u32 {
        self.marks(FREE).count_ones()
    }

    /// Puts a place into a free slot, where there is one.
    #[inline]
    pub(super) fn put(&mut self, tag: u8, place: u32) -> bool {
        let Some(slot) = Slots(self.marks(FREE)).next() else {
            return false;
        };
        self.tags[slot] = tag;
        self.places[slot] = place;
        true
    }

    /// The slot with this tag and a place for which `is` holds.
    #[inline]
    pub(super) fn find(&self, tag: u8, mut is: impl FnMut(u32) -> bool) -> Option<usize> {
        Slots(self.marks(tag)).find(|&slot| is(self.places[slot]))
    }

    #[inline]
    pub(super) fn place(&self, slot: usize) -> u32 {
        self.places[slot]
    }

    pub(super) fn set_place(&mut self, slot: usize, place: u32) {
        self.places[slot] = place;
    }

    pub(super) fn clear(&mut self, slot: usize) {
        self.tags[slot] = FREE;
    }

    /// Every place.
    pub(super) fn places(&self) -> impl Iterator<Item = u32> {
        let taken = self.tags.iter().zip(&self.places);
        taken
            .filter(|(tag, _)| **tag != FREE)
            .map(|(_, place)| *place)
    }

    /// The highest bit of each byte that is `tag`. What is added to a byte stays in it, so no other is marked.
    #[inline]
    fn marks(&self, tag: u8) -> u128 {
        let differs = u128::from_le_bytes(self.tags) ^ u128::from_le_bytes([tag; SLOTS]);
        !(((differs & LOW) + LOW) | differs | LOW)
    }
}

/// The slots whose bytes are marked, from the first.
struct Slots(u128);

impl Iterator for Slots {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let slot = self.0.trailing_zeros() as usize / 8;
        self.0 &= self.0 - 1;
        Some(slot)
    }
}
