//! Room: a segment's file is longer than what is in it, by steps, with zeroes behind.
//!
//! A sync of what is written within a file's length has less to do than one of a file that grows: the new length is
//! the file system's business, with a journal of its own. Bytes that were never written read as zeroes, which is how
//! a log ends.

use crate::disk::DiskFile;

/// How far a file has room.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// How much more there is to be each time.
    step: u64,
    /// The file's length.
    until: u64,
}

impl Room {
    /// Of a file that is `until` bytes long; `step` bytes more each time.
    pub fn new(step: u64, until: u64) -> Room {
        let step = step.max(1);
        Room { step, until }
    }

    /// Sees to it that bytes up to `end` can be written.
    pub fn make(&mut self, file: &impl DiskFile, end: u64) {
        if end > self.until {
            self.until = end.next_multiple_of(self.step);
            // Where it cannot be, the file grows with each write, or the write says why it does not.
            let _ = file.reserve(self.until);
        }
    }

    /// A new file takes the place of the old one, of `until` bytes.
    pub fn begin(&mut self, until: u64) {
        self.until = until;
    }

    /// What the file is to be cut to, which ends at `len`, before it is left.
    pub fn cut(&self, len: u64) -> Option<u64> {
        (self.until > len).then_some(len)
    }
}
