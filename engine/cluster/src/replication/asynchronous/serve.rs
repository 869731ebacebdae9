//! Requests, and the stream of effects between a primary and its replicas.

use std::sync::Arc;

use seawall_store::{Millis, Op};

use super::super::{Action, NodeId, Outbox, Refusal, RequestId};
use super::message::{Header, HistoryId, Message};
use super::stream::Entry;
use super::{ACK_PERIOD, Async, GoodReplicas, Link, SYNC_RETRY};
use crate::time::Nanos;

impl Async {
    pub(super) fn on_request(
        &mut self,
        now: Nanos,
        id: RequestId,
        at: Millis,
        op: Arc<Op>,
        out: &mut Outbox,
    ) {
        let reads_here = self.may_read_as_replica(&op);
        let why = match self.owner(self.shard) {
            Some(primary) if primary != self.node && !reads_here => Refusal::Moved(primary),
            Some(_) if reads_here || self.may_execute(now, &op) => {
                // Time as replicas see it does not go back when another clock takes over.
                let at = at.max(self.newest);
                self.newest = at;
                out.push(Action::Execute {
                    id,
                    at,
                    op,
                    answers: true,
                });
                return;
            }
            _ => Refusal::Down,
        };
        out.push(Action::Refuse { id, why });
    }

    /// As replica: whether clients may read here. It answers from old data where its primary is silent
    /// (`replica-serve-stale-data`), and not where it reaches no majority of primaries, as a primary does not; a region whose
    /// primaries are in another one is there to be read when that is gone.
    fn may_read_as_replica(&mut self, op: &Op) -> bool {
        self.replica_reads
            && !op.command().flags.writes()
            && self.has_data
            && !self.is_primary()
            && (self.is_secondary(self.node) || self.bus.reaches_majority())
    }

    /// As primary: whether it serves, and has enough replicas for a write.
    fn may_execute(&self, now: Nanos, op: &Op) -> bool {
        let serves = self.serves_from.is_some_and(|from| from <= now);
        let suffice = |good: &GoodReplicas| good.suffice(now, self.replicas.keys().copied());
        let writes = op.command().flags.writes();
        serves && (!writes || self.guard.good_replicas.as_ref().is_none_or(suffice))
    }

    pub(super) fn on_executed(
        &mut self,
        now: Nanos,
        id: RequestId,
        at: Millis,
        effects: Vec<u8>,
        out: &mut Outbox,
    ) {
        // A replica executes reads alone: what expires under one does so everywhere by itself.
        if effects.is_empty() || !self.is_primary() {
            out.push(Action::Answer { id });
            return;
        }
        let entry = Entry { id, at, effects };
        self.tell_replicas(&entry.encode(self.stream.offset), out);
        self.stream.append(&entry);
        if let Some(waiting) = &mut self.guard.waiting {
            waiting.hold(now, id, self.stream.offset);
            self.tell_replicas(&Message::GetAck.encode(), out);
        } else {
            out.push(Action::Answer { id });
        }
    }

    fn tell_replicas(&self, bytes: &[u8], out: &mut Outbox) {
        let replicas = self.replicas.keys().copied();
        for replica in replicas.filter(|replica| !self.hears_of_another(*replica)) {
            out.send(replica, bytes.to_vec());
        }
    }

    /// Tells the primary how far this replica is.
    pub(super) fn send_ack(&self, from: NodeId, out: &mut Outbox) {
        let is_streaming = |link: &Link| link.primary == from && link.streaming;
        if self.link.as_ref().is_some_and(is_streaming) && !self.is_primary() {
            let offset = self.stream.offset;
            out.send(from, Message::Ack { offset }.encode());
        }
    }

    pub(super) fn tell_how_far(&mut self, now: Nanos, out: &mut Outbox) {
        let Some(primary) = self.link.as_ref().map(|link| link.primary) else {
            return;
        };
        if now >= self.next_ack {
            self.next_ack = now + ACK_PERIOD;
            self.send_ack(primary, out);
        }
    }

    pub(super) fn on_ack(&mut self, now: Nanos, from: NodeId, offset: u64, out: &mut Outbox) {
        let Some(acked) = self.replicas.get_mut(&from) else {
            return;
        };
        *acked = offset;
        if let Some(good) = &mut self.guard.good_replicas {
            good.hear(now, from);
        }
        if let Some(waiting) = &mut self.guard.waiting {
            for id in waiting.release(self.replicas.values().copied()) {
                out.push(Action::Answer { id });
            }
        }
    }

    pub(super) fn on_sync(
        &mut self,
        from: NodeId,
        history: HistoryId,
        offset: u64,
        out: &mut Outbox,
    ) {
        if !self.is_primary() {
            return;
        }
        match self.stream.since(history, offset) {
            Some(entries) => {
                let history = self.stream.history;
                out.send(from, Message::Continue { history }.encode());
                for (at, entry) in entries {
                    out.send(from, entry.encode(at));
                }
                if self.guard.waiting.is_some() {
                    // In Redis the question is a part of the stream, and comes again with it.
                    out.send(from, Message::GetAck.encode());
                }
                self.replicas.insert(from, 0);
            }
            None => out.push(Action::Export { to: from }),
        }
    }

    pub(super) fn on_exported(&mut self, to: NodeId, image: Vec<u8>, out: &mut Outbox) {
        let (history, offset) = (self.stream.history, self.stream.offset);
        out.send(
            to,
            Message::Full {
                history,
                offset,
                image,
            }
            .encode(),
        );
        self.replicas.insert(to, 0);
    }

    pub(super) fn ask_stream(&mut self, now: Nanos, primary: NodeId, out: &mut Outbox) {
        let heard = self.link.as_ref().map_or(now, |link| link.heard);
        self.link = Some(Link {
            primary,
            streaming: false,
            asked: now,
            heard,
            behind_since: None,
        });
        let sync = Message::Sync {
            history: self.stream.history,
            offset: self.stream.offset,
        };
        // Who never had data has no place in any history: it draws a new one, which nobody knows.
        out.send(primary, sync.encode());
    }

    /// Asks again where the stream did not begin, or lost something.
    pub(super) fn keep_link(&mut self, now: Nanos, out: &mut Outbox) {
        let Some(primary) = self.owner(self.shard) else {
            return;
        };
        let ask = match &self.link {
            None => true,
            Some(link) if link.streaming => link
                .behind_since
                .is_some_and(|at| now.since(at) > SYNC_RETRY),
            Some(link) => now.since(link.asked) > SYNC_RETRY,
        };
        if ask {
            self.ask_stream(now, primary, out);
        }
    }

    /// The primary's word on how far it is shows whether the stream lost something.
    pub(super) fn hear_primary(
        &mut self,
        now: Nanos,
        from: NodeId,
        header: &Header,
        out: &mut Outbox,
    ) {
        let (own, replica) = (self.stream.offset, !self.is_primary());
        let Some(link) = self
            .link
            .as_mut()
            .filter(|link| replica && link.primary == from)
        else {
            return;
        };
        link.heard = now;
        if !header.primary || header.offset.is_none_or(|offset| offset <= own) {
            link.behind_since = None;
        } else if link.streaming {
            link.behind_since.get_or_insert(now);
            self.keep_link(now, out);
        }
    }

    fn link_to(&mut self, now: Nanos, from: NodeId) -> Option<&mut Link> {
        let replica = !self.is_primary();
        let link = self
            .link
            .as_mut()
            .filter(|link| replica && link.primary == from)?;
        link.heard = now;
        Some(link)
    }

    pub(super) fn on_full(
        &mut self,
        now: Nanos,
        from: NodeId,
        history: HistoryId,
        offset: u64,
        image: Vec<u8>,
        out: &mut Outbox,
    ) {
        let Some(link) = self.link_to(now, from) else {
            return;
        };
        (link.streaming, link.behind_since) = (true, None);
        self.stream.jump(history, offset);
        self.has_data = true;
        out.push(Action::Install { image });
        self.send_ack(from, out);
    }

    pub(super) fn on_continue(
        &mut self,
        now: Nanos,
        from: NodeId,
        history: HistoryId,
        out: &mut Outbox,
    ) {
        if let Some(link) = self.link_to(now, from) {
            (link.streaming, link.behind_since) = (true, None);
            self.stream.follow(history);
            self.send_ack(from, out);
        }
    }

    pub(super) fn on_entry(
        &mut self,
        now: Nanos,
        from: NodeId,
        offset: u64,
        entry: Entry,
        out: &mut Outbox,
    ) {
        if self.link_to(now, from).is_some() {
            self.relay(offset, &entry, out);
            self.take_entry(now, offset, entry, out);
        }
    }

    /// What comes next in the stream, as replica of whom it was asked of.
    pub(super) fn take_entry(&mut self, now: Nanos, offset: u64, entry: Entry, out: &mut Outbox) {
        let own = self.stream.offset;
        let Some(link) = self.link.as_mut().filter(|link| link.streaming) else {
            return;
        };
        if offset > own {
            // Something before it was lost.
            let primary = link.primary;
            self.ask_stream(now, primary, out);
        } else if offset == own {
            link.behind_since = None;
            self.newest = self.newest.max(entry.at);
            self.stream.append(&entry);
            let Entry { id, at, effects } = entry;
            out.push(Action::Apply { id, at, effects });
        }
    }
}
