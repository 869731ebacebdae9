//! A worker: the thread that owns some shards and turns them.
//!
//! It is a session too, which asks its own shards directly. What a turn does is its [`core`](super::core)'s.

mod asking;
mod brief;

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::caller::{Ahead, Answered, TOGETHER, Whose, shard_of};
use super::config::Change;
use super::core::{Core, Hear, Turn};
use super::host::{From, Host};
use super::link::{Ask, Until};
use super::order::Looked;
use super::ring::Waker;
use super::save::Pace;
use super::session::Session;
use super::watch::Watch;
use super::wide::only_shard;
use super::{Inner, Seat, StoreError};
use crate::command::CommandError;
use crate::command::memcached::{Retrieval, Storing};
use crate::event::{Classes, Event};
use crate::log::Failure;
use crate::mem::Item;
use crate::op::Op;
use crate::reply::{Protocol, bulk_into};
use crate::slot::Slot;
use crate::time::Millis;

/// How often one turn goes on with what goes over several shards.
const ROUNDS: usize = 8;

/// The calling thread as a worker, and as a session of its own. Dropping it syncs the logs of its
/// shards and lets another thread attach to them.
pub struct Worker {
    /// `None` only while it is dropped.
    pub(super) core: Option<Core>,
    pub(super) session: Session,
}

impl Worker {
    pub(super) fn attach(inner: Arc<Inner>) -> Result<Worker, StoreError> {
        let workers = inner.doors.len();
        let (number, seat) = inner.take_seat().ok_or(StoreError::NoSeat { workers })?;
        if inner.config.pin {
            let place = inner.placement.iter().find(|place| place.worker == number);
            if let Some(place) = place
                && let Err(error) = seawall_sys::pin::pin(place.cpu)
            {
                inner.return_seat(number, seat);
                return Err(error.into());
            }
        }
        inner.doors[number].set_open(true);
        inner.doors[number].standing.end();
        let mut host_of = vec![None; inner.shards];
        for (at, host) in seat.hosts.iter().enumerate() {
            host_of[host.number] = Some(at);
        }
        let session = Session::of_worker(Arc::clone(&inner), number, seat.sleeper.waker());
        Ok(Worker {
            core: Some(Core {
                number,
                hosts: seat.hosts,
                host_of,
                links: Vec::new(),
                own: Vec::new(),
                asked: false,
                sleeper: seat.sleeper,
                now: inner.now(),
                inner,
                own_ops: 0,
                turns: 0,
                withholds: false,
                pinned: None,
                order: Looked::default(),
                deferred: Vec::new(),
            }),
            session,
        })
    }

    /// This worker's number.
    pub fn number(&self) -> usize {
        self.core().number
    }

    /// Takes what came in, applies it, logs it and replies. `now` counts where it is later than what
    /// the store has seen.
    pub fn turn(&mut self, now: Millis) -> Turn {
        self.turn_hearing(now, true, None)
    }

    /// As [`Worker::turn`]; shows the keyspace notifications of what it applied before the answers leave:
    /// who has an answer may count on it that its events were told.
    pub fn turn_telling(&mut self, now: Millis, each: impl FnMut(&Event)) -> Turn {
        self.round_telling(now, true, each)
    }

    /// As [`Worker::turn_telling`], without the work that no op asks for (what expires, leaves, is given back):
    /// for another round of one turn, in which that has had its part.
    pub fn go_on_telling(&mut self, now: Millis, each: impl FnMut(&Event)) -> Turn {
        self.round_telling(now, false, each)
    }

    fn round_telling(&mut self, now: Millis, ticks: bool, mut each: impl FnMut(&Event)) -> Turn {
        let turn = self.turn_hearing(now, ticks, Some(&mut each));
        self.session
            .caller
            .jobs
            .events()
            .for_each(|event| each(&event));
        turn
    }

    fn turn_hearing(&mut self, now: Millis, ticks: bool, mut hear: Hear<'_, '_>) -> Turn {
        let core = self.core.as_mut().expect("it is there until the drop");
        let caller = &mut self.session.caller;
        caller.publish();
        let mut turn = core.turn(now, ticks, &mut hear);
        // What goes over several shards asks anew when it was answered: its own shards, at once.
        for _ in 0..ROUNDS {
            if !caller.receive(Some(&mut *core)) || !core.was_asked() {
                break;
            }
            turn.busy |= core.turn_hosts(false, &mut hear);
        }
        turn.busy |= core.is_left();
        caller.publish();
        turn
    }

    /// Ops that are sent from here on happen at `now`, or at the time that the store has seen where that is
    /// later: for a thread that slept since its last turn.
    pub fn see(&mut self, now: Millis) {
        let core = self.core.as_mut().expect("it is there until the drop");
        core.now = core.inner.advance(now);
    }

    /// Runs `op`; [`Worker::answers`] tells what became of it, by `tag`. Ops on one shard are applied in
    /// the order in which they were sent. One that [goes over several](Worker::is_wide) is to be sent when
    /// what the same client sent before is answered, and what it sends after when this is. Whether it was
    /// applied at once, so that others see by now what it wrote.
    pub fn send(&mut self, tag: u64, op: Op) -> bool {
        self.session.caller.send(self.core.as_mut(), tag, op)
    }

    /// Runs `op` at once and appends its reply to `reply`, where that can be done: it goes to one shard,
    /// which is this worker's and stands still for nobody, or it is a `GET` that any core may answer; it
    /// does not wait, nobody listens to what happens to keys, and no log has to have it first. Whether it
    /// ran; otherwise it is to be [sent](Worker::send).
    #[inline]
    pub fn run_here(&mut self, op: &Op, reply: &mut Vec<u8>) -> bool {
        self.run_sought(op, Ahead::default(), reply)
    }

    /// As [`Worker::run_here`], of an op of which [`Worker::ahead`] found this.
    #[inline]
    pub fn run_sought(&mut self, op: &Op, ahead: Ahead, reply: &mut Vec<u8>) -> bool {
        let core = self.core.as_mut().expect("it is there until the drop");
        self.session.caller.run_here(core, op, ahead, reply)
    }

    /// Whether ops that write, or that only read, may be [run at once](Worker::run_here) now: nobody listens to
    /// what happens to keys, and no log has to have first what is written.
    pub fn runs_here(&self, writes: bool) -> bool {
        let core = self.core();
        let is_clear = |host: &Host| host.is_free(writes);
        core.inner.notify() == Classes::NONE && (!writes || core.hosts.iter().all(is_clear))
    }

    /// Answers `GET`s of `keys` in `database`, in order, where they can be answered at once, up to the first that
    /// cannot, or until there are `reply_bytes` of replies: they are appended to `reply`. How many were
    /// answered, of 32 at most.
    #[inline]
    pub fn get_here(
        &mut self,
        (database, protocol): (u8, Protocol),
        keys: &[&[u8]],
        reply: &mut Vec<u8>,
        reply_bytes: usize,
    ) -> usize {
        let keys = &keys[..keys.len().min(TOGETHER)];
        let caller = &mut self.session.caller;
        let any = |_, _: Item<'_>, _| true;
        caller.read_together(self.core.as_mut(), database, keys, any, |_, found| {
            match found {
                Some((item, _)) => bulk_into(reply, item.value()),
                None => reply.extend_from_slice(protocol.nil()),
            }
            reply.len() < reply_bytes
        })
    }

    /// Answers Memcached's requests for strings as [`Worker::get_here`] answers `GET`s: how many, of 32 at
    /// most, and how many of them found nothing.
    pub fn retrieve_here(
        &mut self,
        asked: &[Retrieval<'_>],
        reply: &mut Vec<u8>,
        reply_bytes: usize,
    ) -> (usize, usize) {
        let asked = &asked[..asked.len().min(TOGETHER)];
        let (caller, mut missed) = (&mut self.session.caller, 0);
        let now = self.core.as_ref().map_or(Millis(0), |core| core.now);
        let suffices = |at: usize, item: Item<'_>, is_own| asked[at].suffices(item, is_own);
        let core = self.core.as_mut();
        let answered = caller.read_together(core, 0, asked, suffices, |at, found| {
            if let Some((item, is_own)) = found {
                asked[at].found(reply, item, is_own, now);
            } else {
                missed += 1;
                asked[at].missed(reply);
            }
            reply.len() < reply_bytes
        });
        (answered, missed)
    }

    /// Runs Memcached's requests that store strings, in order, up to the first that cannot run at once, and
    /// appends their answers to `reply`: how many, of 32 at most, and how many of them were refused for what was
    /// there. They can where nobody listens to what happens to keys, and no log has to have it first.
    pub fn store_here(&mut self, asked: &[Storing<'_>], reply: &mut Vec<u8>) -> (usize, usize) {
        let core = self.core.as_mut().expect("it is there until the drop");
        self.session.caller.store_together(core, asked, reply)
    }

    /// Sets each key to its value, as a plain `SET` in `database`, in order, up to the first for which that cannot
    /// be done at once, or fails, of 32 at most; how many were set. It can where nobody listens to what happens
    /// to keys, and no log has to have it first.
    #[inline]
    pub fn set_here(&mut self, database: u8, pairs: &[(&[u8], &[u8])]) -> usize {
        let core = self.core.as_mut().expect("it is there until the drop");
        self.session.caller.set_together(core, database, pairs)
    }

    /// As [`Worker::send`] of an op that goes to `shard` alone, as [`Worker::ahead`] found, and that could not be
    /// [run at once](Worker::run_sought): it is applied when its owner comes to it.
    pub fn send_to(&mut self, shard: usize, tag: u64, op: Op) {
        let core = self.core.as_mut().expect("it is there until the drop");
        self.session.caller.send_to(core, shard, tag, op);
    }

    /// Whether this worker owns the shard of `key`.
    #[inline]
    pub fn is_own(&self, key: &[u8]) -> bool {
        let core = self.core();
        core.host_of[shard_of(key, core.inner.shards)].is_some()
    }

    /// What is found out of `op` before it runs.
    #[inline]
    pub fn ahead(&self, op: &Op) -> Ahead {
        self.session.caller.ahead(op)
    }

    /// Asks the processor to fetch where the keys of `op`, which is about to run, are searched. Of many ops
    /// first all are sought and then all [approached](Worker::approach), so that the accesses to memory overlap.
    #[inline]
    pub fn seek(&mut self, op: &Op, ahead: &mut Ahead) {
        let core = self.core.as_mut().expect("it is there until the drop");
        self.session.caller.seek(core, op, ahead);
    }

    /// Asks the processor to fetch what the keys of `op` most likely name.
    #[inline]
    pub fn approach(&mut self, op: &Op, ahead: &mut Ahead) {
        let core = self.core.as_mut().expect("it is there until the drop");
        self.session.caller.approach(core, op, ahead);
    }

    /// Whether `op` goes over several shards.
    pub fn is_wide(&self, op: &Op) -> bool {
        only_shard(op, self.core().inner.shards).is_none()
    }

    /// Whether there is no room on a shard of one of `op`'s keys or, where it has none or there is no op, on
    /// any. What asks may still be refused, or find room, when it runs.
    pub fn is_full(&self, op: Option<&Op>) -> bool {
        let inner = &self.core().inner;
        // Relaxed: as where it is told.
        let is_full = |shard: usize| inner.full[shard].load(Ordering::Relaxed);
        let mut keys = op.into_iter().flat_map(Op::keys).peekable();
        if keys.peek().is_none() {
            return (0..inner.shards).any(is_full);
        }
        keys.any(|key| is_full(Slot::of(key).shard(inner.shards)))
    }

    /// Why `op` would be refused: the log failed of a shard of one of its keys or, where it has none, of any.
    pub fn refusal(&self, op: &Op) -> Option<CommandError> {
        let inner = &self.core().inner;
        // Relaxed: a setting that changes meanwhile is seen by the shard itself.
        let is_strict = inner.strict.load(Ordering::Relaxed);
        if !is_strict && !op.command().flags.writes() {
            return None;
        }
        let failure = |shard: usize| inner.failed[shard].get();
        let mut keys = op.keys().peekable();
        let failure = if keys.peek().is_none() {
            (0..inner.shards).find_map(failure)
        } else {
            keys.find_map(|key| failure(Slot::of(key).shard(inner.shards)))
        };
        failure.map(Failure::refusal)
    }

    /// Applies all of `ops` or, where a key of `watch` changed or has expired since it was watched, none
    /// (`EXEC`). One reply, in `protocol`: an array of the ops' replies, or the null array. It is to be
    /// sent as what goes over several shards.
    pub fn transact(&mut self, tag: u64, protocol: Protocol, ops: Vec<Op>, watch: Option<&Watch>) {
        let (core, watch) = (self.core.as_mut(), watch.cloned());
        (self.session.caller).transact(core, tag, protocol, ops, watch);
    }

    /// Adds the keys of `keys`, an op of any command that has them, to `watch` (`WATCH`); `OK` when it
    /// sees their changes. It is to be sent as what goes over several shards. Dropping every clone of
    /// the watch ends it.
    pub fn watch(&mut self, tag: u64, watch: &Watch, keys: &Op) {
        (self.session.caller).watch(self.core.as_mut(), tag, watch, keys);
    }

    /// Gives up the op of `tag` where it waits for a key: it is answered with [`Answered::Cancelled`],
    /// unless it was served first. Any other op is answered as ever.
    pub fn cancel(&mut self, tag: u64) {
        (self.session.caller).cancel(self.core.as_mut(), Whose::Tag(tag));
    }

    /// Shows what became of ops that were [sent](Worker::send), since it was last asked: those of one tag
    /// in order, otherwise in any.
    pub fn answers(&mut self, each: impl FnMut(u64, Answered<'_>)) {
        self.session.caller.answers(each);
    }

    /// How many ops that were sent are not answered yet; those that wait for a key count too.
    pub fn outstanding(&self) -> usize {
        self.session.caller.outstanding()
    }

    /// Lets a setting be so from now on, on every shard: ops that are sent from here after it see it.
    pub fn configure(&mut self, change: &Change) {
        let caller = &mut self.session.caller;
        caller.inner.note(change);
        for shard in 0..caller.inner.shards {
            caller.tell(self.core.as_mut(), shard, Ask::Configure(change.clone()));
        }
    }

    /// Shows the keyspace notifications of this worker's shards that no turn [told](Worker::turn_telling).
    pub fn events(&mut self, mut each: impl FnMut(&Event)) {
        let core = self.core.as_mut().expect("it is there until the drop");
        for host in &mut core.hosts {
            host.events().for_each(|event| each(&event));
        }
        let jobs = &mut self.session.caller.jobs;
        jobs.events().for_each(|event| each(&event));
    }

    /// When a log of its shards is to be synced next, by a turn: whoever sleeps longer syncs later.
    pub fn next_sync(&self) -> Option<Millis> {
        self.core().hosts.iter().filter_map(Host::next_sync).min()
    }

    /// What wakes this worker: for those who leave it something elsewhere than in the store.
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(self.core().sleeper.waker())
    }

    /// What becomes readable when the worker is woken while it [dozes](Worker::doze): an eventfd.
    pub fn wake_fd(&self) -> BorrowedFd<'_> {
        self.core().sleeper.waker().fd()
    }

    /// Says that the thread is about to sleep in a system call that watches [`Worker::wake_fd`]; whether
    /// it may, since nothing is left to do here and nothing `is_left` elsewhere. It is awake again with
    /// [`Worker::rouse`], and must have called that before it dozes or waits again.
    pub fn doze(&mut self, is_left: impl Fn() -> bool) -> bool {
        let core = self.core.as_mut().expect("it is there until the drop");
        core.unpin();
        let (core, caller) = (&*core, &self.session.caller);
        let is_ready = || core.is_due() || caller.is_ready() || is_left();
        core.sleeper.doze(is_ready)
    }

    /// The thread is back from [`Worker::doze`].
    pub fn rouse(&mut self) {
        self.core().sleeper.rouse();
    }

    /// Waits until something comes in, at most for `at_most`: by spinning for a moment where every
    /// worker has a core of its own, by sleeping otherwise.
    pub fn wait(&mut self, at_most: Duration) {
        let core = self.core.as_mut().expect("it is there until the drop");
        core.unpin();
        core.wait(at_most, || self.session.caller.is_ready());
    }

    /// Waits until everything that its shards logged is durable.
    ///
    /// # Errors
    /// A log has failed: what was written since its last sync may be lost.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        let core = self.core.as_mut().expect("it is there until the drop");
        let synced: Vec<_> = core.hosts.iter_mut().map(Host::sync).collect();
        let synced: Result<(), String> = synced.into_iter().collect();
        synced.map_err(StoreError::NotDurable)
    }

    /// Asks every shard for its counts and state; [`Answered::Stats`], or the error that a worker has
    /// stopped, by `tag`. It waits for nothing that goes on elsewhere.
    pub fn ask_stats(&mut self, tag: u64) {
        (self.session.caller).ask_stats(self.core.as_mut(), Whose::Tag(tag));
    }

    /// Makes a snapshot, as [`Session::save`](super::Session::save); `OK`, or the error why not, by `tag`. Its shards take part in
    /// their turns.
    pub fn save(&mut self, tag: u64, pace: Pace) {
        let core = self.core.as_mut().expect("it is there until the drop");
        self.session.caller.save(core, tag, pace);
    }

    /// Asks these shards whether what they have logged by now is durable: 1 or 0, or an error where a log failed, by
    /// `tag`, when `until` has come; [`Worker::cancel`] gives up. Without a log nothing is durable.
    pub fn ask_durable(&mut self, tag: u64, shards: Vec<usize>, until: Until) {
        let core = self.core.as_mut();
        self.session.caller.ask_durable(core, tag, shards, until);
    }

    /// How many keys are watched on its shards.
    #[cfg(test)]
    pub(super) fn watched(&mut self) -> usize {
        let core = self.core.as_mut().expect("it is there until the drop");
        let hosts = core.hosts.iter_mut();
        hosts.map(|host| host.shard().keyspace().watched()).sum()
    }

    fn core(&self) -> &Core {
        self.core.as_ref().expect("it is there until the drop")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let Some(mut core) = self.core.take() else {
            return;
        };
        for at in 0..core.hosts.len() {
            core.hosts[at].forget(core.now, From::Own);
        }
        core.turn(core.now, true, &mut None);
        for host in &mut core.hosts {
            // What it did for somebody that has not let it go is in the log, and others wait for its part.
            host.log_held();
            // Whoever wants to hear of a failure has called `Worker::sync` before.
            let _ = host.sync();
        }
        core.turn(core.now, true, &mut None);
        core.close_links();
        // Links are numbered anew by whoever attaches next.
        core.hosts.iter_mut().for_each(Host::forget_all);
        for host in &mut core.hosts {
            // What a late asker had it do is in the log now, and others may wait for its part.
            let _ = host.close();
        }
        let (hosts, sleeper) = (core.hosts, core.sleeper);
        core.inner.return_seat(core.number, Seat { hosts, sleeper });
    }
}
