//! CRAQ: a chain whose copies all answer reads, of what is not on its way.
//!
//! Terrace and Freedman, "Object Storage on CRAQ", USENIX ATC 2009. A copy that has an unacknowledged write of a key
//! lets the tail answer. In the paper it keeps the older versions, asks the tail for the number of one, and answers
//! itself; a store with one version of each key cannot.
//!
//! Every copy that answers needs a lease of its place, not the tail alone; so when one is left out of the chain, writes
//! wait until its lease is over.

use super::chain;
use super::{Claim, Reads, ReplicationMember};

pub(super) const MEMBER: ReplicationMember = ReplicationMember {
    name: "craq",
    about: "as chain, and every copy answers reads of keys that no write is on its way to",
    source: "Terrace and Freedman, Object Storage on CRAQ, USENIX ATC 2009",
    claim: Claim {
        about: "as chain: acknowledged writes survive the loss of all copies in the chain but one, hence of a zone; \
                reads at any copy reflect every acknowledged write; a shard that lost all copies stays closed",
        ..chain::MEMBER.claim
    },
    reads_at: Reads::AnyCopy,
    build: |setup, values| chain::build(setup, values, Reads::AnyCopy, None),
    ..chain::MEMBER
};
