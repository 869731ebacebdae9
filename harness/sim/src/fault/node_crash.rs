//! One node stops: the primary of a shard that the seed chooses.

use rand::RngExt;
use seawall_cluster::Survives;

use super::{Action, FaultMember, Role};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "node-crash",
    about: "the primary of one shard stops and is replaced later",
    source: "ElastiCache user guide, Mitigating Failures: node failure",
    needs_zones: false,
    severity: Some(Survives::Node),
    plan: |scenario, rng| {
        let shard = rng.random_range(0..scenario.shards);
        let (role, at_ms) = (Role::Primary, scenario.fault_at_ms);
        vec![
            Action::Crash { shard, role }.at(at_ms),
            Action::Replace { shard }.at(at_ms + scenario.replacement_ms),
        ]
    },
};
