//! A disk that does nothing for a while: who must have a record on it before answering waits.

use rand::RngExt;
use seawall_cluster::Survives;

use super::{Action, FaultMember};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "disk-stall",
    about: "the disk of one shard's primary does nothing for a while",
    source: "CockroachDB documentation, Disk stalls: cloud volumes stop answering for seconds",
    needs_zones: false,
    severity: Some(Survives::Zone),
    plan: |scenario, rng| {
        let shard = rng.random_range(0..scenario.shards);
        let ms = scenario.fault_ms;
        vec![Action::StallDisk { shard, ms }.at(scenario.fault_at_ms)]
    },
};
