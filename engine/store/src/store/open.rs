//! Opening a store: placing its shards, and rebuilding them from their logs.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64};
use std::sync::{Arc, Mutex};

use seawall_sys::clock::Clock;
use seawall_sys::topology::{Placement, SYSFS_ROOT, Topology, place};

use super::config::{ReadPath, SHARDS_MAX, StoreConfig, StoreError};
use super::host::{Host, Seen};
use super::link::Door;
use super::nudge::Nudges;
use super::retry::Retries;
use super::ring::Sleeper;
use super::save;
use super::wide::ticket::Ticket;
use super::{Inner, Reads, Seat, Store};
use crate::effect::Effects;
use crate::log::device::DeviceKind;
use crate::log::{Found, Log, LogConfig, Recovery};
use crate::mem::Populator;
use crate::shard::{Out, Shard, ShardConfig};
use crate::snapshot::Meta;
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
    pub fn open(config: StoreConfig) -> Result<Store, StoreError> {
        let shards = config.shards;
        if !(1..=SHARDS_MAX).contains(&shards) {
            let max = SHARDS_MAX;
            return Err(StoreError::Shards { shards, max });
        }
        value::seed_names(config.seed);
        let (placement, numa) = placement(shards)?;
        let workers = placement.iter().map(|place| place.worker + 1).max();
        let mut seats = Vec::new();
        for _ in 0..workers.unwrap_or(1) {
            seats.push(Seat {
                hosts: Vec::new(),
                sleeper: Sleeper::with_bell().map_err(StoreError::Bell)?,
            });
        }
        if let Some(dir) = &config.dir {
            save::finish(dir, shards)?;
        }
        let (logs, joints) = find_logs(&config)?;
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
            rebuilt.push(Rebuilt::from_log(log, shard)?);
        }
        load_snapshots(&config, &mut rebuilt)?;
        let mut readers = Vec::new();
        let mut recovered = Vec::new();
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
            if config.read_path == ReadPath::AnyCore {
                readers.push(shard.keyspace().reader(Arc::clone(&seen.version)));
            }
            let held = shard.stats();
            recovered.push(Recovered {
                bytes: held.used_bytes + held.index_bytes,
                ..found
            });
            let strict = config.holds_replies();
            let saves = config
                .dir
                .clone()
                .map(|dir| (dir, meta(&config, place.shard)));
            changes.push(Arc::clone(&seen.changes));
            failed.push(Arc::clone(&seen.failed));
            let mut host = Host::new(place.shard, shards, shard, log, strict, seen, saves);
            host.wake_by(seats[place.worker].sleeper.bell().as_ref());
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
    if let Ok(topology) = Topology::read(std::path::Path::new(SYSFS_ROOT)) {
        return Ok((place(shards, &topology, allowed)?, topology.is_numa()));
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
        // Every shard hashes by another seed; the golden ratio spreads them.
        seed: config.seed ^ (place.shard as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
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
    fn from_log(log: Option<Found>, mut shard: Shard) -> Result<Rebuilt, StoreError> {
        let mut found = Recovered::default();
        let Some(log) = log else {
            let log = None;
            return Ok(Rebuilt { shard, log, found });
        };
        let mut out = Out::default();
        let mut apply = |record: &[u8]| -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            for op in Effects::decode(record) {
                shard.replay(&op?, &mut out)?;
            }
            Ok(())
        };
        let (log, recovery) = log.open(&mut apply)?;
        found.log = Some(recovery);
        let log = Some(log);
        Ok(Rebuilt { shard, log, found })
    }

    /// Whether its log has anything.
    fn is_logged(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.appended() > 0)
    }
}

/// Loads snapshots, all or none: logs know more where any of them has something, unless they were only
/// being begun from these snapshots. What was loaded is then the beginning of the logs.
fn load_snapshots(config: &StoreConfig, rebuilt: &mut [Rebuilt]) -> Result<(), StoreError> {
    let shards = config.shards;
    let Some(dir) = config
        .dir
        .as_deref()
        .filter(|dir| save::is_there(dir, shards))
    else {
        return Ok(());
    };
    let is_logged = rebuilt.iter().any(Rebuilt::is_logged);
    if is_logged && !save::logs_are_half_begun(dir, shards) {
        return Ok(());
    }
    save::check(dir, shards)?;
    if config.appendonly {
        save::mark_logs(dir, shards)?;
    }
    for (number, rebuilt) in rebuilt.iter_mut().enumerate() {
        if rebuilt.is_logged() {
            save::drop_half(&mut rebuilt.shard);
        }
        let keys = save::load(dir, number, shards, &mut rebuilt.shard)?;
        rebuilt.found.snapshot_keys = keys.unwrap_or(0);
        if let Some(log) = &mut rebuilt.log {
            save::begin_log(&rebuilt.shard, log)?;
        }
    }
    if config.appendonly {
        save::unmark_logs(dir, shards)?;
    }
    Ok(())
}

/// The log of each shard, where logs are kept, compared with each other; and the number of the last joint. Nothing
/// of any is changed where one is damaged.
fn find_logs(config: &StoreConfig) -> Result<(Vec<Option<Found>>, u64), StoreError> {
    let shards = config.shards;
    if !config.appendonly {
        return Ok(((0..shards).map(|_| None).collect(), 0));
    }
    let dir = match (&config.device, &config.dir) {
        (DeviceKind::Memory(_), None) => PathBuf::new(),
        (_, None) => return Err(StoreError::NoFolder),
        (_, Some(dir)) => dir.clone(),
    };
    let log_config = LogConfig {
        device: config.device.clone(),
        fsync: config.appendfsync,
        segment_bytes: config.segment_bytes,
        ..LogConfig::new(dir, shards as u32, config.seed)
    };
    let mut logs = Vec::with_capacity(shards);
    for shard in 0..shards as u32 {
        logs.push(Found::find(&log_config, shard, 0)?);
    }
    let joints = Found::compare(&mut logs)?;
    Ok((logs.into_iter().map(Some).collect(), joints))
}
