//! Room: a segment's file is longer than what is in it, by steps, with zeroes behind.
//!
//! A sync of what is written within a file's length has less to do than one of a file that grows: the new length is
//! the file system's business, with a journal of its own. Bytes that were never written read as zeroes, which is how
//! a log ends.
//!
//! Room is *reserved* when it is needed, which costs one call, or *filled* with zeroes ahead of need, which costs every
//! byte twice and saves more: the file system notes of a reserved block when it is first written, and of a filled one
//! nothing. Only where answers wait for syncs is it worth that. What is filled lies behind what is reserved, so nobody
//! writes there before it counts as room; who fills it is not told here.

use std::ops::Range;

use crate::disk::DiskFile;

/// Room is filled ahead where commits are no larger than this in the mean. Measured up to 100 KB, where a commit takes
/// half as long in it: the disk's bandwidth is what larger ones want.
const COMMIT_BYTES_MAX: u64 = 128 << 10;
/// The mean is of about so many commits.
const COMMITS: u64 = 8;

/// How far a file has room.
#[derive(Clone, Debug)]
pub struct Room {
    /// How much more there is to be each time.
    step: u64,
    /// The file's length, as far as it counts.
    until: u64,
    filling: Filling,
    /// Bytes of a commit that was waited for, in the mean; 0: there was none.
    commit_bytes: u64,
}

/// What is behind the room that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Filling {
    /// Nothing.
    None,
    /// Somebody fills it with zeroes up to there.
    Until(u64),
    /// Nobody knows: it could not be filled, and is not tried again in this file.
    Failed,
}

impl Room {
    /// Of a file that is `until` bytes long; `step` bytes more each time.
    pub fn new(step: u64, until: u64) -> Room {
        let step = step.max(1);
        Room {
            step,
            until,
            filling: Filling::None,
            commit_bytes: 0,
        }
    }

    /// Sees to it that bytes up to `end` can be written. Where that [is late](Room::is_late), what is being filled has to be
    /// waited for first.
    pub fn make(&mut self, file: &impl DiskFile, end: u64) {
        debug_assert!(!self.is_late(end), "zeroes would be written over it");
        if end > self.until {
            self.until = end.next_multiple_of(self.step);
            // Where it cannot be, the file grows with each write, or the write says why it does not.
            let _ = file.reserve(self.until);
        }
    }

    /// Whether bytes up to `end` would lie where zeroes are being written.
    pub fn is_late(&self, end: u64) -> bool {
        matches!(self.filling, Filling::Until(_)) && end > self.until
    }

    /// A commit of so many bytes, which answers waited for, ended at `len`: what is to be filled now, if anything.
    /// Whoever asks has it filled, and says so ([`Room::filled`]).
    pub fn wanted(&mut self, bytes: u64, len: u64) -> Option<Range<u64>> {
        let others = match self.commit_bytes {
            0 => bytes * (COMMITS - 1),
            mean => mean * (COMMITS - 1),
        };
        self.commit_bytes = (others + bytes).div_ceil(COMMITS);
        let is_short = self.until.saturating_sub(len) < self.step;
        let pays = self.commit_bytes <= COMMIT_BYTES_MAX;
        if self.filling != Filling::None || !is_short || !pays {
            return None;
        }
        let from = self.until.max(len);
        let to = (from + 1).next_multiple_of(self.step);
        self.until = from;
        self.filling = Filling::Until(to);
        Some(from..to)
    }

    /// What was [wanted](Room::wanted) is filled, and durable, or could not be.
    pub fn filled(&mut self, is_whole: bool) {
        // A file that was left meanwhile wants nothing any more.
        if let Filling::Until(to) = self.filling {
            self.filling = if is_whole {
                self.until = to;
                Filling::None
            } else {
                Filling::Failed
            };
        }
    }

    /// A new file takes the place of the old one, of `until` bytes.
    pub fn begin(&mut self, until: u64) {
        self.until = until;
        self.filling = Filling::None;
    }

    /// What the file is to be cut to, which ends at `len`, before it is left.
    pub fn cut(&self, len: u64) -> Option<u64> {
        (self.until > len || self.filling != Filling::None).then_some(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, MemoryDisk};

    fn len(disk: &MemoryDisk) -> u64 {
        disk.size("segment").unwrap()
    }

    #[test]
    fn what_is_being_filled_is_no_room_until_it_is() {
        let disk = MemoryDisk::new();
        let file = disk.create("segment").unwrap();
        let mut room = Room::new(1_000, 0);
        room.make(&file, 10);
        assert_eq!(len(&disk), 1_000);
        let wanted = room.wanted(10, 10).unwrap();
        assert_eq!(wanted, 1_000..2_000);
        assert_eq!(room.wanted(10, 20), None, "one at a time");
        assert!(!room.is_late(1_000) && room.is_late(1_001));
        room.filled(true);
        assert!(!room.is_late(2_000));
        room.make(&file, 2_000);
        assert_eq!(len(&disk), 1_000, "what was filled is not reserved again");
        assert_eq!(room.wanted(10, 500), None, "there is enough");
        assert_eq!(room.wanted(10, 1_001), Some(2_000..3_000));
    }

    #[test]
    fn where_it_cannot_be_filled_it_is_reserved() {
        let disk = MemoryDisk::new();
        let file = disk.create("segment").unwrap();
        let mut room = Room::new(1_000, 100);
        assert_eq!(room.wanted(10, 100), Some(100..1_000));
        assert_eq!(room.cut(100), Some(100), "some of it may be there");
        room.filled(false);
        assert_eq!(room.wanted(10, 110), None, "nor is it tried again");
        assert_eq!(room.cut(100), Some(100));
        room.make(&file, 200);
        assert_eq!(len(&disk), 1_000);
        room.begin(100);
        assert_eq!(room.cut(100), None);
        assert_eq!(room.wanted(10, 100), Some(100..1_000));
        room.begin(100);
        room.filled(true);
        assert_eq!(room.cut(100), None, "that was the file before");
    }

    #[test]
    fn large_commits_want_none() {
        let mut room = Room::new(1 << 20, 0);
        assert_eq!(room.wanted(COMMIT_BYTES_MAX + 1, 0), None);
        let small = (0..100).find(|_| room.wanted(100, 0).is_some());
        assert!(small.is_some_and(|at| at < 3), "{small:?}");
        let mut room = Room::new(1 << 20, 0);
        assert!(room.wanted(100, 0).is_some());
        room.filled(true);
        let large = (0..100).find(|_| room.wanted(1 << 20, 1 << 20).is_none());
        assert!(large.is_some(), "the mean follows");
    }
}
