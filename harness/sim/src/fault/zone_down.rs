//! A zone stops: its links to the others first, then its nodes and the clients in it. The seed chooses
//! which.
//!
//! Between the two (`zone_fade_ms`) clients in the zone still get answers from nodes in it, of which the
//! rest of the world never hears.

use seawall_cluster::Survives;

use super::{Action, FaultMember, Way, zone_with_a_primary};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "zone-down",
    about: "all nodes and clients of one zone stop, and come back later",
    source: "ElastiCache user guide, Mitigating Failures: Availability Zone failure",
    needs_zones: true,
    severity: Some(Survives::Zone),
    plan: |scenario, rng| {
        let zone = zone_with_a_primary(scenario, rng);
        let (way, at_ms) = (Way::Both, scenario.fault_at_ms);
        let back_ms = at_ms + scenario.fault_ms;
        vec![
            Action::Cut { zone, way }.at(at_ms),
            Action::ZoneDown { zone }.at(at_ms + scenario.zone_fade_ms),
            Action::Heal { zone }.at(back_ms),
            Action::ZoneUp { zone }.at(back_ms),
        ]
    },
};
