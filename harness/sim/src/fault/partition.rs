//! A zone is cut off: what is in it goes on, and hears nothing of the others.
//!
//! The zone holds the primary of a shard, so that clients on both sides ask for the same keys.

use seawall_cluster::Survives;

use super::{Action, FaultMember, Way, zone_with_a_primary};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "partition",
    about: "one zone with a primary and clients in it is cut off from the others",
    source: "Kingsbury, Jepsen: Redis (aphyr.com/posts/283): 56 % of acknowledged writes lost",
    needs_zones: true,
    severity: Some(Survives::Zone),
    plan: |scenario, rng| {
        let zone = zone_with_a_primary(scenario, rng);
        let (way, at_ms) = (Way::Both, scenario.fault_at_ms);
        vec![
            Action::Cut { zone, way }.at(at_ms),
            Action::Heal { zone }.at(at_ms + scenario.fault_ms),
        ]
    },
};
