//! Drives targets with workloads, measures, writes rows.
//!
//! ```text
//!  [[bench]] of a suite ──► Comparison ──► bouts of cells, interleaved (A B B A …)
//!                                            │
//!          target ◄── drive ◄────────────────┤  threads, each with lanes of ops, a workload a lane;
//!                          │                 │  closed loop, or open loop at a rate
//!                          ▼                 ▼
//!                      Recording ────────► BenchRow ──► Journal (rows.jsonl, one line at once)
//! ```
//!
//! What is compared runs interleaved, since a machine is never equally quiet for long; what was
//! finished is on disk before the next cell begins, since machines also fail. This crate decides
//! nothing about how rows are shown, and knows no trace and no simulation.

pub mod bout;
pub mod cell;
pub mod comparison;
mod cost;
mod drive;
mod gap;
pub mod journal;
mod recording;
mod remote;
mod saving;
pub mod service;
pub mod setting;
pub mod source;
pub mod target;
mod timeline;
mod verdict;
mod wire;

pub use bout::Bout;
pub use cell::{Cell, Length};
pub use comparison::{Circumstances, Comparison};
pub use drive::Arrivals;
pub use journal::Journal;
pub use setting::{Configuration, Filling, SETTINGS, Scalar, Setting};
pub use source::{Source, SourceError};
pub use target::{TARGETS, Target, TargetError, TargetSpec, abandon, sweep};

/// The field of a row that says what its reader must know: a fallback that was taken.
pub const NOTICE: &str = "notice";

/// The field of a row whose figures are not the target's: why.
pub const INVALID: &str = "invalid";

/// The field of a row whose figures others disturbed: who.
pub const DISTURBED: &str = "disturbed";

/// How names of folders begin that a cell makes for itself, and removes unless it is killed.
pub const SCRATCH_PREFIX: &str = ".log-";

/// Why a cell gave no row.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The workload's text names no workload, or gives it a parameter that it refuses.
    #[error("workload `{workload}`: {why}")]
    Workload {
        /// As given.
        workload: String,
        /// What is wrong, and what is accepted.
        why: String,
    },
    /// The target could not be opened or broke while it was driven.
    #[error("target `{target}`: {why}")]
    Target {
        /// The target, as given.
        target: String,
        /// What went wrong.
        why: String,
    },
    /// A reply was wrong.
    #[error("target `{target}`, workload `{workload}`: {mismatch}")]
    Mismatch {
        /// The target, as given.
        target: String,
        /// The workload as given.
        workload: String,
        /// The op, the reply, and what would have been right.
        mismatch: seawall_workloads::Mismatch,
    },
    /// Nothing was completed while the clock ran.
    #[error("target `{target}`, workload `{workload}`: no op finished in the measured time")]
    Nothing {
        /// The target, as given.
        target: String,
        /// The workload as given.
        workload: String,
    },
}
