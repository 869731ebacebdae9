//! A session: a thread's calls to the store, answered in the order in which they were made.
//!
//! It waits for what it asked; how that reaches the shards is [`Caller`](super::caller::Caller)'s. A worker
//! is a session too: ops on its own shards then run directly.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Inner;
use super::caller::{Caller, TOGETHER, shard_of};
use super::config::StoreError;
use super::core::{Core, SPINS};
use super::link::Body;
use super::ring::{Sleeper, Waker};
use super::save::Pace;
use super::wide::{Plan, Route, Save, route};
use crate::command::{self, CommandError};
use crate::mem::Item;
use crate::op::Op;
use crate::reply::Reply;
use crate::shard::ShardStats;

/// How many ops may be unanswered; further ones wait.
const WINDOW: usize = 512;
/// The longest sleep before looking whether a worker has stopped.
const AWHILE: Duration = Duration::from_millis(50);
/// The longest sleep while a log is being synced.
const AWHILE_BUSY: Duration = Duration::from_micros(20);

/// One thread's calls to the store.
pub struct Session {
    pub(super) caller: Caller,
    sleeper: Option<Sleeper>,
}

impl Session {
    pub(super) fn outside(inner: Arc<Inner>) -> Session {
        // Relaxed: only whether spinning is worth while hangs on it.
        inner.outsiders.fetch_add(1, Ordering::Relaxed);
        let sleeper = Sleeper::new();
        let waker = Arc::clone(sleeper.waker());
        Session {
            caller: Caller::new(inner, None, waker),
            sleeper: Some(sleeper),
        }
    }

    pub(super) fn of_worker(inner: Arc<Inner>, worker: usize, waker: &Arc<Waker>) -> Session {
        Session {
            caller: Caller::new(inner, Some(worker), Arc::clone(waker)),
            sleeper: None,
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

    /// Sets `key` to `value`, as `SET` does, and waits until that is done.
    ///
    /// # Errors
    /// As `SET`.
    pub fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), CommandError> {
        self.set_by(None, key, value)
    }

    /// Shows the strings at `keys`, each with its key's place among them; `None` where there is none. They
    /// are read together, so that their waits for memory overlap: the more keys, the better, from some 16
    /// on. In order.
    ///
    /// # Errors
    /// As `GET`, by key.
    #[inline]
    pub fn get_each<K: AsRef<[u8]>>(
        &mut self,
        keys: &[K],
        each: impl FnMut(usize, Result<Option<&[u8]>, CommandError>),
    ) {
        self.get_each_by(None, keys, each);
    }

    /// Runs `op` and waits for its reply. One that waits for a key (`BLPOP`) is given up when its time is
    /// over.
    pub fn execute(&mut self, op: &Op) -> Reply {
        self.execute_by(None, op)
    }

    /// Sends `op`; its reply comes with [`Session::complete`]. Ops on one shard are applied in the
    /// order in which they were sent. Waits only where too many are unanswered, and for what goes over
    /// several shards.
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

    /// Makes a snapshot of every shard in the store's folder, of one moment: when this returns it counts. All shards
    /// stand still for its beginning, and go on.
    ///
    /// # Errors
    /// The store has no folder, or it cannot be written to; one is being made already; or all keys were removed before
    /// it was made. Earlier snapshots then stay as they are.
    pub fn save(&mut self) -> Result<(), StoreError> {
        self.save_at(Pace {
            is_hasty: true,
            ..Pace::default()
        })
    }

    /// As [`Session::save`], at this pace.
    ///
    /// # Errors
    /// As there.
    pub fn save_at(&mut self, pace: Pace) -> Result<(), StoreError> {
        let saves = self.caller.inner.saves.clone();
        let saves = saves.ok_or(StoreError::NoFolderToSave)?;
        self.pump(None, |caller| caller.missing() == 0);
        let plan = Plan::Save(Box::new(Save::new(&saves, pace)));
        self.caller.plan_in_line(None, plan);
        self.pump(None, |caller| caller.missing() == 0);
        match self.caller.line().take_last(1).pop() {
            Some(Body::Saved(result)) => *result,
            Some(body) => Err(StoreError::Refused(words(body))),
            None => Err(StoreError::Refused("no answer".to_owned())),
        }
    }

    /// The store whose session it is.
    #[cfg(test)]
    pub(super) fn caller_store(&self) -> super::Store {
        super::Store {
            inner: Arc::clone(&self.caller.inner),
        }
    }

    /// Counts and state of every shard, any-core reads included.
    ///
    /// # Errors
    /// A worker has stopped.
    pub fn stats(&mut self) -> Result<Vec<ShardStats>, CommandError> {
        self.pump(None, |caller| caller.missing() == 0);
        self.caller.stats_in_line(None);
        self.pump(None, |caller| caller.missing() == 0);
        match self.caller.line().take_last(1).pop() {
            Some(Body::AllStats(stats)) => Ok(stats),
            Some(body) => Err(CommandError::new(words(body))),
            None => Err(CommandError::fixed("ERR no answer")),
        }
    }

    #[inline]
    pub(super) fn get_by(
        &mut self,
        mut core: Option<&mut Core>,
        key: &[u8],
        value: &mut Vec<u8>,
    ) -> Result<bool, CommandError> {
        let shard = shard_of(key, self.caller.inner.shards);
        if let Some(core) = core.as_deref_mut() {
            if let Some(found) = Caller::read_own(core, shard, key, value) {
                return found;
            }
            // As one of its own, lest it holds for ever what it reads of others.
            core.own_op();
            core.pin();
        }
        let read = self.caller.read(
            core.as_deref_mut(),
            shard,
            (0, key),
            value,
            Vec::extend_from_slice,
        );
        read.or_else(|_| self.get_from_owner(core, key, value))
    }

    pub(super) fn set_by(
        &mut self,
        mut core: Option<&mut Core>,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), CommandError> {
        if let Some(core) = core.as_deref_mut() {
            let shard = shard_of(key, self.caller.inner.shards);
            if let Some(done) = self.caller.set_own(core, shard, key, value) {
                return done;
            }
        }
        let op = Op::new(&command::set::SET).arg(key).arg(value);
        match self.execute_by(core, &op) {
            Reply::Error(words) => Err(CommandError::new(words)),
            _ => Ok(()),
        }
    }

    #[inline]
    pub(super) fn get_each_by<K: AsRef<[u8]>>(
        &mut self,
        mut core: Option<&mut Core>,
        keys: &[K],
        mut each: impl FnMut(usize, Result<Option<&[u8]>, CommandError>),
    ) {
        let mut at = 0;
        while at < keys.len() {
            let some = &keys[at..keys.len().min(at + TOGETHER)];
            let (caller, own) = (&mut self.caller, core.as_deref_mut());
            let first = at;
            let any = |_, _: Item<'_>, _| true;
            at += caller.read_together(own, 0, some, any, |i, found| {
                each(first + i, Ok(found.map(|(item, _)| item.value())));
                true
            });
            if let Some(core) = core.as_deref_mut() {
                core.own_ops((at - first) as u32);
            }
            if at - first < some.len() {
                let mut value = Vec::new();
                let found = self.get_by(core.as_deref_mut(), keys[at].as_ref(), &mut value);
                each(at, found.map(|found| found.then_some(value.as_slice())));
                at += 1;
            }
        }
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

    pub(super) fn execute_by(&mut self, mut core: Option<&mut Core>, op: &Op) -> Reply {
        if let Some(core) = core.as_deref_mut()
            && let Route::One(shard) = route(op, self.caller.inner.shards)
            && let Some(bytes) = Caller::run_own(core, shard, op)
        {
            return parse(&bytes);
        }
        self.submit_by(core.as_deref_mut(), op);
        self.pump(core, Caller::last_is_there);
        let mut last = self.caller.line().take_last(1);
        last.pop().map_or(Reply::Nil, into_reply)
    }

    pub(super) fn submit_by(&mut self, mut core: Option<&mut Core>, op: &Op) {
        if self.caller.line().len() >= WINDOW {
            self.pump(core.as_deref_mut(), |caller| caller.missing() < WINDOW);
        }
        if let Route::Wide(plan) = route(op, self.caller.inner.shards) {
            // It comes after what was sent before, and before what is sent after.
            self.pump(core.as_deref_mut(), |caller| caller.missing() == 0);
            self.caller.plan_in_line(core.as_deref_mut(), plan);
            self.pump(core, |caller| caller.missing() == 0);
        } else {
            self.caller.queue(core, op);
        }
    }

    pub(super) fn complete_by(&mut self, core: Option<&mut Core>, mut each: impl FnMut(Reply)) {
        self.pump(core, |caller| caller.missing() == 0);
        while let Some(body) = self.caller.line().pop() {
            each(into_reply(body));
        }
    }

    pub(super) fn ready_by(&mut self, core: Option<&mut Core>, mut each: impl FnMut(Reply)) {
        self.caller.publish();
        self.caller.receive(core);
        while let Some(body) = self.caller.line().pop() {
            each(into_reply(body));
        }
    }

    /// Sends, receives and, on a worker, turns, until it is `done`.
    fn pump(&mut self, mut core: Option<&mut Core>, done: impl Fn(&Caller) -> bool) {
        loop {
            self.caller.publish();
            if done(&self.caller) {
                return;
            }
            let mut busy = false;
            if let Some(core) = core.as_deref_mut() {
                busy = core.turn(core.now, true, &mut None).busy;
            }
            busy |= self.caller.receive(core.as_deref_mut());
            let now = self.caller.inner.now();
            self.caller.cancel_late(core.as_deref_mut(), now);
            if done(&self.caller) {
                return;
            }
            self.caller.publish();
            let at_most = if busy { AWHILE_BUSY } else { AWHILE };
            match core.as_deref_mut() {
                Some(core) => core.wait(at_most, || self.caller.is_ready()),
                None => self.wait(at_most),
            }
        }
    }

    fn wait(&self, at_most: Duration) {
        if self.caller.inner.may_spin() {
            for _ in 0..SPINS {
                if self.caller.is_ready() {
                    return;
                }
                std::hint::spin_loop();
            }
        }
        if let Some(sleeper) = &self.sleeper {
            sleeper.sleep(at_most, || self.caller.is_ready());
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for shard in 0..self.caller.inner.shards {
            self.caller.tell_reads(None, shard);
        }
        if self.caller.own.is_none() {
            self.caller.inner.outsiders.fetch_sub(1, Ordering::Relaxed);
        }
        self.caller.leave();
    }
}

fn into_reply(body: Body) -> Reply {
    match body {
        Body::Reply(bytes) => parse(&bytes),
        _ => Reply::Nil,
    }
}

pub(super) fn words(body: Body) -> String {
    match into_reply(body) {
        Reply::Error(words) => words,
        _ => "ERR the shard answered something else".to_owned(),
    }
}

fn parse(bytes: &[u8]) -> Reply {
    Reply::parse(bytes).map_or(Reply::Nil, |(reply, _)| reply)
}
