//! Leases: who is cut off does not answer, and who takes over waits until then.
//!
//! ```text
//!  holder   asks at t ──────────────── may answer until t + lease
//!  group         └─ agrees that it still is a member ─┐
//!                                                     └─ agrees on a chain without it, at u > t
//!  new tail                                              learns of it at v > u ─── answers from v + 1.1 lease
//! ```
//!
//! `ReadIndex` gives the order of the two: a question that is confirmed after u has the index of the new chain.

use super::super::Reads;
use super::config::Config;
use super::{Chain, Fault};
use crate::time::Nanos;

impl Chain {
    /// Whether it holds a lease of its place in the chain.
    pub(super) fn holds_lease(&self, now: Nanos) -> bool {
        self.has_data && (self.fault == Some(Fault::IgnoresLease) || now < self.lease_until)
    }

    /// Whether it may answer as tail now.
    pub(super) fn serves(&self, now: Nanos) -> bool {
        self.is_tail() && now >= self.serves_from && self.holds_lease(now)
    }

    /// Asks the group whether this node still is where it believes to be.
    pub(super) fn ask_lease(&mut self, now: Nanos) {
        if self.is_tail() || (self.has_data && self.reads_at == Reads::AnyCopy) {
            // Unique in the group: raft-rs knows a question by its bytes.
            let mut question = self.node.0.to_le_bytes().to_vec();
            question.extend(now.0.to_le_bytes());
            self.group.raft.read_index(question);
        }
    }

    /// The group had agreed on `index` at some time after the question.
    pub(super) fn confirm(&mut self, index: u64, question: &[u8]) {
        let asked = question.get(2..).and_then(|at| at.try_into().ok());
        if let Some(asked) = asked.map(u64::from_le_bytes)
            && self.confirmed.is_none()
        {
            self.confirmed = Some((index, Nanos(asked)));
        }
    }

    pub(super) fn take_lease(&mut self) {
        if let Some((_, asked)) = self.confirmed.take_if(|(index, _)| *index <= self.executed) {
            self.lease_until = self.lease_until.max(asked + self.lease);
        }
    }

    /// As tail of a new chain: waits until nobody who was in the chain `before` answers reads any more.
    pub(super) fn wait_for_leases(&mut self, now: Nanos, was_tail: bool, before: &Config) {
        let somebody_left = self.reads_at == Reads::AnyCopy && self.config.lacks_one_of(before);
        if !was_tail || somebody_left {
            self.serves_from = now + self.lease + Nanos(self.lease.0 / 10);
        }
    }
}
