//! Dynamo: any copy takes reads and writes, and waits for `r` and `w` of all copies.
//!
//! As in the paper a request goes to all copies and the first answers count. Other than there its versions are times and
//! not vector clocks, so that of writes that did not see each other the last one wins, as Cassandra has it; every write
//! asks for the newest version first, as Dynamo's clients do by reading before they write; and the copies that a shard has
//! are all that ever stand in for each other.

use seawall_store::spec::Param;

use super::leaderless::{self, Leaderless, Rules};
use super::{Claim, Reads, Replication, ReplicationMember, Setup, Survives};
use crate::time::Nanos;

pub(super) const MEMBER: ReplicationMember = ReplicationMember {
    name: "dynamo",
    about: "any copy takes reads and writes, and waits for r and w of the copies; the last writer of a key wins",
    source: "DeCandia et al., Dynamo, SOSP 2007; last writer wins as in Cassandra, Documentation, Dynamo",
    claim: Claim {
        about: "an acknowledged write is in w copies and survives the loss of one, hence of a zone; it gives way to a write \
                of the same key with a later time that did not see it: where r + w is more than there are copies, only to \
                one that overlapped it; copies agree once failures are over",
        survives: Survives::Zone,
        resumes_after: Survives::Restart,
        linearizable: false,
    },
    params: &[
        Param {
            name: "r",
            default: 2,
            min: 1,
            max: 7,
            words: &[],
            about: "how many copies say which version of a key they have before it is read or written, at most all",
        },
        Param {
            name: "w",
            default: 2,
            min: 2,
            max: 7,
            words: &[],
            about: "how many copies have a write before it is answered, at most all",
        },
        Param {
            name: "timeout_ms",
            default: 100,
            min: 1,
            max: 60_000,
            words: &[],
            about: "for how long copies are waited for: then a request is refused",
        },
        leaderless::SYNC,
    ],
    keeps_copies: true,
    keeps_disk: false,
    logs_in_zones: false,
    needs_regions: false,
    executes_everywhere: true,
    last_writer_wins: true,
    reads_at: Reads::OwnZone,
    build,
    describe: leaderless::describe,
};

pub(super) fn build(setup: &Setup<'_>, values: &[u64]) -> Box<dyn Replication> {
    let rules = |copies: usize| {
        let writes = (values[1] as usize).min(copies);
        Rules {
            reads: (values[0] as usize).min(copies),
            writes,
            // So many that one of them has whatever was acknowledged before a copy was lost.
            joins_after: (copies - writes + 1).min(copies - 1),
            timeout: Nanos::from_millis(values[2]),
            sync_every: Nanos::from_millis(values[3]),
            fault: None,
        }
    };
    Box::new(Leaderless::new(setup, rules))
}
