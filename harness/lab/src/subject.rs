//! Who is replayed: a policy of the store, or a bound.

use std::fmt;

use seawall_store::evict::{LIST, PolicySpec};
use seawall_store::spec::SpecError;
use seawall_workloads::trace::Trace;
use serde_json::{Map, Value};

use crate::bound::{self, Bound};
use crate::counts::Counts;
use crate::replay::replay;
use crate::size::Unit;

/// A policy or a bound.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A policy with its parameters.
    Policy(PolicySpec),
    /// A bound.
    Bound(&'static Bound),
}

impl Subject {
    /// A comma list of policies and bounds: `clock:bits=2,lru,belady`; `all` stands for all of both.
    ///
    /// # Errors
    /// One of them is neither.
    pub fn parse_list(text: &str) -> Result<Vec<Subject>, SpecError> {
        let mut subjects = Vec::new();
        for member in text.split(',').map(str::trim) {
            if let Some(bound) = bound::LIST.iter().find(|bound| bound.name == member) {
                subjects.push(Subject::Bound(bound));
                continue;
            }
            let specs = PolicySpec::parse_list(member).map_err(|error| match error {
                SpecError::UnknownName { family, name, .. } => SpecError::UnknownName {
                    family,
                    name,
                    accepted: accepted(),
                },
                error => error,
            })?;
            subjects.extend(specs.into_iter().map(Subject::Policy));
            if member == "all" {
                subjects.extend(Subject::bounds());
            }
        }
        Ok(subjects)
    }

    /// Every bound.
    pub fn bounds() -> impl Iterator<Item = Subject> {
        bound::LIST.iter().map(|bound| Subject::Bound(bound))
    }

    /// Its name, as in its list.
    pub fn name(&self) -> &'static str {
        match self {
            Subject::Policy(spec) => spec.description().name,
            Subject::Bound(bound) => bound.name,
        }
    }

    /// Its parameters with their values.
    pub fn params(&self) -> Map<String, Value> {
        match self {
            Subject::Policy(spec) => spec
                .params()
                .map(|(name, value)| (name.to_owned(), Value::from(value)))
                .collect(),
            Subject::Bound(_) => Map::new(),
        }
    }

    /// Replays `trace` in a cache of `size`.
    pub fn replay(&self, trace: &Trace, size: u64, unit: Unit, seed: u64) -> Counts {
        match self {
            Subject::Policy(spec) => replay(trace, spec, size, unit, seed),
            Subject::Bound(bound) => (bound.replay)(trace, size, unit),
        }
    }
}

fn accepted() -> String {
    let policies = LIST.iter().map(|policy| policy.name);
    let bounds = bound::LIST.iter().map(|bound| bound.name);
    policies.chain(bounds).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Policy(spec) => spec.fmt(f),
            Subject::Bound(bound) => f.write_str(bound.name),
        }
    }
}
