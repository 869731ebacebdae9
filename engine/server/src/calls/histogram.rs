//! How long calls took: counts in buckets that grow with the time, two decimal digits exact.
//!
//! The buckets are those of an HDR histogram (Gil Tene) from 1 ns to 1 s with two significant digits:
//! up to 255 ns each nanosecond has its own, and every doubling above has 128. Any thread may count and
//! read; counts are relaxed, since they order nothing.

use std::sync::atomic::{AtomicU64, Ordering};

/// Times below are exact.
const EXACT_NS: u64 = 256;
/// Buckets of every doubling above.
const PER_DOUBLING: u64 = 128;
/// Longer times count as this one.
pub const LONGEST_NS: u64 = 1_000_000_000;
const BUCKETS: usize = bucket(LONGEST_NS) + 1;

/// Counts of times.
#[derive(Debug)]
pub struct Histogram {
    counts: Box<[AtomicU64]>,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Histogram {
    /// Counts a time that `count` calls took each.
    pub fn record(&self, took_ns: u64, count: u64) {
        let bucket = bucket(took_ns.min(LONGEST_NS));
        self.counts[bucket].fetch_add(count, Ordering::Relaxed);
    }

    /// Adds the counts of another.
    pub fn add(&self, other: &Histogram) {
        for (own, more) in self.counts.iter().zip(&other.counts) {
            let more = more.load(Ordering::Relaxed);
            if more > 0 {
                own.fetch_add(more, Ordering::Relaxed);
            }
        }
    }

    /// Forgets all.
    pub fn clear(&self) {
        for count in &self.counts {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// How many times were counted.
    pub fn total(&self) -> u64 {
        self.counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }

    /// The time, in nanoseconds, that `percent` of all did not exceed: the longest of its bucket.
    pub fn percentile(&self, percent: f64) -> u64 {
        let wanted = (percent / 100.0 * self.total() as f64 + 0.5) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count.load(Ordering::Relaxed);
            if seen >= wanted.max(1) {
                return longest_of(bucket);
            }
        }
        0
    }

    /// How many took at most so long, by doublings from 1,024 ns, where the number grows: the longest
    /// time of the bucket in whole microseconds, and the number.
    pub fn cumulative(&self) -> Vec<(u64, u64)> {
        let total = self.total();
        let (mut level, mut next, mut seen) = (1024, 0, 0);
        let mut steps = Vec::new();
        while seen < total {
            let last = bucket(level.min(LONGEST_NS));
            let counts = self.counts[next..=last].iter();
            let more: u64 = counts.map(|count| count.load(Ordering::Relaxed)).sum();
            next = last + 1;
            seen += more;
            if more > 0 {
                steps.push((longest_of(last) / 1000, seen));
            }
            if level >= LONGEST_NS {
                break;
            }
            level *= 2;
        }
        steps
    }
}

const fn bucket(ns: u64) -> usize {
    if ns < EXACT_NS {
        return ns as usize;
    }
    let exponent = ns.ilog2() as u64;
    let within = (ns >> (exponent - 7)) - PER_DOUBLING;
    (EXACT_NS + (exponent - 8) * PER_DOUBLING + within) as usize
}

const fn longest_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT_NS {
        return bucket;
    }
    let above = bucket - EXACT_NS;
    let shift = above / PER_DOUBLING + 1;
    ((above % PER_DOUBLING + PER_DOUBLING + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_times_that_differ_by_less_than_a_hundredth() {
        let mut last = 0;
        for ns in (0..2000)
            .chain((1..1000).map(|k| k * 999_983))
            .chain([LONGEST_NS])
        {
            let at = bucket(ns);
            assert!(at >= last && at < BUCKETS, "{ns}");
            last = at;
            let longest = longest_of(at);
            assert!(longest >= ns && longest - ns <= ns / 127, "{ns} {longest}");
            assert_eq!(bucket(longest), at);
            assert_eq!(bucket(longest + 1), at + 1);
        }
    }

    #[test]
    fn percentiles_are_the_longest_of_their_bucket() {
        let histogram = Histogram::default();
        assert_eq!(histogram.percentile(50.0), 0);
        for us in 1..=100 {
            histogram.record(us * 1000, 1);
        }
        // As a real server shows them: 211 us stand as 211.967.
        assert_eq!(longest_of(bucket(211_000)), 211_967);
        assert_eq!(histogram.percentile(50.0), 50_175);
        assert_eq!(histogram.percentile(100.0), longest_of(bucket(100_000)));
        assert_eq!(histogram.percentile(0.0), longest_of(bucket(1000)));
        histogram.record(u64::MAX, 1);
        assert_eq!(histogram.percentile(100.0), longest_of(bucket(LONGEST_NS)));
    }

    #[test]
    fn cumulative_counts_double() {
        let histogram = Histogram::default();
        for us in [1, 3, 30, 33, 200] {
            histogram.record(us * 1000, 1);
        }
        assert_eq!(histogram.cumulative(), [(1, 1), (4, 2), (33, 4), (264, 5)]);
        let sum = Histogram::default();
        sum.add(&histogram);
        sum.add(&histogram);
        assert_eq!(sum.cumulative(), [(1, 2), (4, 4), (33, 8), (264, 10)]);
        sum.clear();
        assert_eq!(sum.total(), 0);
    }
}
