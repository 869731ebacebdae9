//! The time, for workers: milliseconds since the Unix epoch that never go back.
//!
//! The one idea: the wall clock is read once, and the monotonic clock carries it on. An operator or
//! a time server that steps the wall clock therefore cannot make keys expire early or live again;
//! the price is that a step during a process's life is not seen. All of a process's workers share
//! one [`Clock`] (it is `Copy`), so that they agree.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How far apart the two clocks may be read when one is set by the other, and how often it is tried.
const APART: Duration = Duration::from_micros(20);
const TRIES: usize = 16;

/// A clock that was set at its making.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    /// The time then, since the Unix epoch; whole milliseconds would let it be late by up to one.
    since_epoch: Duration,
}

impl Clock {
    /// A clock set to the wall clock's time of now.
    pub fn start() -> Clock {
        let set = || {
            let started = Instant::now();
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
            let clock = Clock {
                started,
                // A machine whose clock stands before 1970 counts from 1970.
                since_epoch: since_epoch.unwrap_or_default(),
            };
            (started.elapsed(), clock)
        };
        let mut best = set();
        for _ in 0..TRIES {
            if best.0 <= APART {
                break;
            }
            best = std::cmp::min_by_key(best, set(), |(apart, _)| *apart);
        }
        best.1
    }

    /// Milliseconds since the Unix epoch, never less than an earlier answer.
    pub fn now_ms(&self) -> u64 {
        (self.since_epoch + self.started.elapsed()).as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_wall_clock_and_never_goes_back() {
        let clock = Clock::start();
        let copy = clock;
        let mut last = clock.now_ms();
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis() as u64;
        assert!(wall.abs_diff(last) < 1_000, "{wall} and {last}");
        assert!(
            (0..200).any(|_| is_not_late(Clock::start())),
            "a time of the wall clock is not in the future"
        );
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(1));
            let now = copy.now_ms();
            assert!(now > last);
            last = now;
        }
    }

    /// Whether the clock shows, at the ends of some milliseconds, no less than the wall clock did.
    fn is_not_late(clock: Clock) -> bool {
        (0..200).all(|_| {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            std::thread::sleep(Duration::from_micros(5));
            clock.now_ms() >= wall.as_millis() as u64
        })
    }
}
