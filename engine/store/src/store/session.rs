//! A session: one caller's way to every shard.
//!
//! A string is read where the caller stands, if it can be; everything else goes to the shard's worker
//! by ring and comes back in the order in which it was asked. A key with an unfinished write of the
//! session is read through the ring as well, so a session reads its own writes. A worker is a session
//! too: ops on its own shards then run directly.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use smallvec::SmallVec;

use super::Inner;
use super::config::StoreError;
use super::flight::{Pending, Side, writes_of};
use super::host::error_body;
use super::link::{Ask, Body, Lane, Request, TOUCHES};
use super::ring::{Sleeper, Waker};
use super::spread::{Route, route};
use super::worker::Core;
use crate::command::{self, CommandError};
use crate::keyspace::Read;
use crate::op::Op;
use crate::reply::Reply;
use crate::shard::ShardStats;
use crate::slot::Slot;

/// How many ops may be unanswered; further ones wait.
const WINDOW: usize = 512;
/// After so many any-core reads their counts are passed on.
const READS_COUNTED: u32 = 64;

/// One caller's way to every shard.
pub struct Session {
    pub(super) inner: Arc<Inner>,
    /// The worker that this is the session of.
    pub(super) own: Option<usize>,
    pub(super) waker: Arc<Waker>,
    pub(super) sleeper: Option<Sleeper>,
    pub(super) lanes: Vec<Option<Lane>>,
    pub(super) pending: VecDeque<Pending>,
    /// The number of the first pending op.
    pub(super) first: u64,
    /// How many of them have no answer yet.
    pub(super) unanswered: usize,
    pub(super) sides: Vec<Side>,
}

impl Session {
    pub(super) fn outside(inner: Arc<Inner>) -> Session {
        // Relaxed: only whether spinning is worth while hangs on it.
        inner.outsiders.fetch_add(1, Ordering::Relaxed);
        let sleeper = Sleeper::new();
        let waker = Arc::clone(sleeper.waker());
        Session::new(inner, None, waker, Some(sleeper))
    }

    pub(super) fn of_worker(inner: Arc<Inner>, worker: usize, waker: &Arc<Waker>) -> Session {
        Session::new(inner, Some(worker), Arc::clone(waker), None)
    }

    fn new(
        inner: Arc<Inner>,
        own: Option<usize>,
        waker: Arc<Waker>,
        sleeper: Option<Sleeper>,
    ) -> Session {
        Session {
            lanes: inner.doors.iter().map(|_| None).collect(),
            sides: (0..inner.shards).map(|_| Side::default()).collect(),
            inner,
            own,
            waker,
            sleeper,
            pending: VecDeque::new(),
            first: 0,
            unanswered: 0,
        }
    }

    /// Appends the string at `key` to `value`; whether there is one.
    ///
    /// # Errors
    /// As `GET`.
    #[inline]
    pub fn get(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<bool, CommandError> {
        self.get_by(None, key, value)
    }

    /// Runs `op` and waits for its reply.
    pub fn execute(&mut self, op: &Op) -> Reply {
        self.execute_by(None, op)
    }

    /// Sends `op`; its reply comes with [`Session::complete`]. Ops on one shard are applied in the
    /// order in which they were sent. Waits only where too many are unanswered.
    pub fn submit(&mut self, op: &Op) {
        self.submit_by(None, op);
    }

    /// Waits for every op that was submitted and shows their replies in order.
    pub fn complete(&mut self, each: impl FnMut(Reply)) {
        self.complete_by(None, each);
    }

    /// Shows the replies that are there already, in order, up to the first that is not.
    pub fn ready(&mut self, each: impl FnMut(Reply)) {
        self.ready_by(None, each);
    }

    /// Writes a snapshot of every shard to the store's folder; all shards stand still meanwhile.
    ///
    /// # Errors
    /// The store has no folder, or it cannot be written to: earlier snapshots then stay as they are.
    pub fn save(&mut self) -> Result<(), StoreError> {
        self.save_by(None)
    }

    /// Counts and state of every shard, any-core reads included.
    ///
    /// # Errors
    /// A worker has stopped.
    pub fn stats(&mut self) -> Result<Vec<ShardStats>, CommandError> {
        self.stats_by(None)
    }

    #[inline]
    pub(super) fn get_by(
        &mut self,
        mut core: Option<&mut Core>,
        key: &[u8],
        value: &mut Vec<u8>,
    ) -> Result<bool, CommandError> {
        let shard = Slot::of(key).shard(self.inner.shards);
        if let Some(core) = core.as_deref_mut() {
            let now = core.now;
            if let Some(host) = core.host(shard).filter(|host| host.is_free()) {
                let keyspace = host.shard().keyspace();
                keyspace.begin(now, 0, true);
                let found = keyspace.string(key)?;
                let is_there = found.map(|bytes| value.extend_from_slice(bytes)).is_some();
                core.own_op();
                return Ok(is_there);
            }
        }
        let side = &mut self.sides[shard];
        if !side.may_change(key)
            && let Some(reader) = self.inner.readers.get(shard)
        {
            let guard = crossbeam_epoch::pin();
            let touch = |touched| side.touched.push(touched);
            let read = reader.get(0, key, || self.inner.now(), value, &guard, touch);
            drop(guard);
            match read {
                Read::Hit => side.hits += 1,
                Read::Miss => side.misses += 1,
                Read::Ask => return self.get_from_owner(core, key, value),
            }
            if side.touched.len() >= TOUCHES || side.hits + side.misses >= READS_COUNTED {
                self.tell_reads(core, shard);
            }
            return Ok(read == Read::Hit);
        }
        self.get_from_owner(core, key, value)
    }

    #[cold]
    fn get_from_owner(
        &mut self,
        core: Option<&mut Core>,
        key: &[u8],
        value: &mut Vec<u8>,
    ) -> Result<bool, CommandError> {
        match self.execute_by(core, &Op::new(&command::string::GET).arg(key)) {
            Reply::Bulk(bytes) => {
                value.extend_from_slice(&bytes);
                Ok(true)
            }
            Reply::Error(words) => Err(CommandError::new(words)),
            _ => Ok(false),
        }
    }

    /// Passes on what the owner does not see of any-core reads. Touches that find no room are lost:
    /// to a policy they are hints.
    fn tell_reads(&mut self, core: Option<&mut Core>, shard: usize) {
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
            let ask = Ask::Touched(touched);
            let number = u64::MAX;
            let _ = lane.requests.push(Request { number, shard, ask });
        }
    }

    pub(super) fn execute_by(&mut self, mut core: Option<&mut Core>, op: &Op) -> Reply {
        if let Some(core) = core.as_deref_mut()
            && let Route::One(shard) = route(op, self.inner.shards)
        {
            let now = core.now;
            if let Some(host) = core.host(shard).filter(|host| host.is_free()) {
                let reply = parse(host.apply_own(now, op).as_bytes());
                core.own_op();
                return reply;
            }
        }
        self.submit_by(core.as_deref_mut(), op);
        self.pump(core, |session| {
            session
                .pending
                .back()
                .is_none_or(|last| last.body.is_some())
        });
        let last = self.pending.pop_back().and_then(|last| last.body);
        last.map_or(Reply::Nil, into_reply)
    }

    pub(super) fn submit_by(&mut self, mut core: Option<&mut Core>, op: &Op) {
        match route(op, self.inner.shards) {
            Route::One(shard) => {
                if self.pending.len() >= WINDOW {
                    self.pump(core.as_deref_mut(), |session| session.unanswered < WINDOW);
                }
                if let Some(core) = core.as_deref_mut() {
                    let now = core.now;
                    if let Some(host) = core.host(shard).filter(|host| host.is_free()) {
                        let reply = host.apply_own(now, op);
                        let body = Body::Reply(SmallVec::from_slice(reply.as_bytes()));
                        core.own_op();
                        return self.answered(body);
                    }
                }
                self.ask(core, shard, writes_of(op), Ask::Apply(op.clone()));
            }
            Route::Spread(parts) => {
                self.pump(core.as_deref_mut(), |session| session.unanswered == 0);
                let reply = self.spread(core, op, &parts);
                self.answered(Body::Ready(reply));
            }
            Route::Refused(error) => self.answered(error_body(&error)),
        }
    }

    pub(super) fn complete_by(&mut self, core: Option<&mut Core>, mut each: impl FnMut(Reply)) {
        self.pump(core, |session| session.unanswered == 0);
        for pending in std::mem::take(&mut self.pending) {
            self.first += 1;
            each(pending.body.map_or(Reply::Nil, into_reply));
        }
    }

    pub(super) fn ready_by(&mut self, core: Option<&mut Core>, mut each: impl FnMut(Reply)) {
        self.send();
        if let Some(core) = core {
            self.receive_own(core);
        }
        self.receive();
        while let Some(pending) = self.pending.pop_front_if(|first| first.body.is_some()) {
            self.first += 1;
            each(pending.body.map_or(Reply::Nil, into_reply));
        }
    }

    pub(super) fn stats_by(
        &mut self,
        mut core: Option<&mut Core>,
    ) -> Result<Vec<ShardStats>, CommandError> {
        for shard in 0..self.inner.shards {
            self.tell_reads(core.as_deref_mut(), shard);
        }
        let asks = (0..self.inner.shards).map(|shard| (shard, Ask::Stats));
        let bodies = self.call(core, asks.collect());
        let reads = &self.inner.reads;
        let with_reads = bodies
            .into_iter()
            .zip(reads)
            .map(|(body, reads)| match body {
                Body::Stats(stats) => Ok(ShardStats {
                    hits: stats.hits + reads.hits.load(Ordering::Relaxed),
                    misses: stats.misses + reads.misses.load(Ordering::Relaxed),
                    ..*stats
                }),
                body => Err(CommandError::new(match into_reply(body) {
                    Reply::Error(words) => words,
                    _ => "ERR the shard answered something else".to_owned(),
                })),
            });
        with_reads.collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for shard in 0..self.inner.shards {
            self.tell_reads(None, shard);
        }
        if self.own.is_none() {
            self.inner.outsiders.fetch_sub(1, Ordering::Relaxed);
        }
        for lane in self.lanes.drain(..).flatten() {
            let waker = Arc::clone(&lane.waker);
            drop(lane);
            waker.wake();
        }
    }
}

pub(super) fn into_reply(body: Body) -> Reply {
    match body {
        Body::Reply(bytes) => parse(&bytes),
        Body::Ready(reply) => reply,
        Body::Stats(_) | Body::Saved(_) => Reply::Nil,
    }
}

fn parse(bytes: &[u8]) -> Reply {
    Reply::parse(bytes).map_or(Reply::Nil, |(reply, _)| reply)
}
