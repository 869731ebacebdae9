//! `min-replicas-to-write`: asynchronous replication whose primary refuses writes while too few replicas keep up.
//!
//! Redis documentation, `min-replicas-to-write` and `min-replicas-max-lag`: it bounds for how long a primary that is cut
//! off takes writes that will be lost. It does not hold answers back: a write that was taken may be on no replica.

use super::{Claim, ReplicationMember, Survives, asynchronous};
use crate::time::Nanos;
use seawall_store::spec::Param;

pub(super) static MEMBER: ReplicationMember = ReplicationMember {
    name: "min-replicas",
    about: "as async, and writes are refused while fewer than n replicas were heard within a lag",
    source: "Redis documentation, min-replicas-to-write; Valkey replication.c",
    claim: Claim {
        about: "best effort: a primary that is cut off takes writes for the lag only, and these may be lost",
        survives: Survives::Nothing,
        // With fewer than n replicas left it answers reads only.
        resumes_after: Survives::Zone,
        linearizable: false,
    },
    params: &[
        asynchronous::NODE_TIMEOUT,
        asynchronous::BACKLOG,
        Param {
            name: "n",
            default: 1,
            min: 1,
            max: 5,
            words: &[],
            about: "how many replicas must have been heard lately; min-replicas-to-write",
        },
        Param {
            name: "max_lag_ms",
            default: 10_000,
            min: 1500,
            max: 600_000,
            words: &[],
            about: "for how long a replica may be silent; min-replicas-max-lag is 10 s, and replicas speak each second",
        },
    ],
    build: |setup, values| {
        let guard = asynchronous::Guard {
            good_replicas: Some(asynchronous::GoodReplicas::new(
                values[2] as usize,
                Nanos::from_millis(values[3]),
            )),
            ..asynchronous::Guard::default()
        };
        asynchronous::build(setup, values, asynchronous::Backlog::Checked, guard)
    },
    ..asynchronous::MEMBER
};
