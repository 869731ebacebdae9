//! Everything stops at once and comes back: what is not on disks is gone.

use seawall_cluster::Survives;

use super::{Action, FaultMember, Role};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "cold-restart",
    about: "all nodes stop at once, and come back with what their disks kept",
    source: "ElastiCache user guide, Mitigating Failures: all nodes of a shard fail, and the shard starts cold",
    needs_zones: false,
    severity: Some(Survives::Restart),
    plan: |scenario, _| {
        let (role, at_ms) = (Role::All, scenario.fault_at_ms);
        let back_ms = at_ms + scenario.fault_ms;
        let of_shard = |shard| {
            let stop = Action::Crash { shard, role }.at(at_ms);
            [stop, Action::Replace { shard }.at(back_ms)]
        };
        (0..scenario.shards).flat_map(of_shard).collect()
    },
};
