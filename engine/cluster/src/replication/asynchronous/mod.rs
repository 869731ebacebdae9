//! Asynchronous replication, as Redis Cluster does it: the primary answers at once and sends its
//! effects on; when it fails, the replica with most data takes over with the votes of the other
//! primaries.
//!
//! ```text
//!  write ──► primary executes ──► answers
//!                      └──────► Entry(offset, effects) ──► replicas apply
//!
//!  primary silent for node_timeout ──► suspected by a majority of primaries ──► failed
//!         ──► replica waits 500 ms + rand(0..500) + rank·1 s ──► asks, majority votes ──► primary
//! ```
//!
//! What was answered and not yet sent on is lost with the primary; so is what a primary that is cut off
//! answers until it has noticed (`node_timeout`). Redis Cluster specification; Valkey's
//! `cluster_legacy.c` for the constants. A lost node comes back as a new machine, without data.

mod bus;
pub mod election;
mod failover;
mod good_replicas;
mod message;
mod region;
mod serve;
mod stream;
mod wait;

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::Millis;

use self::bus::Bus;
use self::election::{Candidature, Votes};
pub(super) use self::good_replicas::GoodReplicas;
use self::message::{Header, Message};
use self::region::Regions;
pub(super) use self::region::{Promotion, build_promoted};
pub(super) use self::stream::Backlog;
use self::stream::Stream;
pub(super) use self::wait::Waiting;
use super::{
    Action, Birth, Claim, Event, NodeId, Outbox, REPLICA_READS, Reads, Refusal, Replication,
    ReplicationMember, RequestId, Setup, Survives,
};
use crate::time::Nanos;
use seawall_store::spec::Param;

pub(super) const MEMBER: ReplicationMember = ReplicationMember {
    name: "async",
    about: "Redis Cluster: the primary answers at once, replicas follow, one is voted in on failure",
    source: "Redis Cluster specification; Valkey cluster_legacy.c and replication.c",
    claim: Claim {
        about: "best effort: writes acknowledged shortly before a failure may be lost",
        survives: Survives::Nothing,
        resumes_after: Survives::Zone,
        linearizable: false,
    },
    params: &[
        NODE_TIMEOUT,
        BACKLOG,
        Param {
            name: "minority_serves",
            default: 0,
            min: 0,
            max: 1,
            words: &[],
            about: "1: a primary that reaches no majority goes on, as one that Redis Sentinel watches does",
        },
        REPLICA_READS,
    ],
    keeps_copies: true,
    keeps_disk: false,
    logs_in_zones: false,
    needs_regions: false,
    executes_everywhere: false,
    last_writer_wins: false,
    reads_at: Reads::Primary,
    build: |setup, values| {
        let mut machine = Async::new(setup, values, Backlog::Checked, Guard::default());
        machine.minority_serves = values[2] == 1;
        machine.replica_reads = values[3] == 1;
        Box::new(machine)
    },
    describe: message::describe,
};

pub(super) const NODE_TIMEOUT: Param = Param {
    name: "node_timeout_ms",
    default: 15_000,
    min: 100,
    max: 600_000,
    words: &[],
    about: "silence after which a node is suspected; cluster-node-timeout is 15000",
};

pub(super) const BACKLOG: Param = Param {
    name: "backlog_bytes",
    default: 10 << 20,
    min: 1,
    max: 1 << 40,
    words: &[],
    about: "effects kept for replicas that fell behind; repl-backlog-size is 10 MB",
};

/// What a primary asks of its replicas, if anything.
#[derive(Default)]
pub(super) struct Guard {
    /// Answers that wait for replicas.
    pub(super) waiting: Option<Waiting>,
    /// How many replicas must have been heard lately before a write.
    pub(super) good_replicas: Option<GoodReplicas>,
}

/// A node by the values of [`NODE_TIMEOUT`] and [`BACKLOG`].
pub(super) fn build(
    setup: &Setup<'_>,
    values: &[u64],
    backlog: Backlog,
    guard: Guard,
) -> Box<dyn Replication> {
    Box::new(Async::new(setup, values, backlog, guard))
}

/// Between looks at the bus, as Redis's `clusterCron`.
const CRON: Nanos = Nanos::from_millis(100);
/// A replica may stand if it heard from its primary within this many node timeouts and
/// [`PING_PERIOD`] (`cluster-replica-validity-factor`, `repl-ping-replica-period`).
const VALIDITY_FACTOR: u64 = 10;
const PING_PERIOD: Nanos = Nanos::from_millis(10_000);
/// Between a replica's words on how far it is (`replicationCron`).
const ACK_PERIOD: Nanos = Nanos::from_millis(1000);
/// Between a replica's requests for the stream, and how long it may lag behind before it asks again.
const SYNC_RETRY: Nanos = Nanos::from_millis(1000);

/// Who serves a shard, by the newest epoch heard of.
#[derive(Clone, Copy)]
struct Owner {
    node: NodeId,
    epoch: u64,
}

/// A replica's connection to its primary.
struct Link {
    primary: NodeId,
    /// Whether entries are being received; else the stream was asked for.
    streaming: bool,
    asked: Nanos,
    heard: Nanos,
    behind_since: Option<Nanos>,
}

struct Async {
    node: NodeId,
    shard: u16,
    rng: Xoshiro256PlusPlus,
    node_timeout: Nanos,
    /// Whether it serves as primary without a majority of primaries.
    minority_serves: bool,
    /// Whether it answers reads as replica.
    replica_reads: bool,
    /// Where copies in other regions wait to be promoted.
    regions: Option<Regions>,
    bus: Bus,
    /// By shard.
    owners: Vec<Option<Owner>>,
    current_epoch: u64,
    votes: Votes,
    candidature: Option<Candidature>,
    /// Whether this node has the shard's data, or had it until its primary went further.
    has_data: bool,
    stream: Stream,
    /// As primary: who receives the stream, and how far it said that it is.
    replicas: BTreeMap<NodeId, u64>,
    guard: Guard,
    /// As replica: where it comes from.
    link: Option<Link>,
    /// As primary: refuses until then.
    serves_from: Option<Nanos>,
    newest: Millis,
    next_cron: Nanos,
    /// As replica: when it says again how far it is.
    next_ack: Nanos,
}

impl Async {
    fn new(setup: &Setup<'_>, values: &[u64], backlog: Backlog, guard: Guard) -> Async {
        let node_timeout = Nanos::from_millis(values[0]);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(setup.seed);
        let formed = matches!(setup.birth, Birth::Formed);
        let shard = setup.seats[usize::from(setup.node.0)].shard;
        let mut owners = vec![None; bus::shard_count(setup.seats)];
        if formed {
            for (node, seat) in (0u16..)
                .map(NodeId)
                .zip(setup.seats)
                .filter(|(_, seat)| seat.first)
            {
                owners[usize::from(seat.shard)] = Some(Owner {
                    node,
                    epoch: u64::from(seat.shard) + 1,
                });
            }
        }
        // A history that is formed with the cluster is known to the whole shard.
        let history = if formed {
            u64::from(shard) + 1
        } else {
            rng.random()
        };
        Async {
            node: setup.node,
            shard,
            node_timeout,
            minority_serves: false,
            replica_reads: false,
            regions: None,
            bus: Bus::new(setup.node, setup.seats, node_timeout, formed),
            current_epoch: owners.iter().flatten().count() as u64,
            owners,
            votes: Votes::default(),
            candidature: None,
            has_data: formed,
            stream: Stream::new(history, values[1], backlog),
            replicas: BTreeMap::new(),
            guard,
            link: None,
            serves_from: Some(Nanos::default()),
            newest: Millis::default(),
            next_cron: Nanos(rng.random_range(0..CRON.0)),
            next_ack: Nanos::default(),
            rng,
        }
    }

    fn is_primary(&self) -> bool {
        self.owner(self.shard) == Some(self.node)
    }

    fn owner(&self, shard: u16) -> Option<NodeId> {
        self.owner_of(shard).map(|owner| owner.node)
    }

    fn owner_of(&self, shard: u16) -> Option<Owner> {
        self.owners.get(usize::from(shard)).copied().flatten()
    }

    fn set_owner(&mut self, shard: u16, node: NodeId, epoch: u64) {
        self.owners[usize::from(shard)] = Some(Owner { node, epoch });
    }

    /// Whether `node` serves its shard, as far as this node knows.
    fn owns(&self, node: NodeId) -> bool {
        self.bus
            .peer(node)
            .is_some_and(|peer| self.owner(peer.shard) == Some(node))
    }

    fn config_epoch(&self) -> u64 {
        self.owner_of(self.shard).map_or(0, |owner| owner.epoch)
    }

    fn header(&self) -> Header {
        Header {
            current_epoch: self.current_epoch,
            config_epoch: self.config_epoch(),
            primary: self.is_primary(),
            offset: self.has_data.then_some(self.stream.offset),
            failing: self.bus.failing(),
        }
    }

    fn broadcast(&self, message: &Message, out: &mut Outbox) {
        let bytes = message.encode();
        self.bus
            .others()
            .for_each(|(node, _)| out.send(node, bytes.clone()));
    }

    fn cron(&mut self, now: Nanos, out: &mut Outbox) {
        let ping = self.bus.cron(now);
        let failed = self.bus.newly_failed(now);
        let bytes = Message::Ping(self.header()).encode();
        for node in ping {
            out.send(node, bytes.clone());
        }
        for node in failed {
            self.replicas.remove(&node);
            self.broadcast(&Message::Fail(node), out);
        }
        if self.is_primary() {
            self.watch_majority(now);
            let late = self.guard.waiting.as_mut().map(|waiting| waiting.late(now));
            refuse(late, out);
        } else {
            self.keep_link(now, out);
            self.tell_how_far(now, out);
            self.stand(now, out);
            self.take_over_region(now, out);
            self.take_over_ruins(out);
        }
    }

    /// A primary that does not reach a majority of primaries refuses, and serves again only some time
    /// after it does: the others may have replaced it.
    fn watch_majority(&mut self, now: Nanos) {
        if self.minority_serves {
            return;
        }
        if !self.bus.reaches_majority() {
            self.serves_from = None;
        } else if self.serves_from.is_none() {
            let (least, most) = (Nanos::from_millis(500), Nanos::from_millis(5000));
            self.serves_from = Some(now + self.node_timeout.clamp(least, most));
        }
    }

    fn on_message(&mut self, now: Nanos, from: NodeId, message: Message, out: &mut Outbox) {
        match message {
            Message::Ping(header) => {
                self.bus.hear(now, from, &header, false, self.owns(from));
                self.hear_primary(now, from, &header, out);
                self.hear_region(now, from, &header);
                self.learn(now, from, &header, out);
                out.send(from, Message::Pong(self.header()).encode());
            }
            Message::Pong(header) => {
                self.bus.hear(now, from, &header, true, self.owns(from));
                self.hear_primary(now, from, &header, out);
                self.hear_region(now, from, &header);
                self.learn(now, from, &header, out);
            }
            Message::Fail(node) => {
                self.bus.told_failed(now, node);
                self.replicas.remove(&node);
            }
            Message::Ask {
                epoch,
                config_epoch,
            } => self.on_ask(now, from, epoch, config_epoch, out),
            Message::Vote { epoch } => {
                let majority = self.bus.majority();
                let won = self
                    .candidature
                    .as_mut()
                    .and_then(|c| c.vote(from, epoch, majority));
                if let Some(epoch) = won {
                    self.become_primary(epoch, out);
                }
            }
            Message::Sync { history, offset } => self.on_sync(from, history, offset, out),
            Message::Full {
                history,
                offset,
                image,
            } => {
                self.on_full(now, from, history, offset, image, out);
            }
            Message::Continue { history } => self.on_continue(now, from, history, out),
            Message::Entry { offset, entry } => self.on_entry(now, from, offset, entry, out),
            Message::Relay {
                history,
                offset,
                entry,
            } => self.on_relay(now, history, offset, entry, out),
            Message::GetAck => self.send_ack(from, out),
            Message::Ack { offset } => self.on_ack(now, from, offset, out),
        }
    }
}

/// What was executed, and is not known to be where its clients want it.
fn refuse(ids: Option<Vec<RequestId>>, out: &mut Outbox) {
    for id in ids.into_iter().flatten() {
        out.push(Action::Refuse {
            id,
            why: Refusal::Down,
        });
    }
}

impl Replication for Async {
    fn step(&mut self, now: Nanos, event: Event, out: &mut Outbox) {
        match event {
            Event::Start => {
                self.next_cron = self.next_cron + now;
                self.bus.start(now);
                self.begin_watch(now);
                out.push(Action::Alarm { at: self.next_cron });
                match self.owner(self.shard) {
                    Some(primary) if primary != self.node => self.ask_stream(now, primary, out),
                    Some(_) => {}
                    // A new machine asks everybody who they are.
                    None => self.broadcast(&Message::Ping(self.header()), out),
                }
            }
            Event::Alarm => {
                while self.next_cron <= now {
                    self.next_cron = self.next_cron + CRON;
                }
                self.cron(now, out);
                out.push(Action::Alarm { at: self.next_cron });
            }
            Event::Message { from, bytes } => {
                // What cannot be read is a link's damage, and as if it had been lost.
                if let Some(message) = Message::decode(&bytes) {
                    self.on_message(now, from, message, out);
                }
            }
            Event::Request { id, at, op } => self.on_request(now, id, at, op, out),
            Event::Executed { id, at, effects } => self.on_executed(now, id, at, effects, out),
            Event::Exported { to, image } => self.on_exported(to, image, out),
            Event::Persisted { .. } | Event::KeyExported { .. } => {}
        }
    }

    fn primary(&self) -> Option<NodeId> {
        self.owner(self.shard)
    }

    fn primary_since(&self) -> Option<u64> {
        self.is_primary().then(|| self.config_epoch())
    }
}
