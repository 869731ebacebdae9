//! A swarm: several faults of several kinds, begun and ended at any time, as the seed says.
//!
//! Groce et al., "Swarm Testing", ISSTA 2012: runs that each leave most kinds out find more than runs that have all
//! of them. Every fault ends before the last third of what is left of the run: then everything must work again.

use super::{Action, Dated, FaultMember, Role, Way};
use crate::random::Rng;
use crate::scenario::Scenario;
use rand::RngExt;

/// How many faults there are at most.
const STRIKES_MAX: usize = 8;

/// The shortest fault.
const LEAST_MS: u64 = 10;

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "swarm",
    about: "several faults of several kinds at any time, all of them over before the end",
    source: "Groce et al., Swarm Testing, ISSTA 2012",
    needs_zones: false,
    severity: None,
    plan,
};

/// A kind of fault: what begins and what ends it, in a schedule of its own.
type Strike = fn(&Scenario, &mut Rng, from_ms: u64, to_ms: u64) -> Vec<Dated>;

const STRIKES: &[Strike] = &[
    |scenario, rng, from, to| {
        let shard = shard(scenario, rng);
        let role = Role::All;
        vec![
            Action::Crash { shard, role }.at(from),
            Action::Replace { shard }.at(to),
        ]
    },
    |scenario, rng, from, to| {
        let shard = shard(scenario, rng);
        let role = [Role::Primary, Role::Replica][rng.random_range(0..2)];
        vec![
            Action::Crash { shard, role }.at(from),
            Action::Replace { shard }.at(to),
        ]
    },
    |scenario, rng, from, to| {
        let zone = zone(scenario, rng);
        vec![
            Action::ZoneDown { zone }.at(from),
            Action::ZoneUp { zone }.at(to),
        ]
    },
    |scenario, rng, from, to| {
        let zone = zone(scenario, rng);
        let way = [Way::Both, Way::Out, Way::In][rng.random_range(0..3)];
        vec![
            Action::Cut { zone, way }.at(from),
            Action::Heal { zone }.at(to),
        ]
    },
    |scenario, rng, from, to| {
        let shard = shard(scenario, rng);
        vec![
            Action::Isolate { shard }.at(from),
            Action::Rejoin { shard }.at(to),
        ]
    },
    |scenario, rng, from, to| {
        let (shard, times) = (shard(scenario, rng), rng.random_range(2..=1000));
        vec![
            Action::SlowNode { shard, times }.at(from),
            Action::SlowNode { shard, times: 1 }.at(to),
        ]
    },
    |scenario, rng, from, to| {
        let (zone, times) = (zone(scenario, rng), rng.random_range(2..=1000));
        vec![
            Action::SlowLinks { zone, times }.at(from),
            Action::SlowLinks { zone, times: 1 }.at(to),
        ]
    },
    |scenario, rng, from, to| {
        let (zone, per_mille) = (zone(scenario, rng), rng.random_range(1..=300));
        vec![
            Action::Loss { zone, per_mille }.at(from),
            Action::Loss { zone, per_mille: 0 }.at(to),
        ]
    },
    |scenario, rng, from, to| {
        let (shard, ahead_ms) = (shard(scenario, rng), rng.random_range(-60_000..=60_000));
        vec![
            Action::SetClock { shard, ahead_ms }.at(from),
            Action::SetClock { shard, ahead_ms: 0 }.at(to),
        ]
    },
    |scenario, rng, from, to| {
        let shard = shard(scenario, rng);
        let sometimes = Action::FailSync { shard };
        let stall = Action::StallDisk {
            shard,
            ms: to - from,
        };
        let begin = if rng.random() { sometimes } else { stall };
        vec![begin.at(from), Action::Replace { shard }.at(to)]
    },
];

/// What befalls regions, where there are several.
const STRIKES_OF_REGIONS: &[Strike] = &[
    |scenario, rng, from, to| {
        let region = rng.random_range(0..scenario.regions);
        vec![
            Action::RegionDown { region }.at(from),
            Action::RegionUp { region }.at(to),
        ]
    },
    |scenario, rng, from, to| {
        let region = rng.random_range(0..scenario.regions);
        vec![
            Action::CutRegion { region }.at(from),
            Action::HealRegion { region }.at(to),
        ]
    },
];

fn shard(scenario: &Scenario, rng: &mut Rng) -> u16 {
    rng.random_range(0..scenario.shards)
}

fn zone(scenario: &Scenario, rng: &mut Rng) -> u16 {
    rng.random_range(0..scenario.zones_in_all())
}

pub(super) fn plan(scenario: &Scenario, rng: &mut Rng) -> Vec<Dated> {
    let left = scenario.duration_ms - scenario.fault_at_ms;
    let calm_from = scenario.duration_ms - left / 3;
    let of_regions = if scenario.regions > 1 {
        STRIKES_OF_REGIONS
    } else {
        &[]
    };
    let strikes = [STRIKES, of_regions].concat();
    // A few kinds, each perhaps several times.
    let kinds: Vec<Strike> = (0..rng.random_range(1..=4))
        .map(|_| strikes[rng.random_range(0..strikes.len())])
        .collect();
    let count = rng.random_range(1..=STRIKES_MAX);
    let mut actions = Vec::with_capacity(2 * count);
    for _ in 0..count {
        let from = rng.random_range(scenario.fault_at_ms..calm_from - LEAST_MS);
        let longest = scenario.fault_ms.clamp(LEAST_MS, calm_from - from);
        let to = from + rng.random_range(LEAST_MS..=longest);
        actions.extend(kinds[rng.random_range(0..kinds.len())](
            scenario, rng, from, to,
        ));
    }
    actions
}
