//! Ops that waited on several shards and are tried again (`BLMOVE`): how many there are.
//!
//! Nobody sent what they write: whoever wants to know that no write is under way asks here too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many ops are tried again, in all of a store.
#[derive(Clone, Debug, Default)]
pub(super) struct Retries(Arc<AtomicU64>);

/// One of them; it counts from when an owner calls it until it is done or waits again.
#[derive(Debug)]
pub(super) struct Retry(Arc<AtomicU64>);

impl Retries {
    /// One more.
    pub(super) fn begin(&self) -> Retry {
        // Relaxed: what made it ready is answered after this, through a ring.
        self.0.fetch_add(1, Ordering::Relaxed);
        Retry(Arc::clone(&self.0))
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Retry {
    fn drop(&mut self) {
        // Relaxed: its owners have answered before, and whoever asks them now asks through a ring.
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
