//! The end of a server: one way, for `SHUTDOWN` and for signals.
//!
//! ```text
//!  Serving ──► Closing: writes wait ──quiet──► the last snapshot ──► Stopping: logs are synced
//!     ▲                                              │
//!     └────────── it failed, and must not ───────────┘
//! ```
//!
//! Without save points, and where nobody asks for a snapshot, `Stopping` follows at once. What was
//! acknowledged is in the snapshot: it is begun when every worker has said that no write of its clients
//! is on its way, and none begins before the end.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use seawall_store::StoreError;

use crate::mailbox::Message;
use crate::server::Server;

/// How far a server is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// It serves.
    Serving,
    /// It serves readers. Writes wait, until it stops or the last snapshot has failed.
    Closing,
    /// It takes no more connections, finishes what it was asked, syncs and ends.
    Stopping,
}

/// How a server is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Whether with a last snapshot; `None`: where there are save points.
    pub save: Option<bool>,
    /// Whether it ends also where that fails.
    pub force: bool,
}

/// Why a server does not end.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// It is doing so already.
    #[error("the server is ending already")]
    Already,
    /// What would be lost could not be saved.
    #[error("the last snapshot failed, so the server goes on: {0}")]
    Save(#[source] StoreError),
    /// The system gives no thread to do it on.
    #[error("no thread to end the server on: {0}")]
    Thread(#[source] io::Error),
}

/// Between two looks at whether there is still something to wait for.
const LOOK: Duration = Duration::from_millis(50);

/// How far a server's end is.
#[derive(Debug)]
pub struct Ending {
    phase: AtomicU8,
    /// Which attempt to end it this is, from 1.
    attempt: AtomicU64,
    /// Whether the last snapshot is made: what is written later would be in none.
    sealed: AtomicBool,
    /// Workers that have no write on its way, in this attempt.
    quiet: Mutex<usize>,
    grew_quiet: Condvar,
    /// Workers whose clients are gone since the server ends.
    deserted: AtomicUsize,
}

impl Default for Ending {
    fn default() -> Ending {
        Ending {
            phase: AtomicU8::new(Phase::Serving as u8),
            attempt: AtomicU64::new(0),
            sealed: AtomicBool::new(false),
            quiet: Mutex::new(0),
            grew_quiet: Condvar::new(),
            deserted: AtomicUsize::new(0),
        }
    }
}

impl Ending {
    fn begin(&self) -> bool {
        let (serving, closing) = (Phase::Serving as u8, Phase::Closing as u8);
        *self.quiet.lock().unwrap_or_else(PoisonError::into_inner) = 0;
        self.attempt.fetch_add(1, Ordering::Relaxed);
        // AcqRel: pairs with the acquire in `Server::phase`, behind which the attempt is read.
        let begun =
            self.phase
                .compare_exchange(serving, closing, Ordering::AcqRel, Ordering::Acquire);
        begun.is_ok()
    }

    /// Goes on from `Closing`, unless somebody stops the server meanwhile.
    fn leave(&self, to: Phase) {
        let closing = Phase::Closing as u8;
        // Whoever was first has said what comes.
        let _ = self
            .phase
            .compare_exchange(closing, to as u8, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Waits until so many workers are quiet, or the server stops.
    fn wait_until_quiet(&self, workers: usize, is_closing: impl Fn() -> bool) {
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        while *quiet < workers && is_closing() {
            let waited = self.grew_quiet.wait_timeout(quiet, LOOK);
            quiet = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Server {
    /// Ends, on a thread of its own; `refused` hears why not, where it serves on.
    ///
    /// # Errors
    /// It is ending already, or there is no thread for it.
    pub fn shut_down(
        self: &Arc<Server>,
        wish: Wish,
        refused: impl FnOnce(EndError) + Send + 'static,
    ) -> Result<(), EndError> {
        if self.phase() != Phase::Serving || !self.ending.begin() {
            return Err(EndError::Already);
        }
        // Without a folder there is nowhere to save.
        let has_save_points = !self.settings.now().save_points().is_empty();
        if !wish.save.unwrap_or(has_save_points) {
            self.stop();
            return Ok(());
        }
        let server = Arc::clone(self);
        let thread = std::thread::Builder::new().name("shutdown".to_owned());
        let thread = thread.spawn(move || match server.save_at_last() {
            Err(error) if !wish.force => {
                server.ending.leave(Phase::Serving);
                server.tell_all(&Message::Look);
                refused(EndError::Save(error));
            }
            _ => {
                // Relaxed: the release in `stop` comes after it.
                server.ending.sealed.store(true, Ordering::Relaxed);
                server.stop();
            }
        });
        thread.map(drop).map_err(|error| {
            self.ending.leave(Phase::Serving);
            self.tell_all(&Message::Look);
            EndError::Thread(error)
        })
    }

    /// The last snapshot.
    fn save_at_last(&self) -> Result<(), StoreError> {
        self.tell_all(&Message::Look);
        let is_closing = || self.phase() == Phase::Closing;
        (self.ending).wait_until_quiet(self.store.workers(), is_closing);
        // Whoever waited and is served by a write of late writes itself, where its element goes.
        while is_closing() && self.store.retries() > 0 {
            std::thread::sleep(LOOK);
        }
        while is_closing() {
            let (changes, now) = (self.store.changes(), self.store.now());
            if let Some(saved) = self
                .saving
                .save(changes, now, || self.store.session().save())
            {
                return saved;
            }
            // One was being made, which has not all: nobody wants it any more.
            self.store.give_up_save();
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// How far it is on its way out.
    pub fn phase(&self) -> Phase {
        // Acquire: pairs with the release in `stop` and in `Ending`.
        match self.ending.phase.load(Ordering::Acquire) {
            0 => Phase::Serving,
            1 => Phase::Closing,
            _ => Phase::Stopping,
        }
    }

    /// Which attempt to end it goes on, where writes wait for it.
    pub fn closing(&self) -> Option<u64> {
        let closing = self.phase() == Phase::Closing;
        closing.then(|| self.ending.attempt.load(Ordering::Relaxed))
    }

    /// One more worker has no write of a client on its way; told once in each attempt.
    pub fn grow_quiet(&self, attempt: u64) {
        let mut quiet = self
            .ending
            .quiet
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.closing() == Some(attempt) {
            *quiet += 1;
            self.ending.grew_quiet.notify_all();
        }
    }

    /// Ends now, without a snapshot: replies are finished, logs synced.
    pub fn stop(&self) {
        // Release: pairs with the acquire in `phase`; what was done before is seen by who stops.
        let stopping = Phase::Stopping as u8;
        self.ending.phase.store(stopping, Ordering::Release);
        self.tell_all(&Message::Look);
    }

    /// One more worker has no clients any more, and gets no others.
    pub fn desert(&self) {
        // AcqRel: pairs with the acquire in `is_deserted`.
        self.ending.deserted.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether no worker has clients any more, so that none needs the shards of another.
    pub fn is_deserted(&self) -> bool {
        self.ending.deserted.load(Ordering::Acquire) >= self.store.workers()
    }

    /// Whether what is written now is still kept.
    pub fn takes_writes(&self) -> bool {
        match self.phase() {
            Phase::Serving => true,
            Phase::Closing => false,
            Phase::Stopping => !self.ending.sealed.load(Ordering::Relaxed),
        }
    }
}
