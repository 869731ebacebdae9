//! Links: what sessions and workers say to each other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rtrb::{Consumer, Producer, RingBuffer};
use smallvec::SmallVec;

use super::claim::Claim;
use super::config::{Change, StoreError};
use super::order::Standing;
use super::retry::Retry;
use super::ring::{RING_SLOTS, Waker, publish};
use super::save::{Course, Fate, Saved, Written};
use super::watch::Watch;
use crate::keyspace::{DbKey, Touched};
use crate::log::joint::Joint;
use crate::op::Op;
use crate::reply::Protocol;
use crate::shard::ShardStats;
use crate::time::Millis;
use crate::value::Kind;

/// What a caller asks of a shard's owner.
pub(super) enum Ask {
    /// Apply this op.
    Apply(Op),
    /// Apply all of these or, where a watched key changed, none.
    Transact(Box<Transaction>),
    /// Tell this handle of changes of these keys.
    Watch(Watch, Op),
    /// The op of this number waits no longer, if it still does.
    Cancel(u64),
    /// The parked op of this number was served elsewhere.
    Forget(u64),
    /// Stand still for what goes over several shards.
    Hold(Box<Hold>),
    /// Apply this while the shard stands still.
    Part(Op),
    /// What kind of value each of these keys holds, while the shard stands still.
    Kinds(Vec<DbKey>),
    /// What these keys hold, while the shard stands still.
    Fetch(Vec<DbKey>),
    /// Whether what these ops say could be, while the shard stands still.
    Accept(Arc<Vec<Op>>),
    /// Make keys what these ops say, while the shard stands still.
    Replace(Arc<Vec<Op>>),
    /// Let this op, which waits on several shards, wait here too.
    Await(Box<Await>),
    /// Go on.
    Release,
    /// Hits on other cores, for the policy. Not answered.
    Touched(SmallVec<[Touched; TOUCHES]>),
    /// Let this setting be so from now on. Not answered.
    Configure(Change),
    /// Whether what is logged by now is durable.
    Durable(Until),
    /// Counts and state.
    Stats,
    /// Begin this save, while the shard stands still.
    Save(Arc<Course>),
    /// Say when everything of the save of this number is written and durable.
    Written(u64),
    /// Let this save count.
    Publish(Box<Saved>),
    /// The save of this number is over.
    EndSave(u64, Fate),
}

/// Ops that are applied together.
pub(super) struct Transaction {
    pub(super) protocol: Protocol,
    pub(super) ops: Vec<Op>,
    pub(super) watch: Option<Watch>,
}

/// What a shard looks at when it is asked to stand still.
#[derive(Default)]
pub(super) struct Hold {
    /// Ops that it needs room for, or must not run since the log failed.
    pub(super) ops: Vec<Op>,
    /// Keys of this handle that may have expired.
    pub(super) watch: Option<Watch>,
    /// The time of everything that is done while it stands still: one for all shards, so that what
    /// has expired has expired on each.
    pub(super) at: Millis,
    /// What they do together meanwhile, where logs are kept.
    pub(super) joint: Option<Arc<Joint>>,
    /// Whether anything of that may write, on whichever shard: each of them then logs its part.
    pub(super) writes: bool,
}

/// An op that waits on several shards.
pub(super) struct Await {
    pub(super) op: Op,
    /// Taken by who serves it.
    pub(super) claim: Arc<Claim>,
    /// Whether whoever coordinates it has to try again, since a part of it lies elsewhere.
    pub(super) elsewhere: bool,
}

/// When it is told whether something is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// At once.
    Now,
    /// When it is, or whoever asked gives up.
    Durable,
    /// When whoever asked gives up.
    GivenUp,
}

/// How many hits travel together.
pub(super) const TOUCHES: usize = 16;

/// A question, with its number at who asked.
pub(super) struct Request {
    pub(super) number: u64,
    pub(super) shard: usize,
    pub(super) ask: Ask,
}

/// The bytes of a reply: as many as let an answer be one line of the processor's cache.
pub(super) type Bytes = SmallVec<[u8; 40]>;

/// What an owner answers.
#[derive(Debug)]
pub(super) enum Body {
    /// RESP bytes.
    Reply(Bytes),
    /// The op waits; its reply comes later.
    Parked(Option<Millis>),
    /// The op waits no longer, and is not answered.
    Cancelled,
    /// The shards that stood still go on: no answer to anybody.
    Released,
    /// The op, which waits on several shards, is to be tried again.
    Retry(Retry),
    /// What kind of value each key holds, where there is one.
    Kinds(Vec<Option<Kind>>),
    /// Ops that rebuild what was asked for.
    Values(Vec<Op>),
    /// Whether what was logged is durable.
    Durable(bool),
    /// Counts and state.
    Stats(Box<ShardStats>),
    /// Those of every shard.
    AllStats(Vec<ShardStats>),
    /// What came of a save.
    Saved(Box<Result<(), StoreError>>),
    /// Whether a shard has begun a save.
    SaveBegun(Box<Result<(), StoreError>>),
    /// A shard has heard what came of a save.
    SaveEnded,
    /// What a shard has written of a save.
    Written(Box<Result<Written, StoreError>>),
}

impl Body {
    /// The error of a reply that is one.
    pub(super) fn refusal(&self) -> Option<&Bytes> {
        match self {
            Body::Reply(bytes) if bytes.first() == Some(&b'-') => Some(bytes),
            _ => None,
        }
    }
}

/// An answer to the question of that number.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) number: u64,
    pub(super) body: Body,
}

const _: () = assert!(size_of::<Answer>() <= 64, "a line of the cache");

/// A session, as a worker has it.
pub(super) struct Link {
    pub(super) requests: Consumer<Request>,
    pub(super) answers: Producer<Answer>,
    /// Answers that wait for the turn's end, or for room in the ring.
    pub(super) outbox: VecDeque<Answer>,
    pub(super) waker: Arc<Waker>,
}

impl Link {
    /// Tells the session that nothing more will come.
    pub(super) fn close(self) {
        let waker = Arc::clone(&self.waker);
        drop(self);
        waker.wake();
    }
}

/// A worker, as a session has it.
pub(super) struct Lane {
    pub(super) requests: Producer<Request>,
    pub(super) answers: Consumer<Answer>,
    /// Requests that wait to be published together, or for room in the ring.
    pub(super) outbox: VecDeque<Request>,
    pub(super) waker: Arc<Waker>,
    /// Whether something was published, and the worker not woken for it yet.
    pub(super) owes_wake: bool,
}

impl Lane {
    /// Publishes what waits for it, as much as there is room for. The worker is to be woken.
    pub(super) fn publish(&mut self) {
        if !self.outbox.is_empty() {
            self.owes_wake |= publish(&mut self.requests, &mut self.outbox) > 0;
        }
    }

    /// Whether the worker is gone for good, so that nothing will be answered any more.
    pub(super) fn is_closed(&self) -> bool {
        self.requests.is_abandoned() && self.answers.is_abandoned() && self.answers.is_empty()
    }
}

/// Where sessions come in at a worker.
pub(super) struct Door {
    /// Whether a shard of the worker stands still.
    pub(super) standing: Standing,
    waker: Arc<Waker>,
    waiting: Mutex<Vec<Link>>,
    knocked: AtomicBool,
    open: AtomicBool,
}

impl Door {
    pub(super) fn new(waker: Arc<Waker>) -> Door {
        Door {
            standing: Standing::new(),
            waker,
            waiting: Mutex::new(Vec::new()),
            knocked: AtomicBool::new(false),
            open: AtomicBool::new(true),
        }
    }

    pub(super) fn waker(&self) -> &Arc<Waker> {
        &self.waker
    }

    /// Opens a lane for a session that `waker` wakes.
    pub(super) fn enter(&self, waker: &Arc<Waker>) -> Lane {
        let (requests, from_session) = RingBuffer::new(RING_SLOTS);
        let (to_session, answers) = RingBuffer::new(RING_SLOTS);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(Link {
            requests: from_session,
            answers: to_session,
            outbox: VecDeque::new(),
            waker: Arc::clone(waker),
        });
        // Release: pairs with the acquire in `is_knocked`; the mutex carries the link itself.
        self.knocked.store(true, Ordering::Release);
        drop(waiting);
        self.waker.wake();
        Lane {
            requests,
            answers,
            outbox: VecDeque::new(),
            waker: Arc::clone(&self.waker),
            owes_wake: false,
        }
    }

    /// Whether a worker is here, or none has come yet.
    pub(super) fn is_open(&self) -> bool {
        // Acquire: pairs with the release in `set_open`; the last answers were sent before.
        self.open.load(Ordering::Acquire)
    }

    /// A worker came, or went.
    pub(super) fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::Release);
        if !open {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.drain(..).for_each(Link::close);
        }
    }

    /// Whether a session waits to be let in.
    pub(super) fn is_knocked(&self) -> bool {
        self.knocked.load(Ordering::Acquire)
    }

    /// Lets waiting sessions in.
    pub(super) fn admit(&self, links: &mut Vec<Option<Link>>) {
        if !self.is_knocked() {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.knocked.store(false, Ordering::Relaxed);
        for link in waiting.drain(..) {
            match links.iter_mut().find(|link| link.is_none()) {
                Some(vacant) => *vacant = Some(link),
                None => links.push(Some(link)),
            }
        }
    }
}
