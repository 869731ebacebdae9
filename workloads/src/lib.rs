//! Workloads: seeded streams of operations, the distributions behind them, and traces.
//!
//! One file per workload, its presets (numbers with their sources) as TOML in `presets/`. Same seed,
//! same stream, on every machine. A workload *verifies*: it is shown every reply, and a wrong answer
//! ends the run.
//!
//! ```
//! let mut load = seawall_workloads::build("cache-aside:keys=1000:zipf=0.99", 7, 0, 1)?;
//! let op = load.preload().expect("there is data to load first");
//! assert_eq!(op.command().name, "set");
//! # Ok::<(), seawall_workloads::WorkloadError>(())
//! ```

pub mod cache_aside;
mod catalog;
pub mod database;
pub mod dist;
pub mod geo;
pub mod leaderboard;
pub mod places;
pub mod plain;
pub mod preset;
mod ranking;
pub mod removal;
pub mod rows;
mod sealed;
pub mod session;
pub mod settings;
mod sighting;

pub mod trace;

use std::fmt::{self, Write as _};

use seawall_store::{Op, Reply};

pub use catalog::{Build, Definition, Part, WORKLOADS, build, find};
pub use settings::{Param, Preset, Settings, WorkloadError};

/// A seeded stream of operations that looks at the replies.
///
/// A driver first sends all of [`Workload::preload`], then calls [`Workload::next`] and shows each
/// reply to [`Workload::observe`], in the order in which the ops were given. Several ops may be under
/// way at once.
///
/// A workload keeps a model of what its ops must have done and applies an op to it when its *reply* is
/// observed. So the order of observation is all that counts, however many ops are under way.
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

    /// No reply to `op` came and none will: it was applied or not. What it would have changed is
    /// unknown from here on, until a reply tells.
    fn unanswered(&mut self, op: &Op);

    /// The mean length of a value that is read, in bytes, where the workload has one: what an echo
    /// server answers with.
    fn value_bytes_mean(&self) -> Option<f64> {
        None
    }

    /// What is there when all is loaded, and stays as much while ops are sent; `None` where that changes.
    fn stock(&self) -> Option<Stock> {
        None
    }

    /// What the workload asked of its backing database, where it has one.
    fn database(&self) -> Option<database::Counts> {
        None
    }
}

/// Items, and the bytes that are theirs: key and value, or member and what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// How many there are.
    pub items: u64,
    /// The bytes of all of them together.
    pub bytes: u64,
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

impl Mismatch {
    /// `reply` to `op` is wrong. Long values are cut.
    pub fn new(op: &Op, reply: &Reply, why: impl Into<String>) -> Mismatch {
        Mismatch {
            op: shown(op),
            reply: shown(reply),
            why: why.into(),
        }
    }
}

/// The beginning of what `thing` looks like.
fn shown(thing: &impl fmt::Debug) -> String {
    let mut text = Cut(String::new());
    // Only a text that is full refuses more.
    let whole = write!(text, "{thing:?}").is_ok();
    text.0 + if whole { "" } else { "…" }
}

/// A text of 200 bytes at most.
struct Cut(String);

impl fmt::Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        const SHOWN: usize = 200;
        let room = SHOWN - self.0.len();
        if more.len() <= room {
            self.0.push_str(more);
            return Ok(());
        }
        self.0.push_str(&more[..more.floor_char_boundary(room)]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shown(&"k"), "\"k\"");
        let long = shown(&"é".repeat(300));
        assert_eq!(long, format!("\"{}…", "é".repeat(99)));
    }
}
