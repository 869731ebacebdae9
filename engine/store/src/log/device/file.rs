//! `file`: `pwrite` and `fdatasync`.
//!
//! The portable reference, and the way out where `io_uring` is forbidden. A write goes to the page
//! cache in the call. A sync runs on the keeper, or in the call where it is urgent, and is small or
//! nobody can be woken.

use std::io;

use super::appender::Appender;
use super::{Bell, Device, DeviceEntry, DeviceKind, Progress};

/// Its line in the list.
pub const ENTRY: DeviceEntry = DeviceEntry {
    name: "file",
    about: "pwrite and fdatasync: works everywhere",
    kind: || DeviceKind::File,
};

/// A log's file, written through the page cache.
pub struct FileDevice {
    end: Appender,
    /// Whether somebody is woken when a sync is done.
    rings: bool,
}

impl FileDevice {
    /// Appends at `end`.
    pub fn new(end: Appender) -> FileDevice {
        FileDevice { end, rings: false }
    }
}

impl Device for FileDevice {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn can_write(&self) -> bool {
        !self.end.is_rolling()
    }

    fn can_sync(&self) -> bool {
        !self.end.is_rolling() && !self.end.is_syncing()
    }

    fn wake_by(&mut self, bell: &Bell) -> bool {
        self.end.wake_by(bell);
        self.rings = true;
        true
    }

    fn is_under_way(&self) -> bool {
        self.end.is_syncing() || self.end.is_rolling()
    }

    fn write(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let at = self.end.take_place(bytes.len() as u64)?;
        self.end.write(bytes, at)?;
        bytes.clear();
        Ok(())
    }

    fn sync(&mut self, urgent: bool) -> io::Result<()> {
        self.end.begin_sync();
        // Whoever is woken goes on meanwhile: what is asked by then shares the next sync.
        if urgent && self.end.syncs_in_line(self.rings) {
            self.end.sync()
        } else {
            self.end.start_sync()
        }
    }

    fn look_ahead(&mut self) {
        self.end.look_ahead();
    }

    fn roll(&mut self, name: String, head: Vec<u8>) -> io::Result<()> {
        debug_assert!(!self.end.is_syncing(), "a sync's failure would be lost");
        self.end.roll(name, head)
    }

    fn remove(&mut self, names: Vec<String>) -> io::Result<()> {
        self.end.remove(names)
    }

    fn poll(&mut self, wait: bool) -> io::Result<Progress> {
        let mut wait = wait && self.is_under_way();
        while self.end.take(wait)? {
            wait = false;
        }
        Ok(self.end.progress())
    }
}
