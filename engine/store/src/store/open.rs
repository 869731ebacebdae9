//! Opening a store: placing its shards, and rebuilding them from their logs.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use seawall_sys::clock::Clock;
use seawall_sys::topology::{Placement, Topology, place};

use super::config::{ReadPath, SHARDS_MAX, StoreConfig, StoreError};
use super::host::saving::Desk;
use super::host::{Host, Seen};
use super::link::Door;
use super::load;
use super::nudge::Nudges;
use super::replay::Replay;
use super::reshard::reshard;
use super::retry::Retries;
use super::ring::Sleeper;
use super::save::Saves;
use super::wide::ticket::Ticket;
use super::{Inner, Reads, Seat, Store, logs};
use crate::log::{Found, Log, Recovery};
use crate::mem::Populator;
use crate::shard::{Shard, ShardConfig};
use crate::snapshot::{Codec, Meta};
use crate::value;

/// What a shard was rebuilt from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// What the log held.
    pub log: Option<Recovery>,
    /// Keys that came from a snapshot.
    pub snapshot_keys: u64,
    /// The bytes that all of it takes, index included.
    pub bytes: u64,
}

impl Store {
    /// Opens a store: what its folder holds is there again, and no worker runs yet.
    ///
    /// # Errors
    /// The configuration is wrong, the system grants no memory, or the folder cannot be read.
    pub fn open(mut config: StoreConfig) -> Result<Store, StoreError> {
        let shards = config.shards;
        if !(1..=SHARDS_MAX).contains(&shards) {
            let max = SHARDS_MAX;
            return Err(StoreError::Shards { shards, max });
        }
        let (placement, numa) = placement(shards)?;
        let workers = placement.iter().map(|place| place.worker + 1).max();
        let mut seats = Vec::new();
        for _ in 0..workers.unwrap_or(1) {
            seats.push(Seat {
                hosts: Vec::new(),
                sleeper: Sleeper::with_bell().map_err(StoreError::Bell)?,
            });
        }
        let saves = Saves::find(&config)?;
        let logged = saves.as_ref().filter(|_| config.appendonly);
        let resharded = logged.map(|saves| reshard(&config, saves)).transpose()?;
        let base = logged.and_then(|saves| saves.base());
        let (logs, joints) = if config.appendonly {
            let (logs, joints) = logs::find(&config, shards, base.as_ref())?;
            (logs.into_iter().map(Some).collect(), joints)
        } else {
            ((0..shards).map(|_| None).collect::<Vec<_>>(), 0)
        };
        // Logs are salted by this store's own seed; keys are hashed as the snapshot has them, which then need not
        // be loaded first.
        if let Some(saves) = &saves
            && let Some(saved) = base.clone().or_else(|| saves.newest())
            && let Some(seed) = saves.seed(&saved, shards)
        {
            config.seed = seed;
        }
        value::seed_names(config.seed);
        let mut rebuilt = Vec::new();
        let mut unbound = None;
        // Where there is no such thread, pages come when they are first touched.
        let populator = Populator::start().ok();
        for (place, log) in placement.iter().zip(logs) {
            let (mut shard, refused) = make(&config, place, numa)?;
            if let Some(populator) = &populator {
                shard.populate_by(populator.clone());
            }
            unbound = unbound.or(refused);
            shard.keyspace().begin(config.opened, 0, false);
            let mut snapshot_keys = 0;
            if let (Some(saves), Some(base)) = (&saves, &base) {
                snapshot_keys = saves.load(base, (place.shard, shards), &mut shard)?;
            }
            rebuilt.push(Rebuilt::from_log(log, shard, snapshot_keys)?);
        }
        if let Some(saves) = &saves {
            if base.is_none() {
                load_newest(&config, saves, &mut rebuilt)?;
            }
            saves.sweep();
        }
        let mut readers = Vec::new();
        let mut recovered = Vec::new();
        let (mut log_bytes, mut loading) = (Vec::new(), Vec::new());
        let (mut changes, mut failed) = (Vec::new(), Vec::new());
        let retries = Retries::default();
        for (place, rebuilt) in placement.iter().zip(rebuilt) {
            let Rebuilt {
                mut shard,
                log,
                found,
            } = rebuilt;
            let seen = Seen {
                retries: retries.clone(),
                ..Seen::default()
            };
            load::settle(&mut shard, config.load_at_once_bytes)?;
            if config.read_path == ReadPath::AnyCore {
                readers.push(shard.keyspace().reader(Arc::clone(&seen.version)));
            }
            let held = shard.stats();
            recovered.push(Recovered {
                bytes: held.used_bytes + held.index_bytes,
                ..found.clone()
            });
            let strict = config.holds_replies();
            let desk = saves.as_ref().map(|saves| Desk {
                saves: Arc::clone(saves),
                meta: meta(&config, place.shard),
                waker: Arc::clone(seats[place.worker].sleeper.waker()),
            });
            changes.push(Arc::clone(&seen.changes));
            let bytes = found.log.as_ref().map_or(0, |log| log.bytes);
            seen.log_bytes.store(bytes, Ordering::Relaxed);
            log_bytes.push(Arc::clone(&seen.log_bytes));
            seen.loading
                .store(shard.keyspace().is_cold(), Ordering::Relaxed);
            loading.push(Arc::clone(&seen.loading));
            failed.push(Arc::clone(&seen.failed));
            let mut host = Host::new(place.shard, shards, shard, log, strict, seen, desk);
            let beside = placement.iter().filter(|it| it.worker == place.worker);
            let bell = seats[place.worker].sleeper.bell(beside.count() == 1);
            host.wake_by(bell.as_ref());
            seats[place.worker].hosts.push(host);
        }
        let worker_of: Vec<usize> = placement.iter().map(|place| place.worker).collect();
        let wakers = seats.iter().map(|seat| Arc::clone(seat.sleeper.waker()));
        let nudges = Arc::new(Nudges::new(worker_of.clone(), wakers));
        let doors = seats
            .iter()
            .map(|seat| Door::new(Arc::clone(seat.sleeper.waker())));
        Ok(Store {
            inner: Arc::new(Inner {
                shards,
                worker_of,
                doors: doors.collect(),
                nudges,
                readers,
                anywhere: AtomicBool::new(config.reads_anywhere()),
                strict: AtomicBool::new(config.holds_replies()),
                reads: (0..shards).map(|_| Reads::default()).collect(),
                notify: AtomicU16::new(0),
                full: (0..shards).map(|_| AtomicBool::new(false)).collect(),
                changes,
                log_bytes,
                loading,
                failed,
                retries,
                limits: Mutex::new(config.limits),
                seats: Mutex::new(seats.into_iter().map(Some).collect()),
                ticket: Ticket::new(),
                joints: AtomicU64::new(joints),
                clock: Clock::start(),
                now: AtomicU64::new(0),
                clocked: AtomicBool::new(false),
                outsiders: AtomicU64::new(0),
                recovered,
                resharded: resharded.flatten(),
                saves,
                placement,
                numa,
                unbound,
                config,
            }),
        })
    }
}

/// Where shards go, and whether there are several nodes. A machine that tells nothing of itself is
/// one node of as many CPUs as are allowed.
fn placement(shards: usize) -> Result<(Vec<Placement>, bool), StoreError> {
    let allowed = seawall_sys::pin::allowed();
    if let Ok(topology) = Topology::of_machine() {
        return Ok((place(shards, topology, allowed)?, topology.is_numa()));
    }
    let workers = allowed.len().clamp(1, shards);
    let one = |shard| Placement {
        shard,
        worker: shard % workers,
        cpu: allowed.get(shard % workers).copied().unwrap_or(0),
        node: 0,
    };
    Ok(((0..shards).map(one).collect(), false))
}

/// An empty shard at its place, and why its memory could not be bound there.
fn make(
    config: &StoreConfig,
    place: &Placement,
    numa: bool,
) -> Result<(Shard, Option<String>), StoreError> {
    let shards = config.shards as u64;
    let mut shard = Shard::open(&ShardConfig {
        seed: ShardConfig::seed_of(config.seed, place.shard),
        maxmemory: config.maxmemory.div_ceil(shards),
        policy: config.policy.clone(),
        samples: config.samples,
        databases: config.databases,
        limits: config.limits,
    })
    .map_err(StoreError::Memory)?;
    // A kernel that forbids it places memory where it is first touched: by the pinned owner.
    let bound = if numa { shard.bind(place.node) } else { Ok(()) };
    Ok((shard, bound.err().map(|error| error.to_string())))
}

fn meta(config: &StoreConfig, number: usize) -> Meta {
    Meta {
        shard: number as u32,
        shards: config.shards as u32,
        seed: config.seed,
        codec: Codec::compressing(config.compress),
        ..Meta::default()
    }
}

/// A shard as it is rebuilt.
struct Rebuilt {
    shard: Shard,
    log: Option<Log>,
    found: Recovered,
}

impl Rebuilt {
    /// With what its log holds, where there is one, up to where it ends.
    fn from_log(
        log: Option<Found>,
        mut shard: Shard,
        snapshot_keys: u64,
    ) -> Result<Rebuilt, StoreError> {
        let mut found = Recovered {
            snapshot_keys,
            ..Recovered::default()
        };
        let Some(log) = log else {
            let log = None;
            return Ok(Rebuilt { shard, log, found });
        };
        let mut replay = Replay::new(&mut shard);
        let (log, recovery) = log.open(&mut |record| replay.take(record))?;
        (replay.finish()).map_err(|refused| StoreError::Refused(refused.to_string()))?;
        found.log = Some(recovery);
        let log = Some(log);
        Ok(Rebuilt { shard, log, found })
    }

    /// Whether its log has anything.
    fn is_logged(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.appended() > 0)
    }
}

/// Loads the newest save, unless logs that go on from none have anything, which know more; those that have nothing then
/// go on from it.
fn load_newest(
    config: &StoreConfig,
    saves: &Saves,
    rebuilt: &mut [Rebuilt],
) -> Result<(), StoreError> {
    let Some(newest) = saves.newest() else {
        return Ok(());
    };
    if rebuilt.iter().any(Rebuilt::is_logged) {
        return Ok(());
    }
    let shards = config.shards;
    if newest.shards.len() != shards && !config.appendonly && !newest.is_logged() {
        saves.check_base(shards)?;
        let readers = saves.all(&newest)?;
        let mut others: Vec<&mut Shard> = rebuilt.iter_mut().map(|it| &mut it.shard).collect();
        load::into_others(&readers, &mut others)?;
        for rebuilt in rebuilt.iter_mut() {
            rebuilt.found.snapshot_keys = rebuilt.shard.stats().keys;
        }
        return Ok(());
    }
    for (number, rebuilt) in rebuilt.iter_mut().enumerate() {
        let keys = saves.load(&newest, (number, shards), &mut rebuilt.shard)?;
        rebuilt.found.snapshot_keys = keys;
    }
    let logs = rebuilt.iter().filter_map(|it| it.log.as_ref());
    let logs: Vec<u64> = logs.map(Log::id).collect();
    if !logs.is_empty() {
        saves.adopt(newest, &logs)?;
    }
    Ok(())
}
