//! A wall clock that jumps: what expires by it expires early, or late.

use rand::RngExt;
use seawall_cluster::Survives;

use super::{Action, FaultMember};

/// How far. Jepsen's clock nemesis goes up to minutes.
const AHEAD_MS: i64 = 60_000;

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "clock-jump",
    about: "the wall clock of one shard's primary is a minute ahead for a while, or behind",
    source: "Kingsbury, Jepsen: clock skew by jumps of the system's clock",
    needs_zones: false,
    severity: Some(Survives::Zone),
    plan: |scenario, rng| {
        let shard = rng.random_range(0..scenario.shards);
        let ahead_ms = if rng.random() { AHEAD_MS } else { -AHEAD_MS };
        let at_ms = scenario.fault_at_ms;
        vec![
            Action::SetClock { shard, ahead_ms }.at(at_ms),
            Action::SetClock { shard, ahead_ms: 0 }.at(at_ms + scenario.fault_ms),
        ]
    },
};
