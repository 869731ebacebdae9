//! The end of a segment's file, where a device on files appends: what such devices have in common.
//!
//! The one idea: bytes that are small enough are written and synced here, in the call, since to wake somebody who does
//! it takes longer than it does. What may take longer than a turn should, and what blocks for as long as it likes, is
//! the keeper's: it makes segments, and fills room ahead. When a sync is started, and by whom, is the
//! device's choice.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::keeper::{Done, Keeper};
use super::room::Room;
use super::{Bell, Progress};
use crate::disk::{DiskFile, RealDisk};

/// Syncs that answers wait for are done in the call where they make no more bytes durable than this. Measured up to
/// 100 KB, which is durable in less time than it takes to wake a thread and be woken by it; meanwhile clients wait in
/// the kernel for what is the next commit. Many times as much takes longer than anybody else should wait.
const IN_LINE_BYTES_MAX: u64 = 128 << 10;

/// A segment's file, and how far it is written.
pub struct Appender {
    keeper: Keeper,
    /// The segment's name, and its file.
    name: String,
    file: Arc<File>,
    /// How much is in the file.
    len: u64,
    room: Room,
    /// How many bytes were given.
    given: u64,
    /// How many bytes the last sync was to make durable.
    last_sync_bytes: u64,
    /// How many of them the keeper's sync under way makes durable.
    syncing: Option<u64>,
    rolling: bool,
    /// Whether whoever drives it drives no other log.
    is_alone: bool,
    progress: Progress,
}

impl Appender {
    /// Appends to `file`, the segment `name` of `disk` with `len` bytes in it, and this room.
    pub fn new(disk: RealDisk, name: String, file: Arc<File>, len: u64, room: Room) -> Appender {
        Appender {
            keeper: Keeper::new(disk),
            name,
            file,
            len,
            room,
            given: 0,
            last_sync_bytes: 0,
            syncing: None,
            rolling: false,
            is_alone: true,
            progress: Progress::default(),
        }
    }

    /// The segment's file.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// How many bytes were given.
    pub fn given(&self) -> u64 {
        self.given
    }

    /// Whether the keeper syncs what was given.
    pub fn is_syncing(&self) -> bool {
        self.syncing.is_some()
    }

    /// Whether a new segment is being made.
    pub fn is_rolling(&self) -> bool {
        self.rolling
    }

    /// What was done.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Rings `bell` when the keeper has done something that is waited for.
    pub fn wake_by(&mut self, bell: &Bell) {
        self.is_alone = bell.is_for_one;
        self.keeper.wake_by(bell);
    }

    /// Takes the next `bytes` bytes of the file for what was given, with room: where they begin.
    pub fn take_place(&mut self, bytes: u64) -> io::Result<u64> {
        let at = self.len;
        let end = at + bytes;
        while self.room.is_late(end) {
            self.take(true)?;
        }
        self.room.make(&self.file, end);
        self.len = end;
        self.given += bytes;
        Ok(at)
    }

    /// Writes `bytes` at `at`, their place, as the last that were given.
    pub fn write(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.file.write_at(bytes, at)?;
        self.written();
        Ok(())
    }

    /// The system has what was given.
    pub fn written(&mut self) {
        self.progress.written = self.given;
    }

    /// How many bytes were given that are not durable.
    pub fn unsynced(&self) -> u64 {
        self.given - self.progress.synced
    }

    /// Whether a sync of what was given, which answers wait for, is to be done in the call: it is small and whoever calls
    /// drives nothing else, or nobody can be woken, which it `rings` for.
    pub fn syncs_in_line(&self, rings: bool) -> bool {
        !rings || self.is_alone && self.unsynced() <= IN_LINE_BYTES_MAX
    }

    /// A sync of what was given begins.
    pub fn begin_sync(&mut self) {
        self.last_sync_bytes = self.unsynced();
    }

    /// Makes durable all that was given and written.
    pub fn sync(&mut self) -> io::Result<()> {
        let start = Instant::now();
        self.file.sync()?;
        self.synced(self.given, start.elapsed());
        Ok(())
    }

    /// Starts making durable, by the keeper, all that was given and written.
    pub fn start_sync(&mut self) -> io::Result<()> {
        self.syncing = Some(self.given);
        self.keeper.sync(&self.file)
    }

    /// The first `given` bytes are durable, by a sync that took so long.
    pub fn synced(&mut self, given: u64, time: Duration) {
        self.progress.note_sync(given, time);
    }

    /// Lets room be filled ahead, where that pays and the keeper has nothing else to do: who writes up to there would
    /// wait for that, too.
    pub fn look_ahead(&mut self) {
        if self.keeper.is_idle()
            && let Some(range) = self.room.wanted(self.last_sync_bytes, self.len)
            && self.keeper.fill(&self.file, &self.name, range).is_err()
        {
            // Who has no thread for it has room as it comes.
            self.room.filled(false);
        }
    }

    /// Starts sealing the segment, and making the next one.
    pub fn roll(&mut self, name: String, head: Vec<u8>) -> io::Result<()> {
        self.rolling = true;
        let cut = self.room.cut(self.len);
        self.len = head.len() as u64;
        self.room.begin(self.len);
        self.name.clone_from(&name);
        self.keeper.roll(&self.file, cut, name, head)
    }

    /// Starts removing segments.
    pub fn remove(&mut self, names: Vec<String>) -> io::Result<()> {
        self.keeper.remove(names)
    }

    /// Takes one thing that the keeper has done, and notes it; whether there was one. `wait`: until there is, where it
    /// was given any job.
    pub fn take(&mut self, wait: bool) -> io::Result<bool> {
        let Some(done) = self.keeper.take(wait)? else {
            return Ok(false);
        };
        match done {
            Done::Synced(time) => {
                let given = self.syncing.take().unwrap_or_default();
                self.synced(given, time);
            }
            Done::Rolled(file) => {
                self.file = file;
                self.rolling = false;
                self.progress.synced = self.given;
            }
            Done::Filled(is_whole) => self.room.filled(is_whole),
            Done::Removed => {}
        }
        Ok(true)
    }
}
