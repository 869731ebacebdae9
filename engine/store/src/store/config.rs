//! What a store is made with, and why it cannot be made.

use std::path::PathBuf;

use crate::command::CommandError;
use crate::event::Classes;
use crate::evict::PolicySpec;
use crate::log::device::DeviceKind;
use crate::log::{Fsync, LogError, SEGMENT_BYTES};
use crate::snapshot::SnapshotError;
use crate::time::Millis;
use crate::value::Limits;

/// Who answers a read of a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadPath {
    /// The thread that asks, without lock or hop, where it can.
    #[default]
    AnyCore,
    /// The shard's owner.
    OwnerOnly,
}

/// What a store is made with.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// How many shards the keys are split over, 1 to 1,024; a folder with logs of another number becomes one of so many.
    pub shards: usize,
    /// Seeds hashes and every random choice; a folder keeps the seed that it was made with.
    pub seed: u64,
    /// The most bytes that keys and values of all shards may take; 0: no bound.
    pub maxmemory: u64,
    /// Who goes when `maxmemory` is reached.
    pub policy: PolicySpec,
    /// How many items a sampling policy looks at.
    pub samples: u32,
    /// How many databases there are, 1 to 256.
    pub databases: usize,
    /// How far the compact forms of values go.
    pub limits: Limits,
    /// The folder of logs and snapshots.
    pub dir: Option<PathBuf>,
    /// Whether what happens is logged.
    pub appendonly: bool,
    /// When the log is made durable.
    pub appendfsync: Fsync,
    /// What the log writes to.
    pub device: DeviceKind,
    /// A segment of a log that has grown to so many bytes is followed by a new one.
    pub segment_bytes: u64,
    /// A shard's snapshot that is no longer than this is loaded before anybody is served: where it is longer, keys
    /// come when they are asked for, and all others meanwhile.
    pub load_at_once_bytes: u64,
    /// Whether the blocks of snapshots are compressed.
    pub compress: bool,
    /// Who answers a read of a string.
    pub read_path: ReadPath,
    /// Whether workers are tied to a CPU each.
    pub pin: bool,
    /// When the store is opened: what its folder holds counts as used then (`OBJECT IDLETIME`).
    pub opened: Millis,
}

impl Default for StoreConfig {
    /// In memory alone, unbounded, a shard for every CPU that this process may use.
    fn default() -> StoreConfig {
        StoreConfig {
            shards: seawall_sys::pin::allowed().len().clamp(1, SHARDS_MAX),
            seed: 0,
            maxmemory: 0,
            policy: PolicySpec::default(),
            samples: 5,
            databases: 16,
            limits: Limits::default(),
            dir: None,
            appendonly: false,
            appendfsync: Fsync::EVERYSEC,
            device: DeviceKind::Uring,
            segment_bytes: SEGMENT_BYTES,
            load_at_once_bytes: 8 << 20,
            compress: false,
            read_path: ReadPath::AnyCore,
            pin: true,
            opened: Millis(0),
        }
    }
}

/// A setting that changes while the store runs; see [`Worker::configure`](super::Worker::configure).
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `maxmemory`: the most bytes of all shards; 0: no bound.
    Maxmemory(u64),
    /// `maxmemory-policy`.
    Policy(PolicySpec),
    /// `maxmemory-samples`.
    Samples(u32),
    /// `notify-keyspace-events`.
    Notify(Classes),
    /// Whether expired keys that nobody meets are removed (`DEBUG SET-ACTIVE-EXPIRE`).
    ActiveExpiry(bool),
    /// `appendfsync`.
    Appendfsync(Fsync),
    /// `rdbcompression`: whether the blocks of snapshots are compressed.
    Compression(bool),
    /// `hash-max-listpack-entries` and its like: how far the compact forms of values go.
    Limits(Limits),
}

/// The most shards.
pub(crate) const SHARDS_MAX: usize = 1_024;

impl StoreConfig {
    /// Whether reads may be answered on any core: under `appendfsync always` the owner answers, since
    /// it alone knows what is durable.
    pub(super) fn reads_anywhere(&self) -> bool {
        self.read_path == ReadPath::AnyCore && !self.holds_replies()
    }

    /// Whether replies wait until what they tell of is durable.
    pub(super) fn holds_replies(&self) -> bool {
        self.appendonly && self.appendfsync == Fsync::Always
    }
}

/// Why a store cannot be opened or worked on.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A number of shards that there cannot be.
    #[error("{shards} shards: 1 to {max} are accepted")]
    Shards {
        /// What was asked for.
        shards: usize,
        /// The most.
        max: usize,
    },
    /// A log without a folder.
    #[error("appendonly needs a folder: set dir")]
    NoFolder,
    /// No snapshot without a folder.
    #[error("a snapshot needs a folder: set dir")]
    NoFolderToSave,
    /// One snapshot at a time.
    #[error("a snapshot is being made already")]
    SaveGoesOn,
    /// All keys were removed while it was made, or who made it is gone.
    #[error("the snapshot was given up: all keys were removed, or who asked for it is gone")]
    SaveGivenUp,
    /// The system grants no address space.
    #[error("no address space for a shard: {0}")]
    Memory(#[source] std::io::Error),
    /// The system grants no eventfd for a worker to be woken by.
    #[error("no eventfd for a worker: {0}")]
    Bell(#[source] std::io::Error),
    /// No CPU can be used.
    #[error(transparent)]
    Place(#[from] seawall_sys::topology::PlaceError),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Every worker is taken.
    #[error("all {workers} workers are taken")]
    NoSeat {
        /// How many there are.
        workers: usize,
    },
    /// The thread cannot be pinned.
    #[error(transparent)]
    Pin(#[from] seawall_sys::pin::PinError),
    /// A thread cannot be started.
    #[error("cannot start a worker's thread: {0}")]
    Thread(#[source] std::io::Error),
    /// A snapshot cannot be written or read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A snapshot is not the one that the manifest means.
    #[error("{file} is missing, or not the one that the manifest of snapshots means")]
    Mixed {
        /// The snapshot.
        file: String,
    },
    /// A snapshot is of another number of shards.
    #[error(
        "{file} is of shard {shard} of {shards}; the store has {wanted} shards: open it with {shards}, or with \
         appendonly yes, which re-shards it"
    )]
    Layout {
        /// The snapshot.
        file: String,
        /// Its shard.
        shard: u32,
        /// Of how many.
        shards: u32,
        /// How many the store has.
        wanted: usize,
    },
    /// A snapshot would be taken over by another number of shards, and the folder has logs of the old number.
    #[error(
        "the folder's logs go on from {file}, of {shards} shards, and cannot be taken over by {wanted}: open it with \
         {shards} shards"
    )]
    LayoutOfLogs {
        /// The first file of the snapshot that the logs go on from.
        file: String,
        /// How many shards it has.
        shards: usize,
        /// How many the store has.
        wanted: usize,
    },
    /// A folder with logs of another number of shards has a newer snapshot that was made without them.
    #[error(
        "{file} was made without the folder's logs, which are of {shards} shards: it would be lost if they became logs of \
         {wanted}. Open it with {shards} shards, from the logs or the snapshot as appendonly says; a save with \
         appendonly yes leaves what the logs have alone"
    )]
    BesideLogs {
        /// The first file of the snapshot.
        file: String,
        /// How many shards the logs have.
        shards: usize,
        /// How many the store has.
        wanted: usize,
    },
    /// Snapshots of different numbers of shards cannot count together.
    #[error("{file} cannot name snapshots of different numbers of shards")]
    Layouts {
        /// The manifest.
        file: String,
    },
    /// A record of a snapshot was refused.
    #[error("{file}: a record was refused: {error}")]
    Replay {
        /// The snapshot.
        file: String,
        /// Why.
        error: CommandError,
    },
    /// A log failed before what it holds was durable.
    #[error("the end of the append-only file may be lost: {0}")]
    NotDurable(String),
    /// A shard refused what was asked of it.
    #[error("a shard refused: {0}")]
    Refused(String),
}

impl StoreError {
    /// Whether what the folder holds is wrong, or cannot be read or written; and not the machine or who asks.
    pub fn is_of_files(&self) -> bool {
        !matches!(
            self,
            StoreError::Shards { .. }
                | StoreError::NoFolder
                | StoreError::NoFolderToSave
                | StoreError::Memory(_)
                | StoreError::Bell(_)
                | StoreError::Place(_)
                | StoreError::NoSeat { .. }
                | StoreError::Pin(_)
                | StoreError::Thread(_)
                | StoreError::NotDurable(_)
                | StoreError::Refused(_)
        )
    }
}
