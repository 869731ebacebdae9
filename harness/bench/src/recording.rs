//! What a client saw while the clock ran: a latency of each op, and how many were refused.
//!
//! Each client records alone and recordings are added up afterwards, so nothing is shared while
//! measuring.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};
use seawall_report::row::LatencyUs;

use crate::timeline::Timeline;

/// The longest latency that is told apart: one hour. A longer one counts as this.
pub(crate) const LATENCY_NS_MAX: u64 = 3_600_000_000_000;

/// Latencies in nanoseconds to three digits, and counts.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    latency_ns: Histogram<u64>,
    errors: u64,
    /// How late ops of an open loop were begun, by fault of the driver alone.
    late_ns: Histogram<u64>,
    /// How many of the latencies are of ops that had no reply when the clock stopped.
    unfinished: u64,
    /// Bytes of keys, values and other arguments of the ops that write, as they were begun.
    payload_bytes: u64,
    /// Latencies by time, where that is wanted.
    timeline: Option<Timeline>,
}

impl Recording {
    /// Nothing seen yet; with a time line of slices of this length, where one is wanted.
    pub(crate) fn new(slice: Option<Duration>) -> Recording {
        let empty = Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3);
        let empty = empty.expect("the bounds are in order and the digits are few");
        Recording {
            late_ns: empty.clone(),
            latency_ns: empty,
            errors: 0,
            unfinished: 0,
            payload_bytes: 0,
            timeline: slice.map(Timeline::new),
        }
    }

    /// The clock starts.
    pub(crate) fn begin(&mut self, at: Instant) {
        if let Some(timeline) = &mut self.timeline {
            timeline.begin(at);
        }
    }

    /// Counts an op that took `latency` and ended `at`.
    pub(crate) fn record(&mut self, at: Instant, latency: Duration, refused: bool) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(LATENCY_NS_MAX);
        self.latency_ns.saturating_record(ns);
        self.errors += u64::from(refused);
        if let Some(timeline) = &mut self.timeline {
            timeline.record(at, ns);
        }
    }

    /// Counts an op that writes so many bytes.
    pub(crate) fn writes(&mut self, bytes: u64) {
        self.payload_bytes += bytes;
    }

    /// Bytes of the arguments of all ops that write.
    pub(crate) fn payload_bytes(&self) -> u64 {
        self.payload_bytes
    }

    /// Counts an op of an open loop that was begun so late.
    pub(crate) fn late(&mut self, late: Duration) {
        let ns = u64::try_from(late.as_nanos()).unwrap_or(LATENCY_NS_MAX);
        self.late_ns.saturating_record(ns);
    }

    /// A quantile of how late ops of an open loop were begun.
    pub(crate) fn late_at(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.late_ns.value_at_quantile(quantile))
    }

    /// A quantile of latency.
    pub(crate) fn latency_at(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.latency_ns.value_at_quantile(quantile))
    }

    /// Counts an op that had no reply after `latency`, when the clock stopped.
    pub(crate) fn give_up(&mut self, at: Instant, latency: Duration) {
        self.record(at, latency, false);
        self.unfinished += 1;
    }

    /// Adds what another client saw.
    pub(crate) fn add(&mut self, other: &Recording) {
        self.latency_ns
            .add(&other.latency_ns)
            .expect("all recordings have the same bounds");
        self.late_ns
            .add(&other.late_ns)
            .expect("all recordings have the same bounds");
        self.errors += other.errors;
        self.unfinished += other.unfinished;
        self.payload_bytes += other.payload_bytes;
        if let (Some(own), Some(other)) = (&mut self.timeline, &other.timeline) {
            own.add(other);
        }
    }

    /// How many ops were answered.
    pub(crate) fn ops(&self) -> u64 {
        self.latency_ns.len() - self.unfinished
    }

    /// How many ops took longer, those that had no reply in that time among them.
    pub(crate) fn ops_over(&self, latency: Duration) -> u64 {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(LATENCY_NS_MAX);
        self.latency_ns.count_between(ns + 1, u64::MAX)
    }

    /// How many ops had no reply when the clock stopped.
    pub(crate) fn unfinished(&self) -> u64 {
        self.unfinished
    }

    /// Latencies by time, where that was wanted.
    pub(crate) fn timeline(&self) -> Option<&Timeline> {
        self.timeline.as_ref()
    }

    /// How many of them were refused.
    pub(crate) fn errors(&self) -> u64 {
        self.errors
    }

    /// Percentiles.
    pub(crate) fn latency_us(&self) -> LatencyUs {
        let at = |quantile| self.latency_ns.value_at_quantile(quantile) as f64 / 1e3;
        LatencyUs {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.latency_ns.max() as f64 / 1e3,
        }
    }

    /// The whole distribution, in HDR's V2 form as base64.
    pub(crate) fn histogram_base64(&self) -> String {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&self.latency_ns, &mut bytes)
            .expect("memory takes a histogram of these bounds");
        STANDARD.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::serialization::Deserializer;

    #[test]
    fn the_text_form_holds_the_distribution() {
        let mut one = Recording::new(None);
        let mut two = Recording::new(None);
        for us in 1..=1000 {
            let to = if us % 2 == 0 { &mut one } else { &mut two };
            to.record(Instant::now(), Duration::from_micros(us), us == 7);
        }
        one.add(&two);
        assert_eq!((one.ops(), one.errors()), (1000, 1));
        let latency = one.latency_us();
        assert!((latency.p50 - 500.0).abs() < 1.0, "{latency:?}");
        assert!((latency.p99 - 990.0).abs() < 1.0, "{latency:?}");
        let bytes = STANDARD.decode(one.histogram_base64()).expect("base64");
        let back: Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .expect("a histogram");
        assert_eq!(back, one.latency_ns);
    }

    #[test]
    fn absurd_latencies_are_kept_within_bounds() {
        let mut recording = Recording::new(None);
        recording.record(Instant::now(), Duration::ZERO, false);
        recording.record(Instant::now(), Duration::MAX, false);
        recording.give_up(Instant::now(), Duration::MAX);
        assert_eq!((recording.ops(), recording.unfinished()), (2, 1));
        assert!(recording.latency_us().max >= 3.59e9);
    }
}
