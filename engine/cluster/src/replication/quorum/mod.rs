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

mod entry;
mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use raft::Ready;
use raft::eraftpb::{Entry, EntryType};
use seawall_store::{Millis, Op};

use self::entry::Proposal;
use self::read::{Read, Reads};
use super::group::{self, Forgets, Group, LostLead};
use super::{
    Action, Claim, Event, NodeId, Outbox, Reads as ReadsAt, Refusal, Replication,
    ReplicationMember, RequestId, Setup, Survives,
};
use crate::time::Nanos;

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
    params: &[group::HEARTBEAT, group::ELECTION],
    keeps_copies: true,
    keeps_disk: true,
    logs_in_zones: false,
    needs_regions: false,
    executes_everywhere: true,
    last_writer_wins: false,
    reads_at: ReadsAt::Primary,
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

pub(super) fn build(
    setup: &Setup<'_>,
    values: &[u64],
    fault: Option<Fault>,
) -> Box<dyn Replication> {
    Box::new(Quorum::new(setup, values, fault))
}

struct Quorum {
    node: NodeId,
    group: Group,
    fault: Option<Fault>,
    /// Writes that this node proposed and has not executed yet, and the times that they carry.
    proposed: BTreeMap<u64, Millis>,
    /// The newest time of any entry executed or proposed here: entries never go back in time.
    newest: Millis,
    /// The time of the last entry executed.
    executed_at: Millis,
    executed: u64,
    reads: Reads,
}

impl Quorum {
    fn new(setup: &Setup<'_>, values: &[u64], fault: Option<Fault>) -> Quorum {
        let forgets = Forgets {
            vote: fault == Some(Fault::ForgetsVote),
            unsynced: fault == Some(Fault::AcksUnsynced),
        };
        Quorum {
            node: setup.node,
            group: Group::new(setup, values[0], values[1], &[], forgets),
            fault,
            proposed: BTreeMap::new(),
            newest: Millis::default(),
            executed_at: Millis::default(),
            executed: 0,
            reads: Reads::default(),
        }
    }

    /// Who leads no more knows nothing of what it proposed, and answers nobody.
    fn forget_if(&mut self, LostLead(lost): LostLead) {
        if lost {
            self.proposed.clear();
            self.reads.clear();
        }
    }

    fn on_alarm(&mut self, now: Nanos, out: &mut Outbox) {
        let lost = self.group.tick(now);
        self.forget_if(lost);
        if self.group.leads() && self.reads.is_late() {
            // The round was lost, or this leader had nothing committed yet; ask again.
            self.ask_reads();
        }
        self.set_alarm(out);
    }

    fn set_alarm(&self, out: &mut Outbox) {
        let at = self.group.next_tick();
        out.push(Action::Alarm { at });
    }

    fn on_request(&mut self, id: RequestId, at: Millis, op: Arc<Op>, out: &mut Outbox) {
        if !self.group.leads() {
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
        if self.group.raft.propose(vec![], proposal.encode()).is_err() {
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
        self.group.raft.read_index(round.to_le_bytes().to_vec());
    }

    /// Performs what `raft-rs` has ready, until it has nothing more.
    fn drain(&mut self, out: &mut Outbox) {
        while let Some(ready) = self.group.next_ready(out) {
            self.handle(ready, out);
        }
    }

    fn handle(&mut self, mut ready: Ready, out: &mut Outbox) {
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

        let lost = self.group.keep(ready, out);
        self.forget_if(lost);
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
        if self.group.leads() && self.reads.must_ask() {
            self.ask_reads();
        }
    }
}

impl Replication for Quorum {
    fn step(&mut self, now: Nanos, event: Event, out: &mut Outbox) {
        match event {
            Event::Start => {
                let lost = self.group.start(now);
                self.forget_if(lost);
                self.set_alarm(out);
            }
            Event::Alarm => self.on_alarm(now, out),
            Event::Message { bytes, .. } => {
                let lost = self.group.receive(&bytes);
                self.forget_if(lost);
            }
            Event::Request { id, at, op } => self.on_request(id, at, op, out),
            Event::Persisted { number } => self.group.persisted(number, out),
            Event::Executed { .. } | Event::Exported { .. } | Event::KeyExported { .. } => return,
        }
        self.drain(out);
    }

    fn primary(&self) -> Option<NodeId> {
        self.group.leader()
    }

    fn primary_since(&self) -> Option<u64> {
        self.group.leads().then_some(self.group.raft.raft.term)
    }
}
