//! Twins that are broken on purpose, and claim what the member claims that each is made from. They prove that the
//! checkers find what they look for. Named, never listed.

use super::asynchronous::{self, Backlog, Guard};
use super::chain;
use super::craq;
use super::crdt;
use super::dynamo;
use super::leaderless;
use super::quorum::{self, Fault};
use super::region_async;
use super::zone_copies;
use super::zone_log::{self, Rules};
use super::{Reads, ReplicationMember, Setup};
use crate::time::Nanos;

/// All of them.
pub(super) const TWINS: &[&ReplicationMember] = &[
    &ACKS, &VOTE, &DISK, &READS, &BACKLOG, &LEASE, &DIRTY, &CHAIN, &CRAQ, &WARMTH, &UNLOGGED,
    &OUTLIVES, &ALONE, &APART, &EMPTY,
];

static ACKS: ReplicationMember = ReplicationMember {
    name: "broken-quorum",
    about: "broken on purpose: acknowledges before it replicates",
    build: |setup, values| quorum::build(setup, values, Some(Fault::AcksEarly)),
    ..TWIN_OF_QUORUM
};

static VOTE: ReplicationMember = ReplicationMember {
    name: "broken-quorum-vote",
    about: "broken on purpose: forgets its term and its vote when it restarts",
    build: |setup, values| quorum::build(setup, values, Some(Fault::ForgetsVote)),
    ..TWIN_OF_QUORUM
};

static DISK: ReplicationMember = ReplicationMember {
    name: "broken-quorum-disk",
    about: "broken on purpose: acknowledges what its disk does not have yet, and forgets it in a crash",
    build: |setup, values| quorum::build(setup, values, Some(Fault::AcksUnsynced)),
    ..TWIN_OF_QUORUM
};

static READS: ReplicationMember = ReplicationMember {
    name: "broken-quorum-reads",
    about: "broken on purpose: a leader answers reads without asking whether it still leads",
    build: |setup, values| quorum::build(setup, values, Some(Fault::ReadsAlone)),
    ..TWIN_OF_QUORUM
};

static BACKLOG: ReplicationMember = ReplicationMember {
    name: "broken-async-backlog",
    about: "broken on purpose: a replica that went further than its new primary goes on from its backlog",
    source: "a twin of async, to prove the checkers",
    params: &[asynchronous::NODE_TIMEOUT, asynchronous::BACKLOG],
    build: |setup: &Setup<'_>, values| {
        asynchronous::build(setup, values, Backlog::Stale, Guard::default())
    },
    ..asynchronous::MEMBER
};

static LEASE: ReplicationMember = ReplicationMember {
    name: "broken-chain-lease",
    about: "broken on purpose: a tail answers for as long as it believes to be the tail",
    source: "a twin of chain, to prove the checkers",
    build: |setup, values| {
        chain::build(
            setup,
            values,
            Reads::Primary,
            Some(chain::Fault::IgnoresLease),
        )
    },
    ..chain::MEMBER
};

static DIRTY: ReplicationMember = ReplicationMember {
    name: "broken-craq-dirty",
    about: "broken on purpose: a copy answers reads of what is on its way still",
    source: "a twin of craq, to prove the checkers",
    build: |setup, values| {
        chain::build(
            setup,
            values,
            Reads::AnyCopy,
            Some(chain::Fault::ReadsDirty),
        )
    },
    ..craq::MEMBER
};

static CHAIN: ReplicationMember = ReplicationMember {
    name: "broken-chain-acks",
    about: "broken on purpose: acknowledges what is on its way to the head, and in no other copy",
    source: "a twin of chain, to prove the checkers",
    build: |setup, values| {
        chain::build(setup, values, Reads::Primary, Some(chain::Fault::AcksEarly))
    },
    ..chain::MEMBER
};

static CRAQ: ReplicationMember = ReplicationMember {
    name: "broken-craq-acks",
    about: "broken on purpose: acknowledges what is on its way to the head, and in no other copy",
    source: "a twin of craq, to prove the checkers",
    build: |setup, values| {
        chain::build(setup, values, Reads::AnyCopy, Some(chain::Fault::AcksEarly))
    },
    ..craq::MEMBER
};

static WARMTH: ReplicationMember = ReplicationMember {
    name: "broken-zone-copies",
    about: "broken on purpose: an empty copy answers nobody until another one has made it warm",
    source: "a twin of zone-copies, to prove the checkers",
    build: |setup, values| {
        zone_copies::build_broken(setup, values, zone_copies::Fault::WaitsForWarmth)
    },
    ..zone_copies::MEMBER
};

static UNLOGGED: ReplicationMember = ReplicationMember {
    name: "broken-zone-log-acks",
    about: "broken on purpose: acknowledges before the log has it",
    build: |setup, values| {
        let rules = Rules {
            lag: Some(Nanos::from_millis(10_000)),
            ..Rules::SAFE
        };
        zone_log::build(setup, values, rules)
    },
    ..TWIN_OF_ZONE_LOG
};

static OUTLIVES: ReplicationMember = ReplicationMember {
    name: "broken-zone-log-lease",
    about: "broken on purpose: a primary goes on serving reads when its lease is over",
    build: |setup, values| {
        let rules = Rules {
            outlives_lease: true,
            ..Rules::SAFE
        };
        zone_log::build(setup, values, rules)
    },
    ..TWIN_OF_ZONE_LOG
};

static ALONE: ReplicationMember = ReplicationMember {
    name: "broken-dynamo-alone",
    about: "broken on purpose: takes a coordinator for a quorum",
    source: "a twin of dynamo, to prove the checkers",
    build: |setup, values| dynamo::build(setup, &[1, 1, values[2], values[3]]),
    ..dynamo::MEMBER
};

static APART: ReplicationMember = ReplicationMember {
    name: "broken-crdt-sync",
    about: "broken on purpose: copies never compare what they have",
    source: "a twin of crdt, to prove the checkers",
    build: |setup, values| crdt::build(setup, values, Some(leaderless::Fault::NeverSyncs)),
    ..crdt::MEMBER
};

static EMPTY: ReplicationMember = ReplicationMember {
    name: "broken-region-async-empty",
    about: "broken on purpose: takes an empty machine in the primary's place for it, and promotes no other region",
    source: "a twin of region-async, to prove the checkers",
    build: |setup, values| {
        asynchronous::build_promoted(setup, values, asynchronous::Promotion::Alive)
    },
    ..region_async::MEMBER
};

const TWIN_OF_ZONE_LOG: ReplicationMember = ReplicationMember {
    source: "a twin of zone-log, to prove the checkers",
    ..zone_log::MEMBER
};

const TWIN_OF_QUORUM: ReplicationMember = ReplicationMember {
    source: "a twin of quorum, to prove the checkers",
    ..quorum::MEMBER
};
