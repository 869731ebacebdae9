//! Policies of the lab alone: those that keep residents themselves.
//!
//! A policy of the store decides and the caller removes; that asks of it that who is resident follows from
//! what it names. What is here does not fit that, or costs too much to run beside real work, or draws on
//! what only a trace has: dense ids, which serve as entries and as identities of those that have left. One
//! file a policy; adding one is a file and a line in the list.

pub mod cacheus;
pub mod hyperbolic;
pub mod lecar;
pub mod lfuda;
pub mod lhd;
pub mod lirs;
pub mod lru_k;

use std::ops::Range;

use seawall_store::evict::{Description, Filled, Params, Setup};
use seawall_workloads::trace::Trace;

use crate::counts::{Counts, Parts};
use crate::size::Unit;

/// Every policy of the lab alone, in the order in which lists and plots show them.
pub const LIST: &[&LabPolicy] = &[
    &lirs::POLICY,
    &lecar::POLICY,
    &cacheus::POLICY,
    &hyperbolic::POLICY,
    &lhd::POLICY,
    &lru_k::POLICY,
    &lfuda::POLICY,
];

/// A policy of the lab alone.
pub struct LabPolicy {
    /// What it tells of itself.
    pub description: Description,
    /// Replays a trace through it, and counts its parts.
    pub replay: fn(&Trace, &Parts, Params<'_>, Setup<'_>, Unit) -> Vec<Counts>,
}

impl std::fmt::Debug for LabPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LabPolicy({})", self.description.name)
    }
}

/// A policy of the lab alone with all its parameters.
#[derive(Clone, Debug)]
pub struct LabSpec {
    /// The policy.
    pub policy: &'static LabPolicy,
    /// Its parameters.
    pub filled: Filled,
}

impl LabSpec {
    /// As it is by default.
    pub fn plain(policy: &'static LabPolicy) -> LabSpec {
        LabSpec {
            policy,
            filled: Filled::plain(&policy.description),
        }
    }
}

/// A cache that keeps its residents.
pub trait Cache {
    /// An empty one for the objects of `trace`.
    fn new(trace: &Trace, params: Params<'_>, setup: Setup<'_>) -> Self;

    /// A get of `object`, followed by its insertion with `size` where it misses; whether it hits.
    fn request(&mut self, object: u32, size: u64) -> bool;
}

/// Replays `trace` through a cache of one policy.
pub(crate) fn play<C: Cache>(
    trace: &Trace,
    parts: &Parts,
    params: Params<'_>,
    setup: Setup<'_>,
    unit: Unit,
) -> Vec<Counts> {
    let mut cache = C::new(trace, params, setup);
    let mut of_part = |(part, mut counts): (Range<usize>, Counts)| {
        for (request, &object) in part.clone().zip(&trace.objects()[part]) {
            let bytes = trace.size(request);
            let size = match unit {
                Unit::Objects => 1,
                Unit::Bytes => u64::from(bytes),
            };
            if !cache.request(object, size) {
                counts.miss(bytes);
            }
        }
        counts
    };
    parts.of_gets().map(&mut of_part).collect()
}
