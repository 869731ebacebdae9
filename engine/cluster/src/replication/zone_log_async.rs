//! The log of every zone as of `ElastiCache`'s asynchronous durability: writes are answered at once, and refused where the
//! log is too far behind.

use seawall_store::spec::Param;

use super::group;
use super::zone_log::{self, Rules};
use super::{Claim, ReplicationMember, Survives};
use crate::time::Nanos;

pub(super) const MEMBER: ReplicationMember = ReplicationMember {
    name: "zone-log-async",
    about: "ElastiCache's asynchronous durability: as zone-log, answered at once while the log is not too far behind",
    source: "ElastiCache, Durability, 2026: writes are rejected when the oldest that is not logged is older than 10 s",
    claim: Claim {
        about: "acknowledged writes may be lost with their primary: those that it took from the oldest that the log lacks \
                on, for lag_ms at most",
        survives: Survives::Nothing,
        resumes_after: Survives::Restart,
        linearizable: false,
    },
    params: &[
        group::HEARTBEAT,
        group::ELECTION,
        zone_log::LEASE,
        Param {
            name: "lag_ms",
            default: 10_000,
            min: 1,
            max: 10_000,
            words: &[],
            about: "writes are refused while the oldest that the log lacks is older; ElastiCache has 10 s",
        },
    ],
    build: |setup, values| {
        let rules = Rules {
            lag: Some(Nanos::from_millis(values[3])),
            outlives_lease: true,
        };
        zone_log::build(setup, values, rules)
    },
    ..zone_log::MEMBER
};
