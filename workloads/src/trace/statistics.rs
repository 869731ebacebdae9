//! What a trace is like: counted in one pass, in the memory that its objects take.

use super::TraceError;
use super::columns::{Columns, Op};
use super::requests::Requests;
use super::spread::Spread;

/// No request yet.
const NONE: u64 = u64::MAX;

/// What stands in a trace.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// Requests.
    pub requests: u64,
    /// Bytes of all requests; where there are no sizes, how many there are.
    pub bytes_requested: u64,
    /// Bytes of all objects, each as large as when it was first seen.
    pub footprint_bytes: u64,
    /// Whether the trace has sizes.
    pub has_sizes: bool,
    /// Requests by op, as [`Op::ALL`].
    pub ops: [u64; 3],
    /// Sizes of requests.
    pub sizes: Spread,
    /// Sizes of objects as first seen.
    pub object_sizes: Spread,
    /// From a request for an object back to the one before: how many requests later it came.
    pub reuse: Spread,
    /// TTLs, of requests that give one.
    pub ttls_s: Spread,
    /// The first and the last second, where there are times.
    pub seconds: Option<(u32, u32)>,
    /// How often each object was asked for, the most popular first.
    pub counts: Vec<u32>,
    latest: Vec<u64>,
}

/// Zipf's law fitted to a trace: the k-th most popular object is asked for in proportion to
/// 1 / k to the power of `exponent`.
///
/// By least squares of the logarithm of the count on that of the rank, as Breslau et al. (INFOCOM 1999)
/// do it; at ranks that are evenly spaced in their logarithm, so that the many rare objects do not outweigh
/// the rest, and only where an object was asked for more than once, as the steps below that have no slope.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PopularityFit {
    /// The exponent.
    pub exponent: f64,
    /// The standard error of the slope.
    pub error: f64,
    /// The share of the variance that the line explains.
    pub r_squared: f64,
    /// How many ranks were fitted.
    pub points: usize,
}

impl Statistics {
    /// Reads all of a trace.
    ///
    /// # Errors
    /// The file is not what the format says.
    pub fn of(
        requests: &mut Requests,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Statistics, TraceError> {
        let mut statistics = Statistics::default();
        while let Some(block) = requests.next_block()? {
            statistics.add(block);
            progress(statistics.requests);
        }
        statistics.footprint_bytes = requests.footprint_bytes();
        statistics.counts.sort_unstable_by(|a, b| b.cmp(a));
        statistics.latest = Vec::new();
        Ok(statistics)
    }

    fn add(&mut self, block: &Columns) {
        self.has_sizes = !block.sizes().is_empty();
        for (request, &object) in block.objects().iter().enumerate() {
            let object = object as usize;
            let size = block.size(request);
            if object == self.counts.len() {
                self.counts.push(0);
                self.latest.push(NONE);
                self.object_sizes.add(u64::from(size));
            }
            self.counts[object] = self.counts[object].saturating_add(1);
            let before = std::mem::replace(&mut self.latest[object], self.requests);
            if before != NONE {
                self.reuse.add(self.requests - before);
            }
            self.requests += 1;
            self.bytes_requested += u64::from(size);
            self.sizes.add(u64::from(size));
            self.ops[block.op(request) as usize] += 1;
            match block.ttl_s(request) {
                0 => {}
                ttl => self.ttls_s.add(u64::from(ttl)),
            }
        }
        for &time in block.times_s() {
            let (first, last) = self.seconds.get_or_insert((time, time));
            *first = time.min(*first);
            *last = time.max(*last);
        }
    }

    /// How many objects there are.
    pub fn objects(&self) -> usize {
        self.counts.len()
    }

    /// How many objects were asked for once.
    pub fn once(&self) -> usize {
        self.counts.len() - self.counts.partition_point(|&count| count > 1)
    }

    /// The share of requests that ask for the `objects` most popular objects.
    pub fn share_of_top(&self, objects: usize) -> f64 {
        let top = &self.counts[..objects.min(self.counts.len())];
        let top: u64 = top.iter().map(|&count| u64::from(count)).sum();
        top as f64 / self.requests as f64
    }

    /// Requests by op.
    pub fn of_op(&self, op: Op) -> u64 {
        self.ops[op as usize]
    }

    /// Requests a second, over the time from the first to the last.
    pub fn rate(&self) -> Option<f64> {
        let (first, last) = self.seconds.filter(|(first, last)| last > first)?;
        Some(self.requests as f64 / f64::from(last - first))
    }

    /// The exponent of popularity; `None` where fewer than three ranks can be fitted.
    pub fn popularity(&self) -> Option<PopularityFit> {
        const RANKS_PER_DECADE: f64 = 20.0;
        let fitted = self.counts.len() - self.once();
        let mut points: Vec<(f64, f64)> = Vec::new();
        let mut rank = 1;
        for step in 1.. {
            if rank > fitted {
                break;
            }
            let count = f64::from(self.counts[rank - 1]);
            points.push(((rank as f64).ln(), count.ln()));
            let next = 10f64.powf(f64::from(step) / RANKS_PER_DECADE) as usize;
            rank = next.max(rank + 1);
        }
        fit(&points)
    }
}

fn fit(points: &[(f64, f64)]) -> Option<PopularityFit> {
    if points.len() < 3 {
        return None;
    }
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        points.iter().map(|(x, y)| of(x - mean_x, y - mean_y)).sum()
    };
    let (xx, xy, yy) = (sum(&|x, _| x * x), sum(&|x, y| x * y), sum(&|_, y| y * y));
    let slope = xy / xx;
    let left = (yy - slope * xy).max(0.0);
    Some(PopularityFit {
        exponent: -slope,
        error: (left / (n - 2.0) / xx).sqrt(),
        r_squared: if yy == 0.0 { 1.0 } else { 1.0 - left / yy },
        points: points.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Request, Trace};

    fn of(trace: &Trace) -> Statistics {
        let mut statistics = Statistics::default();
        statistics.add(trace.columns());
        statistics.counts.sort_unstable_by(|a, b| b.cmp(a));
        statistics
    }

    #[test]
    fn counts_reuse_and_rate_are_those_of_a_small_trace() {
        let request = |(i, key): (u32, u64)| Request {
            key,
            size: Some(10 * (key as u32 + 1)),
            time_s: Some(100 + i),
            op: Some(if i == 0 { Op::Set } else { Op::Get }),
            ttl_s: Some(if i == 0 { 60 } else { 0 }),
        };
        let trace = Trace::from_requests("t", (0..).zip([0, 1, 0, 2, 0]).map(request));
        let found = of(&trace);
        assert_eq!((found.requests, found.objects(), found.once()), (5, 3, 2));
        assert_eq!(found.counts, [3, 1, 1]);
        assert_eq!(
            (found.reuse.count(), found.reuse.quantile(0.5)),
            (2, Some(2))
        );
        assert_eq!((found.of_op(Op::Set), found.of_op(Op::Get)), (1, 4));
        assert_eq!(
            (found.ttls_s.count(), found.ttls_s.quantile(1.0)),
            (1, Some(60))
        );
        assert_eq!(found.rate(), Some(1.25));
        assert_eq!(found.share_of_top(1), 0.6);
    }

    #[test]
    fn the_exponent_is_that_which_the_trace_was_made_with() {
        let keys = (1..=2000u64).flat_map(|rank| {
            let count = (40_000.0 / (rank as f64).powf(0.8)).round() as usize;
            std::iter::repeat_n(rank, count)
        });
        let fit = of(&Trace::from_keys("t", keys))
            .popularity()
            .expect("many ranks");
        assert!((fit.exponent - 0.8).abs() < 0.005, "{fit:?}");
        assert!(fit.error < 0.005 && fit.r_squared > 0.999, "{fit:?}");
        assert_eq!(of(&Trace::from_keys("t", [1, 2, 1])).popularity(), None);
    }
}
