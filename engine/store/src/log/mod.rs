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

mod anew;
pub mod device;
pub mod frame;
pub mod inspect;
pub mod joint;
mod layout;
mod read;
mod recover;
pub mod segment;

mod config;
#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod damage_tests;
mod error;
mod found;
mod pending;
mod stats;
mod turn;
mod unsettled;

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::effect::Effects;
use crate::time::Millis;
use device::room::Room;
use device::{Bell, Device};
use frame::{Frame, Kind, PAYLOAD_BYTES_MAX};
use joint::Joint;
use pending::Pending;
use recover::{Owner, Recovered};
use segment::Head;
use unsettled::Unsettled;

pub use config::{Fsync, LogConfig, SEGMENT_BYTES};
pub use error::{Failure, LogError};
pub use found::Found;
pub(crate) use found::Laid;
pub use recover::{Recovery, Torn};
pub use stats::LogStats;

/// Receives the effects of each record, in order; an error ends recovery.
pub type Apply<'a> = dyn FnMut(&[u8]) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;

/// How much longer than what is in it a segment's file is made, each time.
const ROOM_BYTES: u64 = 1 << 20;

/// A segment with less than this part of what a full one has does not end for a snapshot: to read so little again costs
/// less than a new file.
const SEALED_PART: u64 = 16;

/// Under `appendfsync no` a sync is started where so many parts are not known to be durable on all shards.
const UNSETTLED_MAX: usize = 1_024;

/// Bytes that the device was given together, and that are not durable.
struct Batch {
    /// Where it ends in all that was given.
    end: u64,
    /// Its last sequence.
    sequence: u64,
    /// When its first record was appended.
    since: Millis,
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
    /// Whether the segment ends before anything more is written.
    seals: bool,
    /// First sequences of the segments before the last.
    sealed: VecDeque<u64>,
    pending: Pending,
    /// The sequence of the last record appended, given to the device, in the system's hands, durable here, and
    /// durable with all that other shards did together with it.
    appended: u64,
    given: u64,
    written: u64,
    synced: u64,
    durable: u64,
    /// Its parts in what is not durable on all shards.
    unsettled: Unsettled,
    /// The time; 0: none was told.
    now: Millis,
    /// The last sequence that a mark told of.
    marked: u64,
    batches: VecDeque<Batch>,
    synced_at: Option<Millis>,
    /// Somebody waits until everything up to this is durable.
    wanted: u64,
    /// Why nothing more is logged.
    poison: Option<Failure>,
    stats: LogStats,
    /// Whether the device rings when something is done.
    rings: bool,
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
    /// Opens the log of `shard`, giving the effects of every whole record to `apply`, in order: for a log that
    /// is a shard's alone. Where several shards log what they did together, see [`Found`].
    ///
    /// # Errors
    /// As [`Found::find`] and [`Found::open`].
    pub fn open(
        config: &LogConfig,
        shard: u32,
        apply: &mut Apply<'_>,
    ) -> Result<(Log, Recovery), LogError> {
        Found::find(config, shard, 0, 0)?.open(apply)
    }

    fn begin<D: crate::disk::Disk>(
        config: &LogConfig,
        owner: Owner,
        found: Recovered<D>,
        device: impl FnOnce(String, D::File, u64, Room) -> (Box<dyn Device>, Option<String>),
    ) -> (Log, Recovery) {
        let room = Room::new(ROOM_BYTES.min(config.segment_bytes / 4), found.file_len);
        let (device, notice) = device(found.head.name(), found.file, found.len, room);
        let last = found.next - 1;
        let log = Log {
            device,
            fsync: config.fsync,
            segment_bytes: config.segment_bytes,
            owner,
            head: found.head,
            segment_len: found.len,
            seals: false,
            sealed: found.sealed.into(),
            pending: Pending::default(),
            appended: last,
            given: last,
            written: last,
            synced: last,
            durable: last,
            unsettled: Unsettled::default(),
            now: Millis(0),
            // Where nothing was written anew there is nothing to vouch for.
            marked: if found.len == segment::HEAD_BYTES as u64 {
                last
            } else {
                0
            },
            batches: VecDeque::new(),
            synced_at: None,
            wanted: 0,
            poison: None,
            stats: LogStats::default(),
            rings: false,
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
        if effects.is_empty() {
            return self.appended;
        }
        self.append_record(Kind::Effects, &[], effects.as_bytes())
    }

    /// As [`Log::append`], of effects that share a record with those before and behind them, where they are small and
    /// nothing else comes between before the device is given them.
    #[inline]
    pub fn extend(&mut self, effects: &Effects) -> u64 {
        let payload = effects.as_bytes();
        if effects.is_empty() || self.pending.extend(payload) {
            return self.appended;
        }
        if self.poison.is_some() || payload.len() > PAYLOAD_BYTES_MAX {
            return self.append(effects);
        }
        self.next_record();
        self.pending.open(self.appended, payload, self.head.salt);
        self.appended
    }

    /// Appends the shard's part in `joint`, which has `effects`, and gives its sequence. Where that is nothing to
    /// be kept together it is as [`Log::append`].
    pub fn append_part(&mut self, joint: &Arc<Joint>, effects: &Effects) -> u64 {
        if !joint.is_logged() {
            return self.append(effects);
        }
        let mut head = SmallVec::new();
        joint.encode_head(&mut head);
        let before = self.appended;
        let sequence = self.append_record(Kind::Part, &head, effects.as_bytes());
        if sequence > before {
            let changes = !effects.is_empty();
            self.unsettled.push(sequence, joint, changes, self.now);
        } else {
            joint.fail();
        }
        sequence
    }

    fn append_record(&mut self, kind: Kind, head: &[u8], payload: &[u8]) -> u64 {
        if self.poison.is_some() {
            return self.appended;
        }
        let bytes = head.len() + payload.len();
        if bytes > PAYLOAD_BYTES_MAX {
            self.fail(Failure {
                doing: "write to",
                file: self.head.name(),
                said: format!(
                    "a record of {bytes} bytes; at most {PAYLOAD_BYTES_MAX} are accepted"
                ),
            });
            return self.appended;
        }
        let sequence = self.next_record();
        let frame = Frame {
            kind,
            sequence,
            payload,
        };
        self.pending.append(&frame, head, self.head.salt);
        sequence
    }

    /// Makes room for a record, and gives its sequence.
    fn next_record(&mut self) -> u64 {
        if self.pending.is_empty() {
            self.pending.since = self.now;
            if self.durable > self.marked {
                self.mark();
            }
        }
        self.stats.records += 1;
        self.appended += 1;
        self.appended
    }

    /// Appends a mark: what is durable now.
    fn mark(&mut self) {
        self.marked = self.durable;
        let frame = Frame {
            kind: Kind::Mark,
            sequence: self.durable,
            payload: &[],
        };
        self.pending.append(&frame, &[], self.head.salt);
    }

    /// Lets it be `now` for what is appended from here on.
    pub fn see(&mut self, now: Millis) {
        if self.now == Millis(0) {
            // What was appended before there was a time is as old as the first.
            self.pending.since = now;
            self.unsettled.begin_at(now);
        }
        self.now = self.now.max(now);
    }

    /// Writes what was appended, starts and reaps syncs, and gives the highest durable sequence.
    ///
    /// Waits only under [`Fsync::Always`]: for a sync of few bytes, which devices do in the call, and for room that is
    /// being filled. `now` is what [`Fsync::Interval`] and [`Fsync::Bounded`] count by.
    ///
    /// # Errors
    /// Where writing or syncing failed, now or before.
    pub fn turn(&mut self, now: Millis) -> Result<u64, LogError> {
        self.see(now);
        self.poll(false)?;
        let due = match self.fsync.pause_ms() {
            _ if self.synced < self.wanted => true,
            Some(0) => true,
            Some(pause_ms) => now.since(*self.synced_at.get_or_insert(now)) >= pause_ms,
            // Nobody waits for it, but who did something together with others is remembered until it is durable.
            None => self.unsettled.behind(self.synced) > UNSETTLED_MAX,
        };
        let urgent = self.fsync == Fsync::Always;
        if self.hand_over(due, urgent)? {
            self.synced_at = Some(now);
            if urgent {
                self.device.look_ahead();
            }
        }
        self.poll(false)
    }

    /// Writes everything and waits until it is durable here; gives the highest sequence that is durable with all
    /// that other shards did together with it.
    ///
    /// # Errors
    /// As [`Log::turn`].
    pub fn sync(&mut self) -> Result<u64, LogError> {
        self.poll(false)?;
        while self.synced < self.appended {
            self.hand_over(true, true)?;
            self.poll(true)?;
        }
        Ok(self.durable)
    }

    /// Notes that all of it is durable, where it is: whoever opens it next then knows, and need not write its end
    /// anew. To be called after [`Log::sync`], when the log is not used for a while.
    ///
    /// # Errors
    /// As [`Log::turn`].
    pub fn conclude(&mut self) -> Result<(), LogError> {
        self.poll(false)?;
        if self.durable < self.appended || self.durable == self.marked || !self.device.can_write() {
            return Ok(());
        }
        self.mark();
        self.give()?;
        let started = self.device.sync(true);
        self.or_poison("write or sync", started)?;
        while !self.batches.is_empty() {
            self.poll(true)?;
        }
        Ok(())
    }

    /// A snapshot was begun that has all that was appended: no record has that and more. Lets the segment end where it is,
    /// before anything more is written, unless it has little: when the snapshot counts, [`trim`](Log::trim) removes
    /// segments as wholes.
    pub fn seal(&mut self) {
        self.pending.end(self.head.salt);
        let has_much = self.segment_len >= self.segment_bytes / SEALED_PART;
        self.seals |= has_much && self.given >= self.head.first;
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

    /// The highest sequence that is durable, with all that other shards did together with it or before.
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// What tells it from others.
    pub fn id(&self) -> u64 {
        self.head.log
    }

    /// Whether everything up to `sequence`, which was appended, is durable with all that other shards did together with
    /// it or before; where it is not, the next turns make it so, whatever the setting.
    pub fn secure(&mut self, sequence: u64) -> bool {
        self.wanted = self.wanted.max(sequence);
        self.durable >= sequence
    }

    /// The highest sequence that was appended.
    pub fn appended(&self) -> u64 {
        self.appended
    }

    /// The highest sequence that the system was given, with all that other shards did together with it or before:
    /// what a program that is killed leaves to the system.
    #[inline]
    pub fn given(&self) -> u64 {
        let part = self.unsettled.first_not_given();
        part.map_or(self.written, |part| self.written.min(part - 1))
    }

    /// How many milliseconds old the oldest record is that is not durable, with all that other shards did together
    /// with it.
    pub fn lag_ms(&self) -> u64 {
        let pending = (!self.pending.is_empty()).then_some(self.pending.since);
        let written = self.batches.front().map(|batch| batch.since);
        let part = self.unsettled.since();
        let oldest = [pending, written, part].into_iter().flatten().min();
        oldest.map_or(0, |since| self.now.since(since))
    }

    /// From now on `bell` rings whenever the device has done something that was under way, where it can.
    pub fn wake_by(&mut self, bell: &Bell) {
        self.rings = self.device.wake_by(bell);
    }

    /// Whether nothing is to be done before something rings: the device, or, for what several shards did together,
    /// [`Joint`]'s waker.
    pub fn awaits_bell(&self) -> bool {
        let is_left_to_others = || {
            let unsettled = &self.unsettled;
            let parts = [unsettled.first(), unsettled.first_not_given()];
            let mut parts = parts.into_iter().flatten();
            self.pending.is_empty() && parts.any(|part| part <= self.given)
        };
        self.rings && (self.device.is_under_way() || is_left_to_others())
    }

    /// When the next sync is due, where anything is to be made durable and time decides.
    pub fn next_sync(&self) -> Option<Millis> {
        let pause_ms = self.fsync.pause_ms().filter(|pause_ms| *pause_ms > 0)?;
        let is_left = self.synced < self.appended && self.poison.is_none();
        let synced_at = self.synced_at.filter(|_| is_left)?;
        // Not at once where one takes longer than that: it is looked for again and again.
        let soon = self.now.0.saturating_add(1);
        Some(Millis(synced_at.0.saturating_add(pause_ms).max(soon)))
    }

    /// When the log is made durable.
    pub fn fsync(&self) -> Fsync {
        self.fsync
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

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        self.poison.as_ref()
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
}
