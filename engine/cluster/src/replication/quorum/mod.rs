//! Quorum: a write is answered when a majority has it on disk. Raft, by `raft-rs`.
//!
//! Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", USENIX ATC 2014; the
//! implementation is `TiKV`'s `raft` crate, driven here by ticks and messages.
//!
//! ```text
//!  write ──► entry (id, time, op) ──► majority durable ──► every replica executes ──► leader answers
//!  read  ──► waits for a round of heartbeats (ReadIndex) ──► leader executes ──► leader answers
//! ```
//!
//! **Time.** An op sees the time in its entry, so that all replicas expire alike. A read sees the time of the last
//! entry executed: a clock of its own would remove expired keys on the leader alone, and another leader's clock may be
//! behind. So a key expires for readers with the next write of any key.
//!
//! **Randomness.** `raft-rs` draws election timeouts from a generator of the thread; each is replaced by
//! one of the node's own seeded generator before the machine's next tick can see it.

mod entry;
mod read;
mod record;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use protobuf::Message as _;
use raft::eraftpb::{Entry, EntryType, Message};
use raft::storage::MemStorage;
use raft::{Config, RawNode, Ready, StateRole};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::{Millis, Op};

use self::entry::Proposal;
use self::read::{Read, Reads};
use super::{
    Action, Birth, Claim, Event, NodeId, Outbox, Refusal, Replication, ReplicationMember,
    RequestId, Setup, Survives,
};
use crate::time::Nanos;
use seawall_store::spec::Param;

pub(super) const MEMBER: ReplicationMember = ReplicationMember {
    name: "quorum",
    about: "Raft: a majority has a write on disk before it is acknowledged; reads ask a majority",
    source: "Ongaro and Ousterhout, USENIX ATC 2014, by raft-rs; timeouts as etcd's defaults",
    claim: Claim {
        about: "acknowledged writes survive a zone, and the restart of all nodes; reads reflect every acknowledged write",
        survives: Survives::Restart,
        resumes_after: Survives::Restart,
        linearizable: true,
    },
    params: &[
        Param {
            name: "heartbeat_ms",
            default: 100,
            min: 10,
            max: 10_000,
            about: "between heartbeats; etcd's default is 100",
        },
        Param {
            name: "election_ms",
            default: 1000,
            min: 20,
            max: 100_000,
            about: "silence after which a follower stands for election, drawn from once to twice this; \
                    etcd's default is 1000",
        },
    ],
    keeps_copies: true,
    keeps_disk: true,
    executes_everywhere: true,
    build: |setup, values| build(setup, values, None),
    describe: entry::describe,
};

/// What a twin does wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It acknowledges a write when it has proposed it.
    AcksEarly,
    /// A node that comes back knows neither its term nor its vote.
    ForgetsVote,
    /// A node tells others of records that its disk does not have yet.
    AcksUnsynced,
    /// A leader answers reads without asking a majority whether it still leads.
    ReadsAlone,
}

/// The most that unexecuted entries may take before writes are refused.
const UNCOMMITTED_BYTES_MAX: u64 = 64 << 20;
/// The most bytes of entries in one message.
const MESSAGE_BYTES_MAX: u64 = 1 << 20;

pub(super) fn build(
    setup: &Setup<'_>,
    values: &[u64],
    fault: Option<Fault>,
) -> Box<dyn Replication> {
    Box::new(Quorum::new(setup, values, fault))
}

struct Quorum {
    node: NodeId,
    raft: RawNode<MemStorage>,
    rng: Xoshiro256PlusPlus,
    fault: Option<Fault>,
    tick: Nanos,
    next_tick: Nanos,
    campaigns_first: bool,
    /// The timeout that holds, and the term, role for which it was drawn.
    election_ticks: usize,
    drawn_for: (u64, StateRole),
    /// Messages that wait for records before them to be durable: (record, whether it was persisted
    /// itself, messages).
    unsent: VecDeque<Unsent>,
    /// Writes that this node proposed and has not executed yet, and the times that they carry.
    proposed: BTreeMap<u64, Millis>,
    /// The newest time of any entry executed or proposed here: entries never go back in time.
    newest: Millis,
    /// The time of the last entry executed.
    executed_at: Millis,
    executed: u64,
    reads: Reads,
}

struct Unsent {
    number: u64,
    durable: bool,
    messages: Vec<Message>,
}

fn raft_id(node: NodeId) -> u64 {
    // Raft numbers from 1.
    u64::from(node.0) + 1
}

fn node_id(raft_id: u64) -> Option<NodeId> {
    raft_id
        .checked_sub(1)
        .and_then(|id| u16::try_from(id).ok())
        .map(NodeId)
}

impl Quorum {
    fn new(setup: &Setup<'_>, values: &[u64], fault: Option<Fault>) -> Quorum {
        let shard = setup.seats[usize::from(setup.node.0)].shard;
        let voters: Vec<u64> = (0u16..)
            .zip(setup.seats)
            .filter(|(_, seat)| seat.shard == shard)
            .map(|(node, _)| raft_id(NodeId(node)))
            .collect();
        let storage = MemStorage::new_with_conf_state((voters, vec![]));
        if let Birth::Returned { records } = setup.birth {
            record::recover(records, &storage);
            if fault == Some(Fault::ForgetsVote) {
                let mut storage = storage.wl();
                let state = storage.mut_hard_state();
                (state.term, state.vote) = (state.term.min(1), 0);
            }
        }
        let (heartbeat_ms, election_ms) = (values[0], values[1]);
        let heartbeat_tick = 1;
        let election_tick = (election_ms / heartbeat_ms).max(2) as usize;
        let config = Config {
            id: raft_id(setup.node),
            election_tick,
            heartbeat_tick,
            check_quorum: true,
            pre_vote: true,
            max_size_per_msg: MESSAGE_BYTES_MAX,
            max_uncommitted_size: UNCOMMITTED_BYTES_MAX,
            ..Config::default()
        };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raft = RawNode::new(&config, storage, &logger)
            .expect("the configuration is in range and the log begins at its first entry");
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(setup.seed);
        let tick = Nanos::from_millis(heartbeat_ms);
        // Nodes do not tick together.
        let next_tick = Nanos(rng.random_range(0..tick.0));
        let mut quorum = Quorum {
            node: setup.node,
            drawn_for: (raft.raft.term, raft.raft.state),
            raft,
            rng,
            fault,
            tick,
            next_tick,
            campaigns_first: matches!(setup.birth, Birth::Formed)
                && setup.seats[usize::from(setup.node.0)].first,
            election_ticks: election_tick,
            unsent: VecDeque::new(),
            proposed: BTreeMap::new(),
            newest: Millis::default(),
            executed_at: Millis::default(),
            executed: 0,
            reads: Reads::default(),
        };
        quorum.draw_election_timeout();
        quorum
    }

    fn leads(&self) -> bool {
        self.raft.raft.state == StateRole::Leader
    }

    fn draw_election_timeout(&mut self) {
        // Raft's range, once to twice the timeout, is also what `raft-rs` checks.
        let min = self.raft.raft.election_timeout();
        self.election_ticks = self.rng.random_range(min..2 * min);
        self.drawn_for = (self.raft.raft.term, self.raft.raft.state);
        self.raft
            .raft
            .set_randomized_election_timeout(self.election_ticks);
    }

    /// Puts the node's own election timeout in place of the one that `raft-rs` may have drawn.
    fn own_election_timeout(&mut self) {
        if self.drawn_for == (self.raft.raft.term, self.raft.raft.state) {
            self.raft
                .raft
                .set_randomized_election_timeout(self.election_ticks);
        } else {
            if self.drawn_for.1 == StateRole::Leader && !self.leads() {
                self.proposed.clear();
                self.reads.clear();
            }
            self.draw_election_timeout();
        }
    }

    fn on_alarm(&mut self, now: Nanos, out: &mut Outbox) {
        while self.next_tick <= now {
            self.next_tick = self.next_tick + self.tick;
            self.raft.tick();
            if !self.leads() && self.raft.raft.election_elapsed == 0 {
                // It stood for election, perhaps again in the same term: draw anew, or two
                // candidates could meet for ever.
                self.draw_election_timeout();
            }
            self.own_election_timeout();
        }
        if self.leads() && self.reads.is_late() {
            // The round was lost, or this leader had nothing committed yet; ask again.
            self.ask_reads();
        }
        out.push(Action::Alarm { at: self.next_tick });
    }

    fn on_request(&mut self, id: RequestId, at: Millis, op: Arc<Op>, out: &mut Outbox) {
        if !self.leads() {
            let why = match self.primary() {
                Some(primary) if primary != self.node => Refusal::Moved(primary),
                _ => Refusal::Down,
            };
            out.push(Action::Refuse { id, why });
        } else if op.command().flags.writes() {
            self.propose(id, at, op, out);
        } else if self.fault == Some(Fault::ReadsAlone) {
            let at = self.executed_at;
            out.push(Action::Execute {
                id,
                at,
                op,
                answers: true,
            });
            out.push(Action::Answer { id });
        } else if self.reads.wait(Read { id, op }) {
            self.ask_reads();
        }
    }

    fn propose(&mut self, id: RequestId, at: Millis, op: Arc<Op>, out: &mut Outbox) {
        let at = at.max(self.newest);
        let proposal = Proposal {
            proposer: self.node,
            id,
            at,
            op,
        };
        if self.raft.propose(vec![], proposal.encode()).is_err() {
            out.push(Action::Refuse {
                id,
                why: Refusal::Down,
            });
            return;
        }
        self.newest = at;
        self.proposed.insert(id.0, at);
        if self.fault == Some(Fault::AcksEarly) {
            out.push(Action::Execute {
                id,
                at,
                op: proposal.op,
                answers: true,
            });
            out.push(Action::Answer { id });
        }
    }

    fn ask_reads(&mut self) {
        let round = self.reads.ask();
        self.raft.read_index(round.to_le_bytes().to_vec());
    }

    /// Performs what `raft-rs` has ready, until it has nothing more.
    fn drain(&mut self, out: &mut Outbox) {
        while self.raft.has_ready() {
            let ready = self.raft.ready();
            self.handle(ready, out);
            self.own_election_timeout();
        }
    }

    fn handle(&mut self, mut ready: Ready, out: &mut Outbox) {
        send_all(ready.take_messages(), out);
        for state in ready.take_read_states() {
            if let Ok(round) = state
                .request_ctx
                .as_slice()
                .try_into()
                .map(u64::from_le_bytes)
            {
                self.reads.confirm(round, state.index);
            }
        }
        for entry in ready.take_committed_entries() {
            self.execute(&entry, out);
        }
        self.serve_reads(out);

        let (number, durable) = (ready.number(), ready.must_sync());
        {
            let mut storage = self.raft.store().wl();
            storage
                .append(ready.entries())
                .expect("entries of one ready follow those of the ready before");
            if let Some(state) = ready.hs() {
                storage.set_hardstate(state.clone());
            }
        }
        if durable {
            let record = record::encode(ready.hs(), ready.entries());
            out.push(Action::Persist { number, record });
        }
        let messages = ready.take_persisted_messages();
        self.raft.advance_append_async(ready);
        self.unsent.push_back(Unsent {
            number,
            durable: durable && self.fault != Some(Fault::AcksUnsynced),
            messages,
        });
        self.release(0, out);
    }

    /// Sends what waited for records up to `durable_to`, and what waited for nothing.
    fn release(&mut self, durable_to: u64, out: &mut Outbox) {
        while let Some(front) = self.unsent.front() {
            if front.durable && front.number > durable_to {
                break;
            }
            let number = front.number;
            if let Some(unsent) = self.unsent.pop_front() {
                send_all(unsent.messages, out);
            }
            self.raft.on_persist_ready(number);
        }
    }

    fn execute(&mut self, entry: &Entry, out: &mut Outbox) {
        self.executed = entry.index;
        if entry.get_entry_type() != EntryType::EntryNormal || entry.data.is_empty() {
            return;
        }
        let Some(Proposal {
            proposer,
            id,
            at,
            op,
        }) = Proposal::decode(&entry.data)
        else {
            // Only this code writes entries, and the log is checked by the driver.
            return;
        };
        self.newest = self.newest.max(at);
        self.executed_at = at;
        let own = self.proposed.remove(&id.0).is_some() && proposer == self.node;
        if own && self.fault == Some(Fault::AcksEarly) {
            return;
        }
        out.push(Action::Execute {
            id,
            at,
            op,
            answers: own,
        });
        if own {
            out.push(Action::Answer { id });
        }
    }

    fn serve_reads(&mut self, out: &mut Outbox) {
        for Read { id, op } in self.reads.take_ready(self.executed) {
            out.push(Action::Execute {
                id,
                at: self.executed_at,
                op,
                answers: true,
            });
            out.push(Action::Answer { id });
        }
        if self.leads() && self.reads.must_ask() {
            self.ask_reads();
        }
    }
}

fn send_all(messages: Vec<Message>, out: &mut Outbox) {
    for message in messages {
        if let (Some(to), Ok(bytes)) = (node_id(message.to), message.write_to_bytes()) {
            out.send(to, bytes);
        }
    }
}

impl Replication for Quorum {
    fn step(&mut self, now: Nanos, event: Event, out: &mut Outbox) {
        match event {
            Event::Start => {
                self.next_tick = self.next_tick + now;
                if self.campaigns_first {
                    // The cluster is formed with a leader, as an operator would place it.
                    self.raft.campaign().expect("a voter may stand");
                    self.own_election_timeout();
                }
                out.push(Action::Alarm { at: self.next_tick });
            }
            Event::Alarm => self.on_alarm(now, out),
            Event::Message { bytes, .. } => {
                if let Ok(message) = Message::parse_from_bytes(&bytes) {
                    // A message that does not fit (a stranger's, a late one's) changes nothing.
                    let _ = self.raft.step(message);
                    self.own_election_timeout();
                }
            }
            Event::Request { id, at, op } => self.on_request(id, at, op, out),
            Event::Persisted { number } => self.release(number, out),
            Event::Executed { .. } | Event::Exported { .. } => return,
        }
        self.drain(out);
    }

    fn primary(&self) -> Option<NodeId> {
        node_id(self.raft.raft.leader_id)
    }

    fn primary_since(&self) -> Option<u64> {
        self.leads().then_some(self.raft.raft.term)
    }
}
