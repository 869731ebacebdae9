//! A node that is slow and not down: a gray failure, which no failure detector sees.

use rand::RngExt;
use seawall_cluster::Survives;

use super::{Action, FaultMember};

/// Times as long: a node at a tenth of its load before cannot keep up.
const TIMES: u32 = 100;

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "slow-node",
    about: "all that the primary of one shard does takes a hundred times as long",
    source: "Huang et al., Gray Failure: The Achilles' Heel of Cloud-Scale Systems, HotOS 2017",
    needs_zones: false,
    severity: Some(Survives::Zone),
    plan: |scenario, rng| {
        let shard = rng.random_range(0..scenario.shards);
        let (times, at_ms) = (TIMES, scenario.fault_at_ms);
        vec![
            Action::SlowNode { shard, times }.at(at_ms),
            Action::SlowNode { shard, times: 1 }.at(at_ms + scenario.fault_ms),
        ]
    },
};
