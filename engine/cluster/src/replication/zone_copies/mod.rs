//! Zone copies: each zone has a cache of its own, and who writes writes to all of them.
//!
//! Netflix's `EVCache` (its wiki, *Features* and *Configuring `EVCache` Client*); mcrouter's `AllInitialRoute`,
//! `AllSyncRoute` and `MissFailoverRoute` (its wiki, *List of Route Handles*).
//!
//! ```text
//!            zone 0          zone 1          zone 2
//!  write ──► copy ──write──► copy     ┌────► copy
//!              └────write─────────────┘
//!  read  ──► copy ── found nothing? ──► another copy answers
//! ```
//!
//! There the application's client sends to every zone. Here the copy in the client's own zone does so in its place, as
//! a proxy beside it would; the copies agree on nothing, and none is more than another.
//!
//! **No repair.** A write that does not reach a copy is missing there until the key is written again or expires. A new
//! copy is empty: it fills by what is written, or **warms up** from what another zone's copy has (Netflix, "Cache
//! warming: Agility for a stateful service", 2018: the replica warmer), and takes in on top what was written meanwhile.
//!
//! **Deletions** go out although there is nothing to delete in the nearest copy: another one may have the key. So what
//! changed nothing here is passed on as it was asked; all else by what it changed here.

mod message;

use std::collections::BTreeMap;
use std::sync::Arc;

use seawall_store::{Millis, Op};

use self::message::Message;
use super::{
    Action, Birth, Claim, Event, NodeId, Outbox, Reads, Refusal, Replication, ReplicationMember,
    RequestId, Setup, Survives,
};
use crate::time::Nanos;
use seawall_store::spec::Param;

pub(super) const MEMBER: ReplicationMember = ReplicationMember {
    name: "zone-copies",
    about: "a cache in each zone: writes go to all of them, reads to the nearest, and to another one on a miss",
    source: "Netflix, EVCache wiki, Configuring EVCache Client; mcrouter wiki, List of Route Handles",
    claim: Claim {
        about: "nothing: a write that missed a copy stays missing there until the key is written again or expires; an \
                acknowledged one was in as many copies as were waited for, each of which may be lost",
        survives: Survives::Nothing,
        resumes_after: Survives::Restart,
        linearizable: false,
    },
    params: &[
        Param {
            name: "wait",
            default: 1,
            min: 1,
            max: 6,
            words: &[],
            about: "how many copies must have a write before it is answered, at most all; 1 is AllInitialRoute, all AllSyncRoute",
        },
        Param {
            name: "fallback",
            default: 1,
            min: 0,
            max: 5,
            words: &[],
            about: "how many other copies a read that finds nothing may ask; EVCache's fallback.zone asks one",
        },
        Param {
            name: "warm",
            default: 0,
            min: 0,
            max: 1,
            words: &[],
            about: "1: an empty copy takes over what another one has",
        },
        Param {
            name: "timeout_ms",
            default: 100,
            min: 1,
            max: 60_000,
            words: &[],
            about: "for how long other copies are waited for: then a write is refused, and reads ask those that were silent no more",
        },
    ],
    keeps_copies: true,
    keeps_disk: false,
    logs_in_zones: false,
    needs_regions: false,
    executes_everywhere: true,
    last_writer_wins: false,
    reads_at: Reads::OwnZone,
    build: |setup, values| Box::new(ZoneCopy::new(setup, values, None)),
    describe: message::describe,
};

/// What a twin does wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// An empty copy answers nobody before another one has made it warm.
    WaitsForWarmth,
}

/// A twin's machine: it warms up.
pub(super) fn build_broken(
    setup: &Setup<'_>,
    values: &[u64],
    fault: Fault,
) -> Box<dyn Replication> {
    let mut copy = ZoneCopy::new(setup, values, Some(fault));
    copy.warms = true;
    Box::new(copy)
}

/// How long an empty copy waits for what another one has before it asks the next.
const WARM_RETRY: Nanos = Nanos::from_millis(1000);

/// A write that other copies are waited for.
struct Pending {
    until: Nanos,
    missing: usize,
}

/// An empty copy that asks for what others have.
struct Warming {
    /// How many were asked.
    asked: usize,
    until: Nanos,
    /// What was written since it asked first.
    taken: Vec<(RequestId, Millis, Vec<u8>)>,
}

struct ZoneCopy {
    node: NodeId,
    /// The other copies, the next one first.
    others: Vec<NodeId>,
    wait: usize,
    fallback: u8,
    warms: bool,
    timeout: Nanos,
    fault: Option<Fault>,
    is_empty: bool,
    /// The write that is being executed.
    executing: Option<Arc<Op>>,
    pending: BTreeMap<RequestId, Pending>,
    /// Since when other copies owe an answer.
    silent_since: BTreeMap<NodeId, Nanos>,
    warming: Option<Warming>,
    alarm: Option<Nanos>,
}

impl ZoneCopy {
    fn new(setup: &Setup<'_>, values: &[u64], fault: Option<Fault>) -> ZoneCopy {
        let mut others: Vec<NodeId> = setup.fellows().collect();
        let place = others.iter().position(|node| *node == setup.node);
        others.rotate_left(place.unwrap_or(0));
        others.retain(|node| *node != setup.node);
        ZoneCopy {
            node: setup.node,
            wait: (values[0] as usize).min(others.len() + 1),
            others,
            fallback: values[1] as u8,
            warms: values[2] == 1,
            timeout: Nanos::from_millis(values[3]),
            fault,
            is_empty: matches!(setup.birth, Birth::Returned { .. }),
            executing: None,
            pending: BTreeMap::new(),
            silent_since: BTreeMap::new(),
            warming: None,
            alarm: None,
        }
    }

    fn on_request(&mut self, now: Nanos, id: RequestId, at: Millis, op: Arc<Op>, out: &mut Outbox) {
        if self.waits_for_warmth() {
            refuse([id], out);
        } else if op.command().flags.writes() {
            self.executing = Some(Arc::clone(&op));
            out.execute(id, at, op);
        } else {
            self.read(now, id, at, op, self.fallback, out);
        }
    }

    fn read(&self, now: Nanos, id: RequestId, at: Millis, op: Arc<Op>, left: u8, out: &mut Outbox) {
        out.execute(id, at, Arc::clone(&op));
        let answers = |node: &&NodeId| {
            let since = self.silent_since.get(node);
            since.is_none_or(|since| now.since(*since) <= self.timeout)
        };
        match (left.checked_sub(1), self.others.iter().find(answers)) {
            (Some(left), Some(to)) => {
                let bytes = Message::Read {
                    id,
                    at,
                    left,
                    op: Arc::clone(&op),
                }
                .encode();
                out.push(Action::AnswerOrPass {
                    id,
                    op,
                    to: *to,
                    bytes,
                });
            }
            _ => out.push(Action::Answer { id }),
        }
    }

    fn on_executed(
        &mut self,
        now: Nanos,
        id: RequestId,
        at: Millis,
        effects: Vec<u8>,
        out: &mut Outbox,
    ) {
        // A read leaves nothing: what expires under it does so everywhere by itself.
        let Some(op) = self.executing.take() else {
            return;
        };
        let effects = if effects.is_empty() {
            let effects = message::encoded(&op).as_bytes().to_vec();
            self.take_in(id, at, effects.clone(), out);
            effects
        } else {
            self.note(id, at, &effects);
            effects
        };
        let effects = &effects[..];
        let bytes = Message::Write { id, at, effects }.encode();
        for node in &self.others {
            out.send(*node, bytes.clone());
            self.silent_since.entry(*node).or_insert(now);
        }
        match self.wait - 1 {
            0 => out.push(Action::Answer { id }),
            missing => {
                let until = now + self.timeout;
                self.pending.insert(id, Pending { until, missing });
            }
        }
    }

    /// Applies what another copy, or none, executed.
    fn take_in(&mut self, id: RequestId, at: Millis, effects: Vec<u8>, out: &mut Outbox) {
        self.note(id, at, &effects);
        out.push(Action::Apply { id, at, effects });
    }

    /// What this copy has by now goes on top of what another one had before.
    fn note(&mut self, id: RequestId, at: Millis, effects: &[u8]) {
        if let Some(warming) = &mut self.warming {
            warming.taken.push((id, at, effects.to_vec()));
        }
    }

    fn on_done(&mut self, id: RequestId, out: &mut Outbox) {
        let Some(pending) = self.pending.get_mut(&id) else {
            return;
        };
        pending.missing -= 1;
        if pending.missing == 0 {
            self.pending.remove(&id);
            out.push(Action::Answer { id });
        }
    }

    fn on_message(&mut self, now: Nanos, from: NodeId, message: Message<'_>, out: &mut Outbox) {
        match message {
            Message::Write { id, at, effects } => {
                self.take_in(id, at, effects.to_vec(), out);
                out.send(from, Message::Done { id }.encode());
            }
            Message::Done { id } => {
                self.silent_since.remove(&from);
                self.on_done(id, out);
            }
            Message::Read { id, at, left, op } => self.read(now, id, at, op, left, out),
            // Who is being warmed up has nothing to give.
            Message::Fetch if self.warming.is_some() => {}
            Message::Fetch => out.push(Action::Export { to: from }),
            Message::State { image } => {
                if let Some(warming) = self.warming.take() {
                    out.push(Action::Install {
                        image: image.to_vec(),
                    });
                    for (id, at, effects) in warming.taken {
                        out.push(Action::Apply { id, at, effects });
                    }
                }
            }
        }
    }

    fn on_alarm(&mut self, now: Nanos, out: &mut Outbox) {
        self.alarm = None;
        let late = |_: &RequestId, pending: &mut Pending| pending.until <= now;
        refuse(self.pending.extract_if(.., late).map(|(id, _)| id), out);
        let is_late = |warming: &&mut Warming| warming.until <= now;
        if let Some(warming) = self.warming.as_mut().filter(is_late) {
            warming.asked += 1;
            let asks_on = self.fault == Some(Fault::WaitsForWarmth);
            if warming.asked >= self.others.len() && !asks_on {
                // Nobody has anything: it stays cold.
                self.warming = None;
            } else {
                warming.until = now + WARM_RETRY;
                let next = self.others[warming.asked % self.others.len()];
                out.send(next, Message::Fetch.encode());
            }
        }
    }

    /// Whether it answers nobody until another copy has made it warm, as a broken one does.
    fn waits_for_warmth(&self) -> bool {
        self.warming.is_some() && self.fault == Some(Fault::WaitsForWarmth)
    }

    fn begin_to_warm(&mut self, now: Nanos, out: &mut Outbox) {
        if let Some(first) = self.others.first().filter(|_| self.is_empty && self.warms) {
            out.send(*first, Message::Fetch.encode());
            self.warming = Some(Warming {
                asked: 0,
                until: now + WARM_RETRY,
                taken: Vec::new(),
            });
        }
    }

    /// Sets the alarm to what is due first.
    fn wake_in_time(&mut self, out: &mut Outbox) {
        let pending = self.pending.values().map(|pending| pending.until);
        let warming = self.warming.iter().map(|warming| warming.until);
        let due = pending.chain(warming).min();
        if let Some(at) = due.filter(|_| self.alarm != due) {
            out.push(Action::Alarm { at });
            self.alarm = due;
        }
    }
}

fn refuse(ids: impl IntoIterator<Item = RequestId>, out: &mut Outbox) {
    let why = Refusal::Down;
    for id in ids {
        out.push(Action::Refuse { id, why });
    }
}

impl Replication for ZoneCopy {
    fn step(&mut self, now: Nanos, event: Event, out: &mut Outbox) {
        match event {
            Event::Start => self.begin_to_warm(now, out),
            Event::Alarm => self.on_alarm(now, out),
            Event::Message { from, bytes } => {
                // What cannot be read is a link's damage, and as if it had been lost.
                if let Some(message) = Message::decode(&bytes) {
                    self.on_message(now, from, message, out);
                }
            }
            Event::Request { id, at, op } => self.on_request(now, id, at, op, out),
            Event::Executed { id, at, effects } => self.on_executed(now, id, at, effects, out),
            Event::Exported { to, image } => {
                out.send(to, Message::State { image: &image }.encode());
            }
            Event::Persisted { .. } | Event::KeyExported { .. } => {}
        }
        self.wake_in_time(out);
    }

    fn primary(&self) -> Option<NodeId> {
        Some(self.node)
    }

    fn primary_since(&self) -> Option<u64> {
        (!self.waits_for_warmth()).then_some(0)
    }
}
