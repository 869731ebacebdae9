//! The time of each request, in milliseconds, never going back.
//!
//! Traces tell whole seconds. The requests of one second are spread over it evenly, so that policies
//! that compare times see their order. A trace without times has a request a millisecond.

use seawall_store::Millis;

/// Tells the time of one request after another.
pub struct Clock<'t> {
    times_s: &'t [u32],
    request: usize,
    second: u32,
    /// The requests of this second: where they begin and end.
    start: usize,
    end: usize,
}

impl Clock<'_> {
    /// A clock over the seconds of a trace's requests, which may be none.
    pub fn new(times_s: &[u32]) -> Clock<'_> {
        Clock {
            times_s,
            request: 0,
            second: 0,
            start: 0,
            end: 0,
        }
    }

    /// The time of the next request.
    pub fn tick(&mut self) -> Millis {
        let request = self.request;
        self.request += 1;
        if self.times_s.is_empty() {
            return Millis(request as u64);
        }
        if request == self.end {
            self.second = self.second.max(self.times_s[request]);
            let later = |&time: &u32| time > self.second;
            let same = self.times_s[request..].iter().position(later);
            self.start = request;
            self.end = same.map_or(self.times_s.len(), |same| request + same);
        }
        let into_second = (request - self.start) as u64 * 1000 / (self.end - self.start) as u64;
        Millis(u64::from(self.second) * 1000 + into_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(seconds: &[u32]) -> Vec<u64> {
        let mut clock = Clock::new(seconds);
        seconds.iter().map(|_| clock.tick().0).collect()
    }

    #[test]
    fn a_second_is_spread_and_time_never_goes_back() {
        assert_eq!(times(&[5, 5, 5, 5, 7]), [5000, 5250, 5500, 5750, 7000]);
        assert_eq!(times(&[5, 3, 6]), [5000, 5500, 6000]);
        let mut without = Clock::new(&[]);
        assert_eq!([without.tick(), without.tick()], [Millis(0), Millis(1)]);
    }
}
