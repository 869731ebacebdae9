//! A Raft group of a shard's nodes: `raft-rs` driven by ticks, messages and a disk.
//!
//! What the entries mean is its owner's: `quorum` keeps the data in them, `chain` who forms the chain.
//!
//! **Randomness.** `raft-rs` draws election timeouts from a generator of the thread; each is replaced by
//! one of the node's own seeded generator before the machine's next tick can see it.

mod record;

use std::collections::VecDeque;

use protobuf::Message as _;
use raft::eraftpb::Message;
use raft::storage::MemStorage;
use raft::{Config, RawNode, Ready, StateRole};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Action, Birth, NodeId, Outbox, Setup};
use crate::time::Nanos;
use seawall_store::spec::Param;

/// The most that unexecuted entries may take before proposals are refused.
const UNCOMMITTED_BYTES_MAX: u64 = 64 << 20;
/// The most bytes of entries in one message.
const MESSAGE_BYTES_MAX: u64 = 1 << 20;

pub(super) const HEARTBEAT: Param = Param {
    name: "heartbeat_ms",
    default: 100,
    min: 10,
    max: 10_000,
    words: &[],
    about: "between heartbeats; etcd's default is 100",
};

pub(super) const ELECTION: Param = Param {
    name: "election_ms",
    default: 1000,
    min: 20,
    max: 100_000,
    words: &[],
    about: "silence after which a follower stands for election, drawn from once to twice this; \
            etcd's default is 1000",
};

/// What a node of a group forgets on purpose, to make a twin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Forgets {
    /// A node that comes back knows neither its term nor its vote.
    pub(super) vote: bool,
    /// A node tells others of records that its disk does not have yet.
    pub(super) unsynced: bool,
}

/// One node of a group.
pub(super) struct Group {
    pub(super) raft: RawNode<MemStorage>,
    rng: Xoshiro256PlusPlus,
    /// What its messages begin with, to tell them from others of its owner.
    prefix: &'static [u8],
    forgets: Forgets,
    tick: Nanos,
    next_tick: Nanos,
    campaigns_first: bool,
    /// The timeout that holds, and the term, role for which it was drawn.
    election_ticks: usize,
    drawn_for: (u64, StateRole),
    /// Messages that wait for records before them to be durable.
    unsent: VecDeque<Unsent>,
}

struct Unsent {
    number: u64,
    durable: bool,
    messages: Vec<Message>,
}

/// Whether a node stopped leading.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LostLead(pub(super) bool);

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

impl Group {
    /// The group of all nodes of the node's shard, whose messages begin with `prefix`.
    pub(super) fn new(
        setup: &Setup<'_>,
        heartbeat_ms: u64,
        election_ms: u64,
        prefix: &'static [u8],
        forgets: Forgets,
    ) -> Group {
        let voters: Vec<u64> = setup.fellows().map(raft_id).collect();
        let storage = MemStorage::new_with_conf_state((voters, vec![]));
        if let Birth::Returned { records } = setup.birth {
            record::recover(records, &storage);
            if forgets.vote {
                let mut storage = storage.wl();
                let state = storage.mut_hard_state();
                (state.term, state.vote) = (state.term.min(1), 0);
            }
        }
        let election_tick = (election_ms / heartbeat_ms).max(2) as usize;
        let config = Config {
            id: raft_id(setup.node),
            election_tick,
            heartbeat_tick: 1,
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
        let mut group = Group {
            drawn_for: (raft.raft.term, raft.raft.state),
            raft,
            rng,
            prefix,
            forgets,
            tick,
            next_tick,
            campaigns_first: matches!(setup.birth, Birth::Formed)
                && setup.seats[usize::from(setup.node.0)].first,
            election_ticks: election_tick,
            unsent: VecDeque::new(),
        };
        group.draw_election_timeout();
        group
    }

    pub(super) fn leads(&self) -> bool {
        self.raft.raft.state == StateRole::Leader
    }

    /// Who leads, as far as this node knows.
    pub(super) fn leader(&self) -> Option<NodeId> {
        node_id(self.raft.raft.leader_id)
    }

    /// The next tick; the owner's alarm goes there.
    pub(super) fn next_tick(&self) -> Nanos {
        self.next_tick
    }

    /// It begins.
    pub(super) fn start(&mut self, now: Nanos) -> LostLead {
        self.next_tick = self.next_tick + now;
        if !self.campaigns_first {
            return LostLead(false);
        }
        // The cluster is formed with a leader, as an operator would place it.
        self.raft.campaign().expect("a voter may stand");
        self.own_election_timeout()
    }

    /// Ticks as often as is due.
    pub(super) fn tick(&mut self, now: Nanos) -> LostLead {
        let mut lost = false;
        while self.next_tick <= now {
            self.next_tick = self.next_tick + self.tick;
            self.raft.tick();
            if !self.leads() && self.raft.raft.election_elapsed == 0 {
                // It stood for election, perhaps again in the same term: draw anew, or two
                // candidates could meet for ever.
                self.draw_election_timeout();
            }
            lost |= self.own_election_timeout().0;
        }
        LostLead(lost)
    }

    /// A message of the group, without its prefix.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> LostLead {
        if let Ok(message) = Message::parse_from_bytes(bytes) {
            // A message that does not fit (a stranger's, a late one's) changes nothing.
            let _ = self.raft.step(message);
        }
        self.own_election_timeout()
    }

    /// What there is to execute next, if anything; its messages that wait for no disk are on their way. It goes
    /// back to [`Group::keep`] when it is executed.
    pub(super) fn next_ready(&mut self, out: &mut Outbox) -> Option<Ready> {
        if !self.raft.has_ready() {
            return None;
        }
        let mut ready = self.raft.ready();
        self.send_all(ready.take_messages(), out);
        Some(ready)
    }

    /// Keeps what must be durable, and sends the rest when it is.
    pub(super) fn keep(&mut self, mut ready: Ready, out: &mut Outbox) -> LostLead {
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
            durable: durable && !self.forgets.unsynced,
            messages,
        });
        self.persisted(0, out);
        self.own_election_timeout()
    }

    /// Sends what waited for records up to `durable_to`, and what waited for nothing.
    pub(super) fn persisted(&mut self, durable_to: u64, out: &mut Outbox) {
        while let Some(front) = self.unsent.front() {
            if front.durable && front.number > durable_to {
                break;
            }
            let number = front.number;
            if let Some(unsent) = self.unsent.pop_front() {
                self.send_all(unsent.messages, out);
            }
            self.raft.on_persist_ready(number);
        }
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
    fn own_election_timeout(&mut self) -> LostLead {
        if self.drawn_for == (self.raft.raft.term, self.raft.raft.state) {
            self.raft
                .raft
                .set_randomized_election_timeout(self.election_ticks);
            return LostLead(false);
        }
        let lost = self.drawn_for.1 == StateRole::Leader && !self.leads();
        self.draw_election_timeout();
        LostLead(lost)
    }

    fn send_all(&self, messages: Vec<Message>, out: &mut Outbox) {
        for message in messages {
            // As bytes of their own, which knows how many there are; a vector grows with each field.
            if let (Some(to), Ok(body)) = (node_id(message.to), message.write_to_bytes()) {
                let bytes = match self.prefix {
                    [] => body,
                    prefix => [prefix, &body].concat(),
                };
                out.send(to, bytes);
            }
        }
    }
}
