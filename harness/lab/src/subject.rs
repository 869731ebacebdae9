//! Who is replayed: a policy of the store, one of the lab alone, or a bound.

use std::fmt;

use seawall_store::evict::{Filled, LIST, PolicySpec};
use seawall_store::spec::{Spec, SpecError};
use seawall_workloads::trace::{Trace, TraceError};
use serde_json::{Map, Value};

use crate::admission::AdmissionSpec;
use crate::bound::{self, Bound};
use crate::counts::{Counts, Parts};
use crate::policy::{self, LabSpec};
use crate::replay::{admitted, replay, setup};
use crate::size::Unit;
use crate::source::Source;

/// A policy or a bound.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A policy of the store with its parameters.
    Policy(PolicySpec),
    /// A policy of the store behind an admission.
    Admitted(PolicySpec, AdmissionSpec),
    /// A policy of the lab alone with its parameters.
    Lab(LabSpec),
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
            if member == "all" {
                let specs = PolicySpec::parse_list(member)?;
                subjects.extend(specs.into_iter().map(Subject::Policy));
                let lab = policy::LIST.iter().map(|policy| LabSpec::plain(policy));
                subjects.extend(lab.map(Subject::Lab));
                subjects.extend(Subject::bounds());
            } else {
                subjects.push(Subject::parse(member)?);
            }
        }
        Ok(subjects)
    }

    fn parse(text: &str) -> Result<Subject, SpecError> {
        let spec = Spec::parse(text)?;
        if let Some(bound) = bound::LIST.iter().find(|bound| bound.name == text) {
            return Ok(Subject::Bound(bound));
        }
        let lab = policy::LIST
            .iter()
            .find(|policy| policy.description.name == spec.name());
        if let Some(&policy) = lab {
            let filled = Filled::among(&[&policy.description], "policy", text)?;
            return Ok(Subject::Lab(LabSpec { policy, filled }));
        }
        text.parse()
            .map(Subject::Policy)
            .map_err(|error| match error {
                SpecError::UnknownName { family, name, .. } => SpecError::UnknownName {
                    family,
                    name,
                    accepted: accepted(),
                },
                error => error,
            })
    }

    /// Every bound.
    pub fn bounds() -> impl Iterator<Item = Subject> {
        bound::LIST.iter().map(|bound| Subject::Bound(bound))
    }

    /// Each of `subjects` behind each admission; policies of the lab alone and bounds, which take all that comes,
    /// once as they are where `always` is among the admissions.
    pub fn behind(subjects: &[Subject], admissions: &[AdmissionSpec]) -> Vec<Subject> {
        let behind = |admission: &AdmissionSpec| {
            let admission = admission.clone();
            subjects.iter().filter_map(move |subject| match subject {
                _ if admission.is_always() => Some(subject.clone()),
                Subject::Policy(spec) => Some(Subject::Admitted(spec.clone(), admission.clone())),
                _ => None,
            })
        };
        admissions.iter().flat_map(behind).collect()
    }

    /// Whether it can replay `source`: only policies of the store know of more than gets, and take requests as they
    /// come; the others look at a trace as a whole.
    pub fn can_replay(&self, source: Source<'_>) -> bool {
        let is_plain = matches!(source, Source::Held(trace) if trace.is_gets_alone());
        is_plain || matches!(self, Subject::Policy(_) | Subject::Admitted(..))
    }

    /// Its name, as in its list.
    pub fn name(&self) -> &'static str {
        match self {
            Subject::Policy(spec) | Subject::Admitted(spec, _) => spec.description().name,
            Subject::Lab(spec) => spec.policy.description.name,
            Subject::Bound(bound) => bound.name,
        }
    }

    /// Bytes that it keeps of each item, beside the item's mark; a bound is no policy that one could run.
    pub fn metadata_bytes_per_item(&self) -> Option<u64> {
        let description = match self {
            Subject::Policy(spec) | Subject::Admitted(spec, _) => spec.description(),
            Subject::Lab(spec) => &spec.policy.description,
            Subject::Bound(_) => return None,
        };
        Some(description.bytes_per_item.into())
    }

    /// Its parameters with their values.
    pub fn params(&self) -> Map<String, Value> {
        let value = |(name, value): (&str, u64)| (name.to_owned(), Value::from(value));
        match self {
            Subject::Policy(spec) | Subject::Admitted(spec, _) => {
                spec.params().map(value).collect()
            }
            Subject::Lab(spec) => spec.filled.params().map(value).collect(),
            Subject::Bound(_) => Map::new(),
        }
    }

    /// Replays `trace` in a cache of `size`.
    pub fn replay(&self, trace: &Trace, size: u64, unit: Unit, seed: u64) -> Counts {
        let counts = self.replay_parts(trace.into(), &Parts::whole(trace), size, unit, seed);
        let counts = counts.expect("a trace in memory is read");
        counts.into_iter().sum()
    }

    /// Replays `source`, which it [can](Subject::can_replay), in a cache of `size`; what each part counts.
    ///
    /// # Errors
    /// The trace's file cannot be read, or is not what it was.
    pub fn replay_parts(
        &self,
        source: Source<'_>,
        parts: &Parts,
        size: u64,
        unit: Unit,
        seed: u64,
    ) -> Result<Vec<Counts>, TraceError> {
        let setup = setup(source.outline(), size, unit, seed);
        match (self, source) {
            (Subject::Policy(spec), _) => replay(source, parts, spec, size, unit, seed),
            (Subject::Admitted(spec, admission), _) => {
                admitted(source, parts, spec, setup, unit, admission.build(setup))
            }
            (Subject::Lab(spec), Source::Held(trace)) => Ok((spec.policy.replay)(
                trace,
                parts,
                spec.filled.values(),
                setup,
                unit,
            )),
            (Subject::Bound(bound), Source::Held(trace)) => {
                Ok((bound.replay)(trace, parts, size, unit, seed))
            }
            (Subject::Lab(_) | Subject::Bound(_), Source::Streamed(_)) => {
                unreachable!("{self} cannot replay a trace that is not in memory")
            }
        }
    }
}

fn accepted() -> String {
    let policies = LIST.iter().map(|policy| policy.name);
    let lab = policy::LIST.iter().map(|policy| policy.description.name);
    let bounds = bound::LIST.iter().map(|bound| bound.name);
    policies
        .chain(lab)
        .chain(bounds)
        .collect::<Vec<_>>()
        .join(", ")
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Policy(spec) => spec.fmt(f),
            Subject::Admitted(spec, admission) => write!(f, "{spec}+{admission}"),
            Subject::Lab(spec) => spec.filled.fmt(f),
            Subject::Bound(bound) => f.write_str(bound.name),
        }
    }
}
