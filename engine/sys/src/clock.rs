//! The time, for workers: milliseconds since the Unix epoch that never go back.
//!
//! The one idea: the wall clock is read once, and the monotonic clock carries it on. An operator or
//! a time server that steps the wall clock therefore cannot make keys expire early or live again;
//! the price is that a step during a process's life is not seen. All of a process's workers share
//! one [`Clock`] (it is `Copy`), so that they agree.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A clock that was set at its making.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    started_ms: u64,
}

impl Clock {
    /// A clock set to the wall clock's time of now.
    pub fn start() -> Clock {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        // A machine whose clock stands before 1970 counts from 1970.
        let started_ms = since_epoch.map_or(0, |time| time.as_millis() as u64);
        Clock {
            started: Instant::now(),
            started_ms,
        }
    }

    /// Milliseconds since the Unix epoch, never less than an earlier answer.
    pub fn now_ms(&self) -> u64 {
        self.started_ms + self.started.elapsed().as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(1));
            let now = copy.now_ms();
            assert!(now > last);
            last = now;
        }
    }
}
