//! Zone log: a write is answered when a log has what it changed, which is kept in every zone outside of the shard's nodes.
//!
//! Taleb et al., "Amazon `MemoryDB`: A Fast and Durable Memory-First Cloud Database", SIGMOD 2024. What the log is inside is
//! not published; here its keepers, one in each zone with a disk, are a Raft group.
//!
//! ```text
//!  client ──► primary ── executes, then appends the effects ──► keepers: a majority of zones has them on disk
//!         ◄── answer ◄──────────────── the log ends at … ◄─────┘      │
//!             replicas ◄────────────── what comes after … ◄───────────┘
//! ```
//!
//! **Reads.** The primary executes at once; what it says of a key whose newest value the log does not have yet waits until
//! it has it. Other keys go on. As in `quorum`, a read sees the time of the last write.
//!
//! **Fencing.** An append names the place that it is meant for, and the claim by which its sender leads. The log takes it
//! where it ends just before that place and knows of no newer claim; so who was replaced appends nothing, learns that from
//! the refusal, and begins anew.
//!
//! **Leases.** A primary may serve for a lease from when it made the newest of its entries that the log has; without
//! writes it appends renewals. A replica that has read nothing new for longer than that claims the lead, for the place
//! after the last that it has read: where that is not the end the claim is not taken, so that who leads has read all.
//!
//! **Beginning anew.** A node without data, or with effects that the log never took, restores the snapshot with which the
//! cluster was formed, and reads the whole log. No newer snapshot is made; runs are short.

mod entry;
mod host;
mod keeper;
mod lead;
mod message;
mod tracker;

use self::host::Host;
use self::keeper::Keeper;
use super::group;
use super::{Claim, Reads, Replication, ReplicationMember, Setup, Survives};
use crate::time::Nanos;
use seawall_store::spec::Param;

pub(super) const MEMBER: ReplicationMember = ReplicationMember {
    name: "zone-log",
    about: "MemoryDB: a write is answered when a log outside of the shard's nodes has it in a majority of zones",
    source: "Taleb et al., Amazon MemoryDB, SIGMOD 2024; the log itself by raft-rs",
    claim: Claim {
        about: "acknowledged writes survive a zone, the loss of all of the shard's nodes, and the restart of all that keeps \
                the log; reads reflect every acknowledged write",
        survives: Survives::Restart,
        resumes_after: Survives::Restart,
        linearizable: true,
    },
    params: &[group::HEARTBEAT, group::ELECTION, LEASE],
    keeps_copies: true,
    keeps_disk: true,
    logs_in_zones: true,
    needs_regions: false,
    executes_everywhere: false,
    last_writer_wins: false,
    reads_at: Reads::Primary,
    build: |setup, values| build(setup, values, Rules::SAFE),
    describe: message::describe,
};

pub(super) const LEASE: Param = Param {
    name: "lease_ms",
    default: 1000,
    min: 100,
    max: 60_000,
    words: &[],
    about: "for how long a primary serves after an entry that the log took; a replica claims the lead after a tenth longer",
};

/// When a primary answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Writes are answered before the log has them, while the oldest that it lacks is not older than this.
    pub(super) lag: Option<Nanos>,
    /// A primary serves until it learns that another one leads.
    pub(super) outlives_lease: bool,
}

impl Rules {
    pub(super) const SAFE: Rules = Rules {
        lag: None,
        outlives_lease: false,
    };
}

pub(super) fn build(setup: &Setup<'_>, values: &[u64], rules: Rules) -> Box<dyn Replication> {
    let [heartbeat_ms, election_ms, lease_ms] = [values[0], values[1], values[2]];
    if setup.seat().keeps_log {
        Box::new(Keeper::new(setup, heartbeat_ms, election_ms))
    } else {
        // A lease is renewed some times before it is over.
        let tick = Nanos::from_millis(heartbeat_ms.min(lease_ms / 4));
        Box::new(Host::new(setup, tick, Nanos::from_millis(lease_ms), rules))
    }
}
