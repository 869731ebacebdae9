//! What a configuration claims of a server's end: words and bounds that follow from its settings alone.

use serde_json::{Map, Value};

use crate::cell::{loses_power, shown};
use crate::number::time_ms;
use crate::page::persistence::{has_log, has_snapshots};

/// What an interval is where nothing is said, as Redis's `everysec` has it.
const INTERVAL_MS: f64 = 1_000.0;

/// How much older than its claim a loss may be: a sync takes its time, and a thread may be woken late.
pub(super) const LATE_MS: f64 = 250.0;

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By `SIGKILL`.
    Kill,
    /// By the loss of all that was not synced.
    Power,
}

impl End {
    pub(super) fn of(settings: &Map<String, Value>) -> End {
        if loses_power(settings) {
            End::Power
        } else {
            End::Kill
        }
    }
}

/// What a configuration claims.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Claim {
    /// Nothing that was acknowledged is lost.
    Nothing,
    /// What is younger than so many milliseconds is, and what comes while a sync is under way.
    Younger(f64),
    /// What the system had not written by itself is.
    Unwritten,
    /// What came after the last snapshot is.
    SinceSnapshot,
    /// All is.
    Everything,
}

impl Claim {
    pub(super) fn of(settings: &Map<String, Value>, end: End) -> Claim {
        match (has_log(settings), end) {
            // What was given to the system before it was acknowledged outlives the process, however it syncs.
            (true, End::Kill) => Claim::Nothing,
            (true, End::Power) => Claim::of_log(settings),
            (false, _) if has_snapshots(settings) => Claim::SinceSnapshot,
            (false, _) => Claim::Everything,
        }
    }

    /// Of a log that the disk may not have.
    fn of_log(settings: &Map<String, Value>) -> Claim {
        let fsync = settings.get("appendfsync").map(shown);
        let fsync = fsync.as_deref().unwrap_or("everysec");
        match fsync.split_once(":ms=") {
            _ if fsync == "always" => Claim::Nothing,
            _ if fsync == "no" || fsync == "false" => Claim::Unwritten,
            Some((_, ms)) => Claim::Younger(ms.parse().unwrap_or(INTERVAL_MS)),
            None => Claim::Younger(INTERVAL_MS),
        }
    }

    pub(super) fn words(self) -> String {
        match self {
            Claim::Nothing => "nothing".into(),
            Claim::Younger(ms) => format!("what is younger than {}", time_ms(ms)),
            Claim::Unwritten => "what the system had not written by itself".into(),
            Claim::SinceSnapshot => "what came after the last snapshot".into(),
            Claim::Everything => "everything".into(),
        }
    }

    /// The oldest that may be lost, in milliseconds, where there is a bound.
    pub(super) fn bound_ms(self) -> Option<f64> {
        match self {
            Claim::Nothing => Some(0.0),
            Claim::Younger(ms) => Some(ms),
            Claim::Unwritten | Claim::SinceSnapshot | Claim::Everything => None,
        }
    }

    /// Whether a loss of so many writes, the oldest of which was so old, is within it.
    pub(super) fn covers(self, lost: f64, oldest_ms: f64) -> bool {
        match self.bound_ms() {
            None => true,
            Some(0.0) => lost == 0.0,
            Some(ms) => oldest_ms <= ms + LATE_MS,
        }
    }
}
