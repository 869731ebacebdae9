//! A node: a real shard, a machine of replication, a disk, and a queue before its core.

use hashbrown::HashMap;
use seawall_cluster::replication::Birth;
use seawall_cluster::{Nanos, NodeId, Replication, ReplicationMember, RequestId, Seat, Setup};
use seawall_store::{Effects, Millis, Op, Out, Shard, ShardConfig};

use crate::history::{History, Lineage, NumberHasher, WriteId};
use crate::random::seed_of;

/// A node.
#[expect(
    clippy::struct_excessive_bools,
    reason = "what is wrong with a node comes in any combination"
)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) zone: u16,
    pub(crate) shard_number: u16,
    /// Whether it keeps a log of the shard, and none of its data.
    pub(crate) keeps_log: bool,
    pub(crate) up: bool,
    /// No other node hears it, and it hears none.
    pub(super) isolated: bool,
    /// How many times as long as it should what it does takes.
    pub(super) times: u32,
    /// How far its wall clock is ahead of the world's.
    pub(super) clock_ahead_ms: i64,
    /// Its next sync fails.
    pub(super) sync_fails: bool,
    /// How often it came to be: what was meant for an earlier life does not reach a later one.
    pub(super) life: u32,
    pub(crate) machine: Box<dyn Replication>,
    pub(crate) shard: Shard,
    /// What its keys and values may take where it serves, and whether that holds: who follows keeps what it is told
    /// to keep (`replica-ignore-maxmemory`).
    memory_bytes: u64,
    is_bound: bool,
    pub(crate) lineage: Lineage,
    /// Durable records.
    disk: Vec<Vec<u8>>,
    /// Records that are being synced, and those that wait for the next sync, by their numbers.
    syncing: Vec<(u64, Vec<u8>)>,
    written: Vec<(u64, Vec<u8>)>,
    /// When the disk has done what it was given.
    pub(super) disk_busy_until: Nanos,
    pub(super) core_busy_until: Nanos,
    /// How long its core has had to work, with what it has still to do.
    worked: Nanos,
    pub(super) alarms: u64,
    /// The replies of executions whose clients wait; only looked up, so that their order is nobody's concern.
    replies: HashMap<RequestId, Vec<u8>, NumberHasher>,
    out: Out,
    /// What comes of applying another node's effects.
    unread: Out,
}

/// What nodes are made with.
pub(super) struct Fleet<'a> {
    pub(super) member: &'static ReplicationMember,
    pub(super) values: &'a [u64],
    pub(super) seats: &'a [Seat],
    pub(super) seed: u64,
    pub(super) policy: &'a str,
    pub(super) memory_bytes: u64,
}

impl Fleet<'_> {
    fn machine(&self, id: NodeId, life: u32, birth: Birth<'_>) -> Box<dyn Replication> {
        // Who has no seat is a gutter node, and replicates nothing.
        let (member, values) = match self.seats.get(usize::from(id.0)) {
            Some(_) => (self.member, self.values),
            None => (seawall_cluster::replication::REPLICATIONS[0], &[][..]),
        };
        let index = usize::from(id.0) | (life as usize) << 16;
        let setup = Setup {
            node: id,
            seats: self.seats,
            seed: seed_of(self.seed, "replication", index),
            birth,
        };
        (member.build)(&setup, values)
    }

    /// The node `id` when the cluster is formed.
    pub(super) fn form(&self, id: NodeId, shard_number: u16, zone: u16) -> Node {
        Node {
            id,
            zone,
            shard_number,
            keeps_log: self
                .seats
                .get(usize::from(id.0))
                .is_some_and(|seat| seat.keeps_log),
            up: true,
            isolated: false,
            times: 1,
            clock_ahead_ms: 0,
            sync_fails: false,
            life: 0,
            machine: self.machine(id, 0, Birth::Formed),
            shard: empty_shard(self.policy),
            memory_bytes: self.memory_bytes,
            is_bound: false,
            lineage: Lineage::default(),
            disk: Vec::new(),
            syncing: Vec::new(),
            written: Vec::new(),
            disk_busy_until: Nanos::default(),
            core_busy_until: Nanos::default(),
            worked: Nanos::default(),
            alarms: 0,
            replies: HashMap::default(),
            out: Out::default(),
            unread: unread(),
        }
    }

    /// `node` comes back: with what its disk kept, or as a new machine. Its memory is empty, except for
    /// `base`, the snapshot with which a disk began.
    pub(super) fn revive(&self, node: &mut Node, base: &[WriteId], history: &mut History) {
        node.life += 1;
        node.up = true;
        node.sync_fails = false;
        node.empty(self.policy);
        node.replies.clear();
        node.syncing.clear();
        node.written.clear();
        node.disk_busy_until = Nanos::default();
        node.core_busy_until = Nanos::default();
        if self.member.keeps_disk {
            node.load(base, history);
        } else {
            node.disk.clear();
        }
        let birth = Birth::Returned {
            records: &node.disk,
        };
        node.machine = self.machine(node.id, node.life, birth);
    }
}

/// A shard with nothing in it. All are alike: what replicas execute must give the same everywhere.
pub(crate) fn empty_shard(policy: &str) -> Shard {
    Shard::new(&ShardConfig {
        policy: policy.parse().expect("checked with the scenario"),
        ..ShardConfig::default()
    })
}

/// For what comes of applying effects: nobody asks which others it has.
pub(crate) fn unread() -> Out {
    Out {
        effects: Effects::unread(),
        ..Out::default()
    }
}

/// Applies encoded effects.
pub(crate) fn apply_effects(shard: &mut Shard, at: Millis, effects: &[u8], out: &mut Out) {
    for op in Effects::decode(effects) {
        let op = op.expect("effects come from a shard and travel unharmed");
        shard.apply(at, &op, out);
        // An image of a whole shard leaves much that nobody asks for.
        out.clear();
    }
}

impl Node {
    /// Executes an op, and keeps its reply where it `answers` a client; gives its effects.
    pub(super) fn execute(&mut self, id: RequestId, at: Millis, op: &Op, answers: bool) -> Vec<u8> {
        self.out.clear();
        if answers && !self.is_bound {
            self.shard.set_maxmemory(self.memory_bytes);
            self.is_bound = true;
        }
        self.shard.apply(at, op, &mut self.out);
        if answers {
            self.replies.insert(id, self.out.reply.as_bytes().to_vec());
        }
        self.out.effects.as_bytes().to_vec()
    }

    /// The reply of the execution of `id`.
    pub(super) fn take_reply(&mut self, id: RequestId) -> Option<Vec<u8>> {
        self.replies.remove(&id)
    }

    /// The reply of the execution of `id`, which stays.
    pub(super) fn kept_reply(&self, id: RequestId) -> Option<&[u8]> {
        self.replies.get(&id).map(Vec::as_slice)
    }

    /// Takes in the effects of another node's execution.
    pub(super) fn apply(&mut self, at: Millis, effects: &[u8]) {
        if std::mem::take(&mut self.is_bound) {
            self.shard.set_maxmemory(0);
        }
        apply_effects(&mut self.shard, at, effects, &mut self.unread);
    }

    /// It holds nothing any more.
    fn empty(&mut self, policy: &str) {
        (self.shard, self.lineage) = (empty_shard(policy), Lineage::default());
        self.is_bound = false;
    }

    /// Holds what the cluster began with, and nothing else.
    pub(super) fn restore(&mut self, policy: &str, base: &[WriteId], history: &mut History) {
        self.empty(policy);
        self.load(base, history);
    }

    /// Takes in what the cluster began with, where it hosts data.
    pub(super) fn load(&mut self, base: &[WriteId], history: &mut History) {
        if !self.keeps_log {
            for write in base {
                self.replay(*write, history);
            }
        }
    }

    /// Takes in what a write changed, from the history.
    fn replay(&mut self, write: WriteId, history: &mut History) {
        if let Some((at, effects)) = history.effects(write) {
            self.apply(at, effects);
            history.enter_write(&mut self.lineage, write);
        }
    }

    /// The shard's state as encoded effects.
    pub(super) fn dump(&self, now: Millis) -> Vec<u8> {
        let mut effects = Effects::default();
        self.shard.dump(now, &mut |op| effects.push(op));
        effects.as_bytes().to_vec()
    }

    /// What one key is, as encoded effects.
    pub(super) fn dump_key(&mut self, key: &[u8]) -> Vec<u8> {
        let mut effects = Effects::default();
        self.shard.dump_key(key, &mut |op| effects.push(op));
        effects.as_bytes().to_vec()
    }

    /// Replaces the shard's state.
    pub(super) fn install(&mut self, policy: &str, now: Millis, state: &[u8], lineage: Lineage) {
        self.empty(policy);
        self.apply(now, state);
        self.lineage = lineage;
    }

    /// Its keys and values may take so much from now on.
    pub(super) fn bound(&mut self, bytes: u64) {
        self.memory_bytes = bytes;
        if self.is_bound {
            self.shard.set_maxmemory(bytes);
        }
    }

    /// A record waits for the next sync.
    pub(super) fn write(&mut self, number: u64, record: Vec<u8>) {
        self.written.push((number, record));
    }

    /// Begins to sync all that waits, if there is something and nothing is being synced.
    pub(super) fn begin_sync(&mut self) -> bool {
        let begins = self.syncing.is_empty() && !self.written.is_empty();
        if begins {
            std::mem::swap(&mut self.syncing, &mut self.written);
        }
        begins
    }

    /// What was being synced is durable; gives the number of its last record.
    pub(super) fn synced(&mut self) -> Option<u64> {
        let last = self.syncing.last().map(|(number, _)| *number);
        let records = self.syncing.drain(..).map(|(_, record)| record);
        self.disk.extend(records);
        last
    }

    /// What its wall clock says.
    pub(super) fn wall_clock(&self, now: Nanos) -> Millis {
        Millis(now.millis().0.saturating_add_signed(self.clock_ahead_ms))
    }

    /// When the core has done a piece of work that comes at `now`.
    pub(super) fn work(&mut self, now: Nanos, takes: Nanos) -> Nanos {
        let takes = takes.times(u64::from(self.times));
        self.worked = self.worked + takes;
        self.core_busy_until = self.core_busy_until.max(now) + takes;
        self.core_busy_until
    }

    /// For how long its core has worked until `now`.
    pub(super) fn busy(&self, now: Nanos) -> Nanos {
        self.worked.since(self.core_busy_until.since(now))
    }
}
