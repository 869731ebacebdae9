//! A zone is cut off in one direction: it hears the others and they do not hear it, or the other way round.

use rand::RngExt;
use seawall_cluster::Survives;

use super::{Action, FaultMember, Way, zone_with_a_primary};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "one-way-partition",
    about: "messages out of one zone, or into it, are lost; those the other way pass",
    source: "Alquraan et al., An Analysis of Network-Partitioning Failures in Cloud Systems, OSDI 2018: simplex partitions",
    needs_zones: true,
    severity: Some(Survives::Zone),
    plan: |scenario, rng| {
        let zone = zone_with_a_primary(scenario, rng);
        let way = [Way::Out, Way::In][rng.random_range(0..2)];
        let at_ms = scenario.fault_at_ms;
        vec![
            Action::Cut { zone, way }.at(at_ms),
            Action::Heal { zone }.at(at_ms + scenario.fault_ms),
        ]
    },
};
