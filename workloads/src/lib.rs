//! Workloads: seeded streams of operations, the distributions behind them, and traces.
//!
//! One file per workload. Same seed, same stream, on every machine. A workload *verifies*: it is
//! shown every reply, and a wrong answer ends the run.

pub mod trace;

use seawall_store::{Op, Reply};

/// A seeded stream of operations that looks at the replies.
///
/// A driver first sends all of [`Workload::preload`], then calls [`Workload::next`] and shows each
/// reply to [`Workload::observe`], in the order in which the ops were given. Several ops may be under
/// way at once.
pub trait Workload: Send {
    /// The next op of the data that is there before measurement; `None` when all is loaded.
    fn preload(&mut self) -> Option<Op>;

    /// The next op.
    fn next(&mut self) -> Op;

    /// The reply to `op`. This is how a cache-aside workload fills on a miss.
    ///
    /// # Errors
    /// The reply is wrong: the run ends.
    fn observe(&mut self, op: &Op, reply: &Reply) -> Result<(), Mismatch>;
}

/// A reply that cannot be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("wrong reply to {op}: {reply} ({why})")]
pub struct Mismatch {
    /// The op.
    pub op: String,
    /// What came back.
    pub reply: String,
    /// What would have been right.
    pub why: String,
}
