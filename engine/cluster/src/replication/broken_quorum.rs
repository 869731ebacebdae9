//! Broken on purpose: the quorum that answers a write before it is replicated, and claims that the
//! write is durable. It proves that the checker of lost writes can find one. Never listed.

use super::ReplicationMember;
use super::quorum::{self, AckWhen};

pub(super) static MEMBER: ReplicationMember = ReplicationMember {
    name: "broken-quorum",
    about: "broken on purpose: acknowledges before it replicates, and claims durability",
    source: "a twin of quorum, to prove the checkers",
    claim: quorum::MEMBER.claim,
    params: quorum::MEMBER.params,
    keeps_copies: true,
    keeps_disk: true,
    build: |setup, values| quorum::build(setup, values, AckWhen::Proposed),
    describe: quorum::MEMBER.describe,
};
