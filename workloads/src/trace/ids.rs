//! Keys to dense ids: an open table, looked up in batches.
//!
//! A lookup waits for memory, not for work: so the first slots of a whole batch are loaded before the
//! first is looked at, and their waits overlap. The hash is keyed by the process's own secret, so a file
//! cannot be made to collide; ids follow the order in which keys are first seen, so they do not show it.

use std::hash::{BuildHasher, RandomState};

/// How many lookups overlap.
const BATCH: usize = 32;
const SLOTS_MIN: usize = 1 << 10;

/// More objects than this have no ids.
pub(super) const OBJECTS_MAX: u32 = u32::MAX - 1;

#[derive(Clone, Copy, Default)]
struct Slot {
    key: u64,
    /// The id and 1; 0 where the slot is free.
    taken: u32,
}

/// The ids given so far.
pub(super) struct Ids {
    /// A power of two of them, at least a quarter free.
    slots: Vec<Slot>,
    secret: [u64; 2],
    count: u32,
}

impl Ids {
    pub(super) fn new() -> Ids {
        let random = RandomState::new();
        Ids {
            slots: vec![Slot::default(); SLOTS_MIN],
            secret: [random.hash_one(0u8), random.hash_one(1u8) | 1],
            count: 0,
        }
    }

    /// Appends the id of each key; `false` where there are more objects than ids.
    #[must_use]
    pub(super) fn append(&mut self, keys: &[u64], ids: &mut Vec<u32>) -> bool {
        ids.reserve(keys.len());
        for batch in keys.chunks(BATCH) {
            if self.count > OBJECTS_MAX - BATCH as u32 {
                return false;
            }
            self.reserve(BATCH);
            let mut first = [(0, Slot::default()); BATCH];
            for (first, &key) in first.iter_mut().zip(batch) {
                let home = self.home(key);
                *first = (home, self.slots[home]);
            }
            for (&(home, slot), &key) in first.iter().zip(batch) {
                // What was free when it was loaded may have been taken by the batch itself.
                let known = slot.key == key && slot.taken != 0;
                ids.push(if known {
                    slot.taken - 1
                } else {
                    self.find(home, key)
                });
            }
        }
        true
    }

    /// The key of each id.
    pub(super) fn keys(&self) -> Vec<u64> {
        let mut keys = vec![0; self.count as usize];
        for slot in self.slots.iter().filter(|slot| slot.taken != 0) {
            keys[slot.taken as usize - 1] = slot.key;
        }
        keys
    }

    /// The slot where the search for `key` begins: the product's two halves folded together depend on
    /// every bit of the key.
    fn home(&self, key: u64) -> usize {
        let product = u128::from(key ^ self.secret[0]) * u128::from(self.secret[1]);
        (product as u64 ^ (product >> 64) as u64) as usize & (self.slots.len() - 1)
    }

    fn find(&mut self, home: usize, key: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = home;
        loop {
            let slot = &mut self.slots[at];
            if slot.taken == 0 {
                self.count += 1;
                *slot = Slot {
                    key,
                    taken: self.count,
                };
                return self.count - 1;
            }
            if slot.key == key {
                return slot.taken - 1;
            }
            at = (at + 1) & mask;
        }
    }

    /// Makes room for `more` keys.
    fn reserve(&mut self, more: usize) {
        if (self.count as usize + more) * 4 <= self.slots.len() * 3 {
            return;
        }
        let slots = vec![Slot::default(); self.slots.len() * 2];
        let old = std::mem::replace(&mut self.slots, slots);
        let mask = self.slots.len() - 1;
        for slot in old.into_iter().filter(|slot| slot.taken != 0) {
            let mut at = self.home(slot.key);
            while self.slots[at].taken != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn ids_follow_the_order_of_first_sight() {
        let mut ids = Ids::new();
        let mut model: HashMap<u64, u32> = HashMap::new();
        let mut state = 7u64;
        let keys: Vec<u64> = (0..200_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                // Few keys, of which many differ in their high bits alone.
                ((state >> 33) % 30_000) << (state >> 60)
            })
            .chain([0, u64::MAX])
            .collect();
        let mut found = Vec::new();
        for part in keys.chunks(777) {
            assert!(ids.append(part, &mut found));
        }
        for (key, id) in keys.iter().zip(&found) {
            let next = model.len() as u32;
            assert_eq!(model.entry(*key).or_insert(next), id);
        }
        assert!(model.len() > 30_000, "the table grew");
    }
}
