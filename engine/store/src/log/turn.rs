//! What a turn of a log does: what is pending goes to the device, what the device did is seen, and who did something
//! together with it is told.
//!
//! The one idea: here alone a log changes its mind about what was given and what is durable, and here alone it is
//! poisoned. When a turn is taken, and whether it waits, is not decided here.

use std::io;

use super::device::Progress;
use super::pending::Pending;
use super::segment::{self, Head};
use super::{Batch, Failure, Log, LogError, Owner};

impl Log {
    /// Gives the device what it can take: the pending batch, or a new segment for it, and, where one
    /// is `due`, a sync. Tells whether a sync was started.
    pub(super) fn hand_over(&mut self, due: bool, urgent: bool) -> Result<bool, LogError> {
        // Where every batch is synced, one that gathers while a sync is under way waits for it: the
        // two then go to the device together.
        let take = self.device.can_write() && (!urgent || self.device.can_sync());
        if take && self.is_to_end() {
            // A sync under way may fail yet, and says so once: sealing the file would then succeed, and all of it
            // be taken for durable.
            if self.device.can_sync() {
                self.roll()?;
            }
            return Ok(false);
        }
        if take && !self.pending.is_empty() {
            self.give()?;
        }
        let start = due && self.synced < self.given && self.device.can_sync();
        if start {
            let started = self.device.sync(urgent);
            self.or_poison("write or sync", started)?;
        }
        Ok(start)
    }

    /// Whether the segment ends before anything more is given: it is full, or a snapshot was begun.
    fn is_to_end(&self) -> bool {
        // One without a record would share its name with the next.
        let has_records = self.given >= self.head.first;
        let is_full = self.segment_len >= self.segment_bytes && !self.pending.is_empty();
        has_records && (self.seals || is_full)
    }

    /// Gives the device what is pending.
    pub(super) fn give(&mut self) -> Result<(), LogError> {
        let bytes = self.pending.len() as u64;
        let written = self.pending.give(&mut *self.device, self.head.salt);
        self.or_poison("write", written)?;
        self.segment_len += bytes;
        self.stats.written_bytes += bytes;
        self.given = self.appended;
        self.batches.push_back(Batch {
            end: self.stats.written_bytes,
            sequence: self.given,
            since: self.pending.since,
        });
        Ok(())
    }

    /// Seals the segment. What is pending was framed for it: it is framed anew, for the next.
    fn roll(&mut self) -> Result<(), LogError> {
        let Owner {
            shard,
            shards,
            seed,
            ..
        } = self.owner;
        let head = Head::new(shard, shards, self.given + 1, seed, self.head.log);
        self.pending.move_on(self.head.salt, head.salt);
        let rolled = self.device.roll(head.name(), head.encode().to_vec());
        self.or_poison("begin a segment", rolled)?;
        self.sealed.push_back(self.head.first);
        self.seals = false;
        self.head = head;
        self.segment_len = segment::HEAD_BYTES as u64;
        self.stats.segments += 1;
        Ok(())
    }

    pub(super) fn poll(&mut self, wait: bool) -> Result<u64, LogError> {
        if let Some(failure) = &self.poison {
            return Err(LogError::Poisoned(failure.clone()));
        }
        let polled = self.device.poll(wait);
        let progress: Progress = self.or_poison("write or sync", polled)?;
        // Only the last ones may be on their way.
        let mut newest = self.batches.iter().rev();
        if let Some(batch) = newest.find(|batch| batch.end <= progress.written) {
            self.written = batch.sequence;
        }
        while let Some(batch) = self.batches.front()
            && batch.end <= progress.synced
        {
            self.synced = batch.sequence;
            self.batches.pop_front();
        }
        self.unsettled.settle(self.written, self.synced);
        let before = self.unsettled.first().map(|part| part - 1);
        self.durable = before.map_or(self.synced, |before| before.min(self.synced));
        if self.unsettled.is_lost() {
            // When the log is opened again it ends before that part.
            let lost =
                io::Error::other("the log of another shard failed before its part of a record");
            return self.or_poison("keep what several shards did together in", Err(lost));
        }
        self.stats.synced_bytes = progress.synced;
        self.stats.syncs = progress.syncs;
        self.stats.sync_time = progress.sync_time;
        self.stats.sync_time_max = progress.sync_time_max;
        Ok(self.durable)
    }

    /// Appends and writes nothing more, and lets the shards know that have a part in what is lost by it.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.poison = Some(failure);
        self.pending = Pending::default();
        self.unsettled.fail();
    }

    pub(super) fn or_poison<T>(
        &mut self,
        doing: &'static str,
        result: io::Result<T>,
    ) -> Result<T, LogError> {
        result.map_err(|source| {
            let failure = Failure::new(doing, self.head.name(), &source);
            self.fail(failure.clone());
            LogError::Failed(failure)
        })
    }
}
