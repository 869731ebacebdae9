//! Reads on any core: strings of shards that another worker owns, without a hop.

use std::sync::atomic::Ordering;

use super::Caller;
use crate::command::CommandError;
use crate::event::Class;
use crate::keyspace::Read;
use crate::op::Op;
use crate::reply::bulk_into;
use crate::store::link::{Ask, TOUCHES};
use crate::store::worker::Core;

/// After so many any-core reads their counts are passed on.
const READS_COUNTED: u32 = 64;

/// The owner has to answer.
pub(in crate::store) struct AskOwner;

impl Caller {
    /// Lets `write` append the string at `key` of `database` to `to`; whether there is one.
    ///
    /// # Errors
    /// The owner has to answer.
    #[inline]
    pub(in crate::store) fn read(
        &mut self,
        core: Option<&mut Core>,
        shard: usize,
        (database, key): (u8, &[u8]),
        to: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>, &[u8]),
    ) -> Result<bool, AskOwner> {
        let inner = &self.inner;
        let side = &mut self.sides[shard];
        let Some(reader) = inner.reader(shard).filter(|_| !side.is_marked(key)) else {
            return Err(AskOwner);
        };
        let guard = crossbeam_epoch::pin();
        let touch = |touched| side.touched.push(touched);
        let now = || inner.now();
        let read = reader.get((database, key), now, to, write, &guard, touch);
        drop(guard);
        match read {
            Read::Hit => side.hits += 1,
            // The owner tells of a miss, where somebody listens.
            Read::Miss if inner.notify().wants(Class::KeyMiss) => return Err(AskOwner),
            Read::Miss => side.misses += 1,
            Read::Ask => return Err(AskOwner),
        }
        if side.touched.len() >= TOUCHES || side.hits + side.misses >= READS_COUNTED {
            self.tell_reads(core, shard);
        }
        Ok(read == Read::Hit)
    }

    /// Appends the reply to `op`, a `GET`, to `reply`.
    ///
    /// # Errors
    /// The owner has to answer.
    #[inline]
    pub(super) fn reply_here(
        &mut self,
        core: Option<&mut Core>,
        shard: usize,
        op: &Op,
        reply: &mut Vec<u8>,
    ) -> Result<(), AskOwner> {
        if !self.read(core, shard, (op.database(), &op[0]), reply, bulk_into)? {
            reply.extend_from_slice(op.protocol().nil());
        }
        Ok(())
    }

    /// Answers `op`, a `GET`, by tag; whether it could be read here.
    pub(super) fn read_here(
        &mut self,
        core: Option<&mut Core>,
        shard: usize,
        tag: u64,
        op: &Op,
    ) -> bool {
        let mut answers = std::mem::take(&mut self.answers);
        let read = answers.written(tag, |reply| self.reply_here(core, shard, op, reply));
        self.answers = answers;
        read.is_ok()
    }

    /// Appends the string at `key` to `value` where the caller's worker owns it and is free.
    #[inline]
    pub(in crate::store) fn read_own(
        core: &mut Core,
        shard: usize,
        key: &[u8],
        value: &mut Vec<u8>,
    ) -> Option<Result<bool, CommandError>> {
        let now = core.now;
        let host = core.host(shard).filter(|host| host.is_free(false))?;
        let keyspace = host.shard().keyspace();
        keyspace.begin(now, 0, true);
        let found = match keyspace.string(key) {
            Ok(found) => found.map(|bytes| value.extend_from_slice(bytes)).is_some(),
            Err(error) => return Some(Err(error)),
        };
        core.own_op();
        Some(Ok(found))
    }

    /// Passes on what the owner does not see of any-core reads. Touches that find no room are lost:
    /// to a policy they are hints.
    pub(in crate::store) fn tell_reads(&mut self, core: Option<&mut Core>, shard: usize) {
        let side = &mut self.sides[shard];
        let reads = &self.inner.reads[shard];
        // Relaxed: counts, which order nothing.
        let hits = u64::from(std::mem::take(&mut side.hits));
        let misses = u64::from(std::mem::take(&mut side.misses));
        reads.hits.fetch_add(hits, Ordering::Relaxed);
        reads.misses.fetch_add(misses, Ordering::Relaxed);
        let touched = std::mem::take(&mut side.touched);
        if touched.is_empty() {
            return;
        }
        if let Some(host) = core.and_then(|core| core.host(shard)) {
            host.shard().keyspace().touched(&touched);
        } else if let Some(lane) = self.lane(self.inner.worker_of[shard])
            && lane.outbox.is_empty()
        {
            let request = crate::store::link::Request {
                number: u64::MAX,
                shard,
                ask: Ask::Touched(touched),
            };
            let _ = lane.requests.push(request);
        }
    }
}
