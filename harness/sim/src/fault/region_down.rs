//! A region stops: its links to the others first, then all nodes and clients of all its zones. It is the first one, which the
//! primaries are in.
//!
//! Between the two (`zone_fade_ms`) its clients still get answers of which no other region ever hears; with none in between
//! the others lack what was on its way to them. In a schedule of a scenario's own `region-down` may stand without `region-up`:
//! then the region does not come back.

use seawall_cluster::Survives;

use super::{Action, FaultMember};

/// The region with the first primaries.
const PRIMARY: u16 = 0;

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "region-down",
    about: "all nodes and clients of the region with the primaries stop, and come back later",
    source: "ElastiCache user guide, Replication across AWS Regions using global datastores: disaster recovery",
    needs_zones: false,
    severity: Some(Survives::Region),
    plan: |scenario, _| {
        let (region, at_ms) = (PRIMARY, scenario.fault_at_ms);
        let back_ms = at_ms + scenario.fault_ms;
        vec![
            Action::CutRegion { region }.at(at_ms),
            Action::RegionDown { region }.at(at_ms + scenario.zone_fade_ms),
            Action::HealRegion { region }.at(back_ms),
            Action::RegionUp { region }.at(back_ms),
        ]
    },
};
