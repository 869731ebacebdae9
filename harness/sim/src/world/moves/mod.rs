//! Moving slots: how a cluster that knows its map brings keys to another shard with their data.
//!
//! A machine of [`seawall_cluster::migration`] decides what is done when, one for each pair of shards that slots go between, one
//! after the other; here it is done, and clients feel it:
//!
//! ```text
//!  machine ── Tell, List ──► a round trip from the operator's zone
//!          ── Copy ────────► `copying`: keys read at the source, written through the target's replication
//!          ── Hold ────────► requests wait at the source
//!          ── Give, Assign ► the target serves; history: what a key was goes with it
//! ```

mod copying;
mod map;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use seawall_cluster::migration::{Action, Event, Held, Migration, Side};
use seawall_cluster::{Nanos, NodeId, RequestId, Sharding};

use self::copying::Errand;
use self::map::{Between, Index, Maps, Pair};
use super::World;
use super::network::Stream;
use super::queue::Happening;
use crate::history::{OpId, Wanted};

/// Between looks at whether the requests under way have come to their end.
const QUIET: Nanos = Nanos::from_millis(1);
/// Between attempts where somebody does not answer, and looks at who serves.
const RETRY: Nanos = Nanos::from_millis(100);
/// The zone that the operator is in.
const OPERATOR: u16 = 0;
/// The bytes of an operator's command, and of an answer to it: a few words, or a few keys.
const COMMAND_BYTES: usize = 200;

/// Resizes.
#[derive(Default)]
pub(super) struct Moves {
    resize: Option<Resize>,
    /// What the resizes before took.
    spent: Nanos,
    pub(super) toll: Toll,
    /// Ops that were sent on, to which shard.
    asks: BTreeMap<OpId, u16>,
    /// How often something was begun that ends with a [`Happening::Move`]; what is not the last of these is void.
    number: u64,
    /// Whether somebody looks from time to time who serves.
    looks: bool,
}

/// What resizes took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Toll {
    /// How long it took, over all of them, until the last slot had moved; none where no data moves, or not all has.
    pub(crate) took: Option<Nanos>,
    /// When the last of them was over; the end of time while one is under way.
    pub(crate) until: Nanos,
    /// Keys that their new shard was given with data.
    pub(crate) keys: u64,
    /// Requests that were sent on to the new shard of a key while its slot was the old one's.
    pub(crate) asked: u64,
    /// For how long sources held requests back: writes to what moves, or all.
    pub(crate) held: Nanos,
    /// How often a failover made a job begin anew, or a batch.
    pub(crate) interrupted: u64,
}

/// One that is under way.
struct Resize {
    between: Between,
    index: Index,
    began: Nanos,
    /// What is to be moved after the job.
    jobs: VecDeque<(Pair, Vec<u16>)>,
    job: Job,
}

/// Slots on their way from one shard to another.
struct Job {
    pair: Pair,
    /// By slot: whether the job moves it.
    moves: Vec<bool>,
    machine: Box<dyn Migration>,
    /// The nodes that serve source and target, and their lives.
    sides: Option<[(NodeId, u32); 2]>,
    /// What ends with the next [`Happening::Move`] that is not void.
    awaited: Awaited,
    errand: Errand,
    /// The slot whose absent keys are the target's.
    open: Option<u16>,
    /// Keys that the target serves though their slot is the source's.
    given: BTreeSet<Vec<u8>>,
    held: Option<Held>,
    held_since: Nanos,
    /// Requests that are held back, and where.
    waiting: Vec<(RequestId, NodeId)>,
    /// Whether the machine is told of changes: it has listed keys.
    is_listed: bool,
}

/// What a machine waits for.
#[derive(Clone, Debug)]
enum Awaited {
    Nothing,
    /// The way to a side is to be found.
    Tell(Side),
    Told,
    List {
        slots: Vec<u16>,
        most: usize,
    },
    Drained,
}

/// What becomes of a request at a node of a cluster that knows its map.
pub(super) enum Fate {
    /// The node takes it in.
    Taken,
    /// It waits.
    Waits,
    /// The client is to ask this shard for this key.
    Asks(u16),
    /// It is no key of this node's shard: the client knows a map of before.
    Elsewhere,
}

impl Job {
    fn slots(&self) -> Vec<u16> {
        let slots = (0..).zip(&self.moves).filter(|(_, moves)| **moves);
        slots.map(|(slot, _)| slot).collect()
    }

    fn new(sharding: &super::ShardingChoice, (pair, slots): (Pair, Vec<u16>), count: usize) -> Job {
        let mut moves = vec![false; count];
        for slot in &slots {
            moves[usize::from(*slot)] = true;
        }
        let (member, values) = sharding;
        let build = member.moves.expect("where slots move there is a way");
        Job {
            pair,
            moves,
            machine: build(values, slots),
            sides: None,
            awaited: Awaited::Nothing,
            errand: Errand::default(),
            open: None,
            given: BTreeSet::new(),
            held: None,
            held_since: Nanos::default(),
            waiting: Vec::new(),
            is_listed: false,
        }
    }
}

impl Resize {
    /// Whether a key is one that the job moves.
    fn is_of_job(&self, key: &[u8]) -> bool {
        let slot = usize::from(self.between.slot_of(key));
        self.job.moves[slot] && self.between.maps.pair_of(key) == Some(self.job.pair)
    }
}

impl Moves {
    /// Whether slots are being moved.
    pub(super) fn is_under_way(&self) -> bool {
        self.resize.is_some()
    }

    /// Where keys that are being moved are written to.
    pub(super) fn target(&self) -> Option<u16> {
        self.resize.as_ref().map(|resize| resize.job.pair.target)
    }

    /// Where keys that are being moved come from.
    pub(super) fn source(&self) -> Option<u16> {
        self.resize.as_ref().map(|resize| resize.job.pair.source)
    }

    /// The stream that they travel on, where they do.
    pub(super) fn stream(&self) -> Option<Stream> {
        self.resize.as_ref()?.job.errand.stream
    }

    /// The shard that an op was sent on to.
    pub(super) fn asked_on(&mut self, op: OpId) -> Option<u16> {
        self.asks.remove(&op)
    }

    /// A client was told to ask `shard` for the key of `op`, which it does next.
    pub(super) fn ask_on(&mut self, op: OpId, shard: u16) {
        self.asks.insert(op, shard);
    }

    /// The shard that a key was given to before its slot.
    fn given_to(&self, key: &[u8]) -> Option<u16> {
        let job = &self.resize.as_ref()?.job;
        job.given.contains(key).then_some(job.pair.target)
    }

    /// A node changed a key.
    pub(super) fn changed(&mut self, node: NodeId, key: Option<&[u8]>) {
        let Some(resize) = self.resize.as_mut().filter(|resize| resize.job.is_listed) else {
            return;
        };
        let serves = resize.job.sides.is_some_and(|[(id, _), _]| id == node);
        if let Some(key) = key.filter(|_| serves)
            && resize.is_of_job(key)
            && !resize.job.given.contains(key)
        {
            let (slot, key) = (resize.between.slot_of(key), key.to_vec());
            let mut out = Vec::new();
            let changed = Event::Changed { slot, key };
            resize.job.machine.step(changed, &mut out);
            debug_assert!(out.is_empty(), "it takes that down");
        }
    }
}

impl World<'_> {
    /// The shard that serves a key: its slot's, or one that the key was given to before it.
    pub(crate) fn owner_of(&self, key: &[u8]) -> u16 {
        let given = self.moves.given_to(key);
        given.unwrap_or_else(|| self.sharding.shard_of(key))
    }

    pub(super) fn begin_moving(&mut self, after: Box<dyn Sharding>) {
        let before = std::mem::replace(&mut self.sharding, after.resized(after.shards()));
        let maps = Maps {
            before: Arc::from(before),
            after: Arc::from(after),
        };
        self.moves.spent = self.moves.toll.took.take().unwrap_or_default();
        let mut jobs = VecDeque::from(maps.jobs());
        let Some(first) = jobs.pop_front() else {
            self.moves.toll.took = Some(self.moves.spent);
            self.resized();
            return;
        };
        self.moves.toll.until = Nanos(u64::MAX);
        let between = Between::new(maps);
        let count = between.maps.before.slots().len().max(1);
        self.moves.resize = Some(Resize {
            job: Job::new(self.plan.sharding, first, count),
            between,
            index: Index::default(),
            began: self.now,
            jobs,
        });
        self.show_map();
        self.begin_job();
        if !std::mem::replace(&mut self.moves.looks, true) {
            self.queue.push(self.now + RETRY, Happening::LookAtSides);
        }
    }

    /// Tells everybody which slots have moved.
    fn show_map(&mut self) {
        if let Some(resize) = &self.moves.resize {
            self.sharding = Box::new(resize.between.clone());
        }
    }

    fn begin_job(&mut self) {
        self.moves.number += 1;
        let sides = self.sides();
        if let Some(resize) = &mut self.moves.resize {
            resize.job.sides = sides;
        }
        if sides.is_some() {
            self.migrate(Event::Start);
        }
    }

    /// Who serves the source and the target; none where one of them is served by nobody.
    fn sides(&self) -> Option<[(NodeId, u32); 2]> {
        let Pair { source, target } = self.moves.resize.as_ref()?.job.pair;
        let who = |shard| self.primary_of(shard).map(|node| (node.id, node.life));
        Some([who(source)?, who(target)?])
    }

    /// Looks whether the same nodes serve still, and tells the machine where that is not so.
    fn are_sides_as_they_were(&mut self) -> bool {
        let sides = self.sides();
        let Some(resize) = &mut self.moves.resize else {
            return false;
        };
        if sides.is_some() && sides == resize.job.sides {
            return true;
        }
        resize.job.sides = sides;
        // Until somebody serves, there is nobody to ask.
        resize.job.awaited = Awaited::Nothing;
        resize.job.is_listed = false;
        self.moves.number += 1;
        self.abandon_errand();
        self.take_in_again();
        if sides.is_some() {
            self.moves.toll.interrupted += 1;
            self.migrate(Event::Interrupted);
        }
        false
    }

    pub(super) fn look_at_sides(&mut self) {
        self.moves.looks = self.moves.is_under_way();
        if self.moves.looks {
            self.are_sides_as_they_were();
            self.queue.push(self.now + RETRY, Happening::LookAtSides);
        }
    }

    /// Gives an event to the machine, performs what it wants, and goes on with what that answers at once.
    fn migrate(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        let mut out = Vec::new();
        while let Some(event) = events.pop_front() {
            let Some(resize) = &mut self.moves.resize else {
                return;
            };
            resize.job.machine.step(event, &mut out);
            for action in out.drain(..) {
                events.extend(self.perform_move(action));
            }
        }
    }

    /// Performs one action; gives the event that answers it at once.
    fn perform_move(&mut self, action: Action) -> Option<Event> {
        let now = self.now;
        let resize = self.moves.resize.as_mut()?;
        let job = &mut resize.job;
        match action {
            Action::Tell(side) => {
                self.tell(side);
                None
            }
            Action::List { slots, most } => {
                job.is_listed = true;
                self.ask_side(Side::Source, Awaited::List { slots, most });
                None
            }
            Action::Clear => self.clear(),
            Action::Copy { keys } => self.copy(keys),
            Action::Open { slot } => {
                job.open = Some(slot);
                None
            }
            Action::Hold(held) => {
                (job.held, job.held_since) = (Some(held), now);
                None
            }
            Action::Drain => self.drained_or_again(),
            Action::Give { keys } => {
                for key in keys {
                    self.give(key);
                }
                None
            }
            Action::Assign { slots } => {
                self.assign(&slots);
                None
            }
            Action::Release => {
                self.take_in_again();
                None
            }
            Action::Done => {
                self.end_job();
                None
            }
        }
    }

    /// An operator's command to a side.
    fn tell(&mut self, side: Side) {
        self.ask_side(side, Awaited::Told);
    }

    /// What is `awaited` comes after a round trip to a side; where there is no way, it is tried again.
    fn ask_side(&mut self, side: Side, awaited: Awaited) {
        let Some(sides) = self.moves.resize.as_ref().and_then(|it| it.job.sides) else {
            return;
        };
        let (node, _) = sides[side as usize];
        let zone = self.node(node).zone;
        let there = self.network.client(self.now, OPERATOR, zone, COMMAND_BYTES);
        let done = there.map(|at| self.node(node).core_busy_until.max(at));
        let back = done.and_then(|at| self.network.client(at, zone, OPERATOR, COMMAND_BYTES));
        let awaited = match (back, awaited) {
            (None, Awaited::Told) => Awaited::Tell(side),
            (_, awaited) => awaited,
        };
        self.await_at(back.unwrap_or(self.now + RETRY), awaited);
    }

    fn await_at(&mut self, at: Nanos, awaited: Awaited) {
        if let Some(resize) = &mut self.moves.resize {
            resize.job.awaited = awaited;
            self.moves.number += 1;
            let number = self.moves.number;
            self.queue.push(at, Happening::Move { number });
        }
    }

    /// What was awaited is there.
    pub(super) fn go_on_moving(&mut self, number: u64) {
        if number != self.moves.number || !self.are_sides_as_they_were() {
            return;
        }
        let Some(resize) = &mut self.moves.resize else {
            return;
        };
        let event = match std::mem::replace(&mut resize.job.awaited, Awaited::Nothing) {
            Awaited::Nothing => None,
            Awaited::Tell(side) => {
                self.tell(side);
                None
            }
            Awaited::Told => Some(Event::Told),
            Awaited::List { slots, most } => Some(self.list(&slots, most)),
            Awaited::Drained => self.drained_or_again(),
        };
        if let Some(event) = event {
            self.migrate(event);
        }
    }

    fn drained_or_again(&mut self) -> Option<Event> {
        if self.is_draining() {
            self.await_at(self.now + QUIET, Awaited::Drained);
            return None;
        }
        Some(Event::Drained)
    }

    /// Whether the source has requests under way that it would hold back if they came now. What no client waits for
    /// any more will never be acknowledged.
    fn is_draining(&self) -> bool {
        let Some(resize) = &self.moves.resize else {
            return false;
        };
        let job = &resize.job;
        let waits: BTreeSet<RequestId> = job.waiting.iter().map(|(id, _)| *id).collect();
        let longest = Nanos::from_millis(self.plan.scenario.timeout_ms);
        let since = Nanos(self.now.0.saturating_sub(longest.0));
        self.history.open_since(since).any(|(id, attempt)| {
            let asked = &self.history.ops[attempt.op as usize];
            let is_concerned = |key: &[u8]| match &job.held {
                Some(Held::All { keys }) => keys.iter().any(|held| held == key),
                _ => asked.writes() && resize.is_of_job(key),
            };
            attempt.sent <= job.held_since
                && matches!(asked.wanted, Wanted::By(_))
                && asked.op.key().is_some_and(is_concerned)
                && !waits.contains(&id)
        })
    }

    /// What was held back is taken in.
    fn take_in_again(&mut self) {
        let now = self.now;
        let Some(resize) = &mut self.moves.resize else {
            return;
        };
        let job = &mut resize.job;
        if job.held.take().is_some() {
            self.moves.toll.held = self.moves.toll.held + now.since(job.held_since);
        }
        for (id, node) in std::mem::take(&mut job.waiting) {
            self.queue.push(now, Happening::Request { id, node });
        }
    }

    /// The target serves these slots, with all that is known of their keys.
    fn assign(&mut self, slots: &[u16]) {
        for slot in slots {
            for key in self.keys_of_slot(*slot) {
                self.give(key);
            }
        }
        if let Some(resize) = &mut self.moves.resize {
            for slot in slots {
                resize.between.slot_moved(*slot);
            }
            resize.job.given.clear();
            resize.job.open = None;
        }
        self.show_map();
    }

    /// The slots between two shards have moved. What is left behind is out of reach: nodes refuse what is not theirs.
    fn end_job(&mut self) {
        let Some(resize) = &mut self.moves.resize else {
            return;
        };
        resize.between.pair_moved(resize.job.pair);
        if let Some(next) = resize.jobs.pop_front() {
            let count = resize.job.moves.len();
            resize.job = Job::new(self.plan.sharding, next, count);
            self.show_map();
            self.begin_job();
            return;
        }
        let took = self.moves.spent + self.now.since(resize.began);
        let after = &resize.between.maps.after;
        self.sharding = after.resized(after.shards());
        (self.moves.toll.took, self.moves.toll.until) = (Some(took), self.now);
        self.moves.resize = None;
        self.resized();
    }

    /// What becomes of a request that reaches a node, by the map.
    pub(super) fn fate(&mut self, id: RequestId, node: NodeId) -> Fate {
        let asked = &self.history.ops[self.history.attempt_of(id).op as usize];
        let (op, writes) = (Arc::clone(&asked.op), asked.writes());
        let Some(key) = op.key() else {
            return Fate::Taken;
        };
        let (shard, owner) = (self.node(node).shard_number, self.owner_of(key));
        let Some(resize) = &self.moves.resize else {
            let is_own = owner == shard;
            return if is_own { Fate::Taken } else { Fate::Elsewhere };
        };
        let (job, is_of_job) = (&resize.job, resize.is_of_job(key));
        let Pair { source, target } = job.pair;
        if owner != shard {
            let is_sent_on = shard == source && job.given.contains(key);
            return if is_sent_on {
                Fate::Asks(target)
            } else {
                Fate::Elsewhere
            };
        }
        if shard != source {
            return Fate::Taken;
        }
        let waits = match &job.held {
            Some(Held::Writes) => is_of_job && writes,
            Some(Held::All { keys }) => {
                let is_source = job.sides.is_some_and(|[(source, _), _]| source == node);
                is_source || keys.iter().any(|held| held == key)
            }
            None => false,
        };
        if waits {
            return Fate::Waits;
        }
        let is_open = is_of_job && job.open == Some(resize.between.slot_of(key));
        if is_open && !self.is_at_source(id, key) {
            self.give(key.to_vec());
            return Fate::Asks(target);
        }
        Fate::Taken
    }

    /// A request waits at a node until that takes in what it held back.
    pub(super) fn hold_back(&mut self, id: RequestId, node: NodeId) {
        if let Some(resize) = &mut self.moves.resize {
            resize.job.waiting.push((id, node));
        }
    }
}
