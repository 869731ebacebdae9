//! Promises of reads: fresh, not back in time, and the client's own writes.
//!
//! Terry et al., "Session Guarantees for Weakly Consistent Replicated Data", PDIS 1994. Decided when a read is
//! executed, by the lineage of the node that executes it; counted where the client took the answer.

use crate::history::{History, Unseen, Wanted};

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

/// The reads of all clients that broke a promise.
pub(crate) fn reads(history: &History) -> Reads {
    let mut reads = Reads::default();
    for attempt in &history.attempts {
        let asked = &history.ops[attempt.op as usize];
        if attempt.answered.is_none() || !matches!(asked.wanted, Wanted::By(_)) || asked.writes() {
            continue;
        }
        let Unseen { acked, seen, own } = attempt.unseen;
        reads.stale += u64::from(acked);
        reads.back_in_time += u64::from(seen);
        reads.without_own += u64::from(own);
    }
    reads
}
