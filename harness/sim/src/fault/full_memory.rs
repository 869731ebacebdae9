//! Memory runs out: what snapshots, buffers and fragmentation take is taken from the data.

use seawall_cluster::Survives;

use super::{Action, FaultMember};

/// What is left to the data: `ElastiCache` sets a quarter aside for the rest (`reserved-memory-percent`), and this is a
/// node where nobody did.
const LEFT_PERCENT: u64 = 75;

pub(super) static MEMBER: FaultMember = FaultMember {
    name: "full-memory",
    about: "the data of every node has to do with three quarters of its memory",
    source: "ElastiCache user guide, Managing reserved memory: 25 % are set aside for what is not data",
    needs_zones: false,
    severity: Some(Survives::Nothing),
    plan: |scenario, _| {
        let (percent, at_ms) = (LEFT_PERCENT, scenario.fault_at_ms);
        vec![
            Action::Memory { percent }.at(at_ms),
            Action::Memory { percent: 100 }.at(at_ms + scenario.fault_ms),
        ]
    },
};
