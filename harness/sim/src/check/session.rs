//! Promises of reads: fresh, not back in time, and the client's own writes.
//!
//! Terry et al., "Session Guarantees for Weakly Consistent Replicated Data", PDIS 1994. Decided when a read is
//! executed, by the lineage of the node that executes it; counted where the client took the answer.

use crate::history::Unseen;

/// Answers that clients took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// From a state without the newest write that had been acknowledged to anybody when the read began.
    pub(crate) stale: u64,
    /// From a state without what the same client had seen before.
    pub(crate) back_in_time: u64,
    /// From a state without what the same client had been told is written.
    pub(crate) without_own: u64,
}

impl Reads {
    /// A client took the answer of a read that did not see this.
    pub(crate) fn count(&mut self, unseen: Unseen) {
        let Unseen { acked, seen, own } = unseen;
        self.stale += u64::from(acked);
        self.back_in_time += u64::from(seen);
        self.without_own += u64::from(own);
    }
}
