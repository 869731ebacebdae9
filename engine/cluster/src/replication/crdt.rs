//! Active-active: every copy takes reads and writes of its zone alone, and tells the others afterwards.
//!
//! Shapiro, Preguiça, Baquero and Zawirski, "Conflict-free Replicated Data Types", SSS 2011: the register whose last writer
//! wins (LWW-register). Every key is one, whatever it holds: a counter is not a sum of what all added, nor a set a union, as
//! Redis Enterprise's Active-Active has them; of two writes that did not see each other the one with the later time stays.

use super::leaderless::{self, Fault, Leaderless, Rules};
use super::{Claim, Reads, Replication, ReplicationMember, Setup, Survives, dynamo};
use crate::time::Nanos;

pub(super) const MEMBER: ReplicationMember = ReplicationMember {
    name: "crdt",
    about: "active-active: the copy in a client's zone reads and writes alone, the others hear of it; the last writer of a key wins",
    source: "Shapiro et al., Conflict-free Replicated Data Types, SSS 2011: last-writer-wins register",
    claim: Claim {
        about: "nothing survives for certain: an acknowledged write may be in one copy only, and gives way to a later one that \
                did not see it; copies agree once failures are over",
        survives: Survives::Nothing,
        resumes_after: Survives::Restart,
        linearizable: false,
    },
    params: &[leaderless::SYNC],
    build: |setup, values| build(setup, values, None),
    reads_at: Reads::OwnZone,
    ..dynamo::MEMBER
};

pub(super) fn build(
    setup: &Setup<'_>,
    values: &[u64],
    fault: Option<Fault>,
) -> Box<dyn Replication> {
    let rules = |_| Rules {
        reads: 1,
        writes: 1,
        joins_after: 1,
        // Nothing is waited for.
        timeout: Nanos::from_millis(0),
        sync_every: Nanos::from_millis(values[0]),
        fault,
    };
    Box::new(Leaderless::new(setup, rules))
}
