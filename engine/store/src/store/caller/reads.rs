//! Reads on any core: strings of shards that another worker owns, without a hop; one by one, and many
//! together, so that their waits for memory overlap.

use std::sync::atomic::Ordering;

use crossbeam_epoch::Guard;
use smallvec::SmallVec;

use super::flight::Side;
use super::{Caller, Inner, shard_of};
use crate::command::CommandError;
use crate::event::Class;
use crate::keyspace::{Found, KeyReader, Probe};
use crate::mem::Item;
use crate::op::Op;
use crate::reply::bulk_into;
use crate::store::core::Core;
use crate::store::link::{Ask, TOUCHES};
use crate::time::Millis;

/// After so many any-core reads their counts are passed on.
const READS_COUNTED: u32 = 64;
/// How many keys are fetched for at once: more than that, and the first are gone before they are read.
pub(in crate::store) const TOGETHER: usize = 32;

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
        let inner = &*self.inner;
        let Some(reader) = inner.readers().get(shard) else {
            return Err(AskOwner);
        };
        if core.as_deref().is_some_and(Core::is_behind) {
            // What was taken in for this worker's shards, and waits, comes before.
            return Err(AskOwner);
        }
        let guard = crossbeam_epoch::pin();
        let side = &mut self.sides[shard];
        let mut probe = reader.probe(database, key, &guard);
        reader.approach(&mut probe, side.ahead_bytes);
        let mut bytes = 0;
        let show = |item: Item<'_>| {
            bytes = key.len() + item.value().len();
            write(to, item.value());
        };
        let lately = Millis(inner.now.load(Ordering::Relaxed));
        let reading = (inner, reader, lately);
        let read = read_probed(reading, side, (probe, &guard, true), key, |_| true, show);
        drop(guard);
        let found = read?;
        if found {
            self.sides[shard].expects(bytes);
        }
        let mut core = core;
        if let Some(core) = core.as_deref_mut() {
            core.order.has_seen |= core.host_of[shard].is_none();
        }
        self.tell_reads_in_time(core, shard);
        Ok(found)
    }

    /// Shows the strings at `keys` of `database`, [`TOGETHER`] at most, in order, up to the first that its
    /// owner has to answer, or which does not suffice, or after which `show` wants no more; how many were
    /// shown. Both hear whether the caller's worker owns the string.
    ///
    /// First the lines of the index are fetched for all, then the items, and then they are read: so of
    /// two waits for memory each key has a 32nd. The epoch is pinned once.
    #[inline]
    pub(in crate::store) fn read_together<K: AsRef<[u8]>>(
        &mut self,
        mut core: Option<&mut Core>,
        database: u8,
        keys: &[K],
        suffices: impl Fn(usize, Item<'_>, bool) -> bool,
        mut show: impl FnMut(usize, Option<(Item<'_>, bool)>) -> bool,
    ) -> usize {
        if let Some(core) = core.as_deref_mut().filter(|core| core.order.has_seen) {
            core.catch_up();
        }
        let Caller { inner, sides, .. } = self;
        let (shards, readers) = (inner.shards, inner.readers());
        if readers.is_empty() || core.as_deref().is_some_and(Core::is_behind) {
            // What was taken in for this worker's shards, and waits, comes before.
            return 0;
        }
        let guard = crossbeam_epoch::pin();
        let probe = |key: &K| {
            let shard = shard_of(key.as_ref(), shards);
            (shard, readers[shard].probe(database, key.as_ref(), &guard))
        };
        let mut probes: SmallVec<[(usize, Probe<'_>); TOGETHER]> = keys.iter().map(probe).collect();
        let mut far: u32 = 0;
        for (at, (shard, probe)) in probes.iter_mut().enumerate() {
            let further = readers[*shard].approach(probe, sides[*shard].ahead_bytes);
            far |= u32::from(further) << at;
        }
        while far != 0 {
            let (shard, probe) = &mut probes[far.trailing_zeros() as usize];
            far &= far - 1;
            readers[*shard].approach_far(probe, sides[*shard].ahead_bytes);
        }
        let lately = Millis(inner.now.load(Ordering::Relaxed));
        let (mut shown, mut last, mut has_seen) = (0, (0, 0), false);
        for (key, &(shard, probe)) in keys.iter().zip(&probes) {
            let mut goes_on = true;
            let (side, reading) = (&mut sides[shard], (&**inner, &readers[shard], lately));
            let is_own = side.is_own;
            // What was published before what was just seen elsewhere is to be there before more is read here.
            if is_own && has_seen && core.as_deref().is_some_and(Core::has_input) {
                break;
            }
            let suffices = |item: Item<'_>| suffices(shown, item, is_own);
            let key = key.as_ref();
            let show_hit = |item: Item<'_>| {
                last = (shard, key.len() + item.value().len());
                goes_on = show(shown, Some((item, is_own)));
            };
            match read_probed(
                reading,
                side,
                (probe, &guard, is_own),
                key,
                suffices,
                show_hit,
            ) {
                Ok(true) => {}
                Ok(false) => goes_on = show(shown, None),
                Err(AskOwner) => break,
            }
            has_seen |= !is_own;
            shown += 1;
            if !goes_on {
                break;
            }
        }
        drop(probes);
        drop(guard);
        if let (shard, bytes @ 1..) = last {
            sides[shard].expects(bytes);
        }
        if let Some(core) = core.as_deref_mut() {
            core.order.has_seen |= has_seen;
        }
        for shard in 0..shards {
            self.tell_reads_in_time(core.as_deref_mut(), shard);
        }
        shown
    }

    /// Passes on what the owner does not see of any-core reads: of the caller's own shards at once, of others
    /// where there were many.
    #[inline]
    fn tell_reads_in_time(&mut self, core: Option<&mut Core>, shard: usize) {
        let side = &mut self.sides[shard];
        let reads = side.hits + side.misses;
        if reads == 0 {
            return;
        }
        let is_own = side.is_own;
        match core.filter(|_| is_own).and_then(|core| core.host(shard)) {
            Some(host) => {
                let keyspace = host.shard().keyspace();
                keyspace.count(side.hits, side.misses);
                keyspace.touched(&side.touched);
                (side.hits, side.misses) = (0, 0);
                side.touched.clear();
            }
            None if side.touched.len() >= TOUCHES || reads >= READS_COUNTED => {
                self.tell_reads(None, shard);
            }
            None => {}
        }
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
        let host = core.host_for(shard).filter(|host| host.is_free(false))?;
        let keyspace = host.shard().keyspace();
        let found = match keyspace.read(now, 0, key) {
            Found::Hit(item) => {
                value.extend_from_slice(item.value());
                true
            }
            Found::Miss => false,
            Found::Ask => {
                keyspace.begin(now, 0, true);
                match keyspace.string(key) {
                    Ok(found) => found.map(|bytes| value.extend_from_slice(bytes)).is_some(),
                    Err(error) => {
                        core.own_op();
                        return Some(Err(error));
                    }
                }
            }
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

/// Shows the string at `key`, which the probe is of, made under the guard beside it, where it `suffices`; whether
/// there is one. What is read goes by: the store, the shard's reader, and the time of the last turn. Whether what
/// the probe saw holds is [`KeyReader::read`]'s.
#[inline]
fn read_probed<'g>(
    (inner, reader, lately): (&Inner, &'g KeyReader, Millis),
    side: &mut Side,
    (probe, guard, holds): (Probe<'g>, &'g Guard, bool),
    key: &[u8],
    suffices: impl FnOnce(Item<'_>) -> bool,
    show: impl FnOnce(Item<'_>),
) -> Result<bool, AskOwner> {
    if side.is_marked(key) {
        return Err(AskOwner);
    }
    let touch = |touched| side.touched.push(touched);
    let (now, ahead) = (|| inner.now(), (holds, side.ahead_bytes));
    match reader.read(probe, guard, ahead, key, now, lately, suffices, touch) {
        Found::Hit(item) => {
            side.hits += 1;
            show(item);
            Ok(true)
        }
        // The owner tells of a miss, where somebody listens.
        Found::Miss if inner.notify().wants(Class::KeyMiss) => Err(AskOwner),
        Found::Miss => {
            side.misses += 1;
            Ok(false)
        }
        Found::Ask => Err(AskOwner),
    }
}
