//! The family: what a policy tells of itself, and the one list from which all else follows.
//!
//! `policies!` takes one line per policy and makes the list that users see, the construction of a
//! boxed policy for the live store, and a visitor for callers that want static dispatch (the lab).

pub mod mark;
pub mod spec;

use super::{MarkRule, Marks, Policy};
use crate::spec::Param;

/// How much a cache holds, and in which unit the sizes are that its policy hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// Objects; every size is 1.
    Objects(u64),
    /// Bytes.
    Bytes(u64),
}

impl Capacity {
    /// The number, whatever the unit.
    pub fn amount(self) -> u64 {
        match self {
            Capacity::Objects(amount) | Capacity::Bytes(amount) => amount,
        }
    }

    /// `percent` of it, rounded down.
    pub fn percent(self, percent: u64) -> u64 {
        let share = u128::from(self.amount()) * u128::from(percent) / 100;
        u64::try_from(share).unwrap_or(u64::MAX)
    }
}

/// What the identities are by which a policy remembers objects that have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identities<'a> {
    /// Hashes of 64 bits.
    Hashed,
    /// Each the entry's own number: a trace's ids.
    Dense {
        /// How many there are.
        count: u32,
        /// By what number the trace's source called each, for who must hash as others do; none where it
        /// called them by their ids.
        numbers: &'a [u64],
    },
}

/// What a policy is given at construction besides its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup<'a> {
    /// How much the cache holds.
    pub capacity: Capacity,
    /// What identities are.
    pub identities: Identities<'a>,
    /// The seed of a policy's randomness, where it has any.
    pub seed: u64,
}

/// What a policy tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name, as written in a spec.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// The paper (and section) or program that it comes from.
    pub source: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    /// What a hit, an insertion and an eviction cost.
    pub cost: &'static str,
    /// Memory per resident object besides its mark, in bytes, ghosts included.
    pub bytes_per_item: u32,
    /// The work that it serves worst.
    pub bad_at: &'static str,
}

/// A member's parameters, complete and within bounds.
#[derive(Clone, Copy)]
pub struct Params<'a> {
    definitions: &'static [Param],
    values: &'a [u64],
}

impl Params<'_> {
    /// The value of the parameter called `name`.
    ///
    /// # Panics
    /// The member describes no such parameter.
    pub fn get(&self, name: &str) -> u64 {
        let at = self.definitions.iter().position(|param| param.name == name);
        self.values[at.expect("a member asks for parameters that it describes")]
    }
}

/// A policy of the list.
pub trait Member: Sized {
    /// What it tells of itself.
    const DESCRIPTION: Description;

    /// An empty policy.
    fn build(params: Params<'_>, setup: Setup<'_>) -> Self;
}

/// What to do with a policy whose type is known.
pub trait Visitor<M: Marks> {
    /// What comes of it.
    type Output;

    /// Does it.
    fn visit<P: Policy<M> + 'static>(self, policy: P) -> Self::Output;
}

/// Asks a policy for its mark rule.
struct Rule;

impl<M: Marks> Visitor<M> for Rule {
    type Output = MarkRule;

    fn visit<P: Policy<M> + 'static>(self, policy: P) -> MarkRule {
        policy.mark_rule()
    }
}

/// Makes a boxed policy.
struct Boxed;

impl<M: Marks> Visitor<M> for Boxed {
    type Output = Box<dyn Policy<M>>;

    fn visit<P: Policy<M> + 'static>(self, policy: P) -> Box<dyn Policy<M>> {
        Box::new(policy)
    }
}

impl spec::PolicySpec {
    /// What a hit does under the policy.
    pub fn mark_rule(&self, setup: Setup<'_>) -> MarkRule {
        self.visit::<mark::NoMarks, _>(setup, Rule)
    }

    /// An empty policy behind a box, for the live store.
    pub fn build<M: Marks>(&self, setup: Setup<'_>) -> Box<dyn Policy<M>> {
        self.visit(setup, Boxed)
    }
}

macro_rules! policies {
    ($($module:ident::$policy:ident),+ $(,)?) => {
        /// Every policy, in the order in which lists and reports show them.
        pub const LIST: &[&Description] =
            &[$(&<$module::$policy as Member>::DESCRIPTION),+];

        impl PolicySpec {
            /// Shows `visitor` an empty policy of its own type: static dispatch.
            pub fn visit<M: Marks, V: Visitor<M>>(&self, setup: Setup<'_>, visitor: V) -> V::Output {
                let name = self.description().name;
                $(if name == <$module::$policy as Member>::DESCRIPTION.name {
                    let policy = <$module::$policy as Member>::build(self.values(), setup);
                    return visitor.visit(policy);
                })+
                unreachable!("a spec describes a policy of the list, not {name}")
            }
        }
    };
}
pub(super) use policies;
