//! The claim of an op that waits on several shards: whoever takes it serves the op, or gives it up.
//!
//! One compare-and-swap, so that an op is served once although several owners find a key ready.

use crate::sync::{AtomicU8, Ordering};

const FREE: u8 = 0;
const TAKEN: u8 = 1;

/// Free until somebody takes it.
#[derive(Debug)]
pub(super) struct Claim(AtomicU8);

impl Claim {
    pub(super) fn new() -> Claim {
        Claim(AtomicU8::new(FREE))
    }

    /// Takes it; whether it was free.
    pub(super) fn take(&self) -> bool {
        // Relaxed: it decides who, and carries nothing; the op's answer goes through a ring.
        let was = self
            .0
            .compare_exchange(FREE, TAKEN, Ordering::Relaxed, Ordering::Relaxed);
        was.is_ok()
    }

    /// Whether somebody took it.
    pub(super) fn is_taken(&self) -> bool {
        self.0.load(Ordering::Relaxed) == TAKEN
    }
}
