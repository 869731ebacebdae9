//! A queue of entries in a ring: first in, first out, with removal from the middle.
//!
//! ```text
//!          tail                     head
//!   slots: [ 7 | 3 | HOLE | 9 | 4 | .. ]      place[9] = its slot's number
//! ```
//!
//! A push writes one word and a pop reads one, in memory order, which is what makes it faster than
//! links. An entry that is removed leaves a hole; holes are squeezed out when the ring is full, before
//! it grows, so their number stays below that of the entries (or the initial size).

use crate::evict::EntryId;

const HOLE: u32 = u32::MAX;
const SLOTS_MIN: usize = 64;

/// Where each entry stands, kept outside so that rings that share entries share it.
#[derive(Default)]
pub struct Places {
    place: Vec<u32>,
}

impl Places {
    fn set(&mut self, entry: EntryId, position: u32) {
        let index = entry as usize;
        if index >= self.place.len() {
            self.place.resize(index + 1, 0);
        }
        self.place[index] = position;
    }
}

/// The queue. Positions count pushes, modulo 2³²; a position's slot is its low bits.
#[derive(Default)]
pub struct Ring {
    slots: Vec<u32>,
    tail: u32,
    head: u32,
    holes: u32,
}

impl Ring {
    /// How many entries are in line.
    pub fn len(&self) -> u32 {
        self.head.wrapping_sub(self.tail) - self.holes
    }

    /// Whether nobody is in line.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts `entry` at the end of the line.
    pub fn push(&mut self, entry: EntryId, places: &mut Places) {
        debug_assert_ne!(entry, HOLE, "the last id marks a hole");
        if self.head.wrapping_sub(self.tail) as usize == self.slots.len() {
            self.make_room(places);
        }
        let slot = self.slot(self.head);
        self.slots[slot] = entry;
        places.set(entry, self.head);
        self.head = self.head.wrapping_add(1);
    }

    /// Takes the entry that has stood longest.
    pub fn pop(&mut self) -> Option<EntryId> {
        while self.tail != self.head {
            let slot = self.slot(self.tail);
            let entry = self.slots[slot];
            self.tail = self.tail.wrapping_add(1);
            if entry != HOLE {
                return Some(entry);
            }
            self.holes -= 1;
        }
        None
    }

    /// Takes `entry`, which stands in this line, out of it.
    pub fn remove(&mut self, entry: EntryId, places: &Places) {
        let slot = self.slot(places.place[entry as usize]);
        debug_assert_eq!(self.slots[slot], entry, "the entry stands in this line");
        self.slots[slot] = HOLE;
        self.holes += 1;
    }

    fn slot(&self, position: u32) -> usize {
        position as usize & (self.slots.len() - 1)
    }

    fn make_room(&mut self, places: &mut Places) {
        let live = self.len() as usize;
        let slots = if live * 2 > self.slots.len() {
            self.slots.len() * 2
        } else {
            self.slots.len()
        };
        let slots = slots.max(SLOTS_MIN);
        assert!(slots <= 1 << 31, "a ring holds at most 2^31 entries");
        let mut next = Ring {
            slots: vec![HOLE; slots],
            ..Ring::default()
        };
        while let Some(entry) = self.pop() {
            next.push(entry, places);
        }
        *self = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One object that stays while others come and go: holes are squeezed out, the ring stays small.
    #[test]
    fn holes_do_not_make_it_grow() {
        let (mut ring, mut places) = (Ring::default(), Places::default());
        ring.push(7, &mut places);
        for round in 0..10_000u32 {
            let entry = 8 + round % 20;
            ring.push(entry, &mut places);
            ring.remove(entry, &places);
        }
        assert_eq!((ring.len(), ring.slots.len()), (1, SLOTS_MIN));
        assert_eq!((ring.pop(), ring.pop()), (Some(7), None));
        assert!(ring.is_empty());
    }
}
