//! Copies without a leader: any of them takes writes, each key has a version, and the last writer of a key wins.
//!
//! `DeCandia` et al., "Dynamo: Amazon's Highly Available Key-value Store", SOSP 2007, with Cassandra's way to tell which of
//! two versions stays: by time. `dynamo` waits for `R` and `W` of the copies, `crdt` for its own alone.
//!
//! ```text
//!  client ──op──► coordinator ──ask──► the others           which version has the key?
//!                      ◄──have, of R copies─┘               a newer one elsewhere is fetched, whole
//!                 executes
//!                      ──write, behind the version before──► the others
//!                      ◄──done, of W copies─┘
//!  client ◄─answer─────┘
//! ```
//!
//! **Versions** are times: that of the coordinator's clock, or just after the version that the write goes over, if its
//! clock is behind that. So a write goes over all that its coordinator has seen. Two that did not see each other both
//! happen, and of their key the later one stays, whole: what the other one did is gone, though it was acknowledged.
//!
//! **What travels** is what a write changed. Who has the version that it was built on does the same; who has an older one,
//! or one that did not see it, fetches what the key is, and who has a later one keeps that. So a collection travels whole
//! only where copies went apart.
//!
//! **Repair.** A read sends what the key is to the copies that were heard and lag. Every `sync_ms` a copy compares what it
//! has with another one, in turn ([`Versions`]), and each gets what is newer in the other: Dynamo's anti-entropy. There is
//! no hinted handoff and no sloppy quorum: who is not one of a shard's copies never stands in for one.
//!
//! **A new copy** ([`join`]) takes over all that one other has, then compares that with more of them, before it
//! coordinates anything.
//!
//! Ops of one key only: one of several would need a version of all of them.

mod join;
mod message;
mod sync;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;

use seawall_store::spec::Param;
use seawall_store::{Millis, Op};

use self::join::Joining;
use self::message::Message;
pub(super) use self::message::describe;
use self::versions::{Version, Versions};
use super::{Action, Birth, Event, NodeId, Outbox, Refusal, Replication, RequestId, Setup};
use crate::time::Nanos;

/// How often copies compare what they have.
pub(super) const SYNC: Param = Param {
    name: "sync_ms",
    default: 1000,
    min: 10,
    max: 60_000,
    words: &[],
    about: "how often a copy compares what it has with another one, each in turn, and both take in what is newer",
};

/// How many copies are waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Copies whose versions a request waits for, that of the coordinator among them.
    pub(super) reads: usize,
    /// Copies that have a write before it is answered.
    pub(super) writes: usize,
    /// Copies with which a new one compares what it has before it serves.
    pub(super) joins_after: usize,
    /// For how long copies are waited for: then a request is refused.
    pub(super) timeout: Nanos,
    pub(super) sync_every: Nanos,
    /// What a twin does wrong.
    pub(super) fault: Option<Fault>,
}

/// What a twin does wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Never compares what copies have.
    NeverSyncs,
}

/// A request of a client.
struct Request {
    at: Millis,
    op: Arc<Op>,
    until: Nanos,
    stage: Stage,
}

impl Request {
    fn is_of(&self, key: &[u8]) -> bool {
        self.op.key() == Some(key)
    }
}

/// How far a request is.
enum Stage {
    /// These copies said which version they have.
    Asking { heard: Vec<(NodeId, Version)> },
    /// The driver was told to execute it.
    Executing,
    /// These other copies have this version.
    Writing { version: Version, have: Vec<NodeId> },
}

/// The machine of one copy.
pub(super) struct Leaderless {
    node: NodeId,
    /// The other copies, the next one first.
    others: Vec<NodeId>,
    rules: Rules,
    versions: Versions,
    requests: BTreeMap<RequestId, Request>,
    /// What is missing until it serves.
    joining: Option<Joining>,
    /// When it compares what it has next, and with which of the others.
    sync_at: Nanos,
    turn: usize,
    alarm: Option<Nanos>,
}

impl Leaderless {
    /// The machine of a copy; `rules` are those of as many copies as there are.
    pub(super) fn new(setup: &Setup<'_>, rules: impl FnOnce(usize) -> Rules) -> Leaderless {
        let mut others: Vec<NodeId> = setup.fellows().collect();
        let place = others.iter().position(|node| *node == setup.node);
        let rules = rules(others.len());
        others.rotate_left(place.unwrap_or(0));
        others.retain(|node| *node != setup.node);
        let is_new = matches!(setup.birth, Birth::Returned { .. }) && !others.is_empty();
        Leaderless {
            node: setup.node,
            others,
            rules,
            versions: Versions::default(),
            requests: BTreeMap::new(),
            joining: is_new.then(Joining::default),
            sync_at: Nanos::default(),
            turn: 0,
            alarm: None,
        }
    }

    fn tell_others(&self, message: &Message<'_>, out: &mut Outbox) {
        for node in &self.others {
            out.send(*node, message.encode());
        }
    }

    fn on_request(&mut self, now: Nanos, id: RequestId, at: Millis, op: Arc<Op>, out: &mut Outbox) {
        let key = only_key(&op).filter(|_| self.joining.is_none());
        let Some(key) = key.map(<[u8]>::to_vec) else {
            return refuse(id, out);
        };
        if self.rules.reads > 1 {
            self.tell_others(&Message::Ask { id, key: &key }, out);
        }
        let stage = Stage::Asking { heard: Vec::new() };
        let until = now + self.rules.timeout;
        self.requests.insert(
            id,
            Request {
                at,
                op,
                until,
                stage,
            },
        );
        self.go_on_with(&key, out);
    }

    /// A copy says which version it has of the key of a request.
    fn on_have(&mut self, from: NodeId, id: RequestId, version: Version, out: &mut Outbox) {
        let needed = self.rules.reads - 1;
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        let (Stage::Asking { heard }, Some(key)) = (&mut request.stage, request.op.key()) else {
            return;
        };
        // Those that come after enough were heard are for the next comparison to repair.
        if heard.len() >= needed {
            return;
        }
        heard.push((from, version));
        if heard.len() < needed {
            return;
        }
        let newest = heard.iter().copied().max_by_key(|(_, version)| *version);
        let key = key.to_vec();
        match newest {
            Some((holder, version)) if version > self.versions.get(&key) => {
                out.send(holder, Message::Fetch { key: &key }.encode());
            }
            _ => self.go_on_with(&key, out),
        }
    }

    /// The first request of a key that has heard enough, and all of which this copy has.
    fn ready(&self, key: &[u8]) -> Option<RequestId> {
        let (own, needed) = (self.versions.get(key), self.rules.reads - 1);
        let is_ready = |request: &Request| match &request.stage {
            Stage::Asking { heard } => {
                heard.len() >= needed && heard.iter().all(|(_, version)| *version <= own)
            }
            Stage::Executing | Stage::Writing { .. } => false,
        };
        let mut of_key = self.requests.iter().filter(|(_, one)| one.is_of(key));
        let ready = of_key.find(|(_, request)| is_ready(request));
        ready.map(|(id, _)| *id)
    }

    /// Executes what is ready of a key. A write is waited for, since what comes next goes over it.
    fn go_on_with(&mut self, key: &[u8], out: &mut Outbox) {
        while let Some(id) = self.ready(key) {
            let own = self.versions.get(key);
            let Some(request) = self.requests.get_mut(&id) else {
                return;
            };
            let stage = std::mem::replace(&mut request.stage, Stage::Executing);
            let op = Arc::clone(&request.op);
            if op.command().flags.writes() {
                let at = Millis(request.at.0.max(own.at.0.saturating_add(1)));
                out.execute(id, at, op);
                return;
            }
            let at = request.at;
            self.requests.remove(&id);
            out.execute(id, at, op);
            out.push(Action::Answer { id });
            if let Stage::Asking { heard } = stage {
                let lag = heard.iter().filter(|(_, version)| *version < own);
                lag.for_each(|(node, _)| export(*node, key.to_vec(), out));
            }
        }
    }

    fn on_executed(&mut self, id: RequestId, at: Millis, effects: &[u8], out: &mut Outbox) {
        // Reads are answered by now; what expires under one does so everywhere by itself.
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        let Some(key) = request.op.key().map(<[u8]>::to_vec) else {
            return;
        };
        let version = Version { at, id };
        let have = Vec::new();
        request.stage = Stage::Writing { version, have };
        if effects.is_empty() || self.rules.writes == 1 {
            self.requests.remove(&id);
            out.push(Action::Answer { id });
        }
        if !effects.is_empty() {
            let write = Message::Write {
                key: &key,
                version,
                before: self.versions.get(&key),
                effects,
            };
            self.tell_others(&write, out);
            self.versions.set(&key, version);
        }
        self.go_on_with(&key, out);
    }

    /// A copy has this version of a key, or a later one: with it, all writes that came before.
    fn on_done(&mut self, from: NodeId, key: &[u8], done: Version, out: &mut Outbox) {
        let needed = self.rules.writes - 1;
        let is_answered = |_: &RequestId, request: &mut Request| {
            if !request.is_of(key) {
                return false;
            }
            let Stage::Writing { version, have } = &mut request.stage else {
                return false;
            };
            if *version <= done && !have.contains(&from) {
                have.push(from);
            }
            have.len() >= needed
        };
        let answered = self.requests.extract_if(.., is_answered);
        answered.for_each(|(id, _)| out.push(Action::Answer { id }));
    }

    /// Takes in what another copy has, if it is later than what this one has.
    fn take_in(&mut self, key: &[u8], version: Version, effects: &[u8], out: &mut Outbox) {
        if version > self.versions.get(key) {
            self.versions.set(key, version);
            let (id, at, effects) = (version.id, version.at, effects.to_vec());
            out.push(Action::Apply { id, at, effects });
        }
    }

    /// Tells whoever sent something of a key which version is here, and goes on with what waited for it.
    fn took_in(&mut self, from: NodeId, key: &[u8], out: &mut Outbox) {
        let version = self.versions.get(key);
        out.send(from, Message::Done { key, version }.encode());
        self.catch_up_with(key);
        self.go_on_with(key, out);
    }

    fn on_message(&mut self, now: Nanos, from: NodeId, message: Message<'_>, out: &mut Outbox) {
        match message {
            Message::State { entries, image } => self.on_state(now, entries, image, out),
            Message::Nothing => self.on_nothing(now, out),
            Message::Join => self.on_join(from, out),
            // Who has nothing yet has nothing to tell, and nothing that a change could be made to.
            _ if self.is_empty() => {}
            Message::Ask { id, key } if self.joining.is_none() => {
                let version = self.versions.get(key);
                out.send(from, Message::Have { id, version }.encode());
            }
            Message::Ask { .. } => {}
            Message::Have { id, version } => self.on_have(from, id, version, out),
            Message::Write {
                key,
                version,
                before,
                effects,
            } => {
                let own = self.versions.get(key);
                if own < version && own != before {
                    // It went over something else than what is here.
                    out.send(from, Message::Fetch { key }.encode());
                } else {
                    self.take_in(key, version, effects, out);
                    self.took_in(from, key, out);
                }
            }
            Message::Value {
                key,
                version,
                value,
            } => {
                self.take_in(key, version, value, out);
                self.took_in(from, key, out);
            }
            Message::Done { key, version } => self.on_done(from, key, version, out),
            Message::Fetch { key } => export(from, key.to_vec(), out),
            Message::Roots { roots } => self.on_roots(from, &roots, out),
            Message::Digest { mask, entries } => self.on_digest(from, mask, entries, out),
            Message::Want { keys } => keys.into_iter().for_each(|key| export(from, key, out)),
        }
    }

    fn on_alarm(&mut self, now: Nanos, out: &mut Outbox) {
        self.alarm = None;
        let late = |_: &RequestId, request: &mut Request| request.until <= now;
        let late = self.requests.extract_if(.., late);
        late.for_each(|(id, _)| refuse(id, out));
        if self.sync_at <= now {
            self.sync(now, out);
        }
    }

    /// Sets the alarm to what is due first.
    fn wake_in_time(&mut self, out: &mut Outbox) {
        let requests = self.requests.values().map(|request| request.until);
        let syncs = (!self.others.is_empty()).then_some(self.sync_at);
        let due = requests.chain(syncs).min();
        if let Some(at) = due.filter(|_| self.alarm != due) {
            out.push(Action::Alarm { at });
            self.alarm = due;
        }
    }
}

/// The key of an op that has one.
fn only_key(op: &Op) -> Option<&[u8]> {
    let mut keys = op.keys();
    keys.next().filter(|_| keys.next().is_none())
}

fn refuse(id: RequestId, out: &mut Outbox) {
    let why = Refusal::Down;
    out.push(Action::Refuse { id, why });
}

fn export(to: NodeId, key: Vec<u8>, out: &mut Outbox) {
    out.push(Action::ExportKey { to, key });
}

impl Replication for Leaderless {
    fn step(&mut self, now: Nanos, event: Event, out: &mut Outbox) {
        match event {
            Event::Start => self.sync(now, out),
            Event::Alarm => self.on_alarm(now, out),
            Event::Message { from, bytes } => {
                // What cannot be read is a link's damage, and as if it had been lost.
                if let Some(message) = Message::decode(&bytes) {
                    self.on_message(now, from, message, out);
                }
            }
            Event::Request { id, at, op } => self.on_request(now, id, at, op, out),
            Event::Executed { id, at, effects } => self.on_executed(id, at, &effects, out),
            Event::Exported { to, image } => self.send_state(to, &image, out),
            Event::KeyExported { to, key, value } => {
                let (key, value) = (&key[..], &value[..]);
                let version = self.versions.get(key);
                let value = Message::Value {
                    key,
                    version,
                    value,
                };
                out.send(to, value.encode());
            }
            Event::Persisted { .. } => {}
        }
        self.wake_in_time(out);
    }

    fn primary(&self) -> Option<NodeId> {
        self.joining.is_none().then_some(self.node)
    }

    fn primary_since(&self) -> Option<u64> {
        self.joining.is_none().then_some(0)
    }
}
