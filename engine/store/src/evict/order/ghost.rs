//! Ghosts: identities of objects that have left, in the order in which they left, up to a total size.
//!
//! Entry ids are reused, so a ghost is remembered by the object's 64-bit identity. The line is a
//! deque of (identity, size); a table holds each ghost's number in that line, not the identity again.
//! About 20 bytes a ghost.

use std::collections::VecDeque;

use hashbrown::HashTable;

#[derive(Clone, Copy)]
struct Ghost {
    identity: u64,
    size: u32,
    gone: bool,
}

/// A first-in, first-out memory of identities.
pub struct Ghosts {
    capacity: u64,
    size: u64,
    line: VecDeque<Ghost>,
    /// The number of the first ghost in `line`; numbers count pushes, modulo 2³².
    first: u32,
    table: HashTable<u32>,
}

impl Ghosts {
    /// Ghosts of up to `capacity` in all, in the unit of the sizes that will be pushed.
    pub fn new(capacity: u64) -> Ghosts {
        Ghosts {
            capacity,
            size: 0,
            line: VecDeque::new(),
            first: 0,
            table: HashTable::new(),
        }
    }

    /// Remembers `identity`; one that is remembered already keeps its place. The oldest are forgotten
    /// until there is room; an object larger than the capacity is not remembered.
    pub fn push(&mut self, identity: u64, size: u32) {
        if u64::from(size) > self.capacity || self.find(identity).is_some() {
            return;
        }
        while self.size + u64::from(size) > self.capacity {
            self.forget_oldest();
        }
        let number = self.first.wrapping_add(self.line.len() as u32);
        self.line.push_back(Ghost {
            identity,
            size,
            gone: false,
        });
        self.size += u64::from(size);
        let (line, first) = (&self.line, self.first);
        self.table.insert_unique(mix(identity), number, |&other| {
            mix(line[other.wrapping_sub(first) as usize].identity)
        });
    }

    /// Forgets `identity`; whether it was remembered.
    pub fn take(&mut self, identity: u64) -> bool {
        let Some(number) = self.find(identity) else {
            return false;
        };
        self.erase(number);
        true
    }

    fn find(&self, identity: u64) -> Option<u32> {
        self.table
            .find(mix(identity), |&number| {
                self.at(number).identity == identity
            })
            .copied()
    }

    fn at(&self, number: u32) -> &Ghost {
        &self.line[number.wrapping_sub(self.first) as usize]
    }

    fn erase(&mut self, number: u32) {
        let ghost = *self.at(number);
        self.table
            .find_entry(mix(ghost.identity), |&other| other == number)
            .expect("a ghost in the line is in the table")
            .remove();
        self.size -= u64::from(ghost.size);
        self.line[number.wrapping_sub(self.first) as usize].gone = true;
        self.drop_gone();
    }

    fn forget_oldest(&mut self) {
        debug_assert!(!self.line.is_empty(), "a size above 0 means a ghost");
        self.erase(self.first);
    }

    /// Drops the ghosts at the front that were taken, and all of them once they are the greater part.
    fn drop_gone(&mut self) {
        while self.line.front().is_some_and(|ghost| ghost.gone) {
            self.line.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        if self.line.len() > 64 && self.table.len() * 2 < self.line.len() {
            self.line.retain(|ghost| !ghost.gone);
            self.table.clear();
            let (line, first) = (&self.line, self.first);
            for (ghost, index) in line.iter().zip(0u32..) {
                let number = first.wrapping_add(index);
                self.table
                    .insert_unique(mix(ghost.identity), number, |&other| {
                        mix(line[other.wrapping_sub(first) as usize].identity)
                    });
            }
        }
    }
}

/// Spreads an identity over all bits: in the lab identities are small numbers.
fn mix(identity: u64) -> u64 {
    let wide = u128::from(identity ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    (wide >> 64) as u64 ^ wide as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Beside a plain list: the same identities are remembered, whatever is pushed and taken.
        #[test]
        fn as_a_plain_list(steps in prop::collection::vec((0..40u64, 1..5u32, 0..3u8), 0..800)) {
            let mut ghosts = Ghosts::new(30);
            let mut list: Vec<(u64, u32)> = Vec::new();
            for (identity, size, kind) in steps {
                let known = list.iter().position(|ghost| ghost.0 == identity);
                if kind == 0 {
                    prop_assert_eq!(ghosts.take(identity), known.is_some());
                    known.map(|at| list.remove(at));
                } else {
                    ghosts.push(identity, size);
                    if known.is_none() {
                        list.push((identity, size));
                        while list.iter().map(|ghost| ghost.1).sum::<u32>() > 30 {
                            list.remove(0);
                        }
                    }
                }
                prop_assert!(ghosts.line.len() <= 65.max(2 * list.len() + 1), "holes are bounded");
            }
        }
    }
}
