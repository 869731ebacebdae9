//! How much of a trace passes before anything counts.

use std::fmt;
use std::str::FromStr;

use seawall_workloads::trace::Outline;

/// The first requests of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Warmup {
    /// So many.
    Requests(usize),
    /// So many percent.
    Percent(f64),
}

impl Warmup {
    /// How many these are of `trace`.
    pub(super) fn of(self, trace: &Outline) -> usize {
        match self {
            Warmup::Requests(requests) => requests,
            Warmup::Percent(percent) => (trace.requests() as f64 * percent / 100.0) as usize,
        }
    }
}

impl FromStr for Warmup {
    type Err = String;

    fn from_str(text: &str) -> Result<Warmup, String> {
        let is_plain = text.starts_with(|first: char| first.is_ascii_digit());
        let warmup = match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().map(Warmup::Percent),
            None => text.parse().ok().map(Warmup::Requests),
        };
        let is_share = |warmup: &Warmup| match warmup {
            Warmup::Requests(_) => true,
            Warmup::Percent(percent) => (0.0..100.0).contains(percent),
        };
        warmup.filter(is_share).filter(|_| is_plain).ok_or_else(|| {
            format!("'{text}' is not a warm-up; accepted: a count of requests (100000), a share below 100% (20%)")
        })
    }
}

impl fmt::Display for Warmup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warmup::Requests(requests) => requests.fmt(f),
            Warmup::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}
