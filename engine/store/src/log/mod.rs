//! The log (AOF): what happened to a shard, in order, on a disk.
//!
//! ```text
//!  append(effects) ─► pending ──turn──► device: write ─► sync ─► durable()
//!       sequence       frames            segment files
//! ```
//!
//! The one idea: a log is driven by its worker's turns. Appending only frames bytes in memory; a
//! [`turn`](Log::turn) writes what gathered since the last one (group commit) and starts and reaps
//! syncs as [`Fsync`] says. A sequence is durable when the device says that its bytes are, and not
//! before; what `durable()` told is never lost. Recovery gives a prefix of what was appended
//! (`recover.rs`).
//!
//! A write that fails or is short and a sync that fails *poison* the log: every later call errs, and
//! nothing is tried again, since after a failed sync the kernel may have dropped what it could not
//! write and call the next sync a success.
//!
//! It is not a replication stream, and it compacts nothing: old segments go when a snapshot covers
//! them. Dropping a log without [`sync`](Log::sync) is a crash as far as it is concerned.

pub mod device;
pub mod frame;
mod recover;
pub mod segment;

mod config;
#[cfg(test)]
mod crash_tests;
mod error;

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use seawall_sys::ring::Ring;

use crate::disk::RealDisk;
use crate::effect::Effects;
use crate::time::Millis;
use device::{Device, DeviceKind, Progress};
use frame::{Frame, Kind, PAYLOAD_BYTES_MAX};
use recover::{Owner, Recovered, recover};
use segment::Head;

pub use config::{Fsync, LogConfig};
pub use error::LogError;
pub use recover::{Recovery, Torn};

/// Receives the effects of each record, in order; an error ends recovery.
pub type Apply<'a> = dyn FnMut(&[u8]) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;

/// Counts since a log was opened, and its state now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogStats {
    /// Records appended.
    pub records: u64,
    /// Bytes appended and not yet given to the device: grows where the device cannot keep up.
    pub buffered_bytes: u64,
    /// Bytes given to the device, frames and marks counted.
    pub written_bytes: u64,
    /// Of those, bytes that are durable.
    pub synced_bytes: u64,
    /// Segments made.
    pub segments: u64,
    /// Syncs done.
    pub syncs: u64,
    /// The time that they took, together.
    pub sync_time: Duration,
    /// The longest of them.
    pub sync_time_max: Duration,
}

/// The log of one shard.
pub struct Log {
    device: Box<dyn Device>,
    fsync: Fsync,
    segment_bytes: u64,
    owner: Owner,
    /// The last segment's head, for the salt.
    head: Head,
    segment_len: u64,
    /// First sequences of the segments before the last.
    sealed: VecDeque<u64>,
    pending: Vec<u8>,
    /// The sequence of the last record appended, given to the device, and durable.
    appended: u64,
    given: u64,
    durable: u64,
    /// The last sequence that a mark told of.
    marked: u64,
    /// For each batch that is not durable: where it ends in the bytes given, and its last sequence.
    batches: VecDeque<(u64, u64)>,
    synced_at: Option<Millis>,
    poison: Option<String>,
    stats: LogStats,
    /// Keeps other stores out.
    _lock: Box<dyn Send>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("shard", &self.owner.shard)
            .field("device", &self.device.name())
            .field("durable", &self.durable)
            .field("poison", &self.poison)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log of `shard`, giving the effects of every whole record to `apply`, in order.
    ///
    /// Where `io_uring` is forbidden the device `file` is used instead, and
    /// [`Recovery::notice`] says so.
    ///
    /// # Errors
    /// Where files cannot be read or written, are not of this log, or are damaged below what had
    /// been durable; and what `apply` says.
    pub fn open(
        config: &LogConfig,
        shard: u32,
        apply: &mut Apply<'_>,
    ) -> Result<(Log, Recovery), LogError> {
        Log::open_after(config, shard, 0, apply)
    }

    /// As [`Log::open`], where a snapshot holds every record up to sequence `covered`: those are not
    /// applied, and need not be there. The next record's sequence is above `covered`, whatever the
    /// log had.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_after(
        config: &LogConfig,
        shard: u32,
        covered: u64,
        apply: &mut Apply<'_>,
    ) -> Result<(Log, Recovery), LogError> {
        let owner = Owner {
            shard,
            shards: config.shards,
            covered,
            seed: config.seed,
        };
        match &config.device {
            DeviceKind::Memory(disk) => {
                let found = recover(disk, owner, apply)?;
                Ok(Log::begin(config, owner, found, |file, len| {
                    (
                        Box::new(device::memory::MemoryDevice::new(disk.clone(), file, len)),
                        None,
                    )
                }))
            }
            DeviceKind::File => {
                let disk = RealDisk::new(&config.dir);
                let found = recover(&disk, owner, apply)?;
                Ok(Log::begin(config, owner, found, |file, len| {
                    (
                        Box::new(device::file::FileDevice::new(disk, file, len)),
                        None,
                    )
                }))
            }
            DeviceKind::Uring => {
                let disk = RealDisk::new(&config.dir);
                let found = recover(&disk, owner, apply)?;
                let ring = Ring::new(device::uring::RING_ENTRIES);
                Ok(Log::begin(config, owner, found, |file, len| {
                    device::uring::or_file(ring, disk, file, len)
                }))
            }
        }
    }

    fn begin<D: crate::disk::Disk>(
        config: &LogConfig,
        owner: Owner,
        found: Recovered<D>,
        device: impl FnOnce(D::File, u64) -> (Box<dyn Device>, Option<String>),
    ) -> (Log, Recovery) {
        let (device, notice) = device(found.file, found.len);
        let last = found.next - 1;
        let log = Log {
            device,
            fsync: config.fsync,
            segment_bytes: config.segment_bytes,
            owner,
            head: found.head,
            segment_len: found.len,
            sealed: found.sealed.into(),
            pending: Vec::new(),
            appended: last,
            given: last,
            durable: last,
            marked: 0,
            batches: VecDeque::new(),
            synced_at: None,
            poison: None,
            stats: LogStats::default(),
            _lock: Box::new(found.lock),
        };
        let recovery = Recovery {
            notice,
            ..found.recovery
        };
        (log, recovery)
    }

    /// Appends one record with `effects`, in memory, and gives its sequence: the last one plus 1.
    /// Nothing is appended where `effects` are empty or the log is poisoned; the next turn says so.
    pub fn append(&mut self, effects: &Effects) -> u64 {
        if effects.is_empty() || self.poison.is_some() {
            return self.appended;
        }
        let payload = effects.as_bytes();
        if payload.len() > PAYLOAD_BYTES_MAX {
            self.poison = Some(format!(
                "a record of {} bytes; at most {PAYLOAD_BYTES_MAX} are accepted",
                payload.len()
            ));
            return self.appended;
        }
        if self.pending.is_empty() && self.durable > self.marked {
            self.marked = self.durable;
            let (kind, sequence) = (Kind::Mark, self.durable);
            Frame {
                kind,
                sequence,
                payload: &[],
            }
            .encode(self.head.salt, &mut self.pending);
        }
        self.appended += 1;
        self.stats.records += 1;
        let (kind, sequence) = (Kind::Effects, self.appended);
        Frame {
            kind,
            sequence,
            payload,
        }
        .encode(self.head.salt, &mut self.pending);
        sequence
    }

    /// Writes what was appended, starts and reaps syncs, and gives the highest durable sequence.
    ///
    /// Never waits, but for one case: under [`Fsync::Always`] the devices without asynchronous syncs
    /// (`file`) sync in the call. `now` is what [`Fsync::EverySec`] counts by.
    ///
    /// # Errors
    /// Where writing or syncing failed, now or before.
    pub fn turn(&mut self, now: Millis) -> Result<u64, LogError> {
        self.poll(false)?;
        let due = match self.fsync {
            Fsync::Always => true,
            Fsync::EverySec => now.since(*self.synced_at.get_or_insert(now)) >= 1_000,
            Fsync::No => false,
        };
        if self.hand_over(due, self.fsync == Fsync::Always)? {
            self.synced_at = Some(now);
        }
        self.poll(false)
    }

    /// Writes everything and waits until it is durable; gives the last sequence.
    ///
    /// # Errors
    /// As [`Log::turn`].
    pub fn sync(&mut self) -> Result<u64, LogError> {
        self.poll(false)?;
        while self.durable < self.appended {
            self.hand_over(true, true)?;
            self.poll(true)?;
        }
        Ok(self.durable)
    }

    /// Starts removing the segments that hold no record above `covered`, which a durable snapshot
    /// holds; gives how many. Never waits; the segment that is written to stays.
    ///
    /// # Errors
    /// As [`Log::turn`].
    pub fn trim(&mut self, covered: u64) -> Result<usize, LogError> {
        self.poll(false)?;
        let mut names = Vec::new();
        while let Some(&first) = self.sealed.front() {
            // A segment ends where the next one begins.
            let next = self.sealed.get(1).copied().unwrap_or(self.head.first);
            if next > covered.min(self.durable) + 1 {
                break;
            }
            self.sealed.pop_front();
            names.push(Head { first, ..self.head }.name());
        }
        let removed = names.len();
        if removed > 0 {
            let started = self.device.remove(names);
            self.or_poison("remove what is before", started)?;
        }
        Ok(removed)
    }

    /// The highest sequence that is durable.
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// The highest sequence that was appended.
    pub fn appended(&self) -> u64 {
        self.appended
    }

    /// When the log is made durable from now on.
    pub fn set_fsync(&mut self, fsync: Fsync) {
        self.fsync = fsync;
    }

    /// Bytes appended and not yet given to the device.
    #[inline]
    pub fn pending_bytes(&self) -> u64 {
        self.pending.len() as u64
    }

    /// The device in use.
    pub fn device(&self) -> &'static str {
        self.device.name()
    }

    /// Counts and state.
    pub fn stats(&self) -> LogStats {
        LogStats {
            buffered_bytes: self.pending.len() as u64,
            ..self.stats
        }
    }

    /// Gives the device what it can take: the pending batch, or a new segment for it, and, where one
    /// is `due`, a sync. Tells whether a sync was started.
    fn hand_over(&mut self, due: bool, urgent: bool) -> Result<bool, LogError> {
        // Where every batch is synced, one that gathers while a sync is under way waits for it: the
        // two then go to the device together.
        let take = self.device.can_write() && (!urgent || self.device.can_sync());
        if take && !self.pending.is_empty() {
            if self.segment_len >= self.segment_bytes.max(segment::HEAD_BYTES as u64 + 1) {
                return self.roll().map(|()| false);
            }
            let bytes = self.pending.len() as u64;
            let written = self.device.write(&mut self.pending);
            self.or_poison("write", written)?;
            self.segment_len += bytes;
            self.stats.written_bytes += bytes;
            self.given = self.appended;
            self.batches
                .push_back((self.stats.written_bytes, self.given));
        }
        let start = due && self.durable < self.given && self.device.can_sync();
        if start {
            let started = self.device.sync(urgent);
            self.or_poison("sync", started)?;
        }
        Ok(start)
    }

    /// Seals the segment. What is pending was framed for it: it is framed anew, for the next.
    fn roll(&mut self) -> Result<(), LogError> {
        let Owner {
            shard,
            shards,
            seed,
            ..
        } = self.owner;
        let head = Head::new(shard, shards, self.given + 1, seed);
        let mut pending = Vec::with_capacity(self.pending.len());
        let old = self.pending.as_slice();
        let mut frames = frame::Frames::new(old, 0, old.len() as u64, self.head.salt);
        while let Ok(frame::Next::Frame(frame)) = frames.read() {
            frame.encode(head.salt, &mut pending);
        }
        assert_eq!(
            pending.len(),
            self.pending.len(),
            "what was framed here reads back"
        );
        self.pending = pending;
        let rolled = self.device.roll(head.name(), head.encode().to_vec());
        self.or_poison("begin a segment", rolled)?;
        self.sealed.push_back(self.head.first);
        self.head = head;
        self.segment_len = segment::HEAD_BYTES as u64;
        self.stats.segments += 1;
        Ok(())
    }

    fn poll(&mut self, wait: bool) -> Result<u64, LogError> {
        if let Some(reason) = &self.poison {
            return Err(LogError::Poisoned {
                reason: reason.clone(),
            });
        }
        let polled = self.device.poll(wait);
        let progress: Progress = self.or_poison("write or sync", polled)?;
        while let Some(&(end, sequence)) = self.batches.front()
            && end <= progress.synced
        {
            self.batches.pop_front();
            self.durable = sequence;
        }
        self.stats.synced_bytes = progress.synced;
        self.stats.syncs = progress.syncs;
        self.stats.sync_time = progress.sync_time;
        self.stats.sync_time_max = progress.sync_time_max;
        Ok(self.durable)
    }

    fn or_poison<T>(&mut self, doing: &'static str, result: io::Result<T>) -> Result<T, LogError> {
        result.map_err(|source| {
            let file = self.head.name();
            self.poison = Some(format!("could not {doing} {file}: {source}"));
            self.pending = Vec::new();
            LogError::Failed {
                doing,
                file,
                source,
            }
        })
    }
}
