//! The store: shards with their workers, for callers in this process.
//!
//! ```text
//!  Store::open ──► seats, one per worker: its shards, their logs
//!     ├─ attach()  ──► Worker: the calling thread turns it; it is a session itself
//!     ├─ spawn()   ──► Workers: pinned threads that turn until they are dropped
//!     └─ session() ──► Session: any other thread
//!
//!  Session ── get ──► reader of the shard: index and item, no lock, no hop
//!     └── execute, submit ──► ring ──► the shard's worker: apply, log, reply ──► ring ──┘
//! ```
//!
//! Each shard belongs to one worker, which alone changes it, in [`Worker::turn`]. A key belongs to the
//! shard that its [`Slot`] says. There is one store-wide time that never goes back.

mod caller;
mod claim;
mod config;
mod core;
mod host;
mod link;
mod load;
mod logs;
#[cfg(all(test, loom))]
mod loom_model;
mod nudge;
mod open;
mod order;
mod replay;
mod reshard;
mod retry;
mod ring;
mod save;
mod session;
mod spawn;
#[cfg(test)]
mod tests;
mod watch;
mod wide;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use seawall_sys::clock::Clock;
use seawall_sys::topology::Placement;

use crate::event::Classes;
use crate::keyspace::KeyReader;
use crate::log::joint::Joint;
use crate::log::{Failure, Fsync};
use crate::slot::Slot;
use crate::time::Millis;
use crate::value::Limits;

pub use self::core::Turn;
pub use caller::{Ahead, Answered};
pub(crate) use config::SHARDS_MAX;
pub use config::{Change, ReadPath, StoreConfig, StoreError};
pub use host::Settled;
pub use link::Until;
pub use open::Recovered;
pub use reshard::Resharded;
pub use ring::Waker;
pub use save::{Pace, SaveFile, SaveFound, SaveProgress, SavesFound};
pub use session::Session;
pub use spawn::Workers;
pub use watch::Watch;
pub use worker::Worker;

use host::Host;
use link::Door;
use nudge::Nudges;
use retry::Retries;
use ring::Sleeper;
use save::Saves;
use wide::ticket::Ticket;

/// A store. Clones are the same store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// What a worker takes when it begins: its shards, and how it sleeps.
struct Seat {
    hosts: Vec<Host>,
    sleeper: Sleeper,
}

/// Any-core hits and misses of one shard, which its owner does not see.
#[derive(Debug, Default)]
struct Reads {
    hits: AtomicU64,
    misses: AtomicU64,
}

struct Inner {
    shards: usize,
    /// The worker of each shard.
    worker_of: Vec<usize>,
    placement: Vec<Placement>,
    numa: bool,
    /// Why memory could not be bound to its node, where that was tried.
    unbound: Option<String>,
    config: StoreConfig,
    /// Any-core readers by shard; none where reads are the owners' alone.
    readers: Vec<KeyReader>,
    /// Whether reads may be answered on any core now.
    anywhere: AtomicBool,
    /// Whether replies wait until what they tell of is durable.
    strict: AtomicBool,
    reads: Vec<Reads>,
    /// Which events are told now, for what callers do themselves.
    notify: AtomicU16,
    /// Whether a shard is full, and nothing of it may go: as its owner last saw it.
    full: Vec<AtomicBool>,
    /// Effects of each shard's ops.
    changes: Vec<Arc<AtomicU64>>,
    /// Bytes of each shard's log behind what it goes on from.
    log_bytes: Vec<Arc<AtomicU64>>,
    /// Whether each shard has keys that are not in memory yet.
    loading: Vec<Arc<AtomicBool>>,
    /// Why the log of each shard failed, where it did.
    failed: Vec<Arc<OnceLock<Failure>>>,
    retries: Retries,
    /// How far compact forms go now, for values that are brought together.
    limits: Mutex<Limits>,
    doors: Vec<Door>,
    nudges: Arc<Nudges>,
    seats: Mutex<Vec<Option<Seat>>>,
    /// Whoever makes shards stand still has it.
    ticket: Ticket,
    /// The number of the last joint.
    joints: AtomicU64,
    clock: Clock,
    now: AtomicU64,
    /// Whether the store's time is the clock's; callers that turn workers themselves give their own.
    clocked: AtomicBool,
    /// Sessions on threads that are no workers.
    outsiders: AtomicU64,
    recovered: Vec<Recovered>,
    /// Where the folder was of another number of shards.
    resharded: Option<Resharded>,
    /// Where there is a folder.
    saves: Option<Arc<Saves>>,
}

impl Store {
    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.inner.shards
    }

    /// How many workers the store takes: as many as shards or allowed CPUs, whichever is fewer.
    pub fn workers(&self) -> usize {
        self.inner.doors.len()
    }

    /// The shard of `key`.
    pub fn shard_of(&self, key: &[u8]) -> usize {
        Slot::of(key).shard(self.inner.shards)
    }

    /// Where each shard's worker and memory are.
    pub fn placement(&self) -> &[Placement] {
        &self.inner.placement
    }

    /// The placement in words.
    pub fn placement_text(&self) -> String {
        let workers = self.workers();
        let (shards, pinned) = (self.inner.shards, self.inner.config.pin);
        let cpus: Vec<String> = (0..workers)
            .filter_map(|worker| self.inner.placement.iter().find(|p| p.worker == worker))
            .map(|place| format!("{} (node {})", place.cpu, place.node))
            .collect();
        let nodes = match (self.inner.numa, &self.inner.unbound) {
            (false, _) => "one NUMA node, so there is nothing to place by node".to_owned(),
            (true, None) => "shards and their memory are placed by node".to_owned(),
            (true, Some(why)) => {
                format!("shards are placed by node; their memory could not be bound there: {why}")
            }
        };
        let how = if pinned {
            "pinned to"
        } else {
            "not pinned; meant for"
        };
        format!(
            "{shards} shards on {workers} workers, {how} CPUs {}; {nodes}",
            cpus.join(", ")
        )
    }

    /// What opening the store found in its folder, by shard.
    pub fn recovered(&self) -> &[Recovered] {
        &self.inner.recovered
    }

    /// What was done to the folder where it was of another number of shards.
    pub fn resharded(&self) -> Option<&Resharded> {
        self.inner.resharded.as_ref()
    }

    /// How many effects ops have had since the store was opened.
    pub fn changes(&self) -> u64 {
        // Relaxed: counts order nothing.
        let counts = self.inner.changes.iter();
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The first shard whose log failed, and why, where one did: it takes no more writes.
    pub fn log_failure(&self) -> Option<(usize, &Failure)> {
        self.log_failures().next()
    }

    /// Every shard whose log failed, and why.
    pub fn log_failures(&self) -> impl Iterator<Item = (usize, &Failure)> {
        let failed = self.inner.failed.iter().enumerate();
        failed.filter_map(|(shard, failed)| failed.get().map(|failure| (shard, failure)))
    }

    /// The bytes of what logs go on from, and of that with all that they have since: of the newest snapshot with all of the
    /// logs behind it, or of what the logs had when the store was opened. 0 where none are kept.
    pub fn log_bytes(&self) -> (u64, u64) {
        let inner = &self.inner;
        // Relaxed: counts order nothing.
        let logs = inner
            .log_bytes
            .iter()
            .map(|bytes| bytes.load(Ordering::Relaxed));
        let saves = inner.saves.as_ref().filter(|_| inner.config.appendonly);
        if let Some(base) = saves.and_then(|saves| saves.base()) {
            return (base.bytes(), base.bytes() + logs.sum::<u64>());
        }
        let begun = inner.recovered.iter();
        let begun = begun.filter_map(|shard| shard.log.as_ref());
        (begun.map(|log| log.bytes).sum(), logs.sum())
    }

    /// Gives up the snapshot that is being made, where not all of it is written yet: whoever waits for it hears
    /// [`StoreError::SaveGivenUp`].
    pub fn give_up_save(&self) {
        self.inner.saves.iter().for_each(|saves| saves.give_up());
    }

    /// Whether a shard is loading keys that are not in memory yet: not one whose file is damaged. A save that is begun
    /// meanwhile has all of them loaded first, with every shard standing still: whoever can wait does.
    pub fn is_loading(&self) -> bool {
        let mut loading = self.inner.loading.iter();
        // Relaxed: it orders nothing, and whoever looks too early looks again.
        loading.any(|loading| loading.load(Ordering::Relaxed))
    }

    /// How far the snapshot is that is being made, or how the last one ended.
    pub fn save_progress(&self) -> SaveProgress {
        let saves = self.inner.saves.as_ref();
        saves.map(|saves| saves.progress()).unwrap_or_default()
    }

    /// How many ops that waited for a key of several shards are being tried again: they may write, though
    /// whoever sent them counts them as waiting.
    pub fn retries(&self) -> u64 {
        self.inner.retries.count()
    }

    /// Lets the store's time be the clock's from now on, also where callers turn its workers.
    pub fn follow_clock(&self) {
        // Relaxed: whoever asks for the time before this is seen gets the last time that was.
        self.inner.clocked.store(true, Ordering::Relaxed);
    }

    /// The store-wide time.
    pub fn now(&self) -> Millis {
        self.inner.now()
    }

    /// The calling thread becomes the next worker: pinned, where the configuration says so. Its shards
    /// stand still unless it calls [`Worker::turn`].
    ///
    /// # Errors
    /// Every worker is taken, or the thread cannot be pinned.
    pub fn attach(&self) -> Result<Worker, StoreError> {
        Worker::attach(Arc::clone(&self.inner))
    }

    /// Starts a thread for every worker that is not taken yet.
    ///
    /// # Errors
    /// A thread cannot be started or pinned.
    pub fn spawn(&self) -> Result<Workers, StoreError> {
        Workers::spawn(self)
    }

    /// A session for a thread that is no worker. What it asks is answered by workers: without any it
    /// waits for one to come.
    pub fn session(&self) -> Session {
        Session::outside(Arc::clone(&self.inner))
    }
}

impl Inner {
    /// What `shards`, which stand still for the holder of the ticket, do together, where it is logged.
    fn joint(&self, shards: &[usize]) -> Option<Arc<Joint>> {
        let is_kept = self.config.appendonly && shards.len() > 1;
        is_kept.then(|| {
            // Relaxed: who has the ticket comes after who had it before.
            let number = self.joints.fetch_add(1, Ordering::Relaxed) + 1;
            let shards = shards.iter().map(|&shard| shard as u32);
            let nudges = Arc::clone(&self.nudges);
            Arc::new(Joint::new(number, shards).woken_by(nudges))
        })
    }

    fn now(&self) -> Millis {
        if self.clocked.load(Ordering::Relaxed) {
            return self.advance(Millis(self.clock.now_ms()));
        }
        Millis(self.now.load(Ordering::Relaxed))
    }

    /// The any-core readers of all shards; none, where reads are not answered on any core.
    #[inline]
    fn readers(&self) -> &[KeyReader] {
        // Relaxed: a read that races with the change of the setting is as old as the setting before.
        let anywhere = self.anywhere.load(Ordering::Relaxed);
        if anywhere { &self.readers } else { &[] }
    }

    /// A setting changes: what of it concerns callers, who read on any core and bring values together.
    fn note(&self, change: &Change) {
        match change {
            Change::Appendfsync(fsync) => {
                let holds = self.config.appendonly && *fsync == Fsync::Always;
                let anywhere = self.config.read_path == ReadPath::AnyCore && !holds;
                self.anywhere.store(anywhere, Ordering::Relaxed);
                self.strict.store(holds, Ordering::Relaxed);
            }
            Change::Notify(classes) => {
                // Relaxed: who hears of the change hears it after every shard has.
                self.notify.store(classes.bits(), Ordering::Relaxed);
            }
            Change::Limits(limits) => {
                *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = *limits;
            }
            _ => {}
        }
    }

    /// Which events are told now.
    fn notify(&self) -> Classes {
        Classes::of_bits(self.notify.load(Ordering::Relaxed))
    }

    /// How far compact forms go now.
    fn limits(&self) -> Limits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time is at least `now`. Relaxed: it orders nothing; each core sees it grow.
    fn advance(&self, now: Millis) -> Millis {
        if self.now.load(Ordering::Relaxed) >= now.0 {
            return Millis(self.now.load(Ordering::Relaxed));
        }
        Millis(self.now.fetch_max(now.0, Ordering::Relaxed).max(now.0))
    }

    /// Whether the workers are all who look at the shards, and they are two at most, and no reply waits for the disk:
    /// then a client's writes need not wait for each other ([`order`]).
    fn orders_by_ring(&self) -> bool {
        // Relaxed: a session that has just begun has seen nothing yet, and a setting is as old as the one before.
        let outsiders = self.outsiders.load(Ordering::Relaxed);
        self.doors.len() <= 2 && outsiders == 0 && !self.strict.load(Ordering::Relaxed)
    }

    /// Whether every thread that takes part has a core of its own, so that waiting may spin.
    fn may_spin(&self) -> bool {
        let threads = self.doors.len() as u64 + self.outsiders.load(Ordering::Relaxed);
        self.config.pin && threads <= seawall_sys::pin::allowed().len() as u64
    }

    fn take_seat(&self) -> Option<(usize, Seat)> {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let (worker, seat) = (seats.iter_mut().enumerate()).find(|(_, seat)| seat.is_some())?;
        seat.take().map(|seat| (worker, seat))
    }

    fn return_seat(&self, worker: usize, seat: Seat) {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        seats[worker] = Some(seat);
    }
}
