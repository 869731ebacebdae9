//! A region stops at once: all nodes and clients of all its zones. It is the first one, which the primaries are in.
//!
//! What others lack of it then is what was on its way to them. In a schedule of a scenario's own `region-down` may stand
//! without `region-up`: then the region does not come back.

use seawall_cluster::Survives;

use super::{Action, FaultMember};

/// The region with the first primaries.
const PRIMARY: u16 = 0;

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "region-down",
    about: "all nodes and clients of the region with the primaries stop at once, and come back later",
    source: "ElastiCache user guide, Replication across AWS Regions using global datastores: disaster recovery",
    needs_zones: false,
    severity: Survives::Region,
    plan: |scenario, _| {
        let (region, at_ms) = (PRIMARY, scenario.fault_at_ms);
        vec![
            Action::RegionDown { region }.at(at_ms),
            Action::RegionUp { region }.at(at_ms + scenario.fault_ms),
        ]
    },
};
