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

    /// Adds a member that comes after all others.
    pub fn push(&mut self, name: &[u8], score: f64) {
        self.add(name.into(), score, self.len());
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
        self.file(id);
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
    ///
    /// Members keep their order in the arena, so none moves to a higher place: a scan that goes on
    /// afterwards misses none.
    fn rebuild(&mut self) {
        let mut vacant = vec![false; self.arena.len()];
        self.vacant
            .drain(..)
            .for_each(|id| vacant[id as usize] = true);
        let mut rebuilt = Indexed::with_capacity(self.len());
        rebuilt.text = self.text;
        let mut moved = vec![0; self.arena.len()];
        for (old, member) in std::mem::take(&mut self.arena).into_iter().enumerate() {
            if !vacant[old] {
                let id = rebuilt.arena.len() as u32;
                moved[old] = id;
                rebuilt.arena.push(member);
                rebuilt.file(id);
            }
        }
        for (rank, place) in self.tree.range(0..self.len(), false).enumerate() {
            let id = moved[place.id as usize];
            rebuilt.tree.insert(rank, Place { id, ..place });
        }
        *self = rebuilt;
    }

    /// Puts the member with `id` into the table.
    fn file(&mut self, id: u32) {
        let (arena, hasher) = (&self.arena, &self.hasher);
        let hash = |id: &u32| hasher.hash_one(&arena[*id as usize].name);
        self.table.insert_unique(hash(&id), id, hash);
    }

    /// A part of the members, in about `count` places of the arena, and where to go on: 0 begins and
    /// means the end. The places are visited from the last to the first; since a member never moves to
    /// a higher place, one that stays is shown.
    pub fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut each: impl FnMut(&'a [u8], f64),
    ) -> u64 {
        let len = self.arena.len() as u64;
        let end = if cursor == 0 { len } else { cursor.min(len) };
        let start = end.saturating_sub(count as u64);
        for id in (start..end).rev() {
            let member = &self.arena[id as usize];
            // The name of a member that is gone is empty, and so may be that of one that is not.
            if !member.name.is_empty() || self.find(&[]) == Some(id as u32) {
                each(&member.name, member.score);
            }
        }
        start
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
