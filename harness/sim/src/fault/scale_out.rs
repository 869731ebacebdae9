//! A shard is added. Nothing fails, but a sharding that moves many keys makes it look like a failure.

use seawall_cluster::Survives;

use super::{Action, FaultMember};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "scale-out",
    about: "one shard is added: keys move by the sharding's rule",
    source: "ElastiCache user guide, online resharding; libketama and modulo clients rehash",
    needs_zones: false,
    severity: Some(Survives::Nothing),
    plan: |scenario, _| {
        let shards = scenario.shards + 1;
        vec![Action::Resize { shards }.at(scenario.fault_at_ms)]
    },
};
