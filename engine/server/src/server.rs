//! What all workers of a server share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use seawall_store::{Millis, Store};

use crate::calls::Calls;
use crate::clients::Clients;
use crate::config::{Effect, Live};
use crate::ending::Ending;
use crate::figures::Extremes;
use crate::limits::Limits;
use crate::mailbox::{Mailbox, Message};
use crate::monitors::Monitors;
use crate::notify::Notifications;
use crate::pause::Pause;
use crate::pubsub::PubSub;
use crate::saving::Saving;
use crate::traffic::Traffic;

type Wake = Box<dyn Fn() + Send + Sync>;

/// What all workers share.
pub struct Server {
    /// The keys.
    pub store: Store,
    /// Who is connected.
    pub clients: Clients,
    /// The parameters in force.
    pub settings: Live,
    /// Who listens to which channel.
    pub pubsub: PubSub,
    /// Which changes of keys are published.
    pub notifications: Notifications,
    /// Calls of commands.
    pub calls: Calls,
    /// What goes over the network.
    pub traffic: Traffic,
    /// Who hears of every command.
    pub monitors: Monitors,
    /// Whether clients wait.
    pub pause: Pause,
    /// Snapshots.
    pub saving: Arc<Saving>,
    /// The least and the most memory that was in use.
    pub extremes: Extremes,
    /// Since when it runs.
    pub since: Millis,
    /// Its name among all runs: 40 hexadecimal digits.
    pub run_id: String,
    pub(crate) ending: Ending,
    limits: Mutex<Arc<Limits>>,
    limits_version: AtomicU64,
    /// How many bytes of frames may lie in a mailbox.
    frame_bytes_max: AtomicU64,
    workers: Vec<Station>,
    /// Until when all workers sleep, in milliseconds.
    sleep_until: AtomicU64,
    /// When Memcached's clients want all removed, in milliseconds; 0: not.
    flush_at: AtomicU64,
}

/// How many bytes of frames may lie in a mailbox: those of a few listeners that do not read.
fn frame_bytes_max(limits: &Limits) -> u64 {
    match limits.output_pubsub.hard_bytes {
        0 => u64::MAX,
        bytes => bytes.saturating_mul(4),
    }
}

/// A worker, as others have it.
#[derive(Default)]
struct Station {
    mailbox: Mailbox,
    wake: OnceLock<Wake>,
}

impl Server {
    /// A server over `store`.
    pub fn new(store: Store, settings: Live, run_id: String) -> Server {
        let now = settings.now();
        let limits = now.limits();
        let server = Server {
            frame_bytes_max: AtomicU64::new(frame_bytes_max(&limits)),
            workers: (0..store.workers()).map(|_| Station::default()).collect(),
            since: store.now(),
            calls: Calls::new(store.workers()),
            traffic: Traffic::new(store.workers()),
            saving: Arc::new(Saving::new(store.now())),
            store,
            clients: Clients::default(),
            run_id,
            limits: Mutex::new(Arc::new(limits)),
            settings,
            pubsub: PubSub::default(),
            notifications: Notifications::default(),
            monitors: Monitors::default(),
            pause: Pause::default(),
            extremes: Extremes::default(),
            limits_version: AtomicU64::new(1),
            sleep_until: AtomicU64::new(0),
            flush_at: AtomicU64::new(0),
            ending: Ending::default(),
        };
        server.take_effect(&[Effect::Store, Effect::Watching], &now);
        server
    }

    /// Lets every worker sleep, as Redis's one thread does in `DEBUG SLEEP`.
    pub fn sleep_until(&self, at: Millis) {
        // Relaxed: one word; a worker that does not see it yet is in the midst of its turn.
        self.sleep_until.store(at.0, Ordering::Relaxed);
    }

    /// The time, once nobody is to sleep any more.
    pub fn awake(&self) -> Millis {
        loop {
            let now = self.store.now();
            let until = Millis(self.sleep_until.load(Ordering::Relaxed));
            if until <= now {
                return now;
            }
            thread::sleep(Duration::from_millis(until.since(now)));
        }
    }

    /// Lets all keys of database 0 be removed at `at`; a later call takes the place of an earlier one.
    pub fn flush_after(&self, at: Millis) {
        // Relaxed: one word; whichever worker sees it due does it.
        self.flush_at.store(at.0, Ordering::Relaxed);
    }

    /// Whether all keys are to be removed now; says so to one caller.
    pub fn flush_is_due(&self, now: Millis) -> bool {
        let at = self.flush_at.load(Ordering::Relaxed);
        let due = at > 0 && at <= now.0;
        // Relaxed: of several workers that see it due the exchange chooses one.
        due && (self.flush_at)
            .compare_exchange(at, 0, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Counts from nothing again (`CONFIG RESETSTAT`).
    pub fn reset_counts(&self) {
        self.calls.reset();
        self.traffic.reset();
        self.extremes.reset();
    }

    /// The bounds on clients, as they are now.
    pub fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.limits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the bounds; every worker sees them in its next turn.
    pub fn change_limits(&self, change: impl FnOnce(&mut Limits)) {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut limits));
        // Relaxed: a bound, which orders nothing.
        self.frame_bytes_max
            .store(frame_bytes_max(&limits), Ordering::Relaxed);
        drop(limits);
        // Relaxed: the mutex carries the bounds; a worker that sees the old number looks next turn.
        self.limits_version.fetch_add(1, Ordering::Relaxed);
        self.tell_all(&Message::Look);
    }

    /// Changes whenever the bounds do.
    pub fn limits_version(&self) -> u64 {
        self.limits_version.load(Ordering::Relaxed)
    }

    /// Closes clients where all of them together take more than `maxmemory-clients`.
    pub fn evict_clients(&self) {
        let bytes_max = self.limits().all_bytes;
        if bytes_max == 0 {
            return;
        }
        for card in self.clients.too_many_bytes(bytes_max) {
            self.traffic.of(card.worker).evicted.add(1);
            self.tell(card.worker, Message::Kill(card.token));
            self.clients.leave(card.id);
        }
    }

    /// Says something to a worker, and wakes it.
    pub fn tell(&self, worker: usize, message: Message) {
        let station = &self.workers[worker];
        let frame_bytes_max = self.frame_bytes_max.load(Ordering::Relaxed);
        station.mailbox.put(message, frame_bytes_max);
        // A worker that has not begun yet looks before it first sleeps.
        if let Some(wake) = station.wake.get() {
            wake();
        }
    }

    /// Says something to every worker.
    pub fn tell_all(&self, message: &Message) {
        (0..self.workers.len()).for_each(|worker| self.tell(worker, message.clone()));
    }

    /// The mailbox of a worker.
    pub fn mailbox(&self, worker: usize) -> &Mailbox {
        &self.workers[worker].mailbox
    }

    /// How a worker is woken; told by itself when it begins.
    pub fn woken_by(&self, worker: usize, wake: impl Fn() + Send + Sync + 'static) {
        // A seat is taken once in a server's life.
        let _ = self.workers[worker].wake.set(Box::new(wake));
    }
}
