//! Lineages: which executions' effects a copy of a shard holds, in order.
//!
//! ```text
//!  ── a ── b ── c ── d ── e      what most copies have, each up to where it is
//!               └─── x ── y      a copy that went on without d: what an old primary took in alone
//! ```
//!
//! Copies of a shard hold nearly the same, so all lineages together are one tree of branches, and a lineage is a point
//! in it. A copy that takes in what the branch has next moves along it; one that takes in something else begins a branch. Two copies
//! hold the same in the same order if and only if they are at the same point.

use std::num::NonZeroU32;

use hashbrown::HashMap;

use super::{KeyId, NumberHasher, WriteId};

/// The branch without entries from which all others go out.
const ROOT: u32 = 0;

/// A copy's place: it holds what came before the branch, and the first `length` entries of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Point {
    branch: u32,
    length: u32,
}

impl Point {
    /// After what stands at `place`, or after nothing.
    fn behind(place: Option<Place>) -> Point {
        place.map_or(Point::default(), |place| Point {
            branch: place.branch.get(),
            length: place.index + 1,
        })
    }
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Never the root, which has no entries.
    branch: NonZeroU32,
    index: u32,
}

#[derive(Debug, Default)]
struct Branch {
    from: Point,
    entries: Vec<WriteId>,
    /// Branches that go out from this one.
    forks: Vec<u32>,
}

/// All lineages of a run.
#[derive(Debug)]
pub(super) struct Tree {
    branches: Vec<Branch>,
}

impl Default for Tree {
    fn default() -> Tree {
        Tree {
            branches: vec![Branch::default()],
        }
    }
}

/// Which executions' effects a copy of a shard holds, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lineage {
    point: Point,
    /// By key: the execution that gave it what it has. Only looked up, so that its order is nobody's concern.
    versions: HashMap<KeyId, WriteId, NumberHasher>,
}

impl Lineage {
    /// The version of a key that the copy has.
    pub(crate) fn version(&self, key: KeyId) -> Option<WriteId> {
        self.versions.get(&key).copied()
    }

    /// The copy has this version of a key from now on.
    pub(super) fn set_version(&mut self, key: KeyId, version: WriteId) {
        self.versions.insert(key, version);
    }

    /// The versions of all keys, in no order.
    pub(super) fn versions(&self) -> impl Iterator<Item = WriteId> {
        self.versions.values().copied()
    }

    /// Where the last entry stands that the copy took in.
    pub(super) fn end(&self) -> Option<Place> {
        let index = self.point.length.checked_sub(1)?;
        let branch = NonZeroU32::new(self.point.branch)?;
        Some(Place { branch, index })
    }

    /// Whether two copies hold what the same executions changed, in the same order of all or of those of each key.
    pub(crate) fn agrees_with(&self, other: &Lineage) -> bool {
        self.point == other.point && self.versions == other.versions
    }
}

impl Tree {
    /// A copy takes in `write`; where that stands, if it stood nowhere before.
    pub(super) fn add(&mut self, lineage: &mut Lineage, write: WriteId) -> Option<Place> {
        let Point { branch, length } = lineage.point;
        let here = &self.branches[branch as usize];
        if here.entries.get(length as usize) == Some(&write) {
            lineage.point.length += 1;
            return None;
        }
        let goes_out = |fork: &&u32| {
            let fork = &self.branches[**fork as usize];
            fork.from == lineage.point && fork.entries.first() == Some(&write)
        };
        if let Some(fork) = here.forks.iter().find(goes_out) {
            lineage.point = Point {
                branch: *fork,
                length: 1,
            };
            return None;
        }
        let place = self.add_behind(lineage.end(), write);
        lineage.point = Point::behind(Some(place));
        Some(place)
    }

    /// `write` stands behind what stands at `before`, or at the beginning; gives where.
    pub(super) fn add_behind(&mut self, before: Option<Place>, write: WriteId) -> Place {
        let from = Point::behind(before);
        let Point { branch, length } = from;
        let here = &mut self.branches[branch as usize];
        if let Some(branch) = NonZeroU32::new(branch)
            && here.entries.len() == length as usize
        {
            here.entries.push(write);
            let index = length;
            return Place { branch, index };
        }
        let fork = u32::try_from(self.branches.len()).ok();
        let fork = fork.and_then(NonZeroU32::new);
        let fork = fork.expect("the root is there, and fewer branches than 32 bits count");
        self.branches[from.branch as usize].forks.push(fork.get());
        self.branches.push(Branch {
            from,
            entries: vec![write],
            forks: Vec::new(),
        });
        Place {
            branch: fork,
            index: 0,
        }
    }

    /// Whether who took in what stands at `end` last holds what stands at `place`.
    pub(super) fn holds(&self, end: Place, place: Place) -> bool {
        let mut point = Point::behind(Some(end));
        loop {
            if point.branch == place.branch.get() {
                return place.index < point.length;
            }
            if point.branch == ROOT {
                return false;
            }
            point = self.branches[point.branch as usize].from;
        }
    }

    /// Everything that who took in what stands at `end` last holds, in order.
    pub(super) fn entries(&self, end: Option<Place>) -> impl Iterator<Item = WriteId> {
        let mut parts = Vec::new();
        let mut point = Point::behind(end);
        while point.branch != ROOT {
            let branch = &self.branches[point.branch as usize];
            parts.push(&branch.entries[..point.length as usize]);
            point = branch.from;
        }
        parts.into_iter().rev().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A copy as a plain list.
    #[derive(Clone, Default)]
    struct Plain {
        lineage: Lineage,
        entries: Vec<usize>,
    }

    proptest! {
        #[test]
        fn a_lineage_is_a_list(
            steps in prop::collection::vec((0usize..4, 0usize..4, 0usize..12), 1..80)
        ) {
            let mut tree = Tree::default();
            let mut places: Vec<Vec<Place>> = vec![Vec::new(); 12];
            let mut copies: Vec<Plain> = vec![Plain::default(); 4];
            for (copy, of, write) in steps {
                if copy == of {
                    // It becomes a new machine, or takes another's state over.
                    copies[copy] = if write < 3 { Plain::default() } else { copies[(copy + 1) % 4].clone() };
                } else if !copies[copy].entries.contains(&write) {
                    copies[copy].entries.push(write);
                    let place = tree.add(&mut copies[copy].lineage, WriteId::new(write));
                    places[write].extend(place);
                }
                for one in &copies {
                    let entries: Vec<usize> = tree.entries(one.lineage.end()).map(WriteId::index).collect();
                    prop_assert_eq!(&entries, &one.entries);
                    for (write, places) in places.iter().enumerate() {
                        let holds = one.lineage.end().is_some_and(|end| {
                            places.iter().any(|place| tree.holds(end, *place))
                        });
                        prop_assert_eq!(holds, one.entries.contains(&write));
                    }
                    for other in &copies {
                        prop_assert_eq!(one.lineage.agrees_with(&other.lineage), one.entries == other.entries);
                    }
                }
            }
        }
    }
}
