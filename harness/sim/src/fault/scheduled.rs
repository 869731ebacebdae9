//! What the scenario lists, action by action: a schedule that was written by hand, or printed and kept.

use super::FaultMember;

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "schedule",
    about: "the actions that the scenario lists under [[schedule]]",
    source: "the scenario",
    needs_zones: false,
    severity: None,
    plan: |scenario, _| scenario.schedule.clone(),
};
