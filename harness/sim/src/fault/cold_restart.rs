//! Everything stops at once and comes back: what is not on disks is gone.

use seawall_cluster::Survives;

use super::{Action, FaultMember, Role};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "cold-restart",
    about: "all nodes stop at once, and come back with what their disks kept",
    source: "ElastiCache user guide, Mitigating Failures: all nodes of a shard fail, and the shard starts cold",
    needs_zones: false,
    severity: Survives::Restart,
    plan: |scenario, _| {
        let at_ms = scenario.fault_at_ms;
        let shards = 0..scenario.shards;
        let stop = shards.clone().flat_map(|shard| {
            // The primary, and then as many replicas as there are.
            (0..=scenario.replicas).map(move |copy| {
                let role = if copy == 0 {
                    Role::Primary
                } else {
                    Role::Replica
                };
                Action::Crash { shard, role }.at(at_ms)
            })
        });
        let back_ms = at_ms + scenario.fault_ms;
        let back = shards.map(|shard| Action::Replace { shard }.at(back_ms));
        stop.chain(back).collect()
    },
};
