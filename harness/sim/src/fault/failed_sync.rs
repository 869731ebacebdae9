//! A sync that fails: the node cannot know what its disk has, and stops.

use rand::RngExt;
use seawall_cluster::Survives;

use super::{Action, FaultMember};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "failed-sync",
    about: "a sync fails on the primary of one shard, which stops and comes back later",
    source: "Rebello et al., Can Applications Recover from fsync Failures?, USENIX ATC 2020",
    needs_zones: false,
    severity: Some(Survives::Node),
    plan: |scenario, rng| {
        let shard = rng.random_range(0..scenario.shards);
        let at_ms = scenario.fault_at_ms;
        vec![
            Action::FailSync { shard }.at(at_ms),
            Action::Replace { shard }.at(at_ms + scenario.replacement_ms),
        ]
    },
};
