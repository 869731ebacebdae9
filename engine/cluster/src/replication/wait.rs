//! `WAIT`: asynchronous replication whose clients wait after each write until so many replicas have it.
//!
//! Redis documentation, `WAIT`: it makes a loss less likely and is no consensus, since a replica that lacks the
//! write may be elected, and a primary that gave up waiting has executed it all the same.

use super::{Claim, ReplicationMember, Survives, asynchronous};
use crate::time::Nanos;
use seawall_store::spec::Param;

pub(super) static MEMBER: ReplicationMember = ReplicationMember {
    name: "wait",
    about: "as async, and a write is answered when n replicas have it (WAIT)",
    source: "Redis documentation, WAIT; Valkey replication.c",
    claim: Claim {
        about: "best effort: an acknowledged write is on n replicas, but one without it may be elected",
        survives: Survives::Nothing,
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
            about: "how many replicas must have a write before it is answered",
        },
        Param {
            name: "timeout_ms",
            default: 1000,
            min: 1,
            max: 600_000,
            words: &[],
            about: "after which a write that too few replicas have is refused, though it was executed",
        },
    ],
    build: |setup, values| {
        let guard = asynchronous::Guard {
            waiting: Some(asynchronous::Waiting::new(
                values[2] as usize,
                Nanos::from_millis(values[3]),
            )),
            ..asynchronous::Guard::default()
        };
        asynchronous::build(setup, values, asynchronous::Backlog::Checked, guard)
    },
    ..asynchronous::MEMBER
};
