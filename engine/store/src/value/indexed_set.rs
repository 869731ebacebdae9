//! The large encoding of a sorted set: members in a roster, found by name, beside a counted tree that finds them by
//! order or rank.
//!
//! ```text
//!   roster: name ─► place ─► score, name          tree: (score, place) in order
//!                              ▲                                   │
//!                              └───────────────────────────────────┘
//! ```
//!
//! Scores stand in the tree too, so that a search reads a member's name only where scores are equal. When a member
//! goes, the last one takes its place in the roster, and the tree hears of that.

use std::cmp::Ordering;
use std::ops::Range;

use super::allocation;
use super::rank_tree::RankTree;
use super::roster::{self, Form, Roster};

/// The bytes of a score.
const SCORE: usize = 8;

/// A sorted set of any size.
#[derive(Clone, Debug)]
pub struct Indexed {
    members: Roster<Scored>,
    tree: RankTree<Place>,
}

/// An entry of the roster: the score, little-endian, and then the name to the end.
#[derive(Clone, Copy, Debug)]
struct Scored;

impl Form for Scored {
    #[inline]
    fn name(entry: &[u8]) -> &[u8] {
        &entry[SCORE..]
    }
}

/// What the tree knows of a member, in twelve bytes instead of sixteen.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(4))]
struct Place {
    score: f64,
    id: u32,
}

impl Indexed {
    /// An empty set.
    pub fn new() -> Indexed {
        Indexed {
            members: Roster::new(),
            tree: RankTree::new(),
        }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The bytes that the set takes.
    pub fn bytes(&self) -> usize {
        allocation(size_of::<Indexed>()) + self.members.bytes() + self.tree.bytes()
    }

    /// The score of `name`.
    pub fn score(&self, name: &[u8]) -> Option<f64> {
        let id = self.members.look(name).ok()?;
        Some(self.member(id).1)
    }

    /// How many members come before `name`.
    pub fn rank(&self, name: &[u8]) -> Option<usize> {
        let score = self.score(name)?;
        Some(self.rank_of(name, score))
    }

    /// Sets the score of `name`; the score that it had.
    pub fn insert(&mut self, name: &[u8], score: f64) -> Option<f64> {
        let id = match self.members.look(name) {
            Ok(id) => id,
            Err(vacant) => {
                let rank = self.rank_of(name, score);
                let id = self.len() as u32;
                self.members.push(vacant, &[&score.to_le_bytes(), name]);
                self.tree.insert(rank, Place { score, id });
                return None;
            }
        };
        let old = self.member(id).1;
        if old != score {
            self.tree.remove(self.rank_of(name, old));
            let (rank, place) = (self.rank_of(name, score), id as u32);
            self.tree.insert(rank, Place { score, id: place });
            self.members.entry_mut(id)[..SCORE].copy_from_slice(&score.to_le_bytes());
        }
        Some(old)
    }

    /// Asks the processor to fetch the roster.
    pub(super) fn fetch(&self) {
        self.members.fetch();
    }

    /// Begins to look for `name`.
    pub(super) fn ahead(&self, name: &[u8]) -> roster::Ahead<'_> {
        self.members.ahead(name)
    }

    /// Adds a member that is not there and comes after all others.
    pub fn push(&mut self, name: &[u8], score: f64) {
        let (rank, id) = (self.len(), self.len() as u32);
        if let Err(vacant) = self.members.look(name) {
            self.members.push(vacant, &[&score.to_le_bytes(), name]);
            self.tree.insert(rank, Place { score, id });
        }
    }

    /// Removes `name`; the score that it had.
    pub fn remove(&mut self, name: &[u8]) -> Option<f64> {
        let score = self.score(name)?;
        self.remove_rank(self.rank_of(name, score));
        Some(score)
    }

    /// Removes the member with `rank`, which is below the length.
    pub fn remove_rank(&mut self, rank: usize) {
        let Place { id, .. } = self.tree.remove(rank);
        let last = self.len() - 1;
        if id as usize != last {
            let (name, score) = self.member(last);
            let rank = self.rank_of(name, score);
            self.tree.replace(rank, Place { score, id });
        }
        self.members.remove(id as usize);
    }

    /// A part of the members, `count` or fewer, and where to go on, as [`Roster::scan`] does it.
    pub fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut each: impl FnMut(&'a [u8], f64),
    ) -> u64 {
        self.members.scan(cursor, count, |entry| {
            let (name, score) = read(entry);
            each(name, score);
        })
    }

    /// The members with ranks in `ranks` and their scores, in order or from the last to the first.
    pub fn range(&self, ranks: Range<usize>, reverse: bool) -> impl Iterator<Item = (&[u8], f64)> {
        let places = self.tree.range(ranks, reverse);
        places.map(|place| self.member(place.id as usize))
    }

    /// How many members come before the first with a score for which `before` does not hold.
    pub fn partition_by_score(&self, before: impl Fn(f64) -> bool) -> usize {
        self.tree.partition_point(|place| before(place.score))
    }

    /// How many members come before the first with a name for which `before` does not hold.
    pub fn partition_by_name(&self, before: impl Fn(&[u8]) -> bool) -> usize {
        self.tree
            .partition_point(|place| before(self.member(place.id as usize).0))
    }

    /// As [`Stored::dismantle`](super::Stored::dismantle).
    pub fn dismantle(&mut self, allocations: usize) -> bool {
        let mut freed = 0;
        while freed < allocations && self.tree.dismantle() {
            freed += 1;
        }
        freed >= allocations || self.members.dismantle(allocations - freed)
    }

    /// The name and the score of the member in a place of the roster.
    #[inline]
    fn member(&self, id: usize) -> (&[u8], f64) {
        read(self.members.entry(id))
    }

    /// The rank that `name` has or would have with `score`.
    fn rank_of(&self, name: &[u8], score: f64) -> usize {
        self.tree.partition_point(|place| {
            let (other, id) = (place.score, place.id);
            let order = other.partial_cmp(&score).unwrap_or(Ordering::Equal);
            order
                .then_with(|| self.member(id as usize).0.cmp(name))
                .is_lt()
        })
    }
}

/// The name and the score in an entry of the roster.
#[inline]
fn read(entry: &[u8]) -> (&[u8], f64) {
    let (score, name) = entry
        .split_first_chunk::<SCORE>()
        .expect("an entry begins with its score");
    (name, f64::from_le_bytes(*score))
}
