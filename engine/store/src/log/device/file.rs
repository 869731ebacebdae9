//! `file`: `pwrite` and `fdatasync`.
//!
//! The portable reference, and the way out where `io_uring` is forbidden. A write goes to the page
//! cache in the call; a sync runs on the keeper, or in the call where it is urgent and nobody can be woken.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::keeper::{Done, Keeper};
use super::room::Room;
use super::{Bell, Device, DeviceEntry, DeviceKind, Progress};
use crate::disk::{DiskFile, RealDisk};

/// Its line in the list.
pub const ENTRY: DeviceEntry = DeviceEntry {
    name: "file",
    about: "pwrite and fdatasync: works everywhere",
    kind: || DeviceKind::File,
};

/// A log's file, written through the page cache.
pub struct FileDevice {
    file: Arc<File>,
    keeper: Keeper,
    /// How much is in the file.
    len: u64,
    room: Room,
    given: u64,
    /// How many bytes had been given when the sync under way began.
    syncing: Option<u64>,
    rolling: bool,
    /// Whether somebody is woken when a sync is done.
    rings: bool,
    progress: Progress,
}

impl FileDevice {
    /// Appends to `file`, a segment in `disk` with `len` bytes in it, and this room.
    pub fn new(disk: RealDisk, file: Arc<File>, len: u64, room: Room) -> FileDevice {
        FileDevice {
            file,
            keeper: Keeper::new(disk),
            len,
            room,
            given: 0,
            syncing: None,
            rolling: false,
            rings: false,
            progress: Progress::default(),
        }
    }
}

impl Device for FileDevice {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn can_write(&self) -> bool {
        !self.rolling
    }

    fn can_sync(&self) -> bool {
        !self.rolling && self.syncing.is_none()
    }

    fn wake_by(&mut self, bell: &Bell) -> bool {
        self.keeper.wake_by(bell);
        self.rings = true;
        true
    }

    fn is_under_way(&self) -> bool {
        self.syncing.is_some() || self.rolling
    }

    fn write(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        self.room.make(&self.file, self.len + bytes.len() as u64);
        self.file.write_at(bytes, self.len)?;
        self.len += bytes.len() as u64;
        self.given += bytes.len() as u64;
        self.progress.written = self.given;
        bytes.clear();
        Ok(())
    }

    fn sync(&mut self, urgent: bool) -> io::Result<()> {
        // Whoever is woken goes on meanwhile: what is asked by then shares the next sync.
        if !urgent || self.rings {
            self.syncing = Some(self.given);
            return self.keeper.sync(&self.file);
        }
        let start = Instant::now();
        self.file.sync()?;
        self.progress.note_sync(self.given, start.elapsed());
        Ok(())
    }

    fn roll(&mut self, name: String, head: Vec<u8>) -> io::Result<()> {
        debug_assert!(self.syncing.is_none(), "a sync's failure would be lost");
        self.rolling = true;
        let cut = self.room.cut(self.len);
        self.len = head.len() as u64;
        self.room.begin(self.len);
        self.keeper.roll(&self.file, cut, name, head)
    }

    fn remove(&mut self, names: Vec<String>) -> io::Result<()> {
        self.keeper.remove(names)
    }

    fn poll(&mut self, wait: bool) -> io::Result<Progress> {
        let mut wait = wait;
        while let Some(done) = self.keeper.take(wait)? {
            wait = false;
            match done {
                Done::Synced(time) => {
                    let synced = self.syncing.take().unwrap_or_default();
                    self.progress.note_sync(synced, time);
                }
                Done::Removed => {}
                Done::Rolled(file) => {
                    self.file = file;
                    self.rolling = false;
                    self.progress.synced = self.given;
                }
            }
        }
        Ok(self.progress)
    }
}
