//! The figures of a server at one moment: what `INFO` and `MEMORY` tell.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seawall_store::ShardStats;
use seawall_store::keyspace::Loading;
use seawall_store::log::LogStats;

use crate::server::Server;

/// What one database holds, over all shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Database {
    /// Keys.
    pub keys: u64,
    /// Keys that expire.
    pub expires: u64,
}

/// The figures of a server.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Keys in all databases.
    pub keys: u64,
    /// Bytes that keys and values take: what `maxmemory` bounds.
    pub used_bytes: u64,
    /// Bytes of the index.
    pub index_bytes: u64,
    /// Large collections that are not freed yet, their keys gone.
    pub leaving: u64,
    /// Lookups that found a key.
    pub hits: u64,
    /// Lookups that found none.
    pub misses: u64,
    /// Keys that were evicted.
    pub evicted: u64,
    /// Keys that expired.
    pub expired: u64,
    /// What shards load of their snapshots, where some is not in memory yet.
    pub loading: Option<Loading>,
    /// By the database's number.
    pub databases: Vec<Database>,
    /// Of all logs; the longest sync is that of any.
    pub log: LogStats,
    /// Bytes that wait in clients' buffers.
    pub client_bytes: u64,
    /// The longest input and output of a client.
    pub longest_buffers: [u64; 2],
    /// The most memory that was ever seen in use.
    pub peak_bytes: u64,
    /// Bytes of the process that were in memory before it kept anything.
    pub startup_bytes: u64,
    /// Bytes of the process that are in memory.
    pub resident_bytes: u64,
    /// `maxmemory`.
    pub maxmemory: u64,
    /// `maxmemory-policy`.
    pub policy: String,
}

impl Figures {
    /// Of what shards told, and what clients take.
    pub fn new(server: &Server, shards: &[ShardStats]) -> Figures {
        let settings = server.settings.now();
        let mut figures = Figures {
            maxmemory: settings.number("maxmemory"),
            policy: settings.text("maxmemory-policy").to_owned(),
            resident_bytes: seawall_sys::usage::resident_bytes().unwrap_or(0),
            ..Figures::default()
        };
        for shard in shards {
            figures.add(shard);
        }
        for card in server.clients.all() {
            let buffers = [card.input_bytes.get(), card.output_bytes.get()];
            figures.client_bytes += buffers.iter().sum::<u64>();
            for (longest, bytes) in figures.longest_buffers.iter_mut().zip(buffers) {
                *longest = bytes.max(*longest);
            }
        }
        figures.startup_bytes = server.extremes.startup_bytes();
        figures.peak_bytes = server.extremes.observe(figures.memory_bytes());
        figures
    }

    fn add(&mut self, shard: &ShardStats) {
        self.keys += shard.keys;
        self.used_bytes += shard.used_bytes;
        self.index_bytes += shard.index_bytes;
        self.leaving += shard.leaving;
        self.hits += shard.hits;
        self.misses += shard.misses;
        self.evicted += shard.evicted;
        self.expired += shard.expired;
        if let Some(loading) = shard.loading {
            let sum = self.loading.get_or_insert_default();
            sum.bytes += loading.bytes;
            sum.loaded_bytes += loading.loaded_bytes;
        }
        if self.databases.len() < shard.databases.len() {
            self.databases
                .resize(shard.databases.len(), Database::default());
        }
        if let Some(log) = &shard.log {
            self.log.add(log);
        }
        for (sum, own) in self.databases.iter_mut().zip(&shard.databases) {
            sum.keys += own.keys;
            sum.expires += own.expires;
        }
    }

    /// The databases that hold anything, with their numbers.
    pub fn used_databases(&self) -> impl Iterator<Item = (usize, Database)> {
        let databases = self.databases.iter().copied().enumerate();
        databases.filter(|(_, database)| database.keys > 0)
    }

    /// Bytes in use: what the program itself takes, keys, values, index, clients' buffers.
    pub fn memory_bytes(&self) -> u64 {
        self.startup_bytes + self.used_bytes + self.index_bytes + self.client_bytes
    }

    /// How much of the memory that came into use since the start keys and values are.
    pub fn dataset_percent(&self) -> f64 {
        let since_start = self.memory_bytes().saturating_sub(self.startup_bytes);
        percent(self.used_bytes, since_start).min(100.0)
    }

    /// How much of the most memory is in use now.
    pub fn peak_percent(&self) -> f64 {
        percent(self.memory_bytes(), self.peak_bytes)
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}

/// The memory that was resident before anything was kept, the most in use, and the longest turn of a worker.
#[derive(Debug, Default)]
pub struct Extremes {
    startup: AtomicU64,
    most: AtomicU64,
    turn_ns: AtomicU64,
}

impl Extremes {
    /// So many bytes are resident, and nothing is kept yet.
    pub fn begin(&self, bytes: u64) {
        self.startup.store(bytes, Ordering::Relaxed);
    }

    /// The bytes that were resident before anything was kept.
    pub fn startup_bytes(&self) -> u64 {
        self.startup.load(Ordering::Relaxed)
    }

    /// So many bytes are in use; the most of all such figures.
    pub fn observe(&self, bytes: u64) -> u64 {
        self.most.fetch_max(bytes, Ordering::Relaxed).max(bytes)
    }

    /// A worker's turn took so much of its thread's CPU time.
    pub fn turn(&self, cpu: Duration) {
        let ns = u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX);
        // Turns are many and hardly any is the longest: all but that one only look.
        if ns > self.turn_ns.load(Ordering::Relaxed) {
            self.turn_ns.fetch_max(ns, Ordering::Relaxed);
        }
    }

    /// The longest turn that was watched, in microseconds of CPU time.
    pub fn longest_turn_us(&self) -> u64 {
        self.turn_ns.load(Ordering::Relaxed) / 1000
    }

    /// The largest is what is in use when it is next looked at (`CONFIG RESETSTAT`).
    pub fn reset(&self) {
        self.turn_ns.store(0, Ordering::Relaxed);
        self.most.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_the_most() {
        let extremes = Extremes::default();
        extremes.begin(7);
        assert_eq!(
            [10, 30, 5].map(|bytes| extremes.observe(bytes)),
            [10, 30, 30]
        );
        for us in [3, 9, 4] {
            extremes.turn(Duration::from_micros(us));
        }
        assert_eq!(extremes.longest_turn_us(), 9);
        extremes.reset();
        assert_eq!((extremes.observe(7), extremes.startup_bytes()), (7, 7));
        assert_eq!(extremes.longest_turn_us(), 0);
    }

    #[test]
    fn shares_of_nothing_are_nothing() {
        assert_eq!(Figures::default().dataset_percent(), 0.0);
        assert_eq!(Figures::default().peak_percent(), 0.0);
    }
}
