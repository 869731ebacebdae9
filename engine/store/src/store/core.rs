//! The core of a worker: the shards that it owns, and the sessions that ask them.
//!
//! One turn takes what came in through the rings, applies it, writes the logs, and replies. A batch of
//! requests is prefetched before it is applied: first the lines of the index, then the items, so that
//! the accesses to memory overlap. Who drives it is [`Worker`](super::Worker).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_epoch::Guard;
use smallvec::SmallVec;

use super::Inner;
use super::caller::set;
use super::host::{From, Host, Settled};
use super::link::{Answer, Ask, Body, Bytes, Lane, Link, Request};
use super::order::Looked;
use super::ring::{RING_SLOTS, Sleeper, publish};
use crate::command::set::plain;
use crate::event::{Classes, Event};
use crate::keyspace::Sought;
use crate::reply::ReplyBuf;
use crate::time::Millis;

/// How many requests of one session are fetched for at once.
const BATCH: usize = 32;
/// How many such batches of one session a turn takes.
const BATCHES: usize = 4;
/// After so many ops of its own a worker turns by itself, so that others are served.
const OWN_OPS: u32 = 64;

/// What a turn came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Requests that were taken in.
    pub requests: usize,
    /// Whether there is more to do at once.
    pub busy: bool,
}

/// The shards of one worker, and the sessions that ask it.
pub(super) struct Core {
    pub(super) number: usize,
    pub(super) inner: Arc<Inner>,
    pub(super) hosts: Vec<Host>,
    /// The host of each shard, where this worker has it.
    pub(super) host_of: Vec<Option<usize>>,
    pub(super) links: Vec<Option<Link>>,
    /// Answers to the worker's own session.
    pub(super) own: Vec<Answer>,
    /// Whether the worker asked shards of its own since their last turn.
    pub(super) asked: bool,
    pub(super) sleeper: Sleeper,
    pub(super) now: Millis,
    pub(super) own_ops: u32,
    /// How often its shards were turned.
    pub(super) turns: u64,
    /// Whether whoever drives it withholds what it was answered until it is [settled](Core::settled).
    pub(super) withholds: bool,
    /// What keeps items of other workers' shards that were read since the last turn: many reads have one.
    pub(super) pinned: Option<Guard>,
    pub(super) order: Looked,
    /// Asks to stand still that wait until what was published before is taken in.
    pub(super) deferred: Vec<(From, Request)>,
}

/// Who hears of events, where somebody does.
pub(super) type Hear<'a, 'b> = Option<&'a mut (dyn FnMut(&Event) + 'b)>;

impl Core {
    /// The host of `shard`, where this worker has it.
    #[inline]
    pub(super) fn host(&mut self, shard: usize) -> Option<&mut Host> {
        self.host_of[shard].map(|at| &mut self.hosts[at])
    }

    /// The host of `shard`, where this worker has it, for what a caller does there: what was published for this
    /// worker before what the caller has seen is there before.
    #[inline]
    pub(super) fn host_for(&mut self, shard: usize) -> Option<&mut Host> {
        let at = self.host_of[shard]?;
        if self.order.has_seen {
            self.catch_up();
        }
        Some(&mut self.hosts[at])
    }

    /// Asks one of this worker's own shards for its own session.
    pub(super) fn ask_own(&mut self, request: Request) {
        let now = self.now;
        self.asked = true;
        if matches!(request.ask, Ask::Hold(_)) {
            self.deferred.push((From::Own, request));
            return self.stand_still();
        }
        let host = self.host_for(request.shard);
        host.expect("its own shard").take(now, From::Own, request);
    }

    /// Answers to the worker's own session.
    pub(super) fn own_answers(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.own)
    }

    /// Takes back what [`Core::own_answers`] gave, emptied: its memory serves again.
    pub(super) fn reuse(&mut self, mut emptied: Vec<Answer>) {
        if self.own.is_empty() {
            std::mem::swap(&mut self.own, &mut emptied);
        }
    }

    /// Whether the worker asked shards of its own since their last turn.
    pub(super) fn was_asked(&self) -> bool {
        self.asked
    }

    /// Whether it asked its own shards, or was answered by them, since it last looked.
    pub(super) fn is_left(&self) -> bool {
        self.asked || !self.own.is_empty()
    }

    /// Holds what it reads of other workers' shards until its next turn: an epoch that is pinned again costs a
    /// read no fence, which would wait for all reads before it.
    #[inline]
    pub(super) fn pin(&mut self) {
        if self.pinned.is_none() {
            self.pinned = Some(crossbeam_epoch::pin());
        }
    }

    /// Lets go what it held: whoever frees memory waits for that.
    #[inline]
    pub(super) fn unpin(&mut self) {
        self.pinned = None;
    }

    /// The number of the turn that takes to logs what was withheld since the last one, where something was.
    #[inline]
    pub(super) fn withheld_until(&self) -> Option<u64> {
        (self.hosts.iter().any(Host::withholds)).then_some(self.turns + 1)
    }

    /// What became of what was withheld until turn `number` of one of this worker's shards.
    pub(super) fn settled(&self, number: u64, shard: usize) -> Settled {
        let host = self.host_of[shard].expect("its own shard");
        if number > self.turns {
            return Settled::NotYet;
        }
        self.hosts[host].settled(number)
    }

    /// Counts an op of its own; turns when it is time.
    #[inline]
    pub(super) fn own_op(&mut self) {
        self.own_ops(1);
    }

    /// Counts several.
    #[inline]
    pub(super) fn own_ops(&mut self, count: u32) {
        self.own_ops += count;
        if self.own_ops >= OWN_OPS {
            self.turn(self.now, true, &mut None);
        }
    }

    /// `ticks`: whether shards also do what no op asks for, where it is time.
    pub(super) fn turn(&mut self, now: Millis, ticks: bool, hear: &mut Hear<'_, '_>) -> Turn {
        self.own_ops = 0;
        self.unpin();
        self.inner.nudges.begin_turn(self.number);
        // Where the store follows the clock, so do turns in the midst of a long run of own ops.
        self.now = self.inner.advance(now).max(self.inner.now());
        self.hosts.iter_mut().for_each(|host| host.see(self.now));
        let mut turn = Turn {
            requests: self.take_in(BATCHES),
            busy: false,
        };
        turn.busy |= self.turn_hosts(ticks, hear);
        turn.busy |= turn.requests > 0;
        turn
    }

    /// Takes in all that was published for this worker's shards until now: what is done from here on comes after it.
    pub(super) fn catch_up(&mut self) {
        self.order.has_seen = false;
        if cfg!(not(broken_order)) {
            self.order.owes_turn |= self.take_in(RING_SLOTS / BATCH) > 0;
        }
    }

    /// Takes in requests, as many of `batches` batches of each session; how many. Who asks that shards stand still is
    /// heard at the end.
    fn take_in(&mut self, batches: usize) -> usize {
        let taken = self.drain_links(batches);
        if !self.deferred.is_empty() {
            self.stand_still();
        }
        taken
    }

    fn drain_links(&mut self, batches: usize) -> usize {
        self.inner.doors[self.number].admit(&mut self.links);
        let mut all = 0;
        for at in 0..self.links.len() {
            for _ in 0..batches {
                let taken = self.take_batch(at);
                all += taken;
                if taken < BATCH {
                    break;
                }
            }
        }
        all
    }

    /// Lets shards stand still for those who asked for it. What is published before others can know of it is taken
    /// in first: it comes before ([`order`](super::order)).
    fn stand_still(&mut self) {
        self.order.announced = true;
        self.inner.doors[self.number].standing.announce();
        if cfg!(not(broken_order)) {
            self.order.owes_turn |= self.drain_links(RING_SLOTS / BATCH) > 0;
        }
        let now = self.now;
        for (from, request) in std::mem::take(&mut self.deferred) {
            let host = self.host(request.shard).expect("its own shard");
            host.take(now, from, request);
        }
    }

    /// Whether something that was taken in for its own shards waits for the disk. What waits for a shard that stands
    /// still is hidden by its version.
    pub(super) fn is_behind(&self) -> bool {
        self.hosts.iter().any(Host::is_behind)
    }

    /// Whether nothing that was asked of its own shards waits.
    pub(super) fn flows(&self) -> bool {
        self.hosts.iter().all(Host::flows)
    }

    /// Turns the shards and publishes what they say; whether there is more to do at once.
    pub(super) fn turn_hosts(&mut self, ticks: bool, hear: &mut Hear<'_, '_>) -> bool {
        let mut busy = false;
        self.asked = false;
        self.order.owes_turn = false;
        self.turns += 1;
        for host in &mut self.hosts {
            let (links, own) = (&mut self.links, &mut self.own);
            host.turn(self.now, self.turns, ticks, |from, answer| match from {
                From::Own => own.push(answer),
                From::Link(at) => {
                    if let Some(link) = &mut links[at] {
                        link.outbox.push_back(answer);
                    }
                }
            });
            busy |= host.is_busy();
            if let Some(hear) = hear {
                host.events().for_each(|event| hear(&event));
            }
            // Relaxed: it orders nothing; whoever asks too early is refused by the shard itself.
            let (told, full) = (&self.inner.full[host.number], host.is_full());
            if told.load(Ordering::Relaxed) != full {
                told.store(full, Ordering::Relaxed);
            }
        }
        for link in self.links.iter_mut().flatten() {
            if link.outbox.is_empty() {
                continue;
            }
            if publish(&mut link.answers, &mut link.outbox) > 0 {
                link.waker.wake();
            }
            busy |= !link.outbox.is_empty();
        }
        if self.order.announced && self.flows() {
            self.order.announced = false;
            self.inner.doors[self.number].standing.end();
        }
        busy
    }

    /// Takes a batch of requests from one session; how many. A session that is gone is forgotten.
    fn take_batch(&mut self, at: usize) -> usize {
        let Some(link) = &mut self.links[at] else {
            return 0;
        };
        let count = link.requests.slots().min(BATCH);
        if count == 0 {
            if link.requests.is_abandoned() && link.requests.is_empty() {
                self.links[at] = None;
                self.deferred.retain(|(from, _)| *from != From::Link(at));
                for host in &mut self.hosts {
                    host.forget(self.now, From::Link(at));
                }
            }
            return 0;
        }
        let chunk = link.requests.read_chunk(count).expect("so many were seen");
        let (first, second) = chunk.as_slices();
        let mut sought: SmallVec<[Option<(usize, Sought)>; BATCH]> = SmallVec::new();
        for request in first.iter().chain(second) {
            let key = request.key().zip(self.host_of[request.shard]);
            sought.push(key.map(|((database, key), host)| {
                let keyspace = self.hosts[host].shard().keyspace();
                (host, keyspace.seek(database, key))
            }));
        }
        for (host, sought) in sought.iter_mut().flatten() {
            self.hosts[*host].shard().keyspace().approach(sought);
        }
        let mut taken = 0;
        while taken < count {
            taken += self.set_plainly(at, &sought[taken..]);
            let link = self.links[at].as_mut().expect("it was just there");
            if taken == count {
                break;
            }
            let request = link.requests.pop().expect("so many were seen");
            taken += 1;
            if matches!(request.ask, Ask::Hold(_)) {
                self.deferred.push((From::Link(at), request));
                continue;
            }
            let host = self.host_of[request.shard].expect("sessions ask a shard's owner");
            self.hosts[host].take(self.now, From::Link(at), request);
        }
        count
    }

    /// Runs the plain `SET`s that a session's requests begin with, as a worker's own are run, where they lie; how many.
    /// Of the requests this was sought.
    fn set_plainly(&mut self, at: usize, sought: &[Option<(usize, Sought)>]) -> usize {
        let Some(link) = &mut self.links[at] else {
            return 0;
        };
        if self.inner.notify() != Classes::NONE {
            return 0;
        }
        let requests = link.requests.read_chunk(sought.len());
        let requests = requests.expect("so many were seen");
        let (first, second) = requests.as_slices();
        let mut count = 0;
        for (request, sought) in first.iter().chain(second).zip(sought) {
            let Ask::Apply(op) = &request.ask else { break };
            let Some(((host, sought), (key, value))) = sought.zip(plain(op)) else {
                break;
            };
            let host = &mut self.hosts[host];
            let key = (op.database(), key);
            // What cannot be is refused in the long way.
            let now = self.now;
            if !host.is_free(true) || set(host, now, key, value, Some(sought)).is_err() {
                break;
            }
            host.serve_after_own(self.now);
            link.outbox.push_back(Answer {
                number: request.number,
                body: Body::Reply(Bytes::from_slice(ReplyBuf::OK)),
            });
            count += 1;
        }
        requests.commit(count);
        count
    }

    /// Waits until something comes in for this worker, or something else `is_ready`.
    pub(super) fn wait(&self, at_most: Duration, is_ready: impl Fn() -> bool) {
        if self.inner.may_spin() {
            for _ in 0..SPINS {
                if self.is_due() || is_ready() {
                    return;
                }
                std::hint::spin_loop();
            }
        }
        let is_ready = || self.is_due() || is_ready();
        // A disk rings only the bell.
        if self.hosts.iter().any(Host::awaits_bell) {
            self.sleeper.nap(at_most, is_ready);
        } else {
            self.sleeper.sleep(at_most, is_ready);
        }
    }

    /// Whether a turn would do something: it must not sleep.
    pub(super) fn is_due(&self) -> bool {
        self.order.owes_turn || self.inner.nudges.is_due(self.number) || self.has_input()
    }

    pub(super) fn has_input(&self) -> bool {
        self.inner.doors[self.number].is_knocked()
            || (self.links.iter().flatten())
                .any(|link| !link.requests.is_empty() || link.requests.is_abandoned())
    }

    pub(super) fn close_links(&mut self) {
        self.inner.doors[self.number].set_open(false);
        self.links.drain(..).flatten().for_each(Link::close);
    }
}

/// How often to look before sleeping, where spinning is allowed: some microseconds.
pub(super) const SPINS: u32 = 4_000;

impl Request {
    /// The database and the first key of its op.
    fn key(&self) -> Option<(u8, &[u8])> {
        match &self.ask {
            Ask::Apply(op) | Ask::Part(op) => Some((op.database(), op.key()?)),
            _ => None,
        }
    }
}

impl Lane {
    /// Whether an answer is there, or none will come.
    pub(super) fn is_ready(&self) -> bool {
        !self.answers.is_empty() || self.is_closed()
    }
}
