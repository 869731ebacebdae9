//! What a log counts.

use std::time::Duration;

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

impl LogStats {
    /// Adds what another log counts; the longest sync is the longer one.
    pub fn add(&mut self, other: &LogStats) {
        self.records += other.records;
        self.buffered_bytes += other.buffered_bytes;
        self.written_bytes += other.written_bytes;
        self.synced_bytes += other.synced_bytes;
        self.segments += other.segments;
        self.syncs += other.syncs;
        self.sync_time += other.sync_time;
        self.sync_time_max = self.sync_time_max.max(other.sync_time_max);
    }
}
