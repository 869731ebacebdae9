//! A zone is cut off: what is in it goes on, and hears nothing of the others.
//!
//! The zone holds the primary of a shard, so that clients on both sides ask for the same keys.

use rand::RngExt;
use seawall_cluster::Survives;

use super::{Action, Dated, FaultMember};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "partition",
    about: "one zone with a primary and clients in it is cut off from the others",
    source: "Kingsbury, Jepsen: Redis (aphyr.com/posts/283): 56 % of acknowledged writes lost",
    severity: Survives::Zone,
    plan: |scenario, rng| {
        let zone = rng.random_range(0..scenario.zones.min(scenario.shards));
        let at_ms = scenario.fault_at_ms;
        vec![
            Dated {
                at_ms,
                action: Action::Cut { zone },
            },
            Dated {
                at_ms: at_ms + scenario.fault_ms,
                action: Action::Heal { zone },
            },
        ]
    },
};
