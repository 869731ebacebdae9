//! Links that are slow and not down.

use seawall_cluster::Survives;

use super::{Action, FaultMember, zone_with_a_primary};

/// Times as long: some 80 ms between zones, as far as another continent.
const TIMES: u32 = 100;

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "slow-links",
    about: "all that is sent in one zone, out of it and into it takes a hundred times as long",
    source: "Huang et al., Gray Failure: The Achilles' Heel of Cloud-Scale Systems, HotOS 2017",
    needs_zones: false,
    severity: Some(Survives::Zone),
    plan: |scenario, rng| {
        let zone = zone_with_a_primary(scenario, rng);
        let (times, at_ms) = (TIMES, scenario.fault_at_ms);
        vec![
            Action::SlowLinks { zone, times }.at(at_ms),
            Action::SlowLinks { zone, times: 1 }.at(at_ms + scenario.fault_ms),
        ]
    },
};
