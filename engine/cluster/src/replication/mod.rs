//! Replication: a family of strategies that keep copies of a shard, and say what is acknowledged when.
//!
//! Each node of a cluster runs one machine. A **step** takes the time and one event and leaves
//! actions, which the driver performs in order. `Execute` is answered by the driver with
//! [`Event::Executed`], `Export` with [`Event::Exported`], `ExportKey` with [`Event::KeyExported`], all before
//! anything else reaches the machine; `Persist` with [`Event::Persisted`] when the record would survive a crash.
//!
//! Every member states its [`Claim`]; checkers test exactly that. Members broken on purpose
//! ([`find`] knows them by name) prove the checkers and are never listed.

mod asynchronous;
mod broken;
mod chain;
mod craq;
mod crdt;
mod dynamo;
mod group;
mod leaderless;
mod min_replicas;
mod none;
mod quorum;
mod region_async;
mod wait;
mod zone_copies;
mod zone_log;
mod zone_log_async;

pub use asynchronous::election;

use std::fmt;
use std::sync::Arc;

use seawall_store::{Millis, Op};

use crate::time::Nanos;
use seawall_store::spec::{Param, Spec, SpecError};

/// Every strategy that may be compared.
pub const REPLICATIONS: &[&ReplicationMember] = &[
    &none::MEMBER,
    &asynchronous::MEMBER,
    &wait::MEMBER,
    &min_replicas::MEMBER,
    &quorum::MEMBER,
    &chain::MEMBER,
    &craq::MEMBER,
    &zone_copies::MEMBER,
    &zone_log::MEMBER,
    &zone_log_async::MEMBER,
    &dynamo::MEMBER,
    &crdt::MEMBER,
    &region_async::MEMBER,
];

/// A node of the cluster: its place in [`Setup::seats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// One attempt of a client to have one op done, unique in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Where a node sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The shard that it hosts.
    pub shard: u16,
    /// The region that it is in; the first primaries are in region 0.
    pub region: u16,
    /// Whether it is the shard's primary when the cluster is formed; of those that keep the log, the first to lead it.
    pub first: bool,
    /// Whether it keeps the shard's log, and none of its data: clients ask it for nothing.
    pub keeps_log: bool,
}

/// What a machine is made with.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// The node itself.
    pub node: NodeId,
    /// All nodes, by [`NodeId`].
    pub seats: &'a [Seat],
    /// Seeds every random choice of this node.
    pub seed: u64,
    /// How it comes to be.
    pub birth: Birth<'a>,
}

impl Setup<'_> {
    /// The node's own seat.
    fn seat(&self) -> Seat {
        self.seats[usize::from(self.node.0)]
    }

    /// The nodes of the node's own shard and kind, itself among them.
    fn fellows(&self) -> impl Iterator<Item = NodeId> {
        self.nodes_of_shard(self.seat().keeps_log)
    }

    /// The nodes that keep the log of the node's shard, or those that host its data.
    fn nodes_of_shard(&self, keeps_log: bool) -> impl Iterator<Item = NodeId> {
        let shard = self.seat().shard;
        (0u16..)
            .zip(self.seats)
            .filter(move |(_, seat)| seat.shard == shard && seat.keeps_log == keeps_log)
            .map(|(node, _)| NodeId(node))
    }
}

/// How a machine comes to be.
#[derive(Clone, Copy, Debug)]
pub enum Birth<'a> {
    /// With the cluster: the first primary is primary, all hold the same data.
    Formed,
    /// In place of a node that was lost, with what its disk kept: the persisted records in order. A
    /// new machine has none.
    Returned {
        /// What was persisted.
        records: &'a [Vec<u8>],
    },
}

/// What happens to a machine.
#[derive(Clone, Debug)]
pub enum Event {
    /// It begins. Always the first event.
    Start,
    /// The alarm that it asked for.
    Alarm,
    /// A message from another node.
    Message {
        /// Who sent it.
        from: NodeId,
        /// What it says.
        bytes: Vec<u8>,
    },
    /// A client asks for `op`.
    Request {
        /// Names the attempt.
        id: RequestId,
        /// The node's wall clock, which may jump and differ from others'.
        at: Millis,
        /// What is asked.
        op: Arc<Op>,
    },
    /// An [`Action::Execute`] was performed.
    Executed {
        /// The attempt.
        id: RequestId,
        /// At what time.
        at: Millis,
        /// What it changed, encoded; empty where it changed nothing.
        effects: Vec<u8>,
    },
    /// An [`Action::Export`] was performed.
    Exported {
        /// For whom.
        to: NodeId,
        /// The state, encoded by the driver.
        image: Vec<u8>,
    },
    /// An [`Action::ExportKey`] was performed.
    KeyExported {
        /// For whom.
        to: NodeId,
        /// The key.
        key: Vec<u8>,
        /// Encoded effects that make the key what it is wherever they are applied.
        value: Vec<u8>,
    },
    /// All records up to this number are durable.
    Persisted {
        /// As in [`Action::Persist`].
        number: u64,
    },
}

/// What a machine wants done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Send `bytes` to a node. Links deliver in order or lose; they do not duplicate.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        bytes: Vec<u8>,
    },
    /// Wake me at this time; replaces the alarm set before.
    Alarm {
        /// When.
        at: Nanos,
    },
    /// Apply `op` to the shard at time `at`, and tell its effects.
    Execute {
        /// The attempt.
        id: RequestId,
        /// The time that the op sees.
        at: Millis,
        /// The op.
        op: Arc<Op>,
        /// Whether a client waits for it here: its reply is kept until [`Action::Answer`] or
        /// [`Action::Refuse`] names it.
        answers: bool,
    },
    /// Apply the effects that another node's execution had.
    Apply {
        /// The attempt that caused them.
        id: RequestId,
        /// The time that they see.
        at: Millis,
        /// Encoded effects.
        effects: Vec<u8>,
    },
    /// Give the client the reply that was kept.
    Answer {
        /// The attempt.
        id: RequestId,
    },
    /// Give the client the reply that was kept where it found something; else send `bytes` to a node, which answers
    /// in place of this one.
    AnswerOrPass {
        /// The attempt.
        id: RequestId,
        /// The read: what a reply that found nothing looks like is the op's to say.
        op: Arc<Op>,
        /// To whom.
        to: NodeId,
        /// What.
        bytes: Vec<u8>,
    },
    /// Tell the client no.
    Refuse {
        /// The attempt.
        id: RequestId,
        /// Why.
        why: Refusal,
    },
    /// Make a record durable, after those before it.
    Persist {
        /// Counts up.
        number: u64,
        /// What to keep.
        record: Vec<u8>,
    },
    /// Hand me the state of the shard, encoded, to send to a node.
    Export {
        /// For whom.
        to: NodeId,
    },
    /// Hand me what one key is, encoded, to send to a node.
    ExportKey {
        /// For whom.
        to: NodeId,
        /// The key.
        key: Vec<u8>,
    },
    /// Replace the state of the shard by an exported one.
    Install {
        /// The state, as [`Event::Exported`] gave it.
        image: Vec<u8>,
    },
    /// Replace the state of the shard by the snapshot with which the cluster was formed, which is kept off the nodes.
    Restore,
}

/// Why a request was not executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This node is not the primary; another one is (`MOVED`).
    Moved(NodeId),
    /// No primary is known, or this one may not serve now (`CLUSTERDOWN`).
    Down,
}

/// Actions in order.
#[derive(Debug, Default)]
pub struct Outbox {
    actions: std::collections::VecDeque<Action>,
}

impl Outbox {
    /// Appends an action.
    pub fn push(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    /// Takes the first action.
    pub fn pop(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub(crate) fn send(&mut self, to: NodeId, bytes: Vec<u8>) {
        self.push(Action::Send { to, bytes });
    }

    /// Executes for a client that waits here.
    fn execute(&mut self, id: RequestId, at: Millis, op: Arc<Op>) {
        let answers = true;
        self.push(Action::Execute {
            id,
            at,
            op,
            answers,
        });
    }
}

/// The machine of one node.
pub trait Replication: Send {
    /// Takes one event in and leaves actions. `now` never goes back.
    fn step(&mut self, now: Nanos, event: Event, out: &mut Outbox);

    /// Who serves this node's shard, as far as this node knows.
    fn primary(&self) -> Option<NodeId>;

    /// The epoch or term in which this node became primary; `None` where it is not.
    fn primary_since(&self) -> Option<u64>;
}

/// The largest failure that an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Survives {
    /// None: it may be lost with any node.
    Nothing,
    /// The loss of one node.
    Node,
    /// The loss of one zone, where the copies are in different zones.
    Zone,
    /// The loss of one region, where there are copies in another.
    Region,
    /// The restart of all nodes, at once or one by one, with what their disks kept.
    Restart,
}

/// What a strategy promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// In one line, for people.
    pub about: &'static str,
    /// What an acknowledged write survives.
    pub survives: Survives,
    /// After which failures every shard serves again by itself, once they are over.
    pub resumes_after: Survives,
    /// Reads and writes of a key happen one after the other, each between its request and its answer: a read reflects
    /// every write acknowledged before it began.
    pub linearizable: bool,
}

/// Which of a shard's nodes clients ask for reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// The one that they ask for writes.
    Primary,
    /// Any of them.
    AnyCopy,
    /// The one in their own zone, for writes too: no copy is more than another.
    OwnZone,
}

/// A strategy in the list.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing that a driver must know, in any combination"
)]
pub struct ReplicationMember {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What it promises.
    pub claim: Claim,
    /// Its parameters.
    pub params: &'static [Param],
    /// Whether it keeps copies: without, a shard has one node.
    pub keeps_copies: bool,
    /// Whether a lost node's disk comes back with it. Without, a new machine takes its place.
    pub keeps_disk: bool,
    /// Whether each zone has a node that keeps a log of the shard, beside those that host its data.
    pub logs_in_zones: bool,
    /// Whether it replicates from one region to others, and is another member where there is one.
    pub needs_regions: bool,
    /// Whether every copy executes writes of clients itself, and all must do the same: a copy may not evict by itself.
    pub executes_everywhere: bool,
    /// Whether each key has a version of its own, the time of the write that made it ([`Action::Execute`]'s `at`, then
    /// its id): a copy takes in the latest, and copies have no order of writes in common. A write that did not see one
    /// with an earlier time puts an end to it (last writer wins).
    pub last_writer_wins: bool,
    /// Whom clients ask for reads, where the parameter `replica_reads` does not say otherwise.
    pub reads_at: Reads,
    /// Makes the machine of one node from the values of `params`.
    pub build: fn(&Setup<'_>, &[u64]) -> Box<dyn Replication>,
    /// A message in words, for scripts.
    pub describe: fn(&[u8]) -> String,
}

/// Opens replicas to reads, in members that have it.
const REPLICA_READS: Param = Param {
    name: "replica_reads",
    default: 0,
    min: 0,
    max: 1,
    words: &[],
    about: "1: clients read at any copy, and what they read may be old (READONLY)",
};

/// For how long an operator waits, in members that have one.
const PROMOTE: Param = Param {
    name: "promote_ms",
    default: 60_000,
    min: 1000,
    max: 3_600_000,
    words: &[],
    about: "for how long a shard has no primary before an operator promotes a copy in another region; by hand a promotion \
            takes about a minute (AWS, disaster recovery workshop)",
};

impl ReplicationMember {
    /// Whom clients ask for reads, with these values of `params`.
    pub fn reads_with(&self, values: &[u64]) -> Reads {
        let mut given = self.params.iter().zip(values);
        if given.any(|(param, value)| param.name == REPLICA_READS.name && *value == 1) {
            Reads::AnyCopy
        } else {
            self.reads_at
        }
    }

    /// After how long without a primary of a shard an operator steps in, with these values of `params`; nought where none does.
    pub fn promoted_after(&self, values: &[u64]) -> Nanos {
        let mut given = self.params.iter().zip(values);
        let promote = given.find(|(param, _)| param.name == PROMOTE.name);
        promote.map_or(Nanos::default(), |(_, ms)| Nanos::from_millis(*ms))
    }

    /// Whether of `copies`, with these values of `params`, those that a request reads (`r`) and those that had a write
    /// before it was acknowledged (`w`) are never without one in common; not where nothing is said of that.
    pub fn quorums_meet(&self, values: &[u64], copies: usize) -> bool {
        let given = |name: &str| {
            let at = self.params.iter().position(|param| param.name == name)?;
            Some((values[at] as usize).min(copies))
        };
        matches!((given("r"), given("w")), (Some(r), Some(w)) if r + w > copies)
    }

    /// Whether all copies of a shard hold the same once failures are over: not where each is a cache of its own.
    pub fn converges(&self) -> bool {
        self.has_primary() || self.last_writer_wins
    }

    /// Whether one copy takes in a shard's writes before all others: not where any does.
    pub fn has_primary(&self) -> bool {
        self.reads_at != Reads::OwnZone
    }
}

/// The member that `spec` names, with its parameters' values.
///
/// # Errors
/// An unknown name or parameter, or a number out of range.
pub fn find(spec: &Spec<'_>) -> Result<(&'static ReplicationMember, Vec<u64>), SpecError> {
    let member = REPLICATIONS
        .iter()
        .chain(broken::TWINS)
        .find(|member| member.name == spec.name())
        .ok_or_else(|| {
            spec.unknown_name("replication", REPLICATIONS.iter().map(|member| member.name))
        })?;
    let values = spec.numbers(member.params)?;
    of_heartbeats(spec, member, &values)?;
    Ok((member, values))
}

/// What waits for heartbeats waits for two of them at least: else one that is merely on its way is taken for silence,
/// and a cluster that nothing ails stands still.
fn of_heartbeats(
    spec: &Spec<'_>,
    member: &ReplicationMember,
    values: &[u64],
) -> Result<(), SpecError> {
    let value = |name: &str| {
        let at = member.params.iter().position(|param| param.name == name);
        at.map(|at| values[at])
    };
    let Some(heartbeat) = value("heartbeat_ms") else {
        return Ok(());
    };
    // Of who keeps a log in zones, a lease is renewed as often as it needs.
    let lease = if member.logs_in_zones { "" } else { "lease_ms" };
    for name in ["election_ms", "failure_ms", lease] {
        if let Some(given) = value(name).filter(|given| *given < 2 * heartbeat) {
            let accepted = format!("at least {}, twice heartbeat_ms", 2 * heartbeat);
            return Err(spec.bad_value(name, &given.to_string(), accepted));
        }
    }
    Ok(())
}
