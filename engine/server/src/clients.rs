//! Who is connected: a card for each client, which every worker can read.
//!
//! The connection's own worker keeps the card up to date; others read it for `CLIENT LIST` and say
//! what is to become of a client through that worker's mailbox. Counts are relaxed: they order nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seawall_store::Millis;
use seawall_store::command::CommandError;

use crate::net::Token;

/// What a client calls itself.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// `CLIENT SETNAME`.
    pub name: String,
    /// `CLIENT SETINFO LIB-NAME`.
    pub library: String,
    /// `CLIENT SETINFO LIB-VER`.
    pub library_version: String,
}

/// A number that the client's worker writes and others read.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// What it is.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Says what it is.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// What others may know of a client.
#[derive(Debug)]
pub struct Card {
    /// Its number, never given twice.
    pub id: u64,
    /// Its address.
    pub peer: String,
    /// The address it connected to.
    pub local: String,
    /// The worker that has it.
    pub worker: usize,
    /// What that worker's network calls it.
    pub token: Token,
    /// When it connected.
    pub since: Millis,
    /// When it last sent something.
    pub heard_ms: Gauge,
    /// Its database.
    pub database: Gauge,
    /// 2 or 3.
    pub resp: Gauge,
    /// The number of its last command in the table, from 1; 0: none yet.
    pub command: Gauge,
    /// Channels, patterns and shard channels that it listens to.
    pub subscriptions: [Gauge; 3],
    /// How many commands are queued, from 1, where a transaction is open; 0: none is.
    pub transaction: Gauge,
    /// How many keys it watches.
    pub watched: Gauge,
    /// Bytes that came and are not understood yet.
    pub input_bytes: Gauge,
    /// Bytes that wait to be sent.
    pub output_bytes: Gauge,
    /// Whether it waits for a key.
    pub blocked: AtomicBool,
    /// Whether a command of it waits for the end of a pause (`CLIENT PAUSE`).
    pub paused: AtomicBool,
    /// Bytes of the commands that it has queued (`MULTI`).
    pub transaction_bytes: Gauge,
    /// Whether it sees every command (`MONITOR`).
    pub monitors: AtomicBool,
    /// Whether it is never evicted (`CLIENT NO-EVICT`).
    pub stays: AtomicBool,
    names: Mutex<Names>,
}

/// What a connection takes besides its buffers.
const CONNECTION_BYTES: u64 = 1024;

impl Card {
    /// The bytes that it takes: what came, what is queued, what waits to be sent.
    pub fn bytes(&self) -> u64 {
        let buffers = [
            &self.input_bytes,
            &self.transaction_bytes,
            &self.output_bytes,
        ];
        buffers.iter().map(|gauge| gauge.get()).sum::<u64>() + CONNECTION_BYTES
    }

    /// What it calls itself.
    pub fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everyone who is connected.
#[derive(Debug, Default)]
pub struct Clients {
    last_id: AtomicU64,
    cards: Mutex<BTreeMap<u64, Arc<Card>>>,
    connected: AtomicU64,
}

impl Clients {
    /// Lets one in.
    pub fn enter(
        &self,
        worker: usize,
        token: Token,
        peer: String,
        local: String,
        now: Millis,
    ) -> Arc<Card> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let card = Arc::new(Card {
            id,
            peer,
            local,
            worker,
            token,
            since: now,
            heard_ms: Gauge(AtomicU64::new(now.0)),
            database: Gauge::default(),
            resp: Gauge(AtomicU64::new(2)),
            command: Gauge::default(),
            subscriptions: Default::default(),
            transaction: Gauge::default(),
            watched: Gauge::default(),
            input_bytes: Gauge::default(),
            output_bytes: Gauge::default(),
            blocked: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            transaction_bytes: Gauge::default(),
            monitors: AtomicBool::new(false),
            stays: AtomicBool::new(false),
            names: Mutex::default(),
        });
        self.lock().insert(id, Arc::clone(&card));
        self.connected.fetch_add(1, Ordering::Relaxed);
        card
    }

    /// Forgets one.
    pub fn leave(&self, id: u64) {
        if self.lock().remove(&id).is_some() {
            self.connected.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.connected.load(Ordering::Relaxed) as usize
    }

    /// Who has to go so that all together take no more than `bytes_max`: those that take most, but for
    /// those that are never evicted.
    pub fn too_many_bytes(&self, bytes_max: u64) -> Vec<Arc<Card>> {
        let all = self.all();
        let mut sum: u64 = all.iter().map(|card| card.bytes()).sum();
        if sum <= bytes_max {
            return Vec::new();
        }
        let mut may_go: Vec<(u64, Arc<Card>)> = (all.into_iter())
            .filter(|card| !card.stays.load(Ordering::Relaxed))
            .map(|card| (card.bytes(), card))
            .collect();
        may_go.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        let going = may_go.into_iter().take_while(|(bytes, _)| {
            let goes = sum > bytes_max;
            sum = sum.saturating_sub(*bytes);
            goes
        });
        going.map(|(_, card)| card).collect()
    }

    /// The one of this number.
    pub fn find(&self, id: u64) -> Option<Arc<Card>> {
        self.lock().get(&id).cloned()
    }

    /// Everyone, by number.
    pub fn all(&self) -> Vec<Arc<Card>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Card>>> {
        self.cards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `name` as a client may call itself.
///
/// # Errors
/// A character that would break a line of `CLIENT LIST`, in Redis's words.
pub fn check_name(name: &[u8]) -> Result<String, CommandError> {
    if name.iter().any(|byte| !(b'!'..=b'~').contains(byte)) {
        return Err(CommandError::fixed(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        ));
    }
    Ok(String::from_utf8_lossy(name).into_owned())
}

/// Whether `peer`, an address with its port or a Unix socket's path with `:0`, is of this machine.
pub fn is_of_this_machine(peer: &str) -> bool {
    match peer.parse::<SocketAddr>() {
        Ok(address) => address.ip().to_canonical().is_loopback(),
        // A path.
        Err(_) => true,
    }
}
