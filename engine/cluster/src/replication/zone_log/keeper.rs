//! Who keeps the log: one node in each zone, a Raft group of their own.
//!
//! The condition of an append is looked at where it is executed, in the group's order, so that all keepers decide
//! alike, and whoever is asked may pass it on.

use std::collections::{BTreeMap, BTreeSet};

use raft::eraftpb::{Entry as RaftEntry, EntryType};

use super::super::group::{Forgets, Group, LostLead};
use super::super::{Action, Event, NodeId, Outbox, Refusal, Replication, Setup};
use super::entry::{Append, Log};
use super::message::{Message, RAFT};
use crate::codec::{Reader, Writer};
use crate::time::Nanos;

/// The most entries in one message.
const ENTRIES_MAX: usize = 500;
/// The version of the layout of the group's entries: tag, the keeper that was asked, who asked, what for.
const TAG: u8 = 1;

pub(super) struct Keeper {
    node: NodeId,
    group: Group,
    log: Log,
    /// Who waits for more, and the place that it has read to.
    readers: BTreeMap<NodeId, u64>,
}

impl Keeper {
    pub(super) fn new(setup: &Setup<'_>, heartbeat_ms: u64, election_ms: u64) -> Keeper {
        Keeper {
            node: setup.node,
            group: Group::new(
                setup,
                heartbeat_ms,
                election_ms,
                &[RAFT],
                Forgets::default(),
            ),
            log: Log::default(),
            readers: BTreeMap::new(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: &Message<'_>) {
        match message {
            Message::Raft(bytes) => {
                let LostLead(_) = self.group.receive(bytes);
            }
            Message::Append(append) => {
                let asked = Writer::new(TAG).u16(self.node.0).u16(from.0);
                // Where nobody leads the group nothing comes of it, and who asked asks again.
                let _ = self.group.raft.propose(vec![], append.put(asked));
            }
            Message::Read { after } => {
                self.readers.insert(from, *after);
            }
            Message::End { .. } | Message::Entries { .. } => {}
        }
    }

    fn set_alarm(&self, out: &mut Outbox) {
        let at = self.group.next_tick();
        out.push(Action::Alarm { at });
    }

    /// Executes what the group has agreed on, and tells those who asked and those who read.
    fn drain(&mut self, out: &mut Outbox) {
        let mut asked = BTreeSet::new();
        while let Some(mut ready) = self.group.next_ready(out) {
            for entry in ready.take_committed_entries() {
                asked.extend(self.execute(&entry));
            }
            let LostLead(_) = self.group.keep(ready, out);
        }
        for node in asked {
            let end = Message::End {
                place: self.log.end(),
                epoch: self.log.epoch,
                keeper: self.group.leader().unwrap_or(self.node),
            };
            out.send(node, end.encode());
        }
        self.tell_readers(out);
    }

    /// Appends an entry where its condition holds; gives who asked for it, where it asked this keeper.
    fn execute(&mut self, entry: &RaftEntry) -> Option<NodeId> {
        if entry.get_entry_type() != EntryType::EntryNormal {
            return None;
        }
        let mut reader = Reader::new(&entry.data);
        if reader.u8()? != TAG {
            return None;
        }
        let (keeper, node) = (NodeId(reader.u16()?), NodeId(reader.u16()?));
        self.log.append(&Append::take(&mut reader)?);
        (keeper == self.node).then_some(node)
    }

    fn tell_readers(&mut self, out: &mut Outbox) {
        let log = &self.log;
        self.readers.retain(|node, after| {
            let entries = log.after(*after, ENTRIES_MAX);
            if entries.is_empty() {
                return true;
            }
            let entries = Message::Entries {
                after: *after,
                entries: entries.iter().map(Vec::as_slice).collect(),
            };
            out.send(*node, entries.encode());
            false
        });
    }
}

impl Replication for Keeper {
    fn step(&mut self, now: Nanos, event: Event, out: &mut Outbox) {
        match event {
            Event::Start => {
                let LostLead(_) = self.group.start(now);
                self.set_alarm(out);
            }
            Event::Alarm => {
                let LostLead(_) = self.group.tick(now);
                self.set_alarm(out);
            }
            Event::Message { from, bytes } => {
                // What cannot be read is a link's damage, and as if it had been lost.
                if let Some(message) = Message::decode(&bytes) {
                    self.on_message(from, &message);
                }
            }
            Event::Request { id, .. } => {
                let why = Refusal::Down;
                out.push(Action::Refuse { id, why });
            }
            Event::Persisted { number } => self.group.persisted(number, out),
            Event::Executed { .. } | Event::Exported { .. } | Event::KeyExported { .. } => return,
        }
        self.drain(out);
    }

    fn primary(&self) -> Option<NodeId> {
        None
    }

    fn primary_since(&self) -> Option<u64> {
        None
    }
}
