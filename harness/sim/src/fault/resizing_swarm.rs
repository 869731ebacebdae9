//! A swarm of faults while slots move: two shards come when the first may strike, and go again later. Of two, so that an odd
//! number of primaries stays odd: of an even one, a zone may have half, and what is left elects nobody.

use rand::RngExt;

use super::{Action, FaultMember, swarm};

/// So many shards come and go.
pub(crate) const MORE: u16 = 2;

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "resizing-swarm",
    about: "the swarm, while two shards are added and taken away again",
    source: "Groce et al., Swarm Testing, ISSTA 2012",
    needs_zones: false,
    severity: None,
    plan: |scenario, rng| {
        let mut actions = swarm::plan(scenario, rng);
        let (from_ms, shards) = (scenario.fault_at_ms, scenario.shards);
        let out_ms = from_ms + rng.random_range(0..=scenario.fault_ms);
        let in_ms = out_ms + rng.random_range(1..=scenario.fault_ms);
        for (at_ms, shards) in [(out_ms, shards + MORE), (in_ms, shards)] {
            if at_ms < scenario.duration_ms {
                actions.push(Action::Resize { shards }.at(at_ms));
            }
        }
        actions
    },
};
