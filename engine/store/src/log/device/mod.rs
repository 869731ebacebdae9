//! Devices: how a log's bytes reach its segments, and when they are durable.
//!
//! The one idea: to a log, a device is a stream that remembers two numbers: how many bytes it was
//! given, and how many of those are durable. Everything is *started* here and *seen* in
//! [`Device::poll`], so a log's turn waits only where it asks to, where a sync that answers wait for is small enough to
//! be done at once, and for room that is being filled. A device whose operation failed is done for: the log does not
//! call it again.
//!
//! A device knows no records. Choosing when to write, sync and roll is the [`Log`](super::Log)'s.

pub mod appender;
pub mod file;
mod keeper;
#[cfg(test)]
mod kept_tests;
pub mod memory;
pub mod room;
pub mod uring;

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::disk::MemoryDisk;

/// Every device.
pub const DEVICES: &[DeviceEntry] = &[uring::ENTRY, file::ENTRY, memory::ENTRY];

/// A device, as the list has it.
#[derive(Clone, Copy, Debug)]
pub struct DeviceEntry {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Chooses it.
    pub kind: fn() -> DeviceKind,
}

/// Which device a log writes to.
#[derive(Clone, Debug)]
pub enum DeviceKind {
    /// Files, through `io_uring`.
    Uring,
    /// Files, through `pwrite` and `fdatasync`.
    File,
    /// Memory. Logs that are opened on clones of one [`MemoryDisk`] share its files.
    Memory(MemoryDisk),
}

impl DeviceKind {
    /// The device of this name.
    ///
    /// # Errors
    /// Where there is none: the names that there are.
    pub fn parse(name: &str) -> Result<DeviceKind, UnknownDevice> {
        let found = DEVICES.iter().find(|entry| entry.name == name);
        found
            .map(|entry| (entry.kind)())
            .ok_or_else(|| UnknownDevice {
                name: name.chars().take(40).collect(),
            })
    }
}

/// A device that does not exist was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDevice {
    name: String,
}

impl fmt::Display for UnknownDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = DEVICES.iter().map(|entry| entry.name).collect();
        write!(
            f,
            "no log device {:?}: {} are accepted",
            self.name,
            names.join(", ")
        )
    }
}

impl std::error::Error for UnknownDevice {}

/// What a device has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many of the bytes given to [`Device::write`] the system has, whatever becomes of this program.
    pub written: u64,
    /// How many of them are durable.
    pub synced: u64,
    /// Syncs that are done.
    pub syncs: u64,
    /// The time that they took, together. A device in memory takes none.
    pub sync_time: Duration,
    /// The longest of them.
    pub sync_time_max: Duration,
}

impl Progress {
    /// Notes a sync of everything up to byte `synced` that took `time`.
    fn note_sync(&mut self, synced: u64, time: Duration) {
        self.synced = self.synced.max(synced);
        self.syncs += 1;
        self.sync_time += time;
        self.sync_time_max = self.sync_time_max.max(time);
    }
}

/// How whoever drives a log is woken: an eventfd that becomes readable, and what rings it.
#[derive(Clone)]
pub struct Bell {
    /// What becomes readable.
    pub fd: Arc<OwnedFd>,
    /// Wakes, whichever way the driver sleeps, or is about to.
    pub ring: Arc<dyn Fn() + Send + Sync>,
    /// Whether the driver drives one log alone.
    pub is_for_one: bool,
}

/// Where a log's bytes go.
pub trait Device: Send {
    /// Its name in [`DEVICES`].
    fn name(&self) -> &'static str;

    /// Whether [`Device::write`] may be called now, and, where a sync may be as well, [`Device::roll`].
    fn can_write(&self) -> bool;

    /// Whether [`Device::sync`] may be called now.
    fn can_sync(&self) -> bool;

    /// Rings `bell` from now on whenever something is done that was under way; whether it can.
    fn wake_by(&mut self, bell: &Bell) -> bool;

    /// Whether something is under way that bytes wait for.
    fn is_under_way(&self) -> bool;

    /// Starts appending all of `bytes` to the segment; leaves an empty buffer in its place.
    ///
    /// # Errors
    /// Where writing failed, now.
    fn write(&mut self, bytes: &mut Vec<u8>) -> io::Result<()>;

    /// Starts making durable all bytes given so far. `urgent`: the caller cannot go on without it,
    /// so a device that has no better way may do it in the call.
    ///
    /// # Errors
    /// Where it failed, now.
    fn sync(&mut self, urgent: bool) -> io::Result<()>;

    /// A sync that answers wait for was started or done, and others will follow: what makes these quicker is begun.
    fn look_ahead(&mut self) {}

    /// Starts sealing the segment (all of it durable) and then making the next one, whose content is
    /// `head`; bytes given from now on go there. No sync may be under way ([`Device::can_sync`]): what it fails with
    /// would be told by nobody.
    ///
    /// # Errors
    /// Where it failed, now.
    fn roll(&mut self, name: String, head: Vec<u8>) -> io::Result<()>;

    /// Starts removing sealed segments by name, in order, so that what is left has no gap.
    ///
    /// # Errors
    /// Where it failed, now.
    fn remove(&mut self, names: Vec<String>) -> io::Result<()>;

    /// Takes what is done. `wait`: until something is, where anything is under way.
    ///
    /// # Errors
    /// Where an operation failed since the last call.
    fn poll(&mut self, wait: bool) -> io::Result<Progress>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_devices() {
        for entry in DEVICES {
            let kind = DeviceKind::parse(entry.name).unwrap();
            assert_eq!(
                format!("{kind:?}").to_lowercase().split('(').next(),
                Some(entry.name)
            );
            assert!(!entry.about.is_empty());
        }
        assert_eq!(
            DeviceKind::parse("tape").unwrap_err().to_string(),
            "no log device \"tape\": uring, file, memory are accepted"
        );
    }
}
