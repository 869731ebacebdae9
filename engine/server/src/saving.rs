//! Snapshots: when they were made, and the one that is being made.
//!
//! A save point asks for one, a client does, or a `FLUSHALL` where there are save points: what it removed
//! must not come back from an older one. The logs ask for one as well, when they have grown: they go on from it, and
//! what it covers of them goes (`BGREWRITEAOF`). One is made at a time; another one may be scheduled.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use seawall_store::store::Pace;
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
    /// The most memory that the last one took, in bytes.
    pub extra_bytes: u64,
    /// Those that logs go on from.
    pub rewrites: Rewrites,
    /// Changes up to the last good one.
    changes: u64,
    /// Changes up to a `FLUSHALL` since then, whose snapshot is still to be made.
    flushed: Option<u64>,
    /// When the last one was begun.
    begun: Option<Millis>,
}

/// What a snapshot is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// To be there (`BGSAVE`).
    Save,
    /// For logs to go on from (`BGREWRITEAOF`).
    Rewrite,
}

/// What became of the last snapshots that logs go on from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrites {
    /// How many good ones there were.
    pub count: u64,
    /// Why the last one failed, where it did.
    pub failure: Option<String>,
    /// How many have failed since the last good one.
    pub failures: u64,
    /// How long the last one took, in seconds.
    pub took_s: Option<u64>,
    /// When the last one was begun.
    begun: Option<Millis>,
}

/// A failed snapshot is not tried again for so long.
const RETRY_MS: u64 = 5_000;
/// A rewrite that nobody asked for is not tried again for so long where several have failed (Redis: from the third on).
const RETRY_REWRITE_MS: u64 = 60_000;
const REWRITE_FAILURES: u64 = 3;

/// Snapshots of a server.
#[derive(Debug)]
pub struct Saving {
    past: Mutex<Past>,
    is_going_on: AtomicBool,
    begun_ms: AtomicU64,
    /// What the one that is being made is for.
    purpose: AtomicU8,
    /// What is to be begun when that has ended.
    scheduled: [AtomicBool; 2],
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
            purpose: AtomicU8::new(Purpose::Save as u8),
            scheduled: [AtomicBool::new(false), AtomicBool::new(false)],
            of_flush: AtomicBool::new(false),
        }
    }

    /// What became of the last ones.
    pub fn past(&self) -> Past {
        self.lock().clone()
    }

    /// What one is being made for, and since when, if one is.
    pub fn going_on(&self) -> Option<(Purpose, Millis)> {
        // Acquire: pairs with the release at its end, and comes before what says what it is.
        let is_going_on = self.is_going_on.load(Ordering::Acquire);
        let since = Millis(self.begun_ms.load(Ordering::Relaxed));
        let rewrites = self.purpose.load(Ordering::Relaxed) == Purpose::Rewrite as u8;
        let purpose = if rewrites {
            Purpose::Rewrite
        } else {
            Purpose::Save
        };
        is_going_on.then_some((purpose, since))
    }

    /// Since when one is being made for this, if one is.
    pub fn since(&self, purpose: Purpose) -> Option<Millis> {
        let going_on = self.going_on().filter(|(it, _)| *it == purpose);
        going_on.map(|(_, since)| since)
    }

    /// One is to be made for this when the one that is being made has ended.
    pub fn schedule(&self, purpose: Purpose) {
        // Relaxed: whoever looks too early looks again.
        self.scheduled[purpose as usize].store(true, Ordering::Relaxed);
    }

    /// Whether one is to be made for this.
    pub fn is_scheduled(&self, purpose: Purpose) -> bool {
        self.scheduled[purpose as usize].load(Ordering::Relaxed)
    }

    /// Whether the logs, which are so large, have grown so much since what they go on from that they ask for a
    /// rewrite.
    fn is_rewrite_due(&self, log: Growth, now: Millis) -> bool {
        let past = self.lock();
        let rewrites = &past.rewrites;
        let is_held_back = rewrites.failures >= REWRITE_FAILURES
            && (rewrites.begun).is_some_and(|begun| now.since(begun) < RETRY_REWRITE_MS);
        log.asks() && !is_held_back
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
        self.begin(Purpose::Save, now).then(|| {
            let done = self.finish(Purpose::Save, changes, now, save);
            // Release: pairs with the acquire in `since`.
            self.is_going_on.store(false, Ordering::Release);
            done
        })
    }

    /// Makes one on a thread of its own; `then` hears what became of it. `false`: one is being made
    /// already, or the system gives no thread.
    pub fn save_aside(
        self: &Arc<Saving>,
        (store, pace): (&Store, Pace),
        purpose: Purpose,
        now: Millis,
        then: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) -> bool {
        let changes = store.changes();
        let begun = self.begin(purpose, now);
        // Relaxed: it was set before the acquire in `begin`.
        if !begun && !self.of_flush.load(Ordering::Relaxed) {
            return false;
        }
        let (saving, store) = (Arc::clone(self), store.clone());
        let thread = thread::Builder::new()
            .name("snapshot".to_owned())
            .spawn(move || {
                if !begun {
                    while !saving.begin(purpose, now) {
                        thread::sleep(LOOK);
                    }
                }
                let save = || store.session().save_at(pace);
                let done = saving.finish(purpose, changes, now, save);
                saving.lock().extra_bytes = store.save_progress().extra_bytes;
                saving.is_going_on.store(false, Ordering::Release);
                then(done);
            });
        if thread.is_err() && begun {
            self.is_going_on.store(false, Ordering::Release);
        }
        thread.is_ok()
    }

    fn begin(&self, purpose: Purpose, now: Millis) -> bool {
        let begun = !self.is_going_on.swap(true, Ordering::AcqRel);
        if begun {
            self.purpose.store(purpose as u8, Ordering::Relaxed);
            self.scheduled[purpose as usize].store(false, Ordering::Relaxed);
            self.begun_ms.store(now.0, Ordering::Relaxed);
            let of_flush = self.lock().flushed.is_some();
            self.of_flush.store(of_flush, Ordering::Relaxed);
        }
        begun
    }

    fn finish(
        &self,
        purpose: Purpose,
        changes: u64,
        now: Millis,
        save: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let begun = Instant::now();
        let done = save();
        let took = begun.elapsed();
        let past = &mut *self.lock();
        if purpose == Purpose::Rewrite {
            let rewrites = &mut past.rewrites;
            (rewrites.begun, rewrites.took_s) = (Some(now), Some(took.as_secs()));
            match &done {
                Ok(()) => {
                    rewrites.count += 1;
                    (rewrites.failure, rewrites.failures) = (None, 0);
                }
                // All keys are gone: another one is soon made.
                Err(StoreError::SaveGivenUp) => self.schedule(Purpose::Rewrite),
                Err(error) => {
                    rewrites.failures += 1;
                    rewrites.failure = Some(error.to_string());
                }
            }
            return done;
        }
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
            // Whoever removed all keys wanted it so: it is no failure, as in Redis.
            Err(StoreError::SaveGivenUp) => {}
            Err(error) => past.failure = Some(error.to_string()),
        }
        done
    }

    fn lock(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much logs have grown since what they go on from, and how much they may.
#[derive(Clone, Copy, Debug)]
struct Growth {
    /// Bytes of what they go on from, and of it with them.
    base_bytes: u64,
    bytes: u64,
    /// `auto-aof-rewrite-percentage`, 0: never; `auto-aof-rewrite-min-size`.
    percentage: u64,
    bytes_min: u64,
}

impl Growth {
    fn asks(self) -> bool {
        let base = u128::from(self.base_bytes.max(1));
        let grown = (u128::from(self.bytes) * 100 / base).saturating_sub(100);
        self.percentage > 0 && self.bytes > self.bytes_min && grown >= u128::from(self.percentage)
    }
}

impl Server {
    /// Makes a snapshot on a thread of its own; `then` hears what became of it. `false`: one is being made already, or the
    /// system gives no thread.
    pub fn save_aside(
        &self,
        purpose: Purpose,
        now: Millis,
        then: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) -> bool {
        let pace = Pace {
            bytes_per_s: self.settings.now().number("save-rate-limit"),
            is_hasty: false,
        };
        (self.saving).save_aside((&self.store, pace), purpose, now, then)
    }

    /// Begins a snapshot where one was scheduled, one of the save points asks for it, or the logs do.
    pub fn save_where_due(&self, now: Millis) {
        if self.saving.going_on().is_some() || self.store.is_loading() {
            // One that is being made will do; and what is being loaded would stop everybody until it is.
            return;
        }
        let settings = self.settings.now();
        let changes = self.store.changes();
        let saves = self.saving.is_scheduled(Purpose::Save)
            || (self.saving).is_due(&settings.save_points(), changes, now);
        if saves {
            // What becomes of it is kept.
            self.save_aside(Purpose::Save, now, drop);
            return;
        }
        let (base_bytes, bytes) = self.store.log_bytes();
        let growth = Growth {
            base_bytes,
            bytes,
            percentage: settings.number("auto-aof-rewrite-percentage"),
            bytes_min: settings.number("auto-aof-rewrite-min-size"),
        };
        let rewrites = self.saving.is_scheduled(Purpose::Rewrite)
            || settings.yes("appendonly") && self.saving.is_rewrite_due(growth, now);
        if rewrites {
            self.save_aside(Purpose::Rewrite, now, drop);
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
            assert_eq!(saving.since(Purpose::Save), Some(Millis(5)));
            assert_eq!(saving.since(Purpose::Rewrite), None);
            assert!(saving.save(0, Millis(6), || Ok(())).is_none());
            Ok(())
        });
        assert!(inner.is_some() && saving.going_on().is_none());
    }

    #[test]
    fn logs_ask_when_they_have_grown_enough() {
        let asks = |base_bytes, bytes, percentage, bytes_min| {
            Growth {
                base_bytes,
                bytes,
                percentage,
                bytes_min,
            }
            .asks()
        };
        assert!(asks(100, 200, 100, 150) && !asks(100, 199, 100, 150));
        assert!(
            !asks(100, 200, 100, 200),
            "they have to be larger than the least"
        );
        assert!(asks(0, 2, 100, 0), "what has no base has grown");
        assert!(!asks(100, u64::MAX, 0, 0) && asks(1, u64::MAX, u64::MAX / 2, 0));
    }

    #[test]
    fn a_rewrite_is_no_save_and_one_that_was_given_up_comes_again() {
        let saving = Saving::new(Millis(0));
        let rewrite = |done| {
            assert!(saving.begin(Purpose::Rewrite, Millis(7)));
            let _ = saving.finish(Purpose::Rewrite, 5, Millis(7), || done);
            saving.is_going_on.store(false, Ordering::Release);
        };
        rewrite(Ok(()));
        assert_eq!((saving.past().count, saving.past().rewrites.count), (0, 1));
        assert_eq!(saving.unsaved(5), 5);
        rewrite(Err(StoreError::SaveGivenUp));
        assert!(saving.is_scheduled(Purpose::Rewrite));
        assert!(saving.past().rewrites.failure.is_none());
        let growth = Growth {
            base_bytes: 1,
            bytes: 100,
            percentage: 100,
            bytes_min: 0,
        };
        for failures in 1..=REWRITE_FAILURES {
            assert!(saving.is_rewrite_due(growth, Millis(8)));
            rewrite(Err(StoreError::NoFolderToSave));
            assert_eq!(saving.past().rewrites.failures, failures);
        }
        assert!(!saving.is_scheduled(Purpose::Rewrite));
        assert!(!saving.is_rewrite_due(growth, Millis(8)));
        assert!(saving.is_rewrite_due(growth, Millis(7 + RETRY_REWRITE_MS)));
    }
}
