//! The course of a save: what everybody who takes part in one sees of it, and whoever asks how it goes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::config::StoreError;
use super::super::ring::Waker;
use crate::snapshot::Summary;
use crate::time::Millis;

/// How a save is to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// The most bytes that are written a second; 0: as many as there are.
    pub bytes_per_s: u64,
    /// Whether somebody waits for its end: shards then do more for it in a turn.
    pub is_hasty: bool,
}

/// A save that goes on, or went on last.
#[derive(Debug, Default)]
pub(in crate::store) struct Course {
    /// Its number, above those of all before it.
    pub(in crate::store) number: u64,
    /// When it was begun.
    pub(in crate::store) taken: Millis,
    /// The number of the last joint before it.
    pub(in crate::store) joints: u64,
    pub(super) pace: Pace,
    is_given_up: AtomicBool,
    /// Why, where something went wrong: the first that did.
    failure: Mutex<Option<StoreError>>,
    /// Whether its manifest has failed and may be there all the same.
    may_count: AtomicBool,
    keys: AtomicU64,
    keys_done: AtomicU64,
    /// Memory of the shards that take part, and the most that was on its way to the disk.
    bits_bytes: AtomicU64,
    queued_bytes: AtomicU64,
}

impl Course {
    pub(super) fn new(number: u64, taken: Millis, joints: u64, pace: Pace) -> Course {
        Course {
            number,
            taken,
            joints,
            pace,
            ..Course::default()
        }
    }

    /// A shard takes part that has so many keys, and needs so much memory for it.
    pub(in crate::store) fn join(&self, keys: u64, extra_bytes: u64) {
        // Relaxed: counts order nothing, here and below.
        self.keys.fetch_add(keys, Ordering::Relaxed);
        self.bits_bytes.fetch_add(extra_bytes, Ordering::Relaxed);
    }

    /// The walk of a shard has come to so many more keys.
    pub(in crate::store) fn pass(&self, keys: u64) {
        self.keys_done.fetch_add(keys, Ordering::Relaxed);
    }

    /// A shard cannot go on: no other needs to.
    pub(in crate::store) fn give_up(&self) {
        // Release: pairs with the acquire in `is_given_up`, behind which the failure is looked at.
        self.is_given_up.store(true, Ordering::Release);
    }

    /// Something went wrong, so that it will not be whole.
    pub(in crate::store) fn fail(&self, why: StoreError) {
        self.failure().get_or_insert(why);
        self.give_up();
    }

    /// What went wrong first, once.
    pub(in crate::store) fn take_failure(&self) -> Option<StoreError> {
        self.failure().take()
    }

    fn failure(&self) -> MutexGuard<'_, Option<StoreError>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its manifest failed in such a way that it may be there after a crash.
    pub(super) fn note_may_count(&self) {
        // Relaxed: who asks has heard of the failure through its slip.
        self.may_count.store(true, Ordering::Relaxed);
    }

    /// Whether its manifest failed and may be there all the same.
    pub(in crate::store) fn may_count(&self) -> bool {
        self.may_count.load(Ordering::Relaxed)
    }

    /// Whether somebody waits for its end.
    pub(in crate::store) fn is_hasty(&self) -> bool {
        self.pace.is_hasty
    }

    /// Whether it will not be whole.
    pub(in crate::store) fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Acquire)
    }

    /// So many bytes were on their way at once, at most.
    pub(super) fn note_queued(&self, bytes: u64) {
        self.queued_bytes.fetch_max(bytes, Ordering::Relaxed);
    }

    /// How far it is.
    pub(super) fn progress(&self) -> SaveProgress {
        let keys = self.keys.load(Ordering::Relaxed);
        SaveProgress {
            keys,
            // What came after the beginning is not counted twice.
            keys_done: self.keys_done.load(Ordering::Relaxed).min(keys),
            extra_bytes: self.bits_bytes.load(Ordering::Relaxed)
                + self.queued_bytes.load(Ordering::Relaxed),
        }
    }
}

/// How far the last save is, or was when it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SaveProgress {
    /// Keys that there were at its beginning.
    pub keys: u64,
    /// Keys that the walk has come to; those that were saved ahead of it are not among them.
    pub keys_done: u64,
    /// The most memory that it took, in bytes.
    pub extra_bytes: u64,
}

/// What the clerk has done for a shard, once it has, and whom that wakes.
#[derive(Debug)]
pub(in crate::store) struct Slip {
    done: Mutex<Option<Result<Summary, StoreError>>>,
    waker: Arc<Waker>,
}

impl Slip {
    pub(in crate::store) fn new(waker: &Arc<Waker>) -> Arc<Slip> {
        Arc::new(Slip {
            done: Mutex::new(None),
            waker: Arc::clone(waker),
        })
    }

    /// It is done: what the file has, or why not.
    pub(super) fn fill(&self, done: Result<Summary, StoreError>) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        self.wake();
    }

    /// There may be something to do for its owner.
    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// What was done, once.
    pub(in crate::store) fn take(&self) -> Option<Result<Summary, StoreError>> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_save_takes_is_all_of_it() {
        let course = Course::new(1, Millis(0), 0, Pace::default());
        course.join(10, 100);
        course.join(20, 200);
        for queued in [5_000, 7_000, 6_000] {
            course.note_queued(queued);
        }
        assert_eq!(course.progress().extra_bytes, 7_300);
        assert_eq!(course.progress().keys, 30);
    }
}
