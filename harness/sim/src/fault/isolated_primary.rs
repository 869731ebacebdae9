//! A primary alone: it hears no other node, while clients of all zones still reach it.

use rand::RngExt;
use seawall_cluster::Survives;

use super::{Action, FaultMember};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "isolated-primary",
    about: "the primary of one shard is cut off from all other nodes, and not from clients",
    source: "Redis Cluster specification, write safety: a minority primary takes writes for up to the node timeout",
    needs_zones: false,
    severity: Some(Survives::Zone),
    plan: |scenario, rng| {
        let shard = rng.random_range(0..scenario.shards);
        let at_ms = scenario.fault_at_ms;
        vec![
            Action::Isolate { shard }.at(at_ms),
            Action::Rejoin { shard }.at(at_ms + scenario.fault_ms),
        ]
    },
};
