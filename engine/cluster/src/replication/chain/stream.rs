//! Entries on their way through the chain, and the data that a new member is given.

use seawall_store::Millis;

use super::super::{Action, NodeId, Outbox};
use super::message::{Message, Write};
use super::{Chain, PENDING_MAX, RESEND_MAX};
use crate::time::Nanos;

impl Chain {
    /// As head: gives a write its place.
    pub(super) fn order(&mut self, now: Nanos, mut write: Write, out: &mut Outbox) {
        if self.pending.len() >= PENDING_MAX {
            // The tail refuses it when it has waited for long enough.
            return;
        }
        write.at = write.at.max(self.newest);
        self.take(now, write, out);
    }

    /// An entry of who comes before.
    pub(super) fn on_entry(&mut self, now: Nanos, number: u64, write: Write, out: &mut Outbox) {
        if !self.has_data {
            return;
        }
        if number == self.last + 1 && self.pending.len() < PENDING_MAX {
            self.take(now, write, out);
        } else if number <= self.acked {
            // The acknowledgement was lost.
            self.acknowledge(self.acked, out);
        }
        // What comes after a gap comes again.
    }

    /// Executes the next entry, and passes it on.
    fn take(&mut self, now: Nanos, write: Write, out: &mut Outbox) {
        self.last += 1;
        self.newest = write.at;
        let is_tail = self.is_tail();
        let (id, at) = (write.id, write.at);
        // Until then another tail may answer reads that do not see it.
        let serves = is_tail && now >= self.serves_from;
        let answers = serves && self.asked.remove(&id).is_some();
        if !self.early.remove(&id) {
            out.push(Action::Execute {
                id,
                at,
                op: write.op.clone(),
                answers,
            });
        }
        if answers {
            out.push(Action::Answer { id });
        }
        if !is_tail {
            self.pass_on(self.last, &write, out);
            self.pending.push_back(write);
        } else if serves {
            self.acknowledge(self.last, out);
        }
    }

    fn pass_on(&self, number: u64, write: &Write, out: &mut Outbox) {
        if let Some(next) = self.config.after(self.node) {
            let entry = Message::Entry {
                epoch: self.config.epoch,
                number,
                write: write.clone(),
            };
            out.send(next, entry.encode());
        }
    }

    /// Sends on again what the tail is not known to have.
    pub(super) fn resend(&self, out: &mut Outbox) {
        for (number, write) in (self.acked + 1..).zip(self.pending.iter().take(RESEND_MAX)) {
            self.pass_on(number, write, out);
        }
    }

    /// The tail has all up to `number`: tells who comes before.
    pub(super) fn acknowledge(&mut self, number: u64, out: &mut Outbox) {
        if !self.has_data || number > self.last {
            return;
        }
        let done = number.saturating_sub(self.acked) as usize;
        let done = done.min(self.pending.len());
        if let Some(write) = self.pending.drain(..done).next_back() {
            self.acked_at = write.at;
        }
        self.acked = self.acked.max(number);
        if let Some(before) = self.config.before(self.node) {
            let (epoch, number) = (self.config.epoch, self.acked);
            out.send(before, Message::Ack { epoch, number }.encode());
        }
    }

    /// As a member without data: asks the tail for it, now and again.
    pub(super) fn fetch(&mut self, now: Nanos, out: &mut Outbox) {
        let is_member = self.config.member(self.node, self.life).is_some();
        let is_due = self.fetched.is_none_or(|at| now.since(at) >= self.failure);
        if let Some(tail) = self.config.tail().filter(|_| is_member && is_due) {
            let epoch = self.config.epoch;
            out.send(tail.node, Message::Fetch { epoch }.encode());
            self.fetched = Some(now);
        }
    }

    /// Whether a node may have the data: it is a member without, and all of it is on every copy that answers.
    pub(super) fn gives_to(&self, now: Nanos, node: NodeId) -> bool {
        let mut members = self.config.members.iter();
        let waits = members.any(|member| member.node == node && !member.ready);
        self.is_tail() && now >= self.serves_from && waits
    }

    pub(super) fn send_state(&self, to: NodeId, image: &[u8], out: &mut Outbox) {
        let state = Message::State {
            epoch: self.config.epoch,
            number: self.last,
            newest: self.newest,
            image,
        };
        out.send(to, state.encode());
    }

    pub(super) fn install(&mut self, number: u64, newest: Millis, image: &[u8], out: &mut Outbox) {
        let image = image.to_vec();
        out.push(Action::Install { image });
        self.has_data = true;
        (self.last, self.acked) = (number, number);
        (self.newest, self.acked_at) = (newest, newest);
        self.pending.clear();
        self.acknowledge(number, out);
    }
}
