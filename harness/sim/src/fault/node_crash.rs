//! One node stops: the primary of a shard that the seed chooses.

use rand::RngExt;
use seawall_cluster::Survives;

use super::{Action, Dated, FaultMember};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "node-crash",
    about: "the primary of one shard stops and is replaced later",
    source: "ElastiCache user guide, Mitigating Failures: node failure",
    severity: Survives::Node,
    plan: |scenario, rng| {
        let shard = rng.random_range(0..scenario.shards);
        let at_ms = scenario.fault_at_ms;
        vec![
            Dated {
                at_ms,
                action: Action::Crash { shard },
            },
            Dated {
                at_ms: at_ms + scenario.replacement_ms,
                action: Action::Replace { shard },
            },
        ]
    },
};
