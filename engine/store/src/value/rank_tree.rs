//! A sequence that finds, inserts and removes by rank in O(log n): a B+tree that counts.
//!
//! Each child stands in its parent with the number of entries below it and a copy of the first one,
//! so a search by order reads no child but the one that it descends into, and a search by rank adds
//! counts (Knuth, TAOCP 3, §6.2.3, "linear list representation"). The tree knows no order itself:
//! callers search with a predicate that holds for a prefix of the sequence.
//!
//! Nodes are vectors that own their children, so a tree is freed by dropping it and no index into an
//! arena can dangle. All leaves are at one depth. A full leaf gives entries to a neighbour that has
//! room before it is split (the idea of B*-trees: Knuth, TAOCP 3, §6.2.4), so leaves that are filled
//! at random are four fifths full and not two thirds. A node below half joins a neighbour where both
//! leave some room in one.

use std::ops::Range;

use super::allocation;

/// The most entries of a leaf.
const LEAF_MAX: usize = 64;
/// The most children of an inner node.
const INNER_MAX: usize = 32;

/// A leaf with more entries takes none from a neighbour: it would be full soon.
const LEAF_EASED: usize = LEAF_MAX - LEAF_MAX / 16;

/// A sequence of `T` with ranks.
#[derive(Clone, Debug)]
pub struct RankTree<T> {
    root: Node<T>,
    len: usize,
    leaves: usize,
    inners: usize,
}

#[derive(Clone, Debug)]
enum Node<T> {
    Leaf(Vec<T>),
    Inner(Vec<Child<T>>),
}

#[derive(Clone, Debug)]
struct Child<T> {
    count: usize,
    first: T,
    node: Node<T>,
}

impl<T: Copy> RankTree<T> {
    /// An empty sequence.
    pub fn new() -> RankTree<T> {
        RankTree {
            root: Node::Leaf(Vec::with_capacity(LEAF_MAX)),
            len: 0,
            leaves: 1,
            inners: 0,
        }
    }

    /// The bytes of all nodes.
    pub fn bytes(&self) -> usize {
        self.leaves * allocation(LEAF_MAX * size_of::<T>())
            + self.inners * allocation(INNER_MAX * size_of::<Child<T>>())
    }

    /// The rank of the first entry for which `before` does not hold. It must hold for a prefix.
    pub fn partition_point(&self, before: impl Fn(&T) -> bool) -> usize {
        let mut node = &self.root;
        let mut rank = 0;
        loop {
            match node {
                Node::Leaf(entries) => return rank + entries.partition_point(before),
                Node::Inner(children) => {
                    // The boundary lies in the last child that begins before it, if any does.
                    let i = children
                        .partition_point(|child| before(&child.first))
                        .saturating_sub(1);
                    rank += children[..i].iter().map(|child| child.count).sum::<usize>();
                    node = &children[i].node;
                }
            }
        }
    }

    /// Inserts `entry` so that it has `rank`, which is at most the length.
    pub fn insert(&mut self, rank: usize, entry: T) {
        assert!(rank <= self.len, "rank {rank} of {}", self.len);
        self.len += 1;
        let Some(right) = self
            .root
            .insert(rank, entry, &mut self.leaves, &mut self.inners)
        else {
            return;
        };
        let left = std::mem::replace(&mut self.root, Node::Leaf(Vec::new()));
        let mut children = Vec::with_capacity(INNER_MAX);
        children.push(Child {
            count: self.len - right.count,
            first: left.first(),
            node: left,
        });
        children.push(right);
        self.root = Node::Inner(children);
        self.inners += 1;
    }

    /// Removes the entry with `rank`, which is below the length.
    pub fn remove(&mut self, rank: usize) -> T {
        assert!(rank < self.len, "rank {rank} of {}", self.len);
        let entry = self.root.remove(rank, &mut self.leaves, &mut self.inners);
        self.len -= 1;
        while let Node::Inner(children) = &mut self.root {
            match children.pop() {
                Some(only) if children.is_empty() => {
                    self.root = only.node;
                    self.inners -= 1;
                }
                Some(last) => {
                    children.push(last);
                    break;
                }
                None => unreachable!("an inner node has children"),
            }
        }
        entry
    }

    /// Puts `entry` where the one with `rank`, which is below the length, was.
    pub fn replace(&mut self, rank: usize, entry: T) {
        assert!(rank < self.len, "rank {rank} of {}", self.len);
        self.root.replace(rank, entry);
    }

    /// Frees a node of a tree that is not used any more; whether it did.
    pub fn dismantle(&mut self) -> bool {
        self.root.shed(&mut self.leaves, &mut self.inners)
    }

    /// The entries with ranks in `range`, in order or from the last to the first.
    pub fn range(&self, range: Range<usize>, reverse: bool) -> impl Iterator<Item = T> {
        let (mut start, mut end) = (range.start, range.end.min(self.len));
        let mut chunk: &[T] = &[];
        std::iter::from_fn(move || {
            if start >= end {
                return None;
            }
            if chunk.is_empty() {
                let (leaf, at) = self.leaf(if reverse { end - 1 } else { start });
                chunk = if reverse { &leaf[..=at] } else { &leaf[at..] };
            }
            if reverse {
                end -= 1;
                let (&last, rest) = chunk.split_last()?;
                chunk = rest;
                Some(last)
            } else {
                start += 1;
                let (&first, rest) = chunk.split_first()?;
                chunk = rest;
                Some(first)
            }
        })
    }

    /// The leaf that holds `rank`, which is below the length, and the place in it.
    fn leaf(&self, mut rank: usize) -> (&[T], usize) {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(entries) => return (entries, rank),
                Node::Inner(children) => {
                    let i;
                    (i, rank) = descend(children, rank, |rank, count| rank < count);
                    node = &children[i].node;
                }
            }
        }
    }
}

/// The first child for which `within(rank in the child, entries of the child)` holds, and the rank in it.
fn descend<T>(
    children: &[Child<T>],
    mut rank: usize,
    within: impl Fn(usize, usize) -> bool,
) -> (usize, usize) {
    for (i, child) in children.iter().enumerate() {
        if within(rank, child.count) {
            return (i, rank);
        }
        rank -= child.count;
    }
    unreachable!("the rank was checked against the length")
}

impl<T: Copy> Node<T> {
    fn first(&self) -> T {
        match self {
            Node::Leaf(entries) => entries[0],
            Node::Inner(children) => children[0].first,
        }
    }

    /// Inserts below this node; the new right neighbour where it had to be split.
    fn insert(
        &mut self,
        rank: usize,
        entry: T,
        leaves: &mut usize,
        inners: &mut usize,
    ) -> Option<Child<T>> {
        match self {
            Node::Leaf(entries) => {
                let mut right = None;
                if entries.len() == LEAF_MAX {
                    *leaves += 1;
                    let mut tail = Vec::with_capacity(LEAF_MAX);
                    if rank == LEAF_MAX {
                        // Entries that come in order leave full leaves behind.
                        tail.push(entry);
                    } else {
                        tail.extend(entries.drain(LEAF_MAX / 2..));
                        match rank.checked_sub(entries.len() + 1) {
                            Some(in_tail) => tail.insert(in_tail + 1, entry),
                            None => entries.insert(rank, entry),
                        }
                    }
                    right = Some(Child {
                        count: tail.len(),
                        first: tail[0],
                        node: Node::Leaf(tail),
                    });
                } else {
                    entries.insert(rank, entry);
                }
                right
            }
            Node::Inner(children) => {
                let (mut i, mut within) = descend(children, rank, |rank, count| rank <= count);
                if share(children, i, within) {
                    (i, within) = descend(children, rank, |rank, count| rank <= count);
                }
                let (child, rank) = (&mut children[i], within);
                let split = child.node.insert(rank, entry, leaves, inners);
                child.count += 1;
                child.first = child.node.first();
                let split = split?;
                child.count -= split.count;
                if children.len() < INNER_MAX {
                    children.insert(i + 1, split);
                    return None;
                }
                *inners += 1;
                let mut tail = Vec::with_capacity(INNER_MAX);
                if i + 1 == INNER_MAX {
                    tail.push(split);
                } else {
                    tail.extend(children.drain(INNER_MAX / 2..));
                    match (i + 1).checked_sub(children.len() + 1) {
                        Some(in_tail) => tail.insert(in_tail + 1, split),
                        None => children.insert(i + 1, split),
                    }
                }
                Some(Child {
                    count: tail.iter().map(|child| child.count).sum(),
                    first: tail[0].first,
                    node: Node::Inner(tail),
                })
            }
        }
    }

    fn remove(&mut self, rank: usize, leaves: &mut usize, inners: &mut usize) -> T {
        match self {
            Node::Leaf(entries) => entries.remove(rank),
            Node::Inner(children) => {
                let (i, rank) = descend(children, rank, |rank, count| rank < count);
                let child = &mut children[i];
                let entry = child.node.remove(rank, leaves, inners);
                child.count -= 1;
                if child.count == 0 {
                    children.remove(i).node.tally(leaves, inners);
                } else {
                    child.first = child.node.first();
                    join(children, i, leaves, inners);
                }
                entry
            }
        }
    }

    fn replace(&mut self, rank: usize, entry: T) {
        match self {
            Node::Leaf(entries) => entries[rank] = entry,
            Node::Inner(children) => {
                let (i, rank) = descend(children, rank, |rank, count| rank < count);
                let child = &mut children[i];
                child.node.replace(rank, entry);
                child.first = child.node.first();
            }
        }
    }

    /// Frees the last node below this one; whether there was one.
    fn shed(&mut self, leaves: &mut usize, inners: &mut usize) -> bool {
        let Node::Inner(children) = self else {
            return false;
        };
        let Some(last) = children.last_mut() else {
            return false;
        };
        if !last.node.shed(leaves, inners)
            && let Some(last) = children.pop()
        {
            last.node.tally(leaves, inners);
        }
        true
    }

    /// Takes the nodes of a dropped, empty subtree out of the counts.
    fn tally(&self, leaves: &mut usize, inners: &mut usize) {
        match self {
            Node::Leaf(_) => *leaves -= 1,
            Node::Inner(children) => {
                *inners -= 1;
                for child in children {
                    child.node.tally(leaves, inners);
                }
            }
        }
    }

    fn size(&self) -> usize {
        match self {
            Node::Leaf(entries) => entries.len(),
            Node::Inner(children) => children.len(),
        }
    }

    fn max(&self) -> usize {
        match self {
            Node::Leaf(_) => LEAF_MAX,
            Node::Inner(_) => INNER_MAX,
        }
    }
}

/// Evens out child `i` with a neighbour, where it is a full leaf into which an entry goes at `rank`; whether it
/// did. Not where the entry comes last: entries that come in order leave full leaves behind.
fn share<T: Copy>(children: &mut [Child<T>], i: usize, rank: usize) -> bool {
    let full = matches!(&children[i].node, Node::Leaf(entries) if entries.len() == LEAF_MAX);
    if !full || rank == LEAF_MAX && i + 1 == children.len() {
        return false;
    }
    let size = |i: usize| children.get(i).map_or(LEAF_MAX, |child| child.node.size());
    let (before, after) = (size(i.wrapping_sub(1)), size(i + 1));
    if before.min(after) > LEAF_EASED {
        return false;
    }
    let left = if before < after { i - 1 } else { i };
    let [left, right] = &mut children[left..left + 2] else {
        unreachable!("there are two");
    };
    let (Node::Leaf(front), Node::Leaf(back)) = (&mut left.node, &mut right.node) else {
        unreachable!("all leaves are at one depth");
    };
    let half = usize::midpoint(front.len(), back.len());
    if front.len() > half {
        back.splice(..0, front.drain(half..));
    } else {
        front.extend(back.drain(..half - front.len()));
    }
    for child in [left, right] {
        (child.count, child.first) = (child.node.size(), child.node.first());
    }
    true
}

/// Joins child `i` with a neighbour where it is below half and the two leave room for an eighth.
fn join<T: Copy>(children: &mut Vec<Child<T>>, i: usize, leaves: &mut usize, inners: &mut usize) {
    let (size, max) = (children[i].node.size(), children[i].node.max());
    if size >= max / 2 {
        return;
    }
    let fits =
        |pair: usize| children[pair].node.size() + children[pair + 1].node.size() <= max - max / 8;
    let left = if i > 0 && fits(i - 1) {
        i - 1
    } else if i + 1 < children.len() && fits(i) {
        i
    } else {
        return;
    };
    let right = children.remove(left + 1);
    let child = &mut children[left];
    child.count += right.count;
    match (&mut child.node, right.node) {
        (Node::Leaf(entries), Node::Leaf(more)) => {
            entries.extend(more);
            *leaves -= 1;
        }
        (Node::Inner(children), Node::Inner(more)) => {
            children.extend(more);
            *inners -= 1;
        }
        _ => unreachable!("all leaves are at one depth"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    /// Depths, counts and copies of first entries, checked; the depth.
    fn check<T: Copy + PartialEq + std::fmt::Debug>(node: &Node<T>) -> (usize, usize) {
        match node {
            Node::Leaf(entries) => (1, entries.len()),
            Node::Inner(children) => {
                assert!(!children.is_empty() && children.len() <= INNER_MAX);
                let mut depths = children.iter().map(|child| {
                    let (depth, count) = check(&child.node);
                    assert_eq!(count, child.count);
                    assert_eq!(child.node.first(), child.first);
                    depth
                });
                let depth = depths.next().expect("not empty");
                assert!(depths.all(|other| other == depth));
                (depth + 1, children.iter().map(|child| child.count).sum())
            }
        }
    }

    fn nodes<T>(node: &Node<T>) -> (usize, usize) {
        match node {
            Node::Leaf(_) => (1, 0),
            Node::Inner(children) => children.iter().fold((0, 1), |(l, i), child| {
                let (leaves, inners) = nodes(&child.node);
                (l + leaves, i + inners)
            }),
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(prop::sample::Index, u16),
        Remove(prop::sample::Index),
        Clear {
            from: prop::sample::Index,
            count: usize,
        },
        Append(u16),
        Replace(prop::sample::Index, u16),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (any::<prop::sample::Index>(), any::<u16>()).prop_map(|(i, v)| Step::Insert(i, v)),
            2 => any::<prop::sample::Index>().prop_map(Step::Remove),
            1 => (any::<prop::sample::Index>(), 0..400_usize)
                .prop_map(|(from, count)| Step::Clear { from, count }),
            2 => (0..500_u16).prop_map(Step::Append),
            2 => (any::<prop::sample::Index>(), any::<u16>()).prop_map(|(i, v)| Step::Replace(i, v)),
        ]
    }

    proptest! {
        #[test]
        fn equals_a_vector(steps in prop::collection::vec(step(), 1..60)) {
            let mut tree = RankTree::new();
            let mut model: Vec<u16> = Vec::new();
            for step in steps {
                match step {
                    Step::Insert(i, value) => {
                        for n in 0..40 {
                            let rank = i.index(model.len() + 1);
                            tree.insert(rank, value.wrapping_add(n));
                            model.insert(rank, value.wrapping_add(n));
                        }
                    }
                    Step::Remove(i) if !model.is_empty() => {
                        let rank = i.index(model.len());
                        prop_assert_eq!(tree.remove(rank), model.remove(rank));
                    }
                    Step::Replace(i, value) if !model.is_empty() => {
                        let rank = i.index(model.len());
                        tree.replace(rank, value);
                        model[rank] = value;
                    }
                    Step::Remove(_) | Step::Replace(..) => {}
                    Step::Clear { from, count } => {
                        let from = from.index(model.len() + 1);
                        for _ in 0..count.min(model.len() - from) {
                            prop_assert_eq!(tree.remove(from), model.remove(from));
                        }
                    }
                    Step::Append(count) => {
                        for value in 0..count {
                            tree.insert(model.len(), value);
                            model.push(value);
                        }
                    }
                }
                prop_assert_eq!(check(&tree.root).1, model.len());
                prop_assert_eq!(nodes(&tree.root), (tree.leaves, tree.inners));
                let (a, b) = (model.len() / 3, model.len() * 4 / 5);
                prop_assert!(tree.range(a..b, false).eq(model[a..b].iter().copied()));
                prop_assert!(tree.range(a..b, true).eq(model[a..b].iter().rev().copied()));
                prop_assert!(tree.range(0..usize::MAX, false).eq(model.iter().copied()));
            }
        }

        #[test]
        fn finds_the_boundary(mut values in prop::collection::vec(0..500_u16, 0..3000), at in 0..510_u16) {
            values.sort_unstable();
            let mut tree = RankTree::new();
            for (rank, &value) in values.iter().enumerate() {
                tree.insert(rank, value);
            }
            prop_assert_eq!(
                tree.partition_point(|&value| value < at),
                values.partition_point(|&value| value < at)
            );
        }
    }

    #[test]
    fn entries_in_order_fill_their_leaves() {
        let mut tree = RankTree::new();
        for n in 0..64_000_u32 {
            tree.insert(n as usize, n);
        }
        assert_eq!(tree.leaves, 1000);
    }

    #[test]
    fn leaves_that_are_filled_at_random_are_nearly_full() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
        let mut tree = RankTree::new();
        for n in 0..50_000_usize {
            tree.insert(random.random_range(0..=n), n);
        }
        let fill = 50_000.0 / (tree.leaves * LEAF_MAX) as f64;
        assert!(fill > 0.78, "{fill}");
        // What is left of many removals lies in few more than twice the leaves that it needs.
        for n in (5_000..50_000_usize).rev() {
            tree.remove(random.random_range(0..=n));
        }
        assert!(
            tree.leaves * LEAF_MAX < 5_000 * 5 / 2,
            "{} leaves",
            tree.leaves
        );
        let nodes = tree.leaves + tree.inners;
        let freed = std::iter::from_fn(|| tree.dismantle().then_some(())).count();
        assert_eq!((freed, tree.leaves + tree.inners), (nodes - 1, 1));
    }
}
