//! A group of the directory: 16 tags of a byte, searched at once, and 16 places.

/// The spots of a group.
pub(super) const SPOTS: usize = 16;
/// The tag of a spot that is free.
const FREE: u8 = 0;
/// The lower seven bits of each byte.
const LOW: u128 = u128::MAX / 255 * 127;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    tags: [u8; SPOTS],
    places: [u32; SPOTS],
}

impl Group {
    /// How many spots are free.
    #[inline]
    pub(super) fn free(&self) -> u32 {
        self.marks(FREE).count_ones()
    }

    /// Puts a place into a free spot, where there is one.
    #[inline]
    pub(super) fn put(&mut self, tag: u8, place: u32) -> bool {
        let Some(spot) = Spots(self.marks(FREE)).next() else {
            return false;
        };
        self.tags[spot] = tag;
        self.places[spot] = place;
        true
    }

    /// The spot with this tag and a place for which `is` holds.
    #[inline]
    pub(super) fn find(&self, tag: u8, mut is: impl FnMut(u32) -> bool) -> Option<usize> {
        Spots(self.marks(tag)).find(|&spot| is(self.places[spot]))
    }

    #[inline]
    pub(super) fn place(&self, spot: usize) -> u32 {
        self.places[spot]
    }

    pub(super) fn set_place(&mut self, spot: usize, place: u32) {
        self.places[spot] = place;
    }

    pub(super) fn clear(&mut self, spot: usize) {
        self.tags[spot] = FREE;
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
        let differs = u128::from_le_bytes(self.tags) ^ u128::from_le_bytes([tag; SPOTS]);
        !(((differs & LOW) + LOW) | differs | LOW)
    }
}

/// The spots whose bytes are marked, from the first.
struct Spots(u128);

impl Iterator for Spots {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let spot = self.0.trailing_zeros() as usize / 8;
        self.0 &= self.0 - 1;
        Some(spot)
    }
}
