//! Ghosts: identities of objects that have left, in the order in which they left, up to a total size.
//!
//! Entry ids are reused, so a ghost is remembered by the object's 64-bit identity. The line is a
//! deque of (identity, size); beside it stands each ghost's number in that line, by identity: in a hash
//! table, which holds the number and not the identity again (about 20 bytes a ghost), or in an array where
//! identities are dense.

use std::collections::VecDeque;

use hashbrown::HashTable;

use crate::evict::{EntryId, Identities};

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
    /// How many ghosts of the line are not gone.
    live: usize,
    numbers: Numbers,
}

/// The number of each ghost that is not gone, by its identity.
enum Numbers {
    Hashed(HashTable<u32>),
    /// What an identity has is its number only if the ghost of that number has the identity.
    Dense(Vec<u32>),
}

impl Ghosts {
    /// Ghosts of up to `capacity` in all, in the unit of the sizes that will be pushed.
    pub fn new(capacity: u64, identities: Identities<'_>) -> Ghosts {
        Ghosts {
            capacity,
            size: 0,
            line: VecDeque::new(),
            first: 0,
            live: 0,
            numbers: match identities {
                Identities::Hashed => Numbers::Hashed(HashTable::new()),
                Identities::Dense { count, .. } => Numbers::Dense(vec![0; count as usize]),
            },
        }
    }

    /// Remembers `identity`; one that is remembered already keeps its place. The oldest are forgotten
    /// until there is room; an object larger than the capacity is not remembered.
    #[inline]
    pub fn push(&mut self, identity: u64, size: u32) {
        if u64::from(size) > self.capacity || self.find(identity).is_some() {
            return;
        }
        while self.size > self.capacity - u64::from(size) {
            self.forget_oldest();
        }
        let number = self.first.wrapping_add(self.line.len() as u32);
        self.line.push_back(Ghost {
            identity,
            size,
            gone: false,
        });
        self.size += u64::from(size);
        self.live += 1;
        self.note(number, identity);
    }

    /// What is remembered in all, in the unit of the sizes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Forgets the ghost that has been remembered longest, if there is one.
    #[inline]
    pub fn forget_oldest(&mut self) {
        if !self.line.is_empty() {
            self.erase(0);
        }
    }

    /// Forgets `identity`; whether it was remembered.
    #[inline]
    pub fn take(&mut self, identity: u64) -> bool {
        let Some(index) = self.find(identity) else {
            return false;
        };
        self.erase(index);
        true
    }

    /// Where in the line the ghost of `identity` stands.
    #[inline]
    fn find(&self, identity: u64) -> Option<usize> {
        let index = |number: u32| number.wrapping_sub(self.first) as usize;
        match &self.numbers {
            Numbers::Hashed(table) => table
                .find(mix(identity), |&number| {
                    self.line[index(number)].identity == identity
                })
                .map(|&number| index(number)),
            Numbers::Dense(numbers) => {
                let index = index(numbers[identity as usize]);
                let ghost = self.line.get(index)?;
                (ghost.identity == identity && !ghost.gone).then_some(index)
            }
        }
    }

    /// The ghost of `identity` has this number in the line.
    #[inline]
    fn note(&mut self, number: u32, identity: u64) {
        match &mut self.numbers {
            Numbers::Hashed(table) => {
                let (line, first) = (&self.line, self.first);
                table.insert_unique(mix(identity), number, |&other| {
                    mix(line[other.wrapping_sub(first) as usize].identity)
                });
            }
            Numbers::Dense(numbers) => numbers[identity as usize] = number,
        }
    }

    #[inline]
    fn erase(&mut self, index: usize) {
        let ghost = &mut self.line[index];
        ghost.gone = true;
        self.size -= u64::from(ghost.size);
        self.live -= 1;
        if let Numbers::Hashed(table) = &mut self.numbers {
            let number = self.first.wrapping_add(index as u32);
            table
                .find_entry(mix(ghost.identity), |&other| other == number)
                .expect("a ghost in the line is in the table")
                .remove();
        }
        self.drop_gone();
    }

    /// Drops the ghosts at the front that were taken, and all of them once they are the greater part.
    #[inline]
    fn drop_gone(&mut self) {
        while self.line.front().is_some_and(|ghost| ghost.gone) {
            self.line.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        if self.line.len() > 64 && self.live * 2 < self.line.len() {
            self.squeeze();
        }
    }

    #[cold]
    fn squeeze(&mut self) {
        self.line.retain(|ghost| !ghost.gone);
        if let Numbers::Hashed(table) = &mut self.numbers {
            table.clear();
        }
        for index in 0..self.line.len() {
            let number = self.first.wrapping_add(index as u32);
            self.note(number, self.line[index].identity);
        }
    }
}

/// The identity of each resident, to make a ghost of it when it leaves.
pub enum IdentityOf {
    /// By entry.
    Kept(Vec<u64>),
    /// The entry's own number.
    Entry,
}

impl IdentityOf {
    /// Nobody is resident yet.
    pub fn new(identities: Identities<'_>) -> IdentityOf {
        match identities {
            Identities::Hashed => IdentityOf::Kept(Vec::new()),
            Identities::Dense { .. } => IdentityOf::Entry,
        }
    }

    /// `entry` is resident under `identity`.
    #[inline]
    pub fn set(&mut self, entry: EntryId, identity: u64) {
        if let IdentityOf::Kept(identities) = self {
            let index = entry as usize;
            if index >= identities.len() {
                identities.resize(index + 1, 0);
            }
            identities[index] = identity;
        }
    }

    /// The identity of `entry`, which has been set.
    #[inline]
    pub fn get(&self, entry: EntryId) -> u64 {
        match self {
            IdentityOf::Kept(identities) => identities[entry as usize],
            IdentityOf::Entry => u64::from(entry),
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
        fn as_a_plain_list(
            dense: bool,
            steps in prop::collection::vec((0..40u64, 1..5u32, 0..3u8), 0..800),
        ) {
            let identities = if dense { Identities::Dense { count: 40, numbers: &[] } } else { Identities::Hashed };
            let mut ghosts = Ghosts::new(30, identities);
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
