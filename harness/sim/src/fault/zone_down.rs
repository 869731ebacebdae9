//! A zone stops: its links to the others first, then its nodes and the clients in it. The seed chooses
//! which.
//!
//! Between the two (`zone_fade_ms`) clients in the zone still get answers from nodes in it, of which the
//! rest of the world never hears.

use rand::RngExt;
use seawall_cluster::Survives;

use super::{Action, Dated, FaultMember};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "zone-down",
    about: "all nodes and clients of one zone stop, and come back later",
    source: "ElastiCache user guide, Mitigating Failures: Availability Zone failure",
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
                at_ms: at_ms + scenario.zone_fade_ms,
                action: Action::ZoneDown { zone },
            },
            Dated {
                at_ms: at_ms + scenario.fault_ms,
                action: Action::Heal { zone },
            },
            Dated {
                at_ms: at_ms + scenario.fault_ms,
                action: Action::ZoneUp { zone },
            },
        ]
    },
};
