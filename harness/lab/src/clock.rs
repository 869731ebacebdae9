//! The time of each request, in milliseconds, never going back.
//!
//! Traces tell whole seconds. The requests of one second are spread over it evenly, so that policies
//! that compare times see their order. A trace without times has a request a millisecond.

use seawall_store::Millis;
use seawall_workloads::trace::Seconds;

/// Tells the time of requests, asked in their order.
pub struct Clock<'t> {
    /// The seconds to come, each with how many requests there were by its end.
    runs: std::slice::Iter<'t, (u32, u32)>,
    second: u32,
    /// The requests of this second: where they begin and end.
    start: usize,
    end: usize,
    /// How many milliseconds a request of this second takes, in 2^-32.
    step: u64,
}

impl Clock<'_> {
    /// A clock over the seconds of a trace's requests, which may be none.
    pub fn new(seconds: &Seconds) -> Clock<'_> {
        let has_none = seconds.runs().is_empty();
        Clock {
            runs: seconds.runs().iter(),
            second: 0,
            start: 0,
            end: if has_none { usize::MAX } else { 0 },
            step: 1 << 32,
        }
    }

    /// The time of `request`, which is not before the one asked for last.
    #[inline]
    pub fn at(&mut self, request: usize) -> Millis {
        while request >= self.end {
            self.next_second();
        }
        let into_second = (u128::from((request - self.start) as u64) * u128::from(self.step)) >> 32;
        Millis(u64::from(self.second) * 1000 + into_second as u64)
    }

    fn next_second(&mut self) {
        let &(second, end) = self.runs.next().expect("a second for each request");
        self.second = second;
        self.start = self.end;
        self.end = end as usize;
        let requests = (self.end - self.start) as u64;
        self.step = (1000u64 << 32).div_ceil(requests);
    }
}

#[cfg(test)]
mod tests {
    use seawall_workloads::trace::{Request, Trace};

    use super::*;

    fn times(seconds: &[u32]) -> Vec<u64> {
        let requests = seconds.iter().map(|&time| Request {
            time_s: Some(time),
            ..Request::default()
        });
        let trace = Trace::from_requests("t", requests);
        let mut clock = Clock::new(trace.outline().seconds());
        (0..seconds.len())
            .map(|request| clock.at(request).0)
            .collect()
    }

    #[test]
    fn a_second_is_spread_and_time_never_goes_back() {
        assert_eq!(times(&[5, 5, 5, 5, 7]), [5000, 5250, 5500, 5750, 7000]);
        assert_eq!(times(&[5, 3, 6]), [5000, 5500, 6000]);
        let seconds = Seconds::default();
        let mut without = Clock::new(&seconds);
        assert_eq!([without.at(0), without.at(1)], [Millis(0), Millis(1)]);
    }
}
