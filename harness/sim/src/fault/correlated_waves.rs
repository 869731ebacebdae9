//! Waves: a quarter of the hosts is replaced by empty ones at a time, until all have been.

use seawall_cluster::Survives;

use super::{Action, FaultMember, Role};

/// So many waves replace all hosts.
const WAVES: u16 = 4;

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "correlated-waves",
    about: "a quarter of the shards' primaries is replaced at a time, in four waves",
    source: "Slack, Slack's Incident on 2-22-22: a quarter of the cache's hosts at a step",
    needs_zones: false,
    severity: Some(Survives::Node),
    plan: |scenario, _| {
        // All waves in the time that is left, the last third to recover.
        let turn = (scenario.duration_ms - scenario.fault_at_ms) * 2 / 3 / u64::from(WAVES);
        let back_after = scenario.replacement_ms.min(turn / 2);
        let of_shard = |shard| {
            let at_ms = scenario.fault_at_ms + u64::from(shard % WAVES) * turn;
            let role = Role::Primary;
            let stop = Action::Crash { shard, role }.at(at_ms);
            [stop, Action::Replace { shard }.at(at_ms + back_after)]
        };
        (0..scenario.shards).flat_map(of_shard).collect()
    },
};
