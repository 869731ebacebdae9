//! `memory`: a [`MemoryDisk`], which keeps what is synced apart from what is written.
//!
//! Crash tests and the simulator log here. Everything happens in the call, in an order that the
//! caller alone decides; where the disk holds syncs, one that is not urgent stays under way until it
//! is waited for or the disk lets go, so that a crash can fall between.

use std::io;

use super::room::Room;
use super::{Bell, Device, DeviceEntry, DeviceKind, Progress};
use crate::disk::{Disk, DiskFile, MemoryDisk, MemoryFile, publish};

/// Its line in the list.
pub const ENTRY: DeviceEntry = DeviceEntry {
    name: "memory",
    about: "no disk: what is synced and what is only written are kept apart, for crash tests",
    kind: || DeviceKind::Memory(MemoryDisk::new()),
};

/// A log's file in memory.
pub struct MemoryDevice {
    disk: MemoryDisk,
    file: MemoryFile,
    len: u64,
    room: Room,
    given: u64,
    /// The sync under way, and how many bytes it promises.
    syncing: Option<u64>,
    progress: Progress,
}

impl MemoryDevice {
    /// Appends to `file`, a segment in `disk` with `len` bytes in it, and this room.
    pub fn new(disk: MemoryDisk, file: MemoryFile, len: u64, room: Room) -> MemoryDevice {
        MemoryDevice {
            disk,
            file,
            len,
            room,
            given: 0,
            syncing: None,
            progress: Progress::default(),
        }
    }

    fn finish_sync(&mut self) -> io::Result<()> {
        if let Some(given) = self.syncing.take() {
            // It may keep more than it promises: what was written while it was under way.
            self.file.sync()?;
            let time = std::time::Duration::ZERO;
            self.progress.note_sync(given, time);
        }
        Ok(())
    }
}

impl Device for MemoryDevice {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn can_write(&self) -> bool {
        true
    }

    fn can_sync(&self) -> bool {
        self.syncing.is_none()
    }

    fn wake_by(&mut self, _bell: &Bell) -> bool {
        // What is held is held until it is waited for, or the disk lets go: it has nobody to tell.
        false
    }

    fn is_under_way(&self) -> bool {
        self.syncing.is_some()
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
        self.syncing = Some(self.given);
        if self.disk.holds_syncs() && !urgent {
            return Ok(());
        }
        self.finish_sync()
    }

    fn roll(&mut self, name: String, head: Vec<u8>) -> io::Result<()> {
        debug_assert!(self.syncing.is_none(), "a sync's failure would be lost");
        if let Some(len) = self.room.cut(self.len) {
            self.file.set_len(len)?;
        }
        self.file.sync()?;
        self.file = publish(&self.disk, &name, |file| file.write_at(&head, 0))?;
        self.len = head.len() as u64;
        self.room.begin(self.len);
        self.progress.synced = self.given;
        Ok(())
    }

    fn remove(&mut self, names: Vec<String>) -> io::Result<()> {
        for name in names {
            self.disk.remove(&name)?;
        }
        self.disk.sync_folder()
    }

    fn poll(&mut self, wait: bool) -> io::Result<Progress> {
        if self.syncing.is_some() && (wait || !self.disk.holds_syncs()) {
            self.finish_sync()?;
        }
        Ok(self.progress)
    }
}
