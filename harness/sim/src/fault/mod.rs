//! Faults: a family of what may be made to fail. Each expands, before a run begins, to a dated list of
//! actions that can be printed, saved as JSON and replayed.

mod clock_jump;
mod cold_restart;
mod correlated_waves;
mod disk_stall;
mod failed_sync;
mod full_memory;
mod isolated_primary;
mod node_crash;
mod none;
mod one_way_partition;
mod packet_loss;
mod partition;
mod region_down;
mod resizing_swarm;
mod retry_storm;
mod rolling_upgrade;
mod scale_out;
mod scheduled;
mod severity;
mod slow_links;
mod slow_node;
mod swarm;
mod zone_down;

use rand::RngExt;
use seawall_cluster::Survives;
use serde::{Deserialize, Serialize};

use self::resizing_swarm::MORE;
use crate::random::Rng;
use crate::scenario::{HOUR_MS, NODES_MAX, SHARDS_MAX, Scenario};

/// The most that users may want of what they usually do.
const LOAD_PERCENT_MAX: u64 = 10_000;

/// The most that something takes longer than it should.
const TIMES_MAX: u32 = 1000;

/// Every fault.
pub const FAULTS: &[&FaultMember] = &[
    &none::MEMBER,
    &node_crash::MEMBER,
    &zone_down::MEMBER,
    &region_down::MEMBER,
    &partition::MEMBER,
    &one_way_partition::MEMBER,
    &isolated_primary::MEMBER,
    &slow_node::MEMBER,
    &slow_links::MEMBER,
    &packet_loss::MEMBER,
    &disk_stall::MEMBER,
    &clock_jump::MEMBER,
    &failed_sync::MEMBER,
    &rolling_upgrade::MEMBER,
    &cold_restart::MEMBER,
    &full_memory::MEMBER,
    &retry_storm::MEMBER,
    &correlated_waves::MEMBER,
    &scale_out::MEMBER,
    &swarm::MEMBER,
    &resizing_swarm::MEMBER,
    &scheduled::MEMBER,
];

/// How many shards a fault adds to those that there are at first.
pub(crate) fn shards_added(name: &str) -> u16 {
    match name {
        _ if name == scale_out::MEMBER.name => 1,
        _ if name == resizing_swarm::MEMBER.name => MORE,
        _ => 0,
    }
}

/// A fault in the list.
#[derive(Debug)]
pub struct FaultMember {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Whether it is one zone's, so that there must be others.
    pub(crate) needs_zones: bool,
    /// What a strategy must claim to survive for this fault to test the claim; none where that is as its actions are.
    pub severity: Option<Survives>,
    /// Its actions in a scenario.
    pub(crate) plan: fn(&Scenario, &mut Rng) -> Vec<Dated>,
}

/// What is done to the world at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// A node of a shard stops, and its memory is gone.
    Crash {
        /// The shard.
        shard: u16,
        /// Which of its nodes.
        #[serde(default, skip_serializing_if = "Role::is_primary")]
        role: Role,
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
    /// All nodes and clients of all zones of a region stop.
    RegionDown {
        /// The region.
        region: u16,
    },
    /// They come back.
    RegionUp {
        /// The region.
        region: u16,
    },
    /// No message passes between a region and the others.
    CutRegion {
        /// The region.
        region: u16,
    },
    /// Messages pass again.
    HealRegion {
        /// The region.
        region: u16,
    },
    /// No message passes between a zone and the others.
    Cut {
        /// The zone.
        zone: u16,
        /// Which messages are lost.
        #[serde(default, skip_serializing_if = "Way::is_both")]
        way: Way,
    },
    /// Messages pass again.
    Heal {
        /// The zone.
        zone: u16,
    },
    /// The primary of a shard hears no other node, and no other node hears it. Clients reach it.
    Isolate {
        /// The shard.
        shard: u16,
    },
    /// The nodes of the first zones and those of the others hear each other no more; clients reach all of them. Nought:
    /// all nodes hear each other again.
    Split {
        /// How many zones are on one side.
        zones: u16,
    },
    /// The nodes of a shard hear each other again.
    Rejoin {
        /// The shard.
        shard: u16,
    },
    /// What the primary of a shard does takes so many times as long. Once: all its nodes are as before.
    SlowNode {
        /// The shard.
        shard: u16,
        /// How many times, from 1.
        times: u32,
    },
    /// What is sent within a zone, out of it and into it takes so many times as long.
    SlowLinks {
        /// The zone.
        zone: u16,
        /// How many times, from 1.
        times: u32,
    },
    /// So many packets in a thousand are lost within a zone, out of it and into it, and sent again.
    Loss {
        /// The zone.
        zone: u16,
        /// How many, below 1000.
        per_mille: u16,
    },
    /// The wall clock of a shard's primary jumps, and is so far ahead of the world's. Nought: all its nodes are right.
    SetClock {
        /// The shard.
        shard: u16,
        /// How many milliseconds; behind where they are negative.
        ahead_ms: i64,
    },
    /// The disk of a shard's primary does nothing for a while.
    StallDisk {
        /// The shard.
        shard: u16,
        /// For how many milliseconds.
        ms: u64,
    },
    /// The next sync of a shard's primary fails: what it was to keep is not kept, and the node stops, as a store
    /// must that does not know what its disk has.
    FailSync {
        /// The shard.
        shard: u16,
    },
    /// Keys and values of every node may take so much of what they may; a hundred ends it.
    Memory {
        /// How much, from 1.
        percent: u64,
    },
    /// The database does nothing for a while.
    StallDatabase {
        /// For how many milliseconds.
        ms: u64,
    },
    /// Users want so much of what they usually do; a hundred is the usual.
    Load {
        /// How much, from 1.
        percent: u64,
    },
    /// The number of shards changes to this, after a change that is under way.
    Resize {
        /// How many shards.
        shards: u16,
    },
}

/// A node by what it is to its shard at that moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Its primary.
    #[default]
    Primary,
    /// Of its replicas that are up, one that was restarted least often.
    Replica,
    /// All of its nodes.
    All,
}

impl Role {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_primary(&self) -> bool {
        *self == Role::Primary
    }
}

/// Which messages a cut takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// All of them.
    #[default]
    Both,
    /// Those that leave the zone.
    Out,
    /// Those that enter it.
    In,
}

impl Way {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_both(&self) -> bool {
        *self == Way::Both
    }
}

impl Action {
    /// Whether there is in `scenario` what it is done to.
    ///
    /// # Errors
    /// What there is not, and what there is.
    pub(crate) fn check(self, scenario: &Scenario) -> Result<(), String> {
        let below = |what: &str, number: u16, count: u16| {
            let error = format!(
                "{what} {number} does not exist; accepted are 0 to {}",
                count - 1
            );
            (number < count).then_some(()).ok_or(error)
        };
        let of_shard = |shard| below("shard", shard, scenario.shards);
        let of_region = |region| {
            if scenario.regions < 2 {
                return Err("there is one region: accepted is regions >= 2".to_owned());
            }
            below("region", region, scenario.regions)
        };
        let of_zone = |zone| below("zone", zone, scenario.zones_in_all());
        match self {
            Action::Crash {
                role: Role::Replica,
                ..
            } if scenario.nodes_per_shard(true) == 1 => {
                Err("replicas is 0: there is no replica to crash".to_owned())
            }
            Action::SlowNode { times, .. } | Action::SlowLinks { times, .. }
                if !(1..=TIMES_MAX).contains(&times) =>
            {
                Err(format!("times is {times}; accepted are 1 to {TIMES_MAX}"))
            }
            Action::StallDisk { ms, .. } | Action::StallDatabase { ms } if ms > HOUR_MS => {
                Err(format!("ms is {ms}; accepted are 0 to {HOUR_MS}"))
            }
            Action::SetClock { ahead_ms, .. } if ahead_ms.unsigned_abs() > 24 * HOUR_MS => {
                Err(format!("ahead_ms is {ahead_ms}; accepted is a day at most"))
            }
            Action::Loss { per_mille, .. } if per_mille >= 1000 => {
                Err(format!("per_mille is {per_mille}; accepted are 0 to 999"))
            }
            Action::Resize { shards } if !(3..=SHARDS_MAX + MORE).contains(&shards) => {
                Err(format!(
                    "shards is {shards}; accepted are 3 to {}",
                    SHARDS_MAX + MORE
                ))
            }
            Action::Memory { .. } if scenario.node_memory_kib == 0 => {
                Err("node_memory_kib is 0: nodes have no bound to change".to_owned())
            }
            Action::Memory { percent } if !(1..=100).contains(&percent) => {
                Err(format!("percent is {percent}; accepted are 1 to 100"))
            }
            Action::Load { percent } if !(1..=LOAD_PERCENT_MAX).contains(&percent) => Err(format!(
                "percent is {percent}; accepted are 1 to {LOAD_PERCENT_MAX}"
            )),
            Action::Split { zones } if zones >= scenario.zones_in_all() => Err(format!(
                "zones is {zones}; accepted are 0 to {}",
                scenario.zones_in_all() - 1
            )),
            // Some shards more than a scenario may begin with.
            Action::Resize { shards } if scenario.nodes_with(shards - MORE) > NODES_MAX => {
                Err(format!(
                    "shards is {shards}, and all but {MORE} of them have {} nodes; accepted are at most {NODES_MAX}",
                    scenario.nodes_with(shards - MORE)
                ))
            }
            Action::Resize { .. }
            | Action::Load { .. }
            | Action::Split { .. }
            | Action::Memory { .. }
            | Action::StallDatabase { .. } => Ok(()),
            Action::Crash { shard, .. }
            | Action::Replace { shard }
            | Action::Isolate { shard }
            | Action::Rejoin { shard }
            | Action::SlowNode { shard, .. }
            | Action::SetClock { shard, .. }
            | Action::StallDisk { shard, .. }
            | Action::FailSync { shard } => of_shard(shard),
            Action::RegionDown { region }
            | Action::RegionUp { region }
            | Action::CutRegion { region }
            | Action::HealRegion { region } => of_region(region),
            Action::ZoneDown { zone }
            | Action::ZoneUp { zone }
            | Action::Cut { zone, .. }
            | Action::Heal { zone }
            | Action::SlowLinks { zone, .. }
            | Action::Loss { zone, .. } => of_zone(zone),
        }
    }

    pub(crate) fn at(self, at_ms: u64) -> Dated {
        Dated {
            at_ms,
            action: self,
        }
    }
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
        Schedule::of((fault.plan)(scenario, rng))
    }

    /// These actions, in the order of their dates.
    pub(crate) fn of(mut actions: Vec<Dated>) -> Schedule {
        actions.sort_by_key(|dated| dated.at_ms);
        Schedule { actions }
    }

    /// As a part of a scenario: a list of tables in TOML.
    ///
    /// # Panics
    /// Never: an action is plain data.
    pub fn to_toml(&self) -> String {
        #[derive(Serialize)]
        struct Part<'a> {
            schedule: &'a [Dated],
        }
        let part = Part {
            schedule: &self.actions,
        };
        toml::to_string(&part).expect("plain data")
    }

    /// The date of the last action, in ms; nought where there is none.
    pub(crate) fn last_ms(&self) -> u64 {
        self.actions.last().map_or(0, |dated| dated.at_ms)
    }

    /// The actions in order.
    pub fn actions(&self) -> &[Dated] {
        &self.actions
    }
}

/// A zone that holds the first primary of a shard.
fn zone_with_a_primary(scenario: &Scenario, rng: &mut Rng) -> u16 {
    rng.random_range(0..scenario.zones.min(scenario.shards))
}

/// The fault of this name.
pub(crate) fn find(name: &str) -> Option<&'static FaultMember> {
    FAULTS.iter().copied().find(|fault| fault.name == name)
}
