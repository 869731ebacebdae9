//! Packets that are lost and sent again: over TCP a loss is a delay, for all that comes behind it as well.

use seawall_cluster::Survives;

use super::{Action, FaultMember, zone_with_a_primary};

/// In a thousand.
const PER_MILLE: u16 = 50;

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "packet-loss",
    about: "one packet in twenty is lost in one zone, out of it and into it",
    source: "RFC 6298 and Linux (tcp.h, TCP_RTO_MIN): what is lost is sent again after 200 ms, then after twice that",
    needs_zones: false,
    severity: Some(Survives::Zone),
    plan: |scenario, rng| {
        let zone = zone_with_a_primary(scenario, rng);
        let (per_mille, at_ms) = (PER_MILLE, scenario.fault_at_ms);
        vec![
            Action::Loss { zone, per_mille }.at(at_ms),
            Action::Loss { zone, per_mille: 0 }.at(at_ms + scenario.fault_ms),
        ]
    },
};
