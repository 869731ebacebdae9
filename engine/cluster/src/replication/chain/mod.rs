//! Chain: writes go from copy to copy, and the last one answers.
//!
//! Van Renesse and Schneider, "Chain Replication for Supporting High Throughput and Availability", OSDI 2004.
//!
//! ```text
//!            ┌────────── write ──────────┐
//!            ▼                           │
//!  head ──entry──► middle ──entry──► tail ◄── client
//!       ◄───ack───        ◄───ack───      ──► answers reads, and writes when they are through
//!
//!  Raft group of the same nodes: which chain there is. Its leader leaves out who is silent, adds who is new.
//! ```
//!
//! Clients ask the tail for reads and writes, for an answer comes on the connection of its question; the tail passes
//! writes on to the head, which orders them. In the paper a master makes the chain; here a Raft group of the shard's
//! nodes does, each of whose entries is a whole chain and its index the chain's **epoch**.
//!
//! **Order.** Whoever comes earlier in a chain has all that who comes later has. So what the tail has is on every
//! copy, and those that are left of a chain go on from what they have. A node that is left out, or loses its memory,
//! has nothing to say until it is added again with the tail's data.
//!
//! **Leases.** A tail that is cut off must not answer reads: another one may serve. It asks the group (`ReadIndex`) and
//! may answer for a **lease** counted from its question, if it still is the tail by what the group had agreed on. Who
//! becomes tail waits for longer than a lease after it learns of it, and that is after the group agreed. Gray and
//! Cheriton, "Leases", SOSP 1989: clocks need not agree, but run alike.
//!
//! **Loss.** A chain whose members all lost their memory stays closed: nobody has what it promised to keep.

mod config;
mod lease;
mod message;
mod read;
mod stream;
mod watch;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::{Millis, Op};

use self::config::{Config, Member};
use self::message::{Message, Write};
use self::watch::{Watch, Word};
use super::group::{self, Forgets, Group, LostLead};
use super::{
    Action, Birth, Claim, Event, NodeId, Outbox, Reads, Refusal, Replication, ReplicationMember,
    RequestId, Setup, Survives,
};
use crate::time::Nanos;
use seawall_store::spec::Param;

pub(super) const MEMBER: ReplicationMember = ReplicationMember {
    name: "chain",
    about: "chain replication: a write passes through all copies, the last one answers; Raft keeps the chain",
    source: "van Renesse and Schneider, OSDI 2004; the chain itself by raft-rs",
    claim: Claim {
        about: "acknowledged writes are in the memory of every copy in the chain: they survive all of these but one, \
                hence a zone; reads reflect every acknowledged write; a shard that lost all copies stays closed",
        survives: Survives::Zone,
        resumes_after: Survives::Zone,
        linearizable: true,
    },
    params: PARAMS,
    keeps_copies: true,
    // Of the group only: the data is in memory.
    keeps_disk: true,
    logs_in_zones: false,
    needs_regions: false,
    executes_everywhere: true,
    last_writer_wins: false,
    reads_at: Reads::Primary,
    build: |setup, values| build(setup, values, Reads::Primary, None),
    describe: message::describe,
};

pub(super) const PARAMS: &[Param] = &[
    group::HEARTBEAT,
    group::ELECTION,
    Param {
        name: "failure_ms",
        default: 1000,
        min: 20,
        max: 600_000,
        words: &[],
        about: "silence after which the chain goes on without a node",
    },
    Param {
        name: "lease_ms",
        default: 500,
        min: 20,
        max: 60_000,
        words: &[],
        about: "for how long a tail answers reads after it asked the group; a new tail waits for a tenth longer",
    },
];

/// What a twin does wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A node answers for as long as it believes that it may.
    IgnoresLease,
    /// A copy answers reads of what is on its way still.
    ReadsDirty,
    /// A write is acknowledged when it is on its way to the head.
    AcksEarly,
}

pub(super) fn build(
    setup: &Setup<'_>,
    values: &[u64],
    reads_at: Reads,
    fault: Option<Fault>,
) -> Box<dyn Replication> {
    Box::new(Chain::new(setup, values, reads_at, fault))
}

/// The most writes that are on their way through a chain; more are refused.
const PENDING_MAX: usize = 10_000;
/// The most entries that are sent again at once.
const RESEND_MAX: usize = 1000;

struct Chain {
    node: NodeId,
    /// Which of the node's lives this is: what formed the cluster has 0.
    life: u64,
    /// The nodes of the shard, itself among them.
    fellows: Vec<NodeId>,
    group: Group,
    reads_at: Reads,
    fault: Option<Fault>,
    failure: Nanos,
    lease: Nanos,
    /// The chain by the newest entry of the group that was executed.
    config: Config,
    /// The last entry of the group that was executed.
    executed: u64,
    watch: Watch,
    /// Whether it has the data of the shard, as a member of the chain.
    has_data: bool,
    /// The last entry of the chain that it has.
    last: u64,
    /// The last that the tail is known to have.
    acked: u64,
    /// At the last tick: how far that was.
    acked_before: u64,
    /// Entries after `acked`, to send again.
    pending: VecDeque<Write>,
    /// The newest time of any entry: entries never go back in time.
    newest: Millis,
    /// The time of the last entry that the tail is known to have.
    acked_at: Millis,
    /// Until when it may answer reads.
    lease_until: Nanos,
    /// The index up to which the group must be executed for a lease asked for at this time.
    confirmed: Option<(u64, Nanos)>,
    /// As tail: when the leases of the tail before are over.
    serves_from: Nanos,
    /// As tail: the writes that clients wait for, and since when.
    asked: BTreeMap<RequestId, Nanos>,
    /// Of the twin that acknowledges early: what it has executed before it came through the chain.
    early: BTreeSet<RequestId>,
    /// As a member without data: when it asked for it last.
    fetched: Option<Nanos>,
}

impl Chain {
    fn new(setup: &Setup<'_>, values: &[u64], reads_at: Reads, fault: Option<Fault>) -> Chain {
        let formed = matches!(setup.birth, Birth::Formed);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(!setup.seed);
        let life = if formed {
            0
        } else {
            rng.random_range(1..=u64::MAX)
        };
        let fellows: Vec<NodeId> = setup.fellows().collect();
        // Where the shard has its first primary, there clients ask first: it is the tail.
        let is_first = |node: &NodeId| setup.seats[usize::from(node.0)].first;
        let mut members: Vec<Member> = fellows
            .iter()
            .map(|node| Member {
                node: *node,
                life: 0,
                ready: true,
            })
            .collect();
        members.sort_by_key(|member| is_first(&member.node));
        let failure = Nanos::from_millis(values[2]);
        Chain {
            node: setup.node,
            life,
            fellows,
            group: Group::new(
                setup,
                values[0],
                values[1],
                &[message::RAFT],
                Forgets::default(),
            ),
            reads_at,
            fault,
            failure,
            lease: Nanos::from_millis(values[3]),
            config: Config { epoch: 0, members },
            executed: 0,
            watch: Watch::new(failure),
            has_data: formed,
            last: 0,
            acked: 0,
            acked_before: 0,
            pending: VecDeque::new(),
            newest: Millis::default(),
            acked_at: Millis::default(),
            lease_until: Nanos::default(),
            confirmed: None,
            serves_from: Nanos::default(),
            asked: BTreeMap::new(),
            early: BTreeSet::new(),
            fetched: None,
        }
    }

    fn is_tail(&self) -> bool {
        self.has_data
            && self
                .config
                .tail()
                .is_some_and(|tail| tail.is(self.node, self.life))
    }

    fn is_head(&self) -> bool {
        self.has_data
            && self
                .config
                .head()
                .is_some_and(|head| head.is(self.node, self.life))
    }

    fn on_alarm(&mut self, now: Nanos, out: &mut Outbox) {
        let LostLead(_) = self.group.tick(now);
        self.ask_lease(now);
        self.lead(now, out);
        if !self.has_data {
            self.fetch(now, out);
        }
        if self.acked == self.acked_before {
            self.resend(out);
        }
        self.acked_before = self.acked;
        if self.is_tail() && now >= self.serves_from {
            self.acknowledge(self.last, out);
        }
        self.give_up_late(now, out);
        out.push(Action::Alarm {
            at: self.group.next_tick(),
        });
    }

    /// As leader of the group: asks who lives, and changes the chain where it must.
    fn lead(&mut self, now: Nanos, out: &mut Outbox) {
        if !self.group.leads() {
            return;
        }
        self.watch
            .lead(now, self.group.raft.raft.term, &self.fellows);
        self.watch.hear(now, self.node, self.word());
        for node in self.fellows.iter().filter(|node| **node != self.node) {
            out.send(*node, Message::Ping.encode());
        }
        if let Some(members) = self.watch.change(now, &self.config) {
            let entry = self.config.entry_for(&members);
            // Where it is not taken, another leader or another term does it.
            let _ = self.group.raft.propose(vec![], entry);
        }
    }

    fn word(&self) -> Word {
        Word {
            life: self.life,
            epoch: self.config.epoch,
            has_data: self.has_data,
        }
    }

    /// Executes what the group has agreed on.
    fn drain(&mut self, now: Nanos, out: &mut Outbox) {
        while let Some(mut ready) = self.group.next_ready(out) {
            for state in ready.take_read_states() {
                self.confirm(state.index, &state.request_ctx);
            }
            for entry in ready.take_committed_entries() {
                self.executed = entry.index;
                if let Some(chain) = self.config.next(entry.index, &entry.data) {
                    self.follow(now, chain, out);
                }
            }
            self.take_lease();
            let LostLead(_) = self.group.keep(ready, out);
        }
    }

    /// The chain is another one now.
    fn follow(&mut self, now: Nanos, chain: Config, out: &mut Outbox) {
        let before = std::mem::replace(&mut self.config, chain);
        let was_member = before.member(self.node, self.life).is_some();
        match self.config.member(self.node, self.life) {
            Some(member) if member.ready || was_member => {}
            // Left out, or added anew: what it has may be what nobody else has.
            _ => self.forget(),
        }
        if self.is_tail() {
            let was_tail = before
                .tail()
                .is_some_and(|tail| tail.is(self.node, self.life));
            if !was_tail {
                // All that is on its way through it has come to its end.
                self.pending.clear();
            }
            self.wait_for_leases(now, was_tail, &before);
        } else {
            refuse(std::mem::take(&mut self.asked).into_keys(), out);
        }
        self.fetched = None;
        if !self.has_data {
            self.fetch(now, out);
        }
        self.resend(out);
    }

    fn forget(&mut self) {
        self.has_data = false;
        self.pending.clear();
        (self.last, self.acked) = (0, 0);
    }

    fn on_request(&mut self, now: Nanos, id: RequestId, at: Millis, op: Arc<Op>, out: &mut Outbox) {
        let writes = op.command().flags.writes();
        if !writes && self.reads_at == Reads::AnyCopy && !self.is_tail() && self.holds_lease(now) {
            self.read_here(id, op, out);
        } else if !self.serves(now) {
            let why = match self.primary() {
                Some(tail) if tail != self.node => Refusal::Moved(tail),
                _ => Refusal::Down,
            };
            out.push(Action::Refuse { id, why });
        } else if !writes {
            self.read(id, op, out);
        } else if self.asked.len() >= PENDING_MAX {
            refuse([id], out);
        } else if self.fault == Some(Fault::AcksEarly) {
            self.answer_early(now, Write { id, at, op }, out);
        } else {
            self.asked.insert(id, now);
            self.pass_to_head(now, Write { id, at, op }, out);
        }
    }

    fn pass_to_head(&mut self, now: Nanos, write: Write, out: &mut Outbox) {
        let epoch = self.config.epoch;
        if self.is_head() {
            self.order(now, write, out);
        } else if let Some(head) = self.config.head() {
            out.send(head.node, Message::Write { epoch, write }.encode());
        }
    }

    /// As the twin that acknowledges early: nobody else has the write yet.
    fn answer_early(&mut self, now: Nanos, mut write: Write, out: &mut Outbox) {
        write.at = write.at.max(self.newest);
        let (id, at, op) = (write.id, write.at, write.op.clone());
        let answers = true;
        out.push(Action::Execute {
            id,
            at,
            op,
            answers,
        });
        out.push(Action::Answer { id });
        self.early.insert(id);
        self.pass_to_head(now, write, out);
    }

    /// Writes that did not come through in time.
    fn give_up_late(&mut self, now: Nanos, out: &mut Outbox) {
        let failure = self.failure;
        let late = self
            .asked
            .extract_if(.., |_, since| now.since(*since) >= failure);
        refuse(late.map(|(id, _)| id), out);
    }

    fn on_message(&mut self, now: Nanos, from: NodeId, message: Message<'_>, out: &mut Outbox) {
        let current = self.config.epoch;
        match message {
            Message::Raft(bytes) => {
                let LostLead(_) = self.group.receive(bytes);
            }
            Message::Ping => {
                let Word {
                    life,
                    epoch,
                    has_data,
                } = self.word();
                let pong = Message::Pong {
                    life,
                    epoch,
                    has_data,
                };
                out.send(from, pong.encode());
            }
            Message::Pong {
                life,
                epoch,
                has_data,
            } => {
                let word = Word {
                    life,
                    epoch,
                    has_data,
                };
                self.watch.hear(now, from, word);
            }
            Message::Write { epoch, write } if epoch == current && self.is_head() => {
                self.order(now, write, out);
            }
            Message::Entry {
                epoch,
                number,
                write,
            } if epoch == current && self.config.before(self.node) == Some(from) => {
                self.on_entry(now, number, write, out);
            }
            Message::Ack { epoch, number }
                if epoch == current && self.config.after(self.node) == Some(from) =>
            {
                self.acknowledge(number, out);
            }
            Message::Read { epoch, id, op } => {
                if epoch == current && self.serves(now) {
                    self.read(id, op, out);
                } else {
                    refuse([id], out);
                }
            }
            Message::Fetch { epoch } if epoch == current && self.gives_to(now, from) => {
                out.push(Action::Export { to: from });
            }
            Message::State {
                epoch,
                number,
                newest,
                image,
            } if epoch == current
                && !self.has_data
                && self.config.tail().is_some_and(|tail| tail.node == from) =>
            {
                self.install(number, newest, image, out);
            }
            // Of another chain, or from who has no say in it.
            _ => {}
        }
    }
}

/// What was asked and is not known to be done.
fn refuse(ids: impl IntoIterator<Item = RequestId>, out: &mut Outbox) {
    let why = Refusal::Down;
    for id in ids {
        out.push(Action::Refuse { id, why });
    }
}

impl Replication for Chain {
    fn step(&mut self, now: Nanos, event: Event, out: &mut Outbox) {
        match event {
            Event::Start => {
                let LostLead(_) = self.group.start(now);
                self.ask_lease(now);
                out.push(Action::Alarm {
                    at: self.group.next_tick(),
                });
            }
            Event::Alarm => self.on_alarm(now, out),
            Event::Message { from, bytes } => {
                // What cannot be read is a link's damage, and as if it had been lost.
                if let Some(message) = Message::decode(&bytes) {
                    self.on_message(now, from, message, out);
                }
            }
            Event::Request { id, at, op } => self.on_request(now, id, at, op, out),
            Event::Persisted { number } => self.group.persisted(number, out),
            Event::Exported { to, image } => self.send_state(to, &image, out),
            Event::Executed { .. } | Event::KeyExported { .. } => return,
        }
        self.drain(now, out);
    }

    fn primary(&self) -> Option<NodeId> {
        self.config.tail().map(|tail| tail.node)
    }

    fn primary_since(&self) -> Option<u64> {
        self.is_tail().then_some(self.config.epoch)
    }
}
