//! A swarm of faults while slots move: a shard comes when the first may strike, and goes again later.

use rand::RngExt;

use super::{Action, FaultMember, swarm};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "resizing-swarm",
    about: "the swarm, while a shard is added and taken away again",
    source: "Groce et al., Swarm Testing, ISSTA 2012",
    needs_zones: false,
    severity: None,
    plan: |scenario, rng| {
        let mut actions = swarm::plan(scenario, rng);
        let (from_ms, shards) = (scenario.fault_at_ms, scenario.shards);
        let out_ms = from_ms + rng.random_range(0..=scenario.fault_ms);
        let in_ms = out_ms + rng.random_range(1..=scenario.fault_ms);
        for (at_ms, shards) in [(out_ms, shards + 1), (in_ms, shards)] {
            if at_ms < scenario.duration_ms {
                actions.push(Action::Resize { shards }.at(at_ms));
            }
        }
        actions
    },
};
