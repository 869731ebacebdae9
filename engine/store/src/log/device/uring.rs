//! `uring`: writes and syncs through `io_uring`.
//!
//! A batch and the sync that follows it are one submission, linked in the kernel: one system call
//! makes a turn's writes durable, and the worker goes on meanwhile. At most one write and one sync are
//! in flight; what is appended meanwhile is the next batch (group commit by itself). New segments are
//! made by the keeper.

use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;

use seawall_sys::ring::{Completion, Op, Ring, Unavailable, WRITE_BYTES_MAX};

use super::file::FileDevice;
use super::keeper::{Done, Keeper};
use super::room::Room;
use super::{Bell, Device, DeviceEntry, DeviceKind, Progress};
use crate::disk::{DiskFile, RealDisk};

/// Its line in the list.
pub const ENTRY: DeviceEntry = DeviceEntry {
    name: "uring",
    about: "io_uring: a turn's write and sync in one submission, without waiting",
    kind: || DeviceKind::Uring,
};

/// Operations in flight that a ring is made for: a write and a sync, with room.
pub const RING_ENTRIES: u32 = 4;

/// The device on `ring`; the device `file` where there is none, and a line that says so.
pub fn or_file(
    ring: Result<Ring, Unavailable>,
    disk: RealDisk,
    file: Arc<File>,
    len: u64,
    room: Room,
) -> (Box<dyn Device>, Option<String>) {
    match ring {
        Ok(ring) => (
            Box::new(UringDevice::new(ring, disk, file, len, room)),
            None,
        ),
        Err(unavailable) => {
            let notice = format!("{unavailable}; the log uses the device 'file' instead");
            (
                Box::new(FileDevice::new(disk, file, len, room)),
                Some(notice),
            )
        }
    }
}

/// A log's file, written through a ring.
pub struct UringDevice {
    ring: Ring,
    file: Arc<File>,
    keeper: Keeper,
    /// How much is in the file once everything given is written.
    len: u64,
    room: Room,
    given: u64,
    /// Given, and not yet handed to the ring: a sync may still be linked to it.
    prepared: Option<Vec<u8>>,
    /// The length of the write in flight.
    writing: Option<usize>,
    syncing: Option<Syncing>,
    rolling: bool,
    /// Prepared in the ring and unknown to the kernel.
    unsubmitted: bool,
    spare: Vec<u8>,
    progress: Progress,
}

struct Syncing {
    given: u64,
    start: Instant,
}

impl UringDevice {
    /// Appends through `ring` to `file`, a segment in `disk` with `len` bytes in it, and this room.
    pub fn new(ring: Ring, disk: RealDisk, file: Arc<File>, len: u64, room: Room) -> UringDevice {
        UringDevice {
            ring,
            file,
            keeper: Keeper::new(disk),
            len,
            room,
            given: 0,
            prepared: None,
            writing: None,
            syncing: None,
            rolling: false,
            unsubmitted: false,
            spare: Vec::new(),
            progress: Progress::default(),
        }
    }

    /// Hands the prepared write to the ring, with a sync behind it where `sync` says so.
    fn hand_over(&mut self, sync: bool) {
        if let Some(bytes) = self.prepared.take() {
            let offset = self.len;
            self.len += bytes.len() as u64;
            self.writing = Some(bytes.len());
            let handed = if sync {
                self.ring.write_then_sync(0, &self.file, offset, bytes)
            } else {
                self.ring.write(0, &self.file, offset, bytes)
            };
            handed.expect("one write and one sync at a time leave room");
            self.unsubmitted = true;
        }
    }

    fn finish(&mut self, done: Completion) -> io::Result<()> {
        let written = done.result?;
        match done.op {
            Op::Write => {
                let asked = self.writing.take().unwrap_or_default();
                if written < asked {
                    return Err(self.why_short(&done.bytes[written..], asked));
                }
                // A write that is only handed to the ring is dropped with the ring, when the program is killed.
                self.progress.written = self.given;
                self.spare = done.bytes;
                self.spare.clear();
            }
            Op::Sync => {
                if let Some(Syncing { given, start }) = self.syncing.take() {
                    self.progress.note_sync(given, start.elapsed());
                }
            }
            Op::Nop => {}
        }
        Ok(())
    }
}

impl UringDevice {
    /// Why a write of `asked` bytes was short: what the system says of the `rest`, which is its last.
    fn why_short(&self, rest: &[u8], asked: usize) -> io::Error {
        let at = self.len - rest.len() as u64;
        let error = self.file.write_at(rest, at).err();
        error.unwrap_or_else(|| {
            let written = asked - rest.len();
            let message = format!("short write: {written} of {asked} bytes");
            io::Error::new(io::ErrorKind::WriteZero, message)
        })
    }
}

impl Device for UringDevice {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn can_write(&self) -> bool {
        !self.rolling && self.prepared.is_none() && self.writing.is_none()
    }

    fn can_sync(&self) -> bool {
        // A sync covers only writes that are done, or that it is linked to.
        !self.rolling && self.syncing.is_none() && self.writing.is_none()
    }

    fn wake_by(&mut self, bell: &Bell) -> bool {
        self.keeper.wake_by(bell);
        self.ring.ring_bell(bell.fd.as_fd()).is_ok()
    }

    fn is_under_way(&self) -> bool {
        self.prepared.is_some() || self.writing.is_some() || self.syncing.is_some() || self.rolling
    }

    fn write(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        self.given += bytes.len() as u64;
        self.room.make(&self.file, self.len + bytes.len() as u64);
        if bytes.len() > WRITE_BYTES_MAX {
            // Beyond what one operation writes: rare enough to wait for.
            self.file.write_at(bytes, self.len)?;
            self.len += bytes.len() as u64;
            self.progress.written = self.given;
            bytes.clear();
        } else {
            self.prepared = Some(mem::replace(bytes, mem::take(&mut self.spare)));
        }
        Ok(())
    }

    fn sync(&mut self, _urgent: bool) -> io::Result<()> {
        self.syncing = Some(Syncing {
            given: self.given,
            start: Instant::now(),
        });
        if self.prepared.is_some() {
            self.hand_over(true);
        } else {
            let handed = self.ring.sync(0, &self.file);
            handed.expect("one write and one sync at a time leave room");
            self.unsubmitted = true;
        }
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
        self.hand_over(false);
        if wait && self.ring.in_flight() > 0 {
            self.ring.wait()?;
        } else if self.unsubmitted {
            self.ring.submit()?;
        }
        self.unsubmitted = false;
        let done: smallvec::SmallVec<[Completion; RING_ENTRIES as usize]> =
            self.ring.reap().collect();
        // Only a roll is left to wait for where the ring had nothing.
        let wait = wait && done.is_empty();
        for done in done {
            self.finish(done)?;
        }
        while let Some(done) = self.keeper.take(wait)? {
            if let Done::Rolled(file) = done {
                self.file = file;
                self.rolling = false;
                self.progress.synced = self.given;
                break;
            }
        }
        Ok(self.progress)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A segment that is open to be read only, so that every write to it fails.
    fn unwritable() -> (tempfile::TempDir, RealDisk, Arc<File>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("segment"), b"head").unwrap();
        let file = Arc::new(File::open(folder.path().join("segment")).unwrap());
        let disk = RealDisk::new(folder.path());
        (folder, disk, file)
    }

    #[test]
    fn a_failed_write_is_told_and_nothing_counts_as_synced() {
        let Ok(ring) = Ring::new(RING_ENTRIES) else {
            // Past the test harness, which keeps to itself what a test prints that passes.
            writeln!(io::stderr(), "skipped: no io_uring here").expect("it is open");
            return;
        };
        let (_folder, disk, file) = unwritable();
        let mut device = UringDevice::new(ring, disk, file, 4, Room::new(64, 4));
        let mut bytes = b"record".to_vec();
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
        let (_folder, disk, file) = unwritable();
        let forbidden = Unavailable {
            reason: "forbidden here".to_owned(),
            source: None,
        };
        let (device, notice) = or_file(Err(forbidden), disk, file, 4, Room::new(64, 4));
        assert_eq!(device.name(), "file");
        let notice = notice.unwrap();
        assert!(
            notice.contains("forbidden here") && notice.contains("'file'"),
            "{notice}"
        );
    }
}
