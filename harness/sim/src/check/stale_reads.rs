//! Stale reads: a client was given an answer from a state that lacks the newest write of the key that had
//! been acknowledged before the read began.
//!
//! Decided when the read is executed, by the lineage of the node that executes it.

use crate::history::{History, Wanted};

/// How many answers clients accepted that were stale.
pub(crate) fn stale_reads(history: &History) -> u64 {
    let accepted = |op: u32| {
        let asked = &history.ops[op as usize];
        matches!(asked.wanted, Wanted::By(_)) && !asked.writes()
    };
    let stale = history
        .attempts
        .iter()
        .filter(|a| a.stale && a.answered && accepted(a.op));
    stale.count() as u64
}
