//! What a configuration claims of a server's end: words and bounds that follow from its settings alone.

use serde_json::{Map, Value};

use crate::cell::{loses_power, shown};
use crate::number::time_ms;
use crate::page::persistence::{has_log, has_snapshots};

/// What an interval is where nothing is said, as Redis's `everysec` has it.
const INTERVAL_MS: f64 = 1_000.0;

/// How many changes a second there are at least: the witness alone makes more.
const CHANGES_PER_S: f64 = 100.0;

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
    /// What came after the last snapshot is; where one is made every so many milliseconds, that is.
    SinceSnapshot(Option<f64>),
    /// All is.
    Everything,
}

impl Claim {
    pub(super) fn of(settings: &Map<String, Value>, end: End) -> Claim {
        match (has_log(settings), end) {
            // What was given to the system before it was acknowledged outlives the process, however it syncs.
            (true, End::Kill) => Claim::Nothing,
            (true, End::Power) => Claim::of_log(settings),
            (false, _) if has_snapshots(settings) => Claim::SinceSnapshot(interval_ms(settings)),
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
            Claim::SinceSnapshot(_) => {
                let words = "what came after the last snapshot";
                let bound = self.bound_ms();
                bound.map_or(words.into(), |ms| {
                    format!("{words}, {} at most", time_ms(ms))
                })
            }
            Claim::Everything => "everything".into(),
        }
    }

    /// The oldest that may be lost, in milliseconds, where there is a bound.
    pub(super) fn bound_ms(self) -> Option<f64> {
        match self {
            Claim::Nothing => Some(0.0),
            Claim::Younger(ms) => Some(ms),
            // A snapshot has what was there when it began, and counts when it is done; the time to the next begins then.
            // So what two of them take is added, each half of that time: whose snapshots take longer makes fewer.
            Claim::SinceSnapshot(interval_ms) => interval_ms.map(|ms| 2.0 * ms),
            Claim::Unwritten | Claim::Everything => None,
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

/// How often `save` has a snapshot made, where so many changes as it asks for are certain.
fn interval_ms(settings: &Map<String, Value>) -> Option<f64> {
    let save = settings.get("save").map(shown)?;
    let numbers: Vec<f64> = save
        .split_ascii_whitespace()
        .map(|word| word.parse().ok())
        .collect::<Option<_>>()?;
    numbers
        .chunks_exact(2)
        .filter(|pair| pair[1] <= CHANGES_PER_S * pair[0])
        .map(|pair| 1e3 * pair[0])
        .min_by(f64::total_cmp)
}
