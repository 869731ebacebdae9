//! Every node is stopped and started again, one after the other: replicas of a shard first, then its primary.

use seawall_cluster::Survives;

use super::{Action, FaultMember, Role};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "rolling-upgrade",
    about: "each node of each shard is stopped for a moment, one after the other, the primary last",
    source: "ElastiCache user guide, Service updates: one node of a shard at a time",
    needs_zones: false,
    severity: Some(Survives::Node),
    plan: |scenario, _| {
        let copies = scenario.nodes_per_shard(true);
        let nodes = u64::from(scenario.shards) * u64::from(copies);
        // All of it in the time that is left, with as much time up as down, and the last third to recover.
        let room = (scenario.duration_ms - scenario.fault_at_ms) * 2 / 3;
        let turn = room / nodes;
        let mut actions = Vec::new();
        for shard in 0..scenario.shards {
            for copy in 0..copies {
                let number = u64::from(shard) * u64::from(copies) + u64::from(copy);
                let at_ms = scenario.fault_at_ms + number * turn;
                let role = if copy + 1 == copies {
                    Role::Primary
                } else {
                    Role::Replica
                };
                actions.push(Action::Crash { shard, role }.at(at_ms));
                actions.push(Action::Replace { shard }.at(at_ms + turn / 2));
            }
        }
        actions
    },
};
