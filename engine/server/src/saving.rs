//! Snapshots: when they were made, and the one that is being made.
//!
//! A save point asks for one, a client does, or a `FLUSHALL` where there are save points: what it removed
//! must not come back from an older one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use seawall_store::{Millis, Store, StoreError};

use crate::config::Settings;
use crate::config::composed::{SavePoint, save_points};
use crate::server::Server;

/// What became of the last snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// When the last good one was made; before the first, when the server began.
    pub last: Millis,
    /// How many good ones there were.
    pub count: u64,
    /// Why the last one failed, where it did.
    pub failure: Option<String>,
    /// How long the last one took, in seconds.
    pub took_s: Option<u64>,
    /// Changes up to the last good one.
    changes: u64,
    /// Changes up to a `FLUSHALL` since then, whose snapshot is still to be made.
    flushed: Option<u64>,
    /// When the last one was begun.
    begun: Option<Millis>,
}

/// A failed snapshot is not tried again for so long.
const RETRY_MS: u64 = 5_000;

/// Snapshots of a server.
#[derive(Debug)]
pub struct Saving {
    past: Mutex<Past>,
    is_going_on: AtomicBool,
    begun_ms: AtomicU64,
    /// Whether the one that is being made is that of a `FLUSHALL`: nobody asked for it, so who asks for one
    /// now waits for its end.
    of_flush: AtomicBool,
}

/// Between two looks at whether the snapshot of a `FLUSHALL` is made.
const LOOK: Duration = Duration::from_millis(10);

impl Saving {
    /// None yet.
    pub fn new(now: Millis) -> Saving {
        let past = Past {
            last: now,
            ..Past::default()
        };
        Saving {
            past: Mutex::new(past),
            is_going_on: AtomicBool::new(false),
            begun_ms: AtomicU64::new(0),
            of_flush: AtomicBool::new(false),
        }
    }

    /// What became of the last ones.
    pub fn past(&self) -> Past {
        self.lock().clone()
    }

    /// Since when one is being made, if one is.
    pub fn since(&self) -> Option<Millis> {
        let since = Millis(self.begun_ms.load(Ordering::Relaxed));
        self.is_going_on.load(Ordering::Acquire).then_some(since)
    }

    /// How many of `changes` came after the last good one.
    pub fn unsaved(&self, changes: u64) -> u64 {
        self.lock().unsaved(changes)
    }

    /// Everything was removed by the last of `changes`: they count as saved, and a snapshot is due.
    pub fn flushed(&self, changes: u64) {
        self.lock().flushed = Some(changes);
    }

    /// Whether one of the save points asks for a snapshot now.
    pub fn is_due(&self, points: &[SavePoint], changes: u64, now: Millis) -> bool {
        let past = self.lock();
        let unsaved = past.unsaved(changes);
        let failed_just_now =
            past.failure.is_some() && past.begun.is_some_and(|begun| now.since(begun) < RETRY_MS);
        let asks = |point: &SavePoint| {
            unsaved >= point.changes && now.since(past.last) >= point.seconds * 1000
        };
        let is_due = past.flushed.is_some() || unsaved > 0 && points.iter().any(asks);
        is_due && !failed_just_now
    }

    /// Makes one with `save` and keeps what became of it. `None`: one is being made already.
    pub fn save(
        &self,
        changes: u64,
        now: Millis,
        save: impl FnOnce() -> Result<(), StoreError>,
    ) -> Option<Result<(), StoreError>> {
        self.begin(now).then(|| {
            let done = self.finish(changes, now, save);
            // Release: pairs with the acquire in `since`.
            self.is_going_on.store(false, Ordering::Release);
            done
        })
    }

    /// Makes one on a thread of its own; `then` hears what became of it. `false`: one is being made
    /// already, or the system gives no thread.
    pub fn save_aside(
        self: &Arc<Saving>,
        store: &Store,
        changes: u64,
        now: Millis,
        then: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) -> bool {
        let begun = self.begin(now);
        // Relaxed: it was set before the acquire in `begin`.
        if !begun && !self.of_flush.load(Ordering::Relaxed) {
            return false;
        }
        let (saving, store) = (Arc::clone(self), store.clone());
        let thread = thread::Builder::new()
            .name("snapshot".to_owned())
            .spawn(move || {
                if !begun {
                    while !saving.begin(now) {
                        thread::sleep(LOOK);
                    }
                }
                let done = saving.finish(changes, now, || store.session().save());
                saving.is_going_on.store(false, Ordering::Release);
                then(done);
            });
        if thread.is_err() && begun {
            self.is_going_on.store(false, Ordering::Release);
        }
        thread.is_ok()
    }

    fn begin(&self, now: Millis) -> bool {
        let begun = !self.is_going_on.swap(true, Ordering::AcqRel);
        if begun {
            self.begun_ms.store(now.0, Ordering::Relaxed);
            let of_flush = self.lock().flushed.is_some();
            self.of_flush.store(of_flush, Ordering::Relaxed);
        }
        begun
    }

    fn finish(
        &self,
        changes: u64,
        now: Millis,
        save: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let begun = Instant::now();
        let done = save();
        let took = begun.elapsed();
        let mut past = self.lock();
        past.begun = Some(now);
        past.took_s = Some(took.as_secs());
        // That of a `FLUSHALL` is made, or has failed and is left to the save points.
        past.flushed.take_if(|flushed| *flushed <= changes);
        match &done {
            Ok(()) => {
                past.last = now + took.as_millis() as u64;
                past.count += 1;
                past.failure = None;
                past.changes = changes;
            }
            Err(error) => past.failure = Some(error.to_string()),
        }
        done
    }

    fn lock(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Begins a snapshot where one of the save points asks for it.
    pub fn save_where_due(&self, now: Millis) {
        let points = self.settings.now().save_points();
        let changes = self.store.changes();
        if self.saving.is_due(&points, changes, now) {
            // One that is being made will do; what becomes of this one is kept.
            self.saving.save_aside(&self.store, changes, now, drop);
        }
    }

    /// A client has removed all keys of all databases.
    pub fn flushed_all(&self, now: Millis) {
        if !self.settings.now().save_points().is_empty() {
            self.saving.flushed(self.store.changes());
            self.save_where_due(now);
        }
    }
}

impl Past {
    /// How many of `changes` are in no good snapshot, and need to be in one.
    fn unsaved(&self, changes: u64) -> u64 {
        changes.saturating_sub(self.changes.max(self.flushed.unwrap_or(0)))
    }
}

impl Settings {
    /// When snapshots are made by themselves; never without a folder.
    pub fn save_points(&self) -> Vec<SavePoint> {
        let has_folder = !self.text("dir").is_empty();
        let points = has_folder.then(|| save_points(self.text("save")));
        points.flatten().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn save_points_ask_when_both_numbers_are_reached() {
        let saving = Saving::new(Millis(0));
        let points = [(60, 1), (10, 100)];
        let points = points.map(|(seconds, changes)| SavePoint { seconds, changes });
        assert!(!saving.is_due(&points, 0, Millis(90_000)));
        assert!(!saving.is_due(&points, 1, Millis(59_999)));
        assert!(saving.is_due(&points, 1, Millis(60_000)));
        assert!(saving.is_due(&points, 100, Millis(10_000)));
        let done = saving.save(100, Millis(10_000), || Ok(()));
        assert!(matches!(done, Some(Ok(()))));
        assert_eq!((saving.past().count, saving.unsaved(101)), (1, 1));
        assert!(!saving.is_due(&points, 101, Millis(20_000)));

        let failed = saving.save(101, Millis(80_000), || Err(StoreError::NoFolderToSave));
        assert!(matches!(failed, Some(Err(_))));
        assert!(!saving.is_due(&points, 101, Millis(80_000 + RETRY_MS - 1)));
        assert!(saving.is_due(&points, 101, Millis(80_000 + RETRY_MS)));
        assert!(saving.past().failure.is_some());
    }

    #[test]
    fn a_flush_counts_as_saved_and_asks_for_a_snapshot() {
        let saving = Saving::new(Millis(0));
        let points = [SavePoint {
            seconds: 60,
            changes: 1,
        }];
        saving.flushed(5);
        assert_eq!((saving.unsaved(5), saving.unsaved(7)), (0, 2));
        assert!(saving.is_due(&points, 5, Millis(1)));
        // One that was begun before does not have it.
        saving.save(4, Millis(1), || Ok(()));
        assert!(saving.is_due(&points, 5, Millis(2)));
        saving.save(5, Millis(2), || {
            assert!(saving.of_flush.load(Ordering::Relaxed));
            Ok(())
        });
        assert!(!saving.is_due(&points, 5, Millis(3)));
        // Where it fails, what was changed is unsaved again.
        saving.flushed(9);
        saving.save(9, Millis(3), || Err(StoreError::NoFolderToSave));
        assert_eq!(saving.unsaved(9), 4);
    }

    #[test]
    fn one_snapshot_at_a_time() {
        let saving = Saving::new(Millis(0));
        let inner = saving.save(0, Millis(5), || {
            assert_eq!(saving.since(), Some(Millis(5)));
            assert!(saving.save(0, Millis(6), || Ok(())).is_none());
            Ok(())
        });
        assert!(inner.is_some() && saving.since().is_none());
    }
}
