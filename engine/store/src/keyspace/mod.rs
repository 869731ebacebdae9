//! The keys of one shard: lookup, change, expiry, memory.
//!
//! Handlers see keys and values here and nothing of index, items or eviction. An expired key is never
//! seen: the first call that meets it removes it, counts it, and tells log and replicas (`DEL`).
//! Strings lie in their items; collections in a slab that the owner alone touches.

mod beyond;
mod capture;
mod cells;
mod cold;
#[cfg(test)]
mod cold_tests;
mod collections;
#[cfg(test)]
mod database_tests;
mod databases;
mod dump;
mod eviction;
mod expiry;
mod items;
mod leaving;
mod lookup;
mod memory;
mod notice;
mod observe;
mod owned;
mod reader;
mod settings;
mod slab;
mod sought;
mod strings;
mod tags;
#[cfg(test)]
mod tests;
mod version;
mod walk;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rapidhash::v3::RapidSecrets;

use crate::effect::Effects;
use crate::event::{Classes, Event};
use crate::index::Index;
pub use crate::mem::Tag;
use crate::mem::{Arena, Populator};
use crate::shard::{ShardConfig, ShardStats};
use crate::time::Millis;
use crate::value::{Kind, Stored, Value};

pub use crate::index::CURSOR_BITS;
use capture::Capture;
pub(crate) use capture::{Most, Records};
pub(crate) use cold::Asker;
use cold::Cold;
pub use cold::Loading;
use databases::Databases;
pub use databases::{DATABASES_MAX, DatabaseStats};
pub use dump::record_ops;
use eviction::Eviction;
pub use eviction::Usage;
use expiry::Expiries;
use leaving::Leaving;
use memory::Growth;
pub use memory::string_bytes;
pub use observe::DbKey;
use observe::Observers;
pub use owned::{Inspected, Owned};
pub use reader::{Found, KeyReader, Probe, Touched};
use settings::Settings;
use slab::Slab;
use sought::Foreseen;
pub use sought::Sought;
pub use tags::{Tagged, Where};
pub(crate) use version::Version;

/// The most bytes of a key and of a value (Redis's `proto-max-bulk-len`).
pub const BULK_BYTES_MAX: usize = 512 << 20;

/// When a key that is set expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expire {
    /// As the key that is replaced (`KEEPTTL`); never, where there was none.
    Keep,
    /// Never.
    Never,
    /// At this time.
    At(Millis),
}

/// A key with all that is kept of it.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The database.
    pub database: u8,
    /// The key.
    pub key: &'a [u8],
    /// What it holds.
    pub value: Value<'a>,
    /// When it expires.
    pub expires: Option<Millis>,
    /// What Memcached's protocol keeps of it.
    pub tag: Option<Tag>,
}

/// The keys of one shard.
pub struct Keyspace {
    now: Millis,
    /// The latest of all times that there were: effects of the past are applied at none, but used now.
    latest: Millis,
    /// Whether the command that runs only reads: its lookups count as hits and misses.
    reads: bool,
    /// Where the database of the command that runs has its keys.
    place: u8,
    databases: Databases,
    secrets: RapidSecrets,
    foreseen: Foreseen,
    random: Xoshiro256PlusPlus,
    arena: Arena,
    index: Index,
    collections: Slab<Stored>,
    collection_bytes: u64,
    leaving: Leaving,
    growth: Growth,
    expiries: Expiries,
    eviction: Eviction,
    maxmemory: u64,
    /// Whether nothing could be evicted when room was last made.
    full: bool,
    settings: Settings,
    observers: Observers,
    /// The seed that it hashes by.
    seed: u64,
    populator: Option<Populator>,
    /// The keys that are not in memory yet.
    cold: Option<Box<Cold>>,
    /// Whether there are none: for readers on other cores.
    whole: Arc<AtomicBool>,
    /// The snapshot that is being taken.
    capture: Option<Box<Capture>>,
    /// How often all keys were removed.
    clears: u64,
    /// `DEL`s of keys that expired or were evicted.
    removed: Effects,
    /// The last number that a tag was given.
    cas: u64,
    /// The events that somebody may listen to, and those that happened since they were drained.
    notify: Classes,
    events: Vec<Event>,
    stats: ShardStats,
}

impl Default for Keyspace {
    fn default() -> Keyspace {
        Keyspace::new(&ShardConfig::default()).expect("the system grants address space")
    }
}

impl Keyspace {
    /// No keys.
    ///
    /// # Errors
    /// The system grants no address space.
    pub fn new(config: &ShardConfig) -> io::Result<Keyspace> {
        let arena = Arena::new()?;
        Ok(Keyspace {
            now: Millis(0),
            latest: Millis(0),
            reads: false,
            place: 0,
            databases: Databases::new(config.databases),
            secrets: RapidSecrets::seed(config.seed),
            foreseen: Foreseen::default(),
            random: Xoshiro256PlusPlus::seed_from_u64(config.seed),
            eviction: Eviction::new(config, &arena),
            arena,
            index: Index::new()?,
            collections: Slab::default(),
            collection_bytes: 0,
            leaving: Leaving::within(config.maxmemory),
            growth: Growth::default(),
            expiries: Expiries::default(),
            maxmemory: config.maxmemory,
            full: false,
            settings: Settings::new(config),
            observers: Observers::default(),
            seed: config.seed,
            populator: None,
            cold: None,
            whole: Arc::new(AtomicBool::new(true)),
            capture: None,
            clears: 0,
            removed: Effects::default(),
            cas: 0,
            notify: Classes::NONE,
            events: Vec::new(),
            stats: ShardStats::default(),
        })
    }

    /// Sets the time of the calls that follow, the database that they mean, which there must be, and
    /// whether they serve a command that only reads.
    #[inline]
    pub fn begin(&mut self, now: Millis, database: u8, reads: bool) {
        self.now = now;
        self.latest = self.latest.max(now);
        self.reads = reads;
        self.select(database);
    }

    /// Moves the `DEL`s of keys that expired or were evicted to `effects`: they come before the effects
    /// of the op that met them.
    pub fn drain_removed(&mut self, effects: &mut Effects) {
        effects.append(&mut self.removed);
    }

    /// Whether a key expired or was evicted since that was last drained.
    #[inline]
    pub fn has_removed(&self) -> bool {
        !self.removed.is_empty()
    }

    /// Whether the lookups that follow count as a read command's: for the sources of commands that
    /// write.
    pub fn count_reads(&mut self, reads: bool) {
        self.reads = reads;
    }

    /// What `key` holds, as an access: it marks the item for the eviction policy and counts a hit or a
    /// miss.
    pub fn get(&mut self, key: &[u8]) -> Option<Value<'_>> {
        self.access(key).map(|id| self.value(id))
    }

    /// What `key` holds, without an access (`TYPE`, `TTL`, `EXISTS`, `OBJECT`).
    pub fn peek(&mut self, key: &[u8]) -> Option<Value<'_>> {
        self.look_up(key).map(|id| self.value(id))
    }

    /// Whether there is such a key; neither an access, nor told to anybody.
    pub fn has(&mut self, key: &[u8]) -> bool {
        self.locate(key).is_some()
    }

    /// The kind of value at `key`, without an access.
    pub fn kind(&mut self, key: &[u8]) -> Option<Kind> {
        self.peek(key).map(Value::kind)
    }

    /// Removes `key`; whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let found = self.locate(key);
        if let Some((place, id)) = found {
            self.unlink(place, id);
        }
        found.is_some()
    }

    /// Removes every key of every database. A snapshot that is being taken is given up: to save ahead all that
    /// goes would be to stand still until it is written.
    pub fn clear(&mut self) {
        self.capture = None;
        self.clears += 1;
        self.remove_all();
    }

    /// Removes every key of every database, of which no snapshot is being taken.
    fn remove_all(&mut self) {
        self.changed_where(|keyspace, key| keyspace.has_in(key.database(), key.key()));
        self.forget_cold();
        let mut ids = Vec::with_capacity(self.index.len());
        self.index.for_each(|id| ids.push(id));
        self.index.clear();
        self.expiries.clear();
        self.databases.clear();
        for stored in std::mem::take(&mut self.collections).into_values() {
            self.leaving.take(stored);
        }
        self.collection_bytes = 0;
        for id in ids {
            self.eviction.remove(self.arena.own(id).entry(), id);
            self.arena.retire(id);
        }
    }

    /// How many keys there are in all databases, expired ones that nobody met yet among them.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are no keys, not even any that are not in memory yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && !self.is_cold()
    }

    /// Shows every key that has not expired, in no order.
    pub fn for_each(&self, mut each: impl FnMut(&Entry<'_>)) {
        self.index.for_each(|id| {
            let item = self.arena.own(id);
            let expires = item.expires();
            if expires.is_none_or(|at| self.now <= at) {
                each(&Entry {
                    database: self.databases.number(item.database()),
                    key: item.key(),
                    value: self.value(id),
                    expires,
                    tag: item.tag(),
                });
            }
        });
    }

    /// The generator of the shard, for commands that choose at random.
    pub fn random(&mut self) -> &mut Xoshiro256PlusPlus {
        &mut self.random
    }

    /// Counts and state.
    pub fn stats(&self) -> ShardStats {
        ShardStats {
            keys: self.len() as u64,
            used_bytes: self.used_bytes(),
            index_bytes: self.index.bytes() as u64,
            leaving: self.leaving.len() as u64,
            databases: self.databases.stats(),
            loading: self.loading(),
            ..self.stats.clone()
        }
    }
}
