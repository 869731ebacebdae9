//! Asynchronous replication from a primary region to others, of which one is promoted when the first is gone.
//!
//! `ElastiCache`'s Global Datastore: in its own region a primary fails over as in `async`; in other regions copies follow it, and
//! an operator promotes one of these regions. Redis calls it `CLUSTER FAILOVER TAKEOVER`: to promote the replicas of another
//! data center, with nobody's vote.

use super::asynchronous::{self, Promotion};
use super::{Claim, PROMOTE, REPLICA_READS, ReplicationMember, Survives};

pub(super) const MEMBER: ReplicationMember = ReplicationMember {
    name: "region-async",
    about: "Global Datastore: as async in one region, copies in others follow it, and take over when an operator says so",
    source: "ElastiCache user guide, Replication across AWS Regions using global datastores; Redis, CLUSTER FAILOVER TAKEOVER",
    claim: Claim {
        about: "best effort: what another region had not heard of is lost with the first; another one serves in its place \
                once an operator promotes it",
        survives: Survives::Nothing,
        resumes_after: Survives::Region,
        linearizable: false,
    },
    params: &[
        asynchronous::NODE_TIMEOUT,
        asynchronous::BACKLOG,
        PROMOTE,
        REPLICA_READS,
    ],
    needs_regions: true,
    build: |setup, values| asynchronous::build_promoted(setup, values, Promotion::Served),
    ..asynchronous::MEMBER
};
