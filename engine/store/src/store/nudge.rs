//! Nudges: a worker is to turn its shards, though nobody asked them anything.
//!
//! A log that waits for what other shards log is turned when they have: whoever came last nudges all. A nudge is
//! remembered, so that one to a worker that is awake is not lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ring::Waker;
use crate::log::joint::Wake;

/// The nudges of all workers.
#[derive(Debug)]
pub(super) struct Nudges {
    /// The worker of each shard.
    worker_of: Vec<usize>,
    workers: Vec<(AtomicBool, Arc<Waker>)>,
}

impl Nudges {
    pub(super) fn new(worker_of: Vec<usize>, wakers: impl Iterator<Item = Arc<Waker>>) -> Nudges {
        Nudges {
            worker_of,
            workers: wakers
                .map(|waker| (AtomicBool::new(false), waker))
                .collect(),
        }
    }

    /// Whether `worker` was nudged, and has not begun a turn since.
    #[inline]
    pub(super) fn is_due(&self, worker: usize) -> bool {
        // Acquire: pairs with the release in `wake`.
        self.workers[worker].0.load(Ordering::Acquire)
    }

    /// `worker` begins a turn.
    #[inline]
    pub(super) fn begin_turn(&self, worker: usize) {
        let nudged = &self.workers[worker].0;
        if nudged.load(Ordering::Relaxed) {
            // Acquire: pairs with the release in `wake`: what was done before is seen in this turn.
            nudged.swap(false, Ordering::Acquire);
        }
    }
}

impl Wake for Nudges {
    fn wake(&self, shard: u32) {
        let Some(&worker) = self.worker_of.get(shard as usize) else {
            return;
        };
        let (nudged, waker) = &self.workers[worker];
        // Release: pairs with the acquires above; the waker's fence orders it before the look at who sleeps.
        nudged.store(true, Ordering::Release);
        waker.wake();
    }
}
