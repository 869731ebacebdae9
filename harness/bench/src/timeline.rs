//! A time line: latency by slices of time, and when the target was writing a snapshot.
//!
//! The one idea: a percentile of a whole run hides what happens in a tenth of it. So latencies are kept by the slice in
//! which their ops ended, and the slices in which a snapshot was being written are put beside the others. A line has as
//! many slices as a picture can show: of a longer time they are longer.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::recording::LATENCY_NS_MAX;

/// The most slices: where a line would have more, they become twice as long. An even number, so that two make one.
pub(crate) const SLICES_MAX: usize = 2_000;

/// Latencies in nanoseconds to two digits, by time.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    slice: Duration,
    /// When the first slice begins.
    begun: Option<Instant>,
    slices: Vec<Option<Histogram<u32>>>,
}

impl Timeline {
    /// An empty one, of slices of this length.
    pub(crate) fn new(slice: Duration) -> Timeline {
        Timeline {
            slice,
            begun: None,
            slices: Vec::new(),
        }
    }

    /// The clock starts.
    pub(crate) fn begin(&mut self, at: Instant) {
        self.begun.get_or_insert(at);
    }

    /// Counts an op that ended `at`.
    pub(crate) fn record(&mut self, at: Instant, ns: u64) {
        let Some(begun) = self.begun else { return };
        let time = at.saturating_duration_since(begun).as_nanos();
        while time / self.slice.as_nanos() >= SLICES_MAX as u128 {
            self.coarsen();
        }
        let number = (time / self.slice.as_nanos()) as usize;
        if self.slices.len() <= number {
            self.slices.resize(number + 1, None);
        }
        let slice = self.slices[number].get_or_insert_with(empty);
        slice.saturating_record(ns);
    }

    /// Adds what another client saw at the same time.
    pub(crate) fn add(&mut self, other: &Timeline) {
        while self.slice < other.slice {
            self.coarsen();
        }
        let mut other = other.clone();
        while other.slice < self.slice {
            other.coarsen();
        }
        if self.slices.len() < other.slices.len() {
            self.slices.resize(other.slices.len(), None);
        }
        for (own, other) in self.slices.iter_mut().zip(&other.slices) {
            if let Some(other) = other {
                let own = own.get_or_insert_with(empty);
                own.add(other).expect("all slices have the same bounds");
            }
        }
    }

    /// Makes one slice of two.
    fn coarsen(&mut self) {
        self.slice *= 2;
        let pairs = self.slices.chunks(2);
        self.slices = pairs
            .map(|pair| {
                let mut slices = pair.iter().flatten();
                let mut sum = slices.next()?.clone();
                for slice in slices {
                    sum.add(slice).expect("all slices have the same bounds");
                }
                Some(sum)
            })
            .collect();
    }

    /// How many ops a second there were in the middle one of those slices, by their number of ops, in which no snapshot
    /// was being written.
    pub(crate) fn steady_ops_per_s(&self, saving: &[(Duration, Duration)]) -> Option<f64> {
        // The clock stops in the midst of the last.
        let whole = self.slices.len().saturating_sub(1);
        let slices = (0_u32..).zip(&self.slices[..whole]);
        let free = slices.filter(|(number, _)| !self.is_in(*number, saving));
        let mut ops: Vec<u64> = free
            .map(|(_, slice)| slice.as_ref().map_or(0, Histogram::len))
            .collect();
        ops.sort_unstable();
        let middle = ops.get(ops.len() / 2)?;
        Some(*middle as f64 / self.slice.as_secs_f64())
    }

    /// When, from the start, the first of three slices ended that followed each other and had so many ops a second, or
    /// more.
    pub(crate) fn reached(&self, ops_per_s: f64) -> Option<Duration> {
        let wanted = ops_per_s * self.slice.as_secs_f64();
        let has_enough = |slice: &Option<Histogram<u32>>| {
            slice
                .as_ref()
                .is_some_and(|slice| slice.len() as f64 >= wanted)
        };
        let first = (self.slices.windows(3)).position(|slices| slices.iter().all(has_enough))?;
        Some(self.slice * (u32::try_from(first).ok()? + 1))
    }

    /// Whether a snapshot was being written in slice `number`.
    fn is_in(&self, number: u32, saving: &[(Duration, Duration)]) -> bool {
        let (from, to) = (self.slice * number, self.slice * (number + 1));
        (saving.iter()).any(|(begun, ended)| *begun < to && *ended > from)
    }

    /// The line as a row keeps it, with the times from the start in which a snapshot was being written: percentiles of
    /// each slice in µs, and of the slices with a snapshot in them, without one, and before the first.
    pub(crate) fn to_json(&self, saving: &[(Duration, Duration)]) -> Value {
        let us = |slice: &Histogram<u32>, quantile| slice.value_at_quantile(quantile) as f64 / 1e3;
        let each = |quantile: f64| -> Value {
            let of =
                |slice: &Option<Histogram<u32>>| slice.as_ref().map(|slice| us(slice, quantile));
            self.slices.iter().map(of).collect()
        };
        let (mut with, mut without, mut before) = (empty(), empty(), empty());
        let first = saving.first().map(|(begun, _)| *begun);
        for (number, slice) in (0_u32..).zip(&self.slices) {
            let Some(slice) = slice else { continue };
            let add = |to: &mut Histogram<u32>| {
                to.add(slice).expect("all slices have the same bounds");
            };
            if self.is_in(number, saving) {
                add(&mut with);
            } else {
                add(&mut without);
                if first.is_some_and(|first| self.slice * (number + 1) <= first) {
                    add(&mut before);
                }
            }
        }
        let whole = |of: &Histogram<u32>| match of.len() {
            0 => Value::Null,
            ops => json!({
                "ops": ops,
                "p50": us(of, 0.5),
                "p99": us(of, 0.99),
                "p999": us(of, 0.999),
                "max": of.max() as f64 / 1e3,
            }),
        };
        let ms = |time: &Duration| time.as_secs_f64() * 1e3;
        json!({
            "slice_ms": ms(&self.slice),
            "p50": each(0.5),
            "p99": each(0.99),
            "p999": each(0.999),
            "max": each(1.0),
            "saving_ms": saving.iter().map(|(from, to)| [ms(from), ms(to)]).collect::<Vec<_>>(),
            "while_saving": whole(&with),
            "while_not": whole(&without),
            "before_saving": whole(&before),
        })
    }
}

fn empty() -> Histogram<u32> {
    let empty = Histogram::new_with_bounds(1, LATENCY_NS_MAX, 2);
    empty.expect("the bounds are in order and the digits are few")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_op_counts_in_the_slice_in_which_it_ended() {
        let ms = Duration::from_millis;
        let begin = Instant::now();
        let mut line = Timeline::new(ms(100));
        line.record(begin, 1);
        line.begin(begin);
        let mut other = line.clone();
        for n in 0..1000 {
            line.record(begin + ms(n), 1_000);
            // Slow while a snapshot is written.
            other.record(
                begin + ms(n),
                if (400..600).contains(&n) {
                    900_000
                } else {
                    2_000
                },
            );
        }
        line.add(&other);
        let row = line.to_json(&[(ms(420), ms(590))]);
        let p999 = row["p999"].as_array().expect("a list");
        assert_eq!(p999.len(), 10);
        for (number, p999) in p999.iter().enumerate() {
            let p999 = p999.as_f64().expect("a figure");
            let wanted = if (4..6).contains(&number) { 900.0 } else { 2.0 };
            assert!((p999 / wanted - 1.0).abs() < 0.02, "{number}: {p999}");
        }
        assert_eq!(row["while_saving"]["ops"], 400);
        assert_eq!(row["while_not"]["ops"], 1600);
        assert_eq!(row["before_saving"]["ops"], 800);
        assert!(row["while_not"]["max"].as_f64() < Some(2.1));
        assert_eq!(row["saving_ms"][0][1], 590.0);
    }

    #[test]
    fn a_line_of_many_slices_has_longer_ones_and_every_op() {
        let ms = Duration::from_millis;
        let begin = Instant::now();
        let (mut fine, mut coarse) = (Timeline::new(ms(10)), Timeline::new(ms(10)));
        for line in [&mut fine, &mut coarse] {
            line.begin(begin);
        }
        for second in 0..70 {
            coarse.record(begin + ms(1_000 * second + 5), 1_000 * second + 1_000);
            if second < 10 {
                fine.record(begin + ms(1_000 * second + 15), 1_000_000);
            }
        }
        // 70 s are 7,000 slices of 10 ms, 3,500 of 20 and 1,750 of 40.
        let ops = |line: &Timeline| line.to_json(&[])["while_not"]["ops"].as_u64();
        assert_eq!((ops(&fine), ops(&coarse)), (Some(10), Some(70)));
        let mut both = [fine.clone(), coarse.clone()];
        both[0].add(&coarse);
        both[1].add(&fine);
        for line in both {
            let row = line.to_json(&[]);
            assert_eq!(
                (row["slice_ms"].as_f64(), ops(&line)),
                (Some(40.0), Some(80))
            );
            let max = |slice: usize| row["max"][slice].as_f64().map(f64::round);
            // To the digits that a slice keeps.
            let is_slow = |slice| max(slice).is_some_and(|max| (990.0..1_010.0).contains(&max));
            assert_eq!((is_slow(0), is_slow(25 * 9), max(1)), (true, true, None));
            assert_eq!(max(25 * 60), Some(61.0));
        }
    }

    #[test]
    fn who_is_back_is_so_for_three_slices() {
        let ms = Duration::from_millis;
        let begin = Instant::now();
        let mut line = Timeline::new(ms(100));
        line.begin(begin);
        for (slice, ops) in [0, 10, 3, 9, 10, 9, 10, 2].into_iter().enumerate() {
            let at = begin + ms(100) * slice as u32 + ms(50);
            (0..ops).for_each(|_| line.record(at, 1_000));
        }
        assert_eq!(line.reached(90.0), Some(ms(400)));
        assert_eq!(line.reached(110.0), None);
        // Without the last slice, and without those of a snapshot: 0, 9, 9, 10, 10.
        let saving = [(ms(110), ms(290))];
        assert_eq!(line.steady_ops_per_s(&saving), Some(90.0));
    }

    #[test]
    fn a_slice_without_ops_has_no_figures() {
        let begin = Instant::now();
        let mut line = Timeline::new(Duration::from_millis(10));
        line.begin(begin);
        line.record(begin + Duration::from_millis(25), 5_000);
        let row = line.to_json(&[]);
        assert!(row["p50"][0].is_null() && row["p50"][1].is_null());
        assert!(row["p50"][2].is_number());
        assert!(row["while_saving"].is_null());
    }
}
