//! Faults: a family of what may be made to fail. Each expands, before a run begins, to a dated list of
//! actions that can be printed, saved as JSON and replayed.

mod node_crash;
mod none;
mod partition;
mod scale_out;
mod zone_down;

use seawall_cluster::Survives;
use serde::{Deserialize, Serialize};

use crate::random::Rng;
use crate::scenario::Scenario;

/// Every fault.
pub const FAULTS: &[&FaultMember] = &[
    &none::MEMBER,
    &node_crash::MEMBER,
    &zone_down::MEMBER,
    &partition::MEMBER,
    &scale_out::MEMBER,
];

/// A fault in the list.
#[derive(Debug)]
pub struct FaultMember {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What a strategy must claim to survive for this fault to test the claim.
    pub severity: Survives,
    /// Its actions in a scenario.
    pub(crate) plan: fn(&Scenario, &mut Rng) -> Vec<Dated>,
}

/// What is done to the world at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// The first primary of a shard stops, and its memory is gone.
    Crash {
        /// The shard.
        shard: u16,
    },
    /// What crashed in this shard comes back: a new machine, or the old one with its disk, by what
    /// the replication keeps.
    Replace {
        /// The shard.
        shard: u16,
    },
    /// All nodes and clients of a zone stop.
    ZoneDown {
        /// The zone.
        zone: u16,
    },
    /// They come back.
    ZoneUp {
        /// The zone.
        zone: u16,
    },
    /// No message passes between a zone and the others.
    Cut {
        /// The zone.
        zone: u16,
    },
    /// Messages pass again.
    Heal {
        /// The zone.
        zone: u16,
    },
    /// The number of shards changes to this.
    Resize {
        /// How many shards.
        shards: u16,
    },
}

/// An action and its date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated {
    /// Milliseconds of virtual time from the beginning.
    pub at_ms: u64,
    /// What happens.
    #[serde(flatten)]
    pub action: Action,
}

/// Dated actions in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schedule {
    actions: Vec<Dated>,
}

impl Schedule {
    /// The actions of `fault` in a scenario, by a seed.
    pub(crate) fn plan(fault: &FaultMember, scenario: &Scenario, rng: &mut Rng) -> Schedule {
        let mut actions = (fault.plan)(scenario, rng);
        actions.sort_by_key(|dated| dated.at_ms);
        Schedule { actions }
    }

    /// The actions in order.
    pub fn actions(&self) -> &[Dated] {
        &self.actions
    }
}

/// The fault of this name.
pub(crate) fn find(name: &str) -> Option<&'static FaultMember> {
    FAULTS.iter().copied().find(|fault| fault.name == name)
}
