//! A queue of entries in a ring: first in, first out, with removal from the middle.
//!
//! ```text
//!          tail                     head
//!   slots: [ 7 | 3 | 9 | 7 | 4 | .. ]      gone: { 7: 1 }, so the older 7 counts no more
//! ```
//!
//! A push writes one word and a pop reads one, in memory order, which is what makes it faster than
//! links. Where an entry stands is not kept: one that is removed stays in its slot, counted as gone, and
//! is passed over when the slot comes up. Since an entry can only have been pushed again after it was
//! removed, its oldest slots are those that are gone. When the ring is full and a good part of it is gone,
//! that part is squeezed out before the ring grows.

use crate::evict::EntryId;

const SLOTS_MIN: usize = 64;

/// The queue. Positions count pushes, modulo 2³²; a position's slot is its low bits.
#[derive(Default)]
pub struct Ring {
    slots: Vec<u32>,
    tail: u32,
    head: u32,
    /// How many slots hold an entry that was removed, and how many of each; nothing is kept of entries
    /// where none was ever removed.
    gone: u32,
    gone_of: Vec<u32>,
}

impl Ring {
    /// How many entries are in line.
    pub fn len(&self) -> u32 {
        self.head.wrapping_sub(self.tail) - self.gone
    }

    /// Whether nobody is in line.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts `entry`, which is not in line, at the end of it.
    #[inline]
    pub fn push(&mut self, entry: EntryId) {
        if self.head.wrapping_sub(self.tail) as usize == self.slots.len() {
            self.make_room();
        }
        let slot = self.slot(self.head);
        self.slots[slot] = entry;
        self.head = self.head.wrapping_add(1);
    }

    /// Takes the entry that has stood longest.
    #[inline]
    pub fn pop(&mut self) -> Option<EntryId> {
        while self.tail != self.head {
            let entry = self.slots[self.slot(self.tail)];
            self.tail = self.tail.wrapping_add(1);
            if self.gone == 0 || !self.is_gone(entry) {
                return Some(entry);
            }
        }
        None
    }

    /// Takes `entry`, which is in line, out of it.
    pub fn remove(&mut self, entry: EntryId) {
        let index = entry as usize;
        if index >= self.gone_of.len() {
            self.gone_of.resize(index + 1, 0);
        }
        self.gone_of[index] += 1;
        self.gone += 1;
    }

    /// Whether the oldest slot of `entry`, which has come up, is of one that was removed.
    fn is_gone(&mut self, entry: EntryId) -> bool {
        match self.gone_of.get_mut(entry as usize) {
            None | Some(0) => false,
            Some(count) => {
                *count -= 1;
                self.gone -= 1;
                true
            }
        }
    }

    fn slot(&self, position: u32) -> usize {
        position as usize & (self.slots.len() - 1)
    }

    #[cold]
    fn make_room(&mut self) {
        let live = self.len() as usize;
        let slots = if live * 2 > self.slots.len() {
            self.slots.len() * 2
        } else {
            self.slots.len()
        };
        let slots = slots.max(SLOTS_MIN);
        assert!(slots <= 1 << 31, "a ring holds at most 2^31 entries");
        let mut next = Ring {
            slots: vec![0; slots],
            ..Ring::default()
        };
        while let Some(entry) = self.pop() {
            next.push(entry);
        }
        next.gone_of = std::mem::take(&mut self.gone_of);
        *self = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One object that stays while others come and go: who is gone is squeezed out, the ring stays small.
    #[test]
    fn who_is_gone_does_not_make_it_grow() {
        let mut ring = Ring::default();
        ring.push(7);
        for round in 0..10_000u32 {
            let entry = 8 + round % 20;
            ring.push(entry);
            ring.remove(entry);
        }
        assert_eq!((ring.len(), ring.slots.len()), (1, SLOTS_MIN));
        assert_eq!((ring.pop(), ring.pop()), (Some(7), None));
        assert!(ring.is_empty());
    }

    /// Who was removed and comes back stands at the end, not where it stood.
    #[test]
    fn who_comes_back_stands_at_the_end() {
        let mut ring = Ring::default();
        for entry in [1, 2, 3] {
            ring.push(entry);
        }
        ring.remove(1);
        ring.push(1);
        ring.remove(1);
        ring.push(1);
        let order: Vec<u32> = std::iter::from_fn(|| ring.pop()).collect();
        assert_eq!(order, [2, 3, 1]);
        assert_eq!((ring.gone, ring.gone_of[1]), (0, 0));
    }
}
