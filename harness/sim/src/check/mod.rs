//! Checkers: each looks at one thing that a strategy may claim, in what a run left behind.
//!
//! A violation is where the observed contradicts the claim. Weakness is no violation: a strategy that
//! promises nothing may lose everything.

mod answered;
mod availability;
mod convergence;
pub(crate) mod cost;
mod database;
mod hit_ratio;
mod latency;
mod linearizable;
mod lost_writes;
mod progress;
mod recovery;
mod session;
mod surviving_state;

pub(crate) use answered::answered_per_s;
pub(crate) use availability::unavailable_ms;
pub(crate) use convergence::differing_copies;
pub(crate) use cost::{
    backup_usd_per_month, region_usd_per_month, usd_per_million_ops, usd_per_month,
};
pub(crate) use database::{db_peak_over_steady, steady_per_s};
pub(crate) use hit_ratio::hit_ratio_min;
pub(crate) use latency::phases;
pub(crate) use linearizable::not_linearizable;
pub(crate) use lost_writes::lost_writes;
pub(crate) use progress::silent_shards;
pub(crate) use recovery::recovery_ms;
pub(crate) use session::Reads;
pub(crate) use surviving_state::differences;

use crate::world::{WINDOW_MS, Window};

/// The dates that divide a run, in ms.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "names carry units")]
pub(crate) struct Phases {
    /// From when on figures count.
    pub(crate) warm_ms: u64,
    /// When the fault happens.
    pub(crate) fault_ms: u64,
    /// When clients stop.
    pub(crate) end_ms: u64,
}

/// The sums of whole seconds of windows, from `from_ms` on and ending at `to_ms` at the latest.
pub(crate) fn seconds(windows: &[Window], from_ms: u64, to_ms: u64) -> Vec<Window> {
    let at = |ms: u64| (ms / WINDOW_MS) as usize;
    let windows = &windows[at(from_ms).min(windows.len())..at(to_ms).min(windows.len())];
    windows
        .chunks_exact((1000 / WINDOW_MS) as usize)
        .map(|second| {
            second.iter().fold(Window::default(), |sum, window| Window {
                answered: sum.answered + window.answered,
                failed: sum.failed + window.failed,
                hits: sum.hits + window.hits,
                misses: sum.misses + window.misses,
                database_reads: sum.database_reads + window.database_reads,
            })
        })
        .collect()
}

impl Window {
    /// Hits over lookups; a window without lookups missed nothing.
    fn hit_ratio(&self) -> f64 {
        let lookups = self.hits + self.misses;
        if lookups == 0 {
            1.0
        } else {
            self.hits as f64 / lookups as f64
        }
    }

    /// Ops given up over all that ended.
    fn error_ratio(&self) -> f64 {
        let ended = self.answered + self.failed;
        if ended == 0 {
            0.0
        } else {
            self.failed as f64 / ended as f64
        }
    }
}
