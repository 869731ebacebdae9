//! `uring`: writes in the call, syncs through `io_uring`.
//!
//! A batch that answers wait for and that is large goes with its sync in one submission, linked in the kernel: one
//! system call makes a turn's writes durable, and the worker goes on meanwhile. At most one write and one sync are
//! in flight; what is appended meanwhile is the next batch (group commit by itself). A small one is written and synced
//! in the call, and one that nobody waits for is written in the call alone: the kernel has a thread write what goes to
//! the page cache, and to wake that takes longer. New segments are made by the keeper.

use std::io;
use std::mem;
use std::os::fd::AsFd;
use std::time::Instant;

use seawall_sys::ring::{Completion, Op, Ring, Unavailable, WRITE_BYTES_MAX};

use super::appender::Appender;
use super::file::FileDevice;
use super::{Bell, Device, DeviceEntry, DeviceKind, Progress};
use crate::disk::DiskFile;

/// Its line in the list.
pub const ENTRY: DeviceEntry = DeviceEntry {
    name: "uring",
    about: "pwrite, and syncs through io_uring; what answers wait for is synced in the call where it is little",
    kind: || DeviceKind::Uring,
};

/// Operations in flight that a ring is made for: a write and a sync, with room.
pub const RING_ENTRIES: u32 = 4;

/// The device on `ring`; the device `file` where there is none, and a line that says so.
pub fn or_file(
    ring: Result<Ring, Unavailable>,
    end: Appender,
) -> (Box<dyn Device>, Option<String>) {
    match ring {
        Ok(ring) => (Box::new(UringDevice::new(ring, end)), None),
        Err(unavailable) => {
            let notice = format!("{unavailable}; the log uses the device 'file' instead");
            (Box::new(FileDevice::new(end)), Some(notice))
        }
    }
}

/// A log's file, written through a ring.
pub struct UringDevice {
    ring: Ring,
    end: Appender,
    /// Given, and not written yet: a sync may still be linked to it.
    prepared: Option<Write>,
    /// The write in flight.
    writing: Option<Place>,
    syncing: Option<Syncing>,
    /// Whether somebody is woken when a sync is done.
    rings: bool,
    spare: Vec<u8>,
}

struct Write {
    at: u64,
    bytes: Vec<u8>,
}

struct Place {
    at: u64,
    len: usize,
}

struct Syncing {
    given: u64,
    start: Instant,
}

impl UringDevice {
    /// Appends through `ring` at `end`.
    pub fn new(ring: Ring, end: Appender) -> UringDevice {
        UringDevice {
            ring,
            end,
            prepared: None,
            writing: None,
            syncing: None,
            rings: false,
            spare: Vec::new(),
        }
    }

    /// Writes what is prepared, now.
    fn write_prepared(&mut self) -> io::Result<()> {
        if let Some(Write { at, bytes }) = self.prepared.take() {
            self.end.write(&bytes, at)?;
            self.keep_spare(bytes);
        }
        Ok(())
    }

    fn keep_spare(&mut self, bytes: Vec<u8>) {
        self.spare = bytes;
        self.spare.clear();
    }

    /// Starts a sync, behind what is prepared.
    fn start_sync(&mut self) -> io::Result<()> {
        self.syncing = Some(Syncing {
            given: self.end.given(),
            start: Instant::now(),
        });
        let handed = match self.prepared.take() {
            Some(Write { at, bytes }) => {
                let len = bytes.len();
                self.writing = Some(Place { at, len });
                self.ring.write_then_sync(0, self.end.file(), at, bytes)
            }
            None => self.ring.sync(0, self.end.file()),
        };
        handed.expect("one write and one sync at a time leave room");
        self.ring.submit()
    }

    fn finish(&mut self, done: Completion) -> io::Result<()> {
        let written = done.result?;
        match done.op {
            Op::Write => {
                if let Some(Place { at, len }) = self.writing.take()
                    && written < len
                {
                    return Err(self.why_short(&done.bytes[written..], at + written as u64));
                }
                // A write that is only handed to the ring is dropped with the ring, when the program is killed.
                self.end.written();
                self.keep_spare(done.bytes);
            }
            Op::Sync => {
                if let Some(Syncing { given, start }) = self.syncing.take() {
                    self.end.synced(given, start.elapsed());
                }
            }
            Op::Nop => {}
        }
        Ok(())
    }

    /// Why a write ended at `at`, short by the `rest`: what the system says of that, which is the file's last.
    fn why_short(&self, rest: &[u8], at: u64) -> io::Error {
        let error = self.end.file().write_at(rest, at).err();
        error.unwrap_or_else(|| {
            let message = format!("short write: {} bytes were left", rest.len());
            io::Error::new(io::ErrorKind::WriteZero, message)
        })
    }
}

impl Device for UringDevice {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn can_write(&self) -> bool {
        !self.end.is_rolling() && self.prepared.is_none() && self.writing.is_none()
    }

    fn can_sync(&self) -> bool {
        // A sync covers only writes that are done, or that it is linked to.
        !self.end.is_rolling() && self.syncing.is_none() && self.writing.is_none()
    }

    fn wake_by(&mut self, bell: &Bell) -> bool {
        self.end.wake_by(bell);
        self.rings = self.ring.ring_bell(bell.fd.as_fd()).is_ok();
        self.rings
    }

    fn is_under_way(&self) -> bool {
        self.prepared.is_some()
            || self.writing.is_some()
            || self.syncing.is_some()
            || self.end.is_rolling()
    }

    fn write(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let at = self.end.take_place(bytes.len() as u64)?;
        let bytes = mem::replace(bytes, mem::take(&mut self.spare));
        self.prepared = Some(Write { at, bytes });
        Ok(())
    }

    fn sync(&mut self, urgent: bool) -> io::Result<()> {
        self.end.begin_sync();
        let in_line = urgent && self.end.syncs_in_line(self.rings);
        let prepared = self.prepared.as_ref().map_or(0, |write| write.bytes.len());
        if !urgent || in_line || prepared > WRITE_BYTES_MAX {
            self.write_prepared()?;
        }
        if in_line {
            self.end.sync()
        } else {
            self.start_sync()
        }
    }

    fn look_ahead(&mut self) {
        self.end.look_ahead();
    }

    fn roll(&mut self, name: String, head: Vec<u8>) -> io::Result<()> {
        debug_assert!(self.syncing.is_none(), "a sync's failure would be lost");
        self.end.roll(name, head)
    }

    fn remove(&mut self, names: Vec<String>) -> io::Result<()> {
        self.end.remove(names)
    }

    fn poll(&mut self, wait: bool) -> io::Result<Progress> {
        self.write_prepared()?;
        if wait && self.ring.in_flight() > 0 {
            self.ring.wait()?;
        }
        let done: smallvec::SmallVec<[Completion; RING_ENTRIES as usize]> =
            self.ring.reap().collect();
        // Only a roll is left to wait for where the ring had nothing.
        let mut wait = wait && done.is_empty() && self.end.is_rolling();
        for done in done {
            self.finish(done)?;
        }
        while self.end.take(wait)? {
            wait = false;
        }
        Ok(self.end.progress())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write as _;
    use std::sync::Arc;

    use super::super::room::Room;
    use super::*;
    use crate::disk::RealDisk;

    /// The end of a segment that is open to be read only, so that every write to it fails.
    fn unwritable() -> (tempfile::TempDir, Appender) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("segment"), b"head").unwrap();
        let file = Arc::new(File::open(folder.path().join("segment")).unwrap());
        let disk = RealDisk::new(folder.path());
        let end = Appender::new(disk, "segment".to_owned(), file, 4, Room::new(64, 4));
        (folder, end)
    }

    #[test]
    fn a_failed_write_is_told_and_nothing_counts_as_synced() {
        let Ok(ring) = Ring::new(RING_ENTRIES) else {
            // Past the test harness, which keeps to itself what a test prints that passes.
            writeln!(io::stderr(), "skipped: no io_uring here").expect("it is open");
            return;
        };
        let (_folder, end) = unwritable();
        let mut device = UringDevice::new(ring, end);
        // Somebody who can be woken does not wait for much.
        device.rings = true;
        let mut bytes = vec![7; 1 << 20];
        device.write(&mut bytes).unwrap();
        device.sync(true).unwrap();
        let error = loop {
            match device.poll(true) {
                Ok(progress) => assert_eq!(progress.synced, 0),
                Err(error) => break error,
            }
        };
        // EBADF: not ECANCELED, which is only what became of the sync.
        assert_eq!(error.raw_os_error(), Some(9));
    }

    #[test]
    fn where_io_uring_is_forbidden_the_file_device_steps_in_and_says_so() {
        let (_folder, end) = unwritable();
        let forbidden = Unavailable {
            reason: "forbidden here".to_owned(),
            source: None,
        };
        let (device, notice) = or_file(Err(forbidden), end);
        assert_eq!(device.name(), "file");
        let notice = notice.unwrap();
        assert!(
            notice.contains("forbidden here") && notice.contains("'file'"),
            "{notice}"
        );
    }
}
