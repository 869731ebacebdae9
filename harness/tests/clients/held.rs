//! How a section of a script that is written in Rust ends.

use std::error::Error;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::time::{Duration, Instant};

/// That a section held, or why it did not.
pub type Held = Result<(), Box<dyn Error>>;

/// Runs a section, which may also panic; why it did not hold, if so.
pub fn failure(section: impl FnOnce() -> Held) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(section)) {
        Ok(held) => held.err().map(|error| error.to_string()),
        Err(_) => Some("it panicked".to_owned()),
    }
}

/// That something is so.
#[track_caller]
pub fn holds(so: bool, what: &str) -> Held {
    if so { Ok(()) } else { fails(what) }
}

/// That a section did not hold.
#[track_caller]
pub fn fails(what: &str) -> Held {
    Err(format!("{what} at {}", Location::caller()).into())
}

/// Waits until something is so.
#[track_caller]
pub fn eventually<E: Error + 'static>(mut so: impl FnMut() -> Result<bool, E>, what: &str) -> Held {
    let begin = Instant::now();
    while !so()? {
        if begin.elapsed() > Duration::from_secs(5) {
            return fails(&format!("{what}: not within five seconds"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
