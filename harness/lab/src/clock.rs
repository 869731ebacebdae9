//! The time of each request, in milliseconds, never going back.
//!
//! Traces tell whole seconds. The requests of one second are spread over it evenly, so that policies
//! that compare times see their order. A trace without times has a request a millisecond.

use seawall_store::Millis;

/// Tells the time of requests, asked in their order.
pub struct Clock<'t> {
    times_s: &'t [u32],
    second: u32,
    /// The requests of this second: where they begin and end.
    start: usize,
    end: usize,
    /// How many milliseconds a request of this second takes, in 2^-32.
    step: u64,
}

impl Clock<'_> {
    /// A clock over the seconds of a trace's requests, which may be none.
    pub fn new(times_s: &[u32]) -> Clock<'_> {
        let mut clock = Clock {
            times_s,
            second: 0,
            start: 0,
            end: usize::MAX,
            step: 1 << 32,
        };
        if !times_s.is_empty() {
            clock.end = 0;
        }
        clock
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
        let start = self.end;
        self.second = self.second.max(self.times_s[start]);
        let later = |&time: &u32| time > self.second;
        let same = self.times_s[start..].iter().position(later);
        self.start = start;
        self.end = same.map_or(self.times_s.len(), |same| start + same);
        let requests = (self.end - self.start) as u64;
        self.step = (1000u64 << 32).div_ceil(requests);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(seconds: &[u32]) -> Vec<u64> {
        let mut clock = Clock::new(seconds);
        (0..seconds.len())
            .map(|request| clock.at(request).0)
            .collect()
    }

    #[test]
    fn a_second_is_spread_and_time_never_goes_back() {
        assert_eq!(times(&[5, 5, 5, 5, 7]), [5000, 5250, 5500, 5750, 7000]);
        assert_eq!(times(&[5, 3, 6]), [5000, 5500, 6000]);
        let mut without = Clock::new(&[]);
        assert_eq!([without.at(0), without.at(1)], [Millis(0), Millis(1)]);
    }
}
