//! Several sorted sets made one: unions, intersections, differences. The arithmetic alone; `algebra` has
//! the commands.

use std::borrow::Cow;

use hashbrown::HashMap;
use rapidhash::fast::GlobalState;

use crate::value::set::Member;
use crate::value::{Set, SortedSet, sorted_set};

/// A member with its score. The integers of a plain set have no text that could be borrowed.
pub type Scored<'a> = (Cow<'a, [u8]>, f64);

/// How the scores of one member are made one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Their sum; infinities that cancel out give 0.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl Aggregate {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Aggregate::Sum => zero_for_nan(a + b),
            Aggregate::Min if b < a => b,
            Aggregate::Max if b > a => b,
            Aggregate::Min | Aggregate::Max => a,
        }
    }
}

/// What zero times infinity, or infinity less infinity, is taken for.
fn zero_for_nan(x: f64) -> f64 {
    if x.is_nan() { 0.0 } else { x }
}

/// Members that a command reads.
#[derive(Clone, Copy, Debug)]
pub enum Members<'a> {
    /// No key.
    None,
    /// A sorted set.
    Sorted(&'a SortedSet),
    /// A set, whose members all have the score 1.
    Plain(&'a Set),
}

impl<'a> Members<'a> {
    /// How many there are.
    pub fn len(self) -> usize {
        match self {
            Members::None => 0,
            Members::Sorted(set) => set.len(),
            Members::Plain(set) => set.len(),
        }
    }

    fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Members::None => None,
            Members::Sorted(set) => set.score(member),
            Members::Plain(set) => set.contains(member).then_some(1.0),
        }
    }

    fn iter(self) -> impl Iterator<Item = Scored<'a>> {
        let (sorted, plain) = match self {
            Members::None => (None, None),
            Members::Sorted(set) => (Some(set.iter()), None),
            Members::Plain(set) => (None, Some(set.iter())),
        };
        let sorted = sorted.into_iter().flatten();
        let plain = plain.into_iter().flatten().map(|member| match member {
            Member::Text(text) => (Cow::Borrowed(text), 1.0),
            Member::Int(_) => (Cow::Owned(member.to_vec()), 1.0),
        });
        sorted
            .map(|(member, score)| (Cow::Borrowed(member), score))
            .chain(plain)
    }
}

/// Members and what their scores are multiplied with.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The members.
    pub members: Members<'a>,
    /// The factor.
    pub weight: f64,
}

/// The members of any input.
///
/// Sums of floats depend on their order, so here as in Redis the inputs are taken from the smallest on.
pub fn union(mut inputs: Vec<Input<'_>>, aggregate: Aggregate) -> Vec<Scored<'_>> {
    inputs.sort_by_key(|input| input.members.len());
    let most = inputs.last().map_or(0, |input| input.members.len());
    let mut scores: HashMap<Cow<'_, [u8]>, f64, GlobalState> =
        HashMap::with_capacity_and_hasher(most, GlobalState::new());
    for input in inputs {
        for (member, score) in input.members.iter() {
            let score = zero_for_nan(input.weight * score);
            scores
                .entry(member)
                .and_modify(|sum| *sum = aggregate.of(*sum, score))
                .or_insert(score);
        }
    }
    ordered(scores.into_iter().collect())
}

/// The members that all inputs have.
pub fn intersection(mut inputs: Vec<Input<'_>>, aggregate: Aggregate) -> Vec<Scored<'_>> {
    inputs.sort_by_key(|input| input.members.len());
    let Some((smallest, others)) = inputs.split_first() else {
        return Vec::new();
    };
    let found = smallest.members.iter().filter_map(|(member, score)| {
        let score = zero_for_nan(smallest.weight * score);
        let sum = others.iter().try_fold(score, |sum, other| {
            Some(aggregate.of(sum, other.weight * other.members.score(&member)?))
        });
        Some((member, sum?))
    });
    ordered(found.collect())
}

/// How many members all inputs have; counted up to `limit`.
pub fn common(mut inputs: Vec<Input<'_>>, limit: usize) -> usize {
    inputs.sort_by_key(|input| input.members.len());
    let Some((smallest, others)) = inputs.split_first() else {
        return 0;
    };
    let in_all = |member: &[u8]| {
        let mut others = others.iter();
        others.all(|other| other.members.score(member).is_some())
    };
    let found = smallest.members.iter().filter(|(member, _)| in_all(member));
    found.take(limit).count()
}

/// The members of the first input that no other one has, with their scores.
pub fn difference<'a>(inputs: &[Input<'a>]) -> Vec<Scored<'a>> {
    let Some((first, others)) = inputs.split_first() else {
        return Vec::new();
    };
    let in_another = |member: &[u8]| {
        let mut others = others.iter();
        others.any(|other| other.members.score(member).is_some())
    };
    let left = first
        .members
        .iter()
        .filter(|(member, _)| !in_another(member));
    ordered(left.collect())
}

/// In the order of a sorted set.
fn ordered(mut members: Vec<Scored<'_>>) -> Vec<Scored<'_>> {
    members.sort_unstable_by(|a, b| sorted_set::order(&(&*a.0, a.1), &(&*b.0, b.1)));
    members
}
