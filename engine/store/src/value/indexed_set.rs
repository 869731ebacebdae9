//! The large encoding of a sorted set: members in an arena, found by name through a hash table and by
//! order or rank through a counted tree.
//!
//! ```text
//!   table: hash(member) ─► id            tree: (score, id) in order
//!                           │                          │
//!                           └──────► arena[id] ◄───────┘
//!                                    member, score
//! ```
//!
//! Scores stand in the tree too, so that a search reads a member's bytes only where scores are equal.

use std::cmp::Ordering;
use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::HashTable;
use rapidhash::fast::GlobalState;

use super::allocation;
use super::rank_tree::RankTree;

/// A sorted set of any size.
#[derive(Clone, Debug)]
pub struct Indexed {
    arena: Vec<Member>,
    /// Places of the arena whose member is gone.
    vacant: Vec<u32>,
    table: HashTable<u32>,
    tree: RankTree<Place>,
    hasher: GlobalState,
    /// Bytes of the members' names on the heap.
    text: usize,
}

#[derive(Clone, Debug)]
struct Member {
    name: Box<[u8]>,
    score: f64,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    score: f64,
    id: u32,
}

impl Indexed {
    /// An empty set with room for `members`.
    pub fn with_capacity(members: usize) -> Indexed {
        Indexed {
            arena: Vec::with_capacity(members),
            vacant: Vec::new(),
            table: HashTable::with_capacity(members),
            tree: RankTree::new(),
            hasher: GlobalState::new(),
            text: 0,
        }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// The bytes that the set takes.
    pub fn bytes(&self) -> usize {
        size_of::<Indexed>()
            + self.text
            + self.arena.capacity() * size_of::<Member>()
            + self.vacant.capacity() * size_of::<u32>()
            + self.table.allocation_size()
            + self.tree.bytes()
    }

    /// The score of `name`.
    pub fn score(&self, name: &[u8]) -> Option<f64> {
        self.find(name).map(|id| self.arena[id as usize].score)
    }

    /// How many members come before `name`.
    pub fn rank(&self, name: &[u8]) -> Option<usize> {
        let score = self.score(name)?;
        Some(self.place(name, score))
    }

    /// Sets the score of `name`; the score that it had.
    pub fn insert(&mut self, name: &[u8], score: f64) -> Option<f64> {
        if let Some(id) = self.find(name) {
            let old = self.arena[id as usize].score;
            if old != score {
                let from = self.place(name, old);
                self.tree.remove(from);
                let to = self.place(name, score);
                self.tree.insert(to, Place { score, id });
                self.arena[id as usize].score = score;
            }
            return Some(old);
        }
        self.add(name.into(), score, self.place(name, score));
        None
    }

    /// Adds a member that is not there at the rank that it will have.
    fn add(&mut self, name: Box<[u8]>, score: f64, rank: usize) {
        self.text += allocation(name.len());
        let member = Member { name, score };
        let id = if let Some(id) = self.vacant.pop() {
            self.arena[id as usize] = member;
            id
        } else {
            self.arena.push(member);
            u32::try_from(self.arena.len() - 1).expect("a set has fewer than 2^32 members")
        };
        let (arena, hasher) = (&self.arena, &self.hasher);
        let hash = |id: &u32| hasher.hash_one(&arena[*id as usize].name);
        self.table.insert_unique(hash(&id), id, hash);
        self.tree.insert(rank, Place { score, id });
    }

    /// Removes `name`; the score that it had.
    pub fn remove(&mut self, name: &[u8]) -> Option<f64> {
        let score = self.score(name)?;
        self.remove_rank(self.place(name, score));
        Some(score)
    }

    /// Removes the member with `rank`, which is below the length.
    pub fn remove_rank(&mut self, rank: usize) {
        let id = self.tree.remove(rank).id;
        let name = std::mem::take(&mut self.arena[id as usize].name);
        self.text -= allocation(name.len());
        self.vacant.push(id);
        let hash = self.hasher.hash_one(&name);
        self.table
            .find_entry(hash, |&other| other == id)
            .expect("each member is in the table")
            .remove();
        if self.len() < self.arena.len() / 4 {
            self.rebuild();
        }
    }

    /// Gives memory back where most members are gone. Since it takes three removals for each member
    /// that is moved, a removal stays cheap on average.
    fn rebuild(&mut self) {
        let mut rebuilt = Indexed::with_capacity(self.len());
        for (rank, place) in self.tree.range(0..self.len(), false).enumerate() {
            let name = std::mem::take(&mut self.arena[place.id as usize].name);
            rebuilt.add(name, place.score, rank);
        }
        *self = rebuilt;
    }

    /// The members with ranks in `ranks` and their scores, in order or from the last to the first.
    pub fn range(&self, ranks: Range<usize>, reverse: bool) -> impl Iterator<Item = (&[u8], f64)> {
        self.tree
            .range(ranks, reverse)
            .map(|place| (&*self.arena[place.id as usize].name, place.score))
    }

    /// How many members come before the first for which `before` does not hold.
    pub fn partition_point(&self, before: impl Fn(&[u8], f64) -> bool) -> usize {
        self.tree
            .partition_point(|place| before(&self.arena[place.id as usize].name, place.score))
    }

    fn find(&self, name: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(name);
        self.table
            .find(hash, |&id| &*self.arena[id as usize].name == name)
            .copied()
    }

    /// The rank that `name` has or would have with `score`.
    fn place(&self, name: &[u8], score: f64) -> usize {
        self.tree.partition_point(|place| {
            let order = place.score.partial_cmp(&score).unwrap_or(Ordering::Equal);
            order
                .then_with(|| (*self.arena[place.id as usize].name).cmp(name))
                .is_lt()
        })
    }
}
