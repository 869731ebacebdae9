//! The latency monitor: for each event that took long, the last times.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use seawall_store::Millis;

use crate::config::Settings;

/// Samples that are kept of each event.
const SAMPLES_MAX: usize = 160;

/// The longest in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When, in Unix seconds.
    pub at_s: u64,
    /// How long, in milliseconds.
    pub took_ms: u64,
}

/// What is known of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// The last samples, the oldest first.
    pub samples: VecDeque<Sample>,
    /// The longest of all, in milliseconds.
    pub longest_ms: u64,
}

/// Events that took long.
#[derive(Debug, Default)]
pub struct Latency {
    /// From how many milliseconds on; 0: never.
    threshold_ms: AtomicU64,
    events: Mutex<BTreeMap<&'static str, Series>>,
}

impl Latency {
    /// Follows what the parameters say.
    pub fn follow(&self, settings: &Settings) {
        let threshold = settings.number("latency-monitor-threshold");
        self.threshold_ms.store(threshold, Ordering::Relaxed);
    }

    /// From how many milliseconds on an event is kept; 0: none is.
    pub fn threshold_ms(&self) -> u64 {
        self.threshold_ms.load(Ordering::Relaxed)
    }

    /// An event took so long: it is kept where that is long.
    pub fn observe(&self, event: &'static str, took_ms: u64, now: Millis) {
        let threshold = self.threshold_ms();
        if threshold == 0 || took_ms < threshold {
            return;
        }
        let mut events = self.lock();
        let series = events.entry(event).or_default();
        series.longest_ms = series.longest_ms.max(took_ms);
        let at_s = now.0 / 1000;
        match series.samples.back_mut() {
            Some(last) if last.at_s == at_s => last.took_ms = last.took_ms.max(took_ms),
            _ => {
                if series.samples.len() == SAMPLES_MAX {
                    series.samples.pop_front();
                }
                series.samples.push_back(Sample { at_s, took_ms });
            }
        }
    }

    /// Every event of which something is known.
    pub fn all(&self) -> Vec<(&'static str, Series)> {
        let events = self.lock();
        events
            .iter()
            .map(|(event, series)| (*event, series.clone()))
            .collect()
    }

    /// What is known of an event.
    pub fn of(&self, event: &[u8]) -> Option<(&'static str, Series)> {
        let events = self.lock();
        let mut known = events.iter();
        let found = known.find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(event));
        found.map(|(name, series)| (*name, series.clone()))
    }

    /// Forgets these events, or all where none is named; how many were known.
    pub fn reset<'a>(&self, events: impl ExactSizeIterator<Item = &'a [u8]>) -> usize {
        let mut known = self.lock();
        let before = known.len();
        if events.len() == 0 {
            known.clear();
        }
        for event in events {
            known.retain(|name, _| !name.as_bytes().eq_ignore_ascii_case(event));
        }
        before - known.len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Series>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_longest_of_each_second() {
        let mut settings = Settings::default();
        settings.assign("latency-monitor-threshold=10").unwrap();
        let latency = Latency::default();
        latency.observe("command", 50, Millis(1000));
        assert!(latency.all().is_empty());
        latency.follow(&settings);
        for (took, at) in [(9, 1000), (10, 1000), (30, 1500), (20, 1999), (15, 2000)] {
            latency.observe("command", took, Millis(at));
        }
        let (_, series) = latency.of(b"COMMAND").unwrap();
        let samples: Vec<_> = series.samples.iter().map(|s| (s.at_s, s.took_ms)).collect();
        assert_eq!((samples, series.longest_ms), (vec![(1, 30), (2, 15)], 30));
        for second in 3..1000 {
            latency.observe("command", 10, Millis(second * 1000));
        }
        assert_eq!(latency.of(b"command").unwrap().1.samples.len(), SAMPLES_MAX);
        assert_eq!(latency.reset([b"nosuch".as_slice()].into_iter()), 0);
        assert_eq!(latency.reset([].into_iter()), 1);
    }
}
