//! Nothing fails. The family's trivial member.

use seawall_cluster::Survives;

use super::FaultMember;

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "none",
    about: "nothing fails",
    source: "the ground against which faults are seen",
    needs_zones: false,
    severity: Some(Survives::Nothing),
    plan: |_, _| Vec::new(),
};
