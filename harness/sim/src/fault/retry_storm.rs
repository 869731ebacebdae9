//! A retry storm: the cache comes back empty while the database does nothing, so that everybody asks the
//! database, waits too long, and asks again. The cause is over after `fault_ms`; what clients do then keeps the
//! database down, or does not.

use seawall_cluster::Survives;

use super::{Action, FaultMember, cold_restart};

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "retry-storm",
    about: "all nodes stop and come back while the database does nothing",
    source: "Huang et al., Metastable Failures in the Wild, OSDI 2022: retries sustain more than half of the incidents",
    needs_zones: false,
    severity: Some(Survives::Restart),
    plan: |scenario, rng| {
        let ms = scenario.fault_ms;
        let mut actions = (cold_restart::MEMBER.plan)(scenario, rng);
        actions.push(Action::StallDatabase { ms }.at(scenario.fault_at_ms));
        actions
    },
};
