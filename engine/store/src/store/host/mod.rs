//! A host: one shard, as its worker drives it.
//!
//! A turn is apply → log → reply. The [`gate`] says when an answer may be said; [`waiters`] are ops that
//! wait for a key. While something goes over several shards the host *stands still* for whoever
//! coordinates it: its version is odd, so that readers on other cores ask it, and whatever else is asked
//! waits until the release.

mod gate;
mod promise;
pub(super) mod saving;
mod serve;
mod waiters;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::link::{Answer, Ask, Body, Bytes, Request};
use super::retry::Retries;
use crate::command::{CommandError, Keys};
use crate::effect::Effects;
use crate::event::Event;
use crate::keyspace::{DbKey, Keyspace, Sought, Version};
use crate::log::device::Bell;
use crate::log::joint::Joint;
use crate::log::{Failure, Log};
use crate::op::Op;
use crate::shard::{Out, Shard};
use crate::time::Millis;

use gate::Gate;
pub use gate::Settled;
pub(super) use gate::error_body;
use saving::Saving;
pub(super) use serve::aborted;
use waiters::Waiters;
pub(super) use waiters::awaited_keys;

/// Between two slices of the work that no op asks for (Redis's `hz` 10).
const TICK_MS: u64 = 100;

/// Who asked: a link's number, or the worker itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum From {
    Link(usize),
    Own,
}

/// What others see of a host without asking it.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Odd while several keys change together: one command here, or one over several shards.
    pub(super) version: Arc<Version>,
    /// How many effects ops have had.
    pub(super) changes: Arc<AtomicU64>,
    /// Bytes of its log behind what that goes on from.
    pub(super) log_bytes: Arc<AtomicU64>,
    /// Whether there are keys that are not in memory yet.
    pub(super) loading: Arc<AtomicBool>,
    /// Why its log failed, if it did.
    pub(super) failed: Arc<OnceLock<Failure>>,
    /// Ops that are tried again, of all shards.
    pub(super) retries: Retries,
}

/// A shard with its log and those who wait.
pub(super) struct Host {
    pub(super) number: usize,
    /// Of how many shards.
    shards: usize,
    shard: Shard,
    gate: Gate,
    seen: Seen,
    /// Where snapshots go.
    desk: Option<saving::Desk>,
    saving: Option<Saving>,
    /// Bytes that its log had when the store was opened, and of those and all since as many as a save covers.
    log_before: u64,
    log_covered: u64,
    /// Who it stands still for.
    holder: Option<From>,
    /// The time that it stands still at.
    held_at: Millis,
    /// Whether anything changed since it stands still.
    held_wrote: bool,
    /// What it does together with others meanwhile, where that is logged, and its effects so far.
    joint: Option<Arc<Joint>>,
    held: Effects,
    /// What others asked meanwhile.
    waiting: VecDeque<(From, Request)>,
    waiters: Waiters,
    /// Keys whose first waiter is tried again by its caller: until that has let the shard go, nobody else
    /// is served from them.
    promised: Vec<(From, DbKey)>,
    out: Out,
    events: Vec<Event>,
    ticked: Millis,
    busy: bool,
    /// Whether a setting changed since the last tick: what follows from it is so before anything else is asked.
    changed: bool,
}

/// Whether `op` may change more than one key.
#[inline]
fn changes_several(op: &Op) -> bool {
    let command = op.command();
    command.flags.writes() && command.keys != Keys::ONE && op.keys().take(2).count() != 1
}

impl Host {
    pub(super) fn new(
        number: usize,
        shards: usize,
        shard: Shard,
        log: Option<Log>,
        strict: bool,
        seen: Seen,
        desk: Option<saving::Desk>,
    ) -> Host {
        let gate = Gate::new(log, strict);
        let out = Out {
            effects: if gate.logs() {
                Effects::default()
            } else {
                Effects::unread()
            },
            ..Out::default()
        };
        Host {
            number,
            shards,
            shard,
            gate,
            log_before: seen.log_bytes.load(Ordering::Relaxed),
            log_covered: 0,
            seen,
            desk,
            saving: None,
            holder: None,
            held_at: Millis(0),
            held_wrote: false,
            joint: None,
            held: Effects::default(),
            waiting: VecDeque::new(),
            waiters: Waiters::default(),
            promised: Vec::new(),
            out,
            events: Vec::new(),
            ticked: Millis(0),
            busy: false,
            changed: false,
        }
    }

    /// The shard, for a worker's own reads.
    pub(super) fn shard(&mut self) -> &mut Shard {
        &mut self.shard
    }

    /// The keys, for those who look ahead.
    #[inline]
    pub(super) fn keys(&self) -> &Keyspace {
        self.shard.keys()
    }

    /// Whether the worker's own op may run and be answered at once: nothing stands before it, and no
    /// answer waits for the log.
    #[inline]
    pub(super) fn is_free(&self, writes: bool) -> bool {
        self.holder.is_none() && self.waiting.is_empty() && self.gate.is_clear(writes)
    }

    /// Whether the worker's own write may run and be answered at once to somebody who withholds the answer: nothing
    /// stands before it, and a log takes it.
    #[inline]
    pub(super) fn is_passable(&self) -> bool {
        self.holder.is_none() && self.waiting.is_empty() && self.gate.is_passable()
    }

    /// Logs what the worker's own write did, as `tell` tells it, whose answer is withheld.
    #[inline]
    pub(super) fn log_withheld(&mut self, tell: impl FnOnce(&mut Effects)) {
        self.gate.append_withheld(&mut self.out.effects, tell);
    }

    /// Whether answers of the worker's own are withheld since the last turn.
    #[inline]
    pub(super) fn withholds(&self) -> bool {
        self.gate.withholds()
    }

    /// Whether something is withheld for a sync that the next turn begins.
    pub(super) fn awaits_sync(&self) -> bool {
        self.gate.awaits_sync()
    }

    /// What became of what was withheld until turn `number`, which is over.
    pub(super) fn settled(&self, number: u64) -> Settled {
        self.gate.settled(number)
    }

    /// Applies `op` for the worker itself; [`Host::is_free`] allowed it. What came of it is
    /// [`Host::out`].
    pub(super) fn apply_own(&mut self, now: Millis, op: &Op) -> &Out {
        self.out.clear();
        self.apply(now, op);
        self.conclude();
        &self.out
    }

    /// As [`Host::apply_own`] of what `write` does with `key` of `database`, without an op, which would have so
    /// many bytes of arguments `beside` the key; [`Host::is_free`] allowed it, or [`Host::is_passable`], and then it is
    /// to be [logged](Host::log_withheld). Whether it changed anything, as `write` says.
    #[inline]
    pub(super) fn write_own<E: std::convert::From<CommandError>>(
        &mut self,
        now: Millis,
        (database, key): (u8, &[u8]),
        beside: usize,
        sought: Option<Sought>,
        write: impl FnOnce(&mut Keyspace) -> Result<bool, E>,
    ) -> Result<bool, E> {
        let keyspace = self.shard.keyspace();
        if usize::from(database) >= keyspace.databases() {
            return Err(CommandError::NO_SUCH_DATABASE.into());
        }
        keyspace.begin(now, database, false);
        if let Some(sought) = sought {
            keyspace.foresee(key, sought);
        }
        let done = match keyspace.prepare_at(key, beside) {
            Ok(()) => write(keyspace),
            Err(error) => Err(error.into()),
        };
        let mut changes = u64::from(matches!(done, Ok(true)));
        // What had expired is gone, even where the new value found no place.
        let has_removed = keyspace.has_removed();
        keyspace.settle(changes > 0 || has_removed);
        if has_removed {
            self.out.clear();
            keyspace.drain_removed(&mut self.out.effects);
            changes += self.out.effects.len() as u64;
            self.gate.append(&self.out.effects);
        }
        self.count_changes(changes);
        done
    }

    /// Serves those who waited for what an op of the worker's own made ready, after its answer was
    /// taken.
    #[inline]
    pub(super) fn serve_after_own(&mut self, now: Millis) {
        if self.shard.keyspace().has_ready() {
            self.serve_waiters(now);
        }
    }

    /// Whether it does not stand still, and nothing that was asked waits.
    pub(super) fn flows(&self) -> bool {
        self.holder.is_none() && self.waiting.is_empty()
    }

    /// Whether something that was taken in waits, though nobody holds the shard.
    pub(super) fn is_behind(&self) -> bool {
        self.holder.is_none() && !self.waiting.is_empty()
    }

    /// Takes a request in: it is answered by the end of a turn.
    pub(super) fn take(&mut self, now: Millis, from: From, request: Request) {
        let must_wait = self.holder.is_some() || !self.waiting.is_empty() || self.gate.is_stalled();
        if must_wait && !passes(&request.ask) {
            self.waiting.push_back((from, request));
        } else {
            self.serve(now, from, request);
        }
    }

    fn serve_waiting(&mut self, now: Millis) {
        while self.holder.is_none()
            && !self.gate.is_stalled()
            && let Some((from, request)) = self.waiting.pop_front()
        {
            self.serve(now, from, request);
        }
    }

    /// Turn `number`: what no op asks for, where it `ticks`, and the log. `say` hears what may now be said.
    pub(super) fn turn(
        &mut self,
        now: Millis,
        number: u64,
        ticks: bool,
        say: impl FnMut(From, Answer),
    ) {
        if self.holder.is_none() {
            let is_due = self.busy || now.since(self.ticked) >= TICK_MS;
            if self.changed || ticks && is_due {
                (self.ticked, self.changed) = (now, false);
                self.out.clear();
                self.busy = self.shard.tick(now, &mut self.out);
                self.gate.append(&self.out.effects);
                self.events.append(&mut self.out.events);
            }
            if self.shard.keyspace().has_ready() {
                self.serve_waiters(now);
            }
        }
        if ticks && self.saving.is_some() {
            self.go_on_saving();
        }
        self.gate.turn(now, number, say);
        self.tell_log_bytes();
        self.tell_loading();
        if let Some(failure) = self.gate.failure() {
            self.seen.failed.get_or_init(|| failure.clone());
        }
        if !self.waiting.is_empty() {
            self.serve_waiting(now);
        }
    }

    /// Whether the shard is full, and nothing of it may go.
    pub(super) fn is_full(&mut self) -> bool {
        self.shard.keyspace().is_full()
    }

    /// Whoever turns it is woken by `bell` when the log's device has done something.
    pub(super) fn wake_by(&mut self, bell: Option<&Bell>) {
        self.gate.wake_by(bell);
    }

    /// Whether answers wait for something that wakes whoever turns it.
    pub(super) fn awaits_bell(&self) -> bool {
        self.gate.awaits_bell()
    }

    /// Whether a turn soon would do something.
    pub(super) fn is_busy(&self) -> bool {
        self.gate.is_busy() || self.busy || self.is_saving()
    }

    /// A turn begins, at `now`.
    pub(super) fn see(&mut self, now: Millis) {
        self.gate.see(now);
    }

    /// When its log is to be synced next, where time decides.
    pub(super) fn next_sync(&self) -> Option<Millis> {
        self.gate.next_sync()
    }

    /// The events since they were last taken.
    pub(super) fn events(&mut self) -> std::vec::Drain<'_, Event> {
        self.events.drain(..)
    }

    /// Waits until everything that was logged is durable.
    pub(super) fn sync(&mut self) -> Result<(), String> {
        self.gate.sync()
    }

    /// As [`Host::sync`], where the worker ends: whoever opens the log next knows that it is durable.
    pub(super) fn close(&mut self) -> Result<(), String> {
        self.gate.close()
    }

    /// Forgets a caller: what it asked is not answered, and what it held goes on.
    pub(super) fn forget(&mut self, now: Millis, gone: From) {
        self.waiting.retain(|(from, _)| *from != gone);
        self.waiters.forget(Some(gone), self.shard.keyspace());
        self.keep_promises(gone);
        self.forget_save(Some(gone));
        if self.holder == Some(gone) {
            self.release(now);
        } else if self.shard.keyspace().has_ready() {
            self.serve_waiters(now);
        }
        self.gate.forget(Some(gone));
    }

    /// Forgets every caller: the worker leaves, and its links with it. What was asked is not answered.
    pub(super) fn forget_all(&mut self) {
        self.waiting.clear();
        self.waiters.forget(None, self.shard.keyspace());
        self.promised.clear();
        self.forget_save(None);
        self.gate.forget(None);
        self.let_go();
    }

    /// Whoever held the shard lets it go: who waits is served.
    fn release(&mut self, now: Millis) {
        if let Some(from) = self.holder {
            self.keep_promises(from);
        }
        self.let_go();
        if self.shard.keyspace().has_ready() {
            self.serve_waiters(now);
        }
        self.serve_waiting(now);
    }

    /// Nobody holds the shard any more, and readers on other cores may look again.
    fn let_go(&mut self) {
        if self.holder.take().is_some() {
            self.log_held();
            self.held_wrote = false;
            self.seen.version.turn();
        }
    }

    /// Logs what was done while it stood still, so far: its part of what several shards do together, or, where
    /// that ends before its end, as its own.
    pub(super) fn log_held(&mut self) {
        if let Some(joint) = self.joint.take() {
            joint.leave();
            self.gate.append_part(&joint, &self.held);
            self.held.clear();
        }
    }

    /// Applies `op`. Where it changes several keys, readers on other cores see all of it or nothing: the
    /// version is odd meanwhile, as it is for as long as somebody holds the shard.
    fn apply(&mut self, now: Millis, op: &Op) {
        let alone = self.holder.is_none() && changes_several(op);
        if alone {
            self.seen.version.turn();
        }
        self.shard.apply(now, op, &mut self.out);
        if alone {
            self.seen.version.turn();
        }
    }

    /// Logs what came of the last op, or keeps it until the release, and passes its events on; whether it had
    /// effects.
    fn conclude(&mut self) -> bool {
        let effects = self.out.effects.len() as u64;
        self.count_changes(effects);
        match &self.joint {
            None => self.gate.append(&self.out.effects),
            Some(joint) if effects > 0 => {
                joint.note_write();
                self.held.append(&mut self.out.effects);
            }
            Some(_) => {}
        }
        self.events.append(&mut self.out.events);
        effects > 0
    }

    /// As [`Host::conclude`] where the shard stands still and nothing was to be changed: what had expired is gone,
    /// whatever becomes of what several shards do.
    fn conclude_apart(&mut self) -> bool {
        let joint = self.joint.take();
        let changed = self.conclude();
        self.joint = joint;
        changed
    }

    fn count_changes(&self, count: u64) {
        if count > 0 {
            // Relaxed: this host alone writes it, and whoever reads it was answered after this, through
            // a ring. What expires by itself is no change that a caller made.
            let changes = self.seen.changes.load(Ordering::Relaxed) + count;
            self.seen.changes.store(changes, Ordering::Relaxed);
        }
    }

    fn reply(&self) -> Body {
        Body::Reply(Bytes::from_slice(self.out.reply.as_bytes()))
    }
}

/// Whether an ask does not wait while the host stands still: it is the holder's, or concerns no key.
fn passes(ask: &Ask) -> bool {
    match ask {
        Ask::Apply(_) | Ask::Transact(_) | Ask::Watch(..) | Ask::Cancel(_) | Ask::Hold(_) => false,
        Ask::Forget(_)
        | Ask::Part(_)
        | Ask::Kinds(_)
        | Ask::Fetch(_)
        | Ask::Accept(_)
        | Ask::Replace(_)
        | Ask::Await(_)
        | Ask::Release
        | Ask::Touched(_)
        | Ask::Configure(_)
        | Ask::Durable(_)
        | Ask::Stats
        | Ask::Save(_)
        | Ask::Written(_)
        | Ask::Publish(_)
        | Ask::EndSave(..) => true,
    }
}
