//! A primary: executes, appends what that changed, and answers when the log has it.

use std::collections::VecDeque;
use std::sync::Arc;

use seawall_store::{Millis, Op};

use super::super::{Action, Outbox, RequestId};
use super::entry::{Append, Entry};
use super::host::Host;
use super::message::Message;
use super::tracker::Tracker;
use crate::time::Nanos;

/// The most entries that the log is not known to have; more writes are refused.
const PENDING_MAX: usize = 100_000;
/// The most entries that are sent again at once.
const RESEND_MAX: usize = 1000;

/// What a primary knows.
pub(super) struct Lead {
    /// The place of its claim.
    pub(super) epoch: u64,
    /// How far the log is known to reach, and how far that was at the last tick.
    reached: u64,
    reached_before: u64,
    /// Entries after that, and when each was made.
    pending: VecDeque<(Nanos, Vec<u8>)>,
    /// Until when nobody else leads.
    lease_until: Nanos,
    tracker: Tracker,
    /// What is being executed.
    executing: Option<Arc<Op>>,
}

impl Lead {
    pub(super) fn new(epoch: u64, reached: u64, lease_until: Nanos) -> Lead {
        Lead {
            epoch,
            reached,
            reached_before: reached,
            pending: VecDeque::new(),
            lease_until,
            tracker: Tracker::default(),
            executing: None,
        }
    }

    /// Whether the log has all that this primary made.
    pub(super) fn is_logged(&self) -> bool {
        self.pending.is_empty()
    }

    /// The log is known to end at `place`, and all of it after the claim is this primary's. Whether that is news.
    pub(super) fn reached(&mut self, place: u64, lease: Nanos, out: &mut Outbox) -> bool {
        let mut is_new = false;
        while self.reached < place
            && let Some((made_at, _)) = self.pending.pop_front()
        {
            is_new = true;
            self.reached += 1;
            self.lease_until = self.lease_until.max(made_at + lease);
        }
        self.tracker.reached(self.reached, out);
        is_new
    }

    fn append(&mut self, now: Nanos, entry: Vec<u8>) -> u64 {
        self.pending.push_back((now, entry));
        self.reached + self.pending.len() as u64
    }

    pub(super) fn give_up(self, out: &mut Outbox) {
        self.tracker.give_up(out);
    }
}

impl Host {
    /// Whether it may execute `op` now.
    pub(super) fn serves(&self, now: Nanos, op: &Op) -> bool {
        let Some(lead) = &self.lead else {
            return false;
        };
        let writes = op.command().flags.writes();
        let oldest = lead.pending.front().map(|(made_at, _)| now.since(*made_at));
        let is_behind = oldest.is_some_and(|oldest| self.rules.lag.is_some_and(|lag| oldest > lag));
        let is_full = lead.pending.len() >= PENDING_MAX;
        let has_lease = self.rules.outlives_lease || now < lead.lease_until;
        has_lease && !(writes && (is_behind || is_full))
    }

    pub(super) fn execute(&mut self, id: RequestId, at: Millis, op: Arc<Op>, out: &mut Outbox) {
        if op.command().flags.writes() {
            self.newest = self.newest.max(at);
        }
        let at = self.newest;
        if let Some(lead) = &mut self.lead {
            lead.executing = Some(op.clone());
            out.execute(id, at, op);
        }
    }

    pub(super) fn on_executed(
        &mut self,
        now: Nanos,
        id: RequestId,
        at: Millis,
        effects: &[u8],
        out: &mut Outbox,
    ) {
        let Some(lead) = &mut self.lead else {
            return;
        };
        let Some(op) = lead.executing.take() else {
            return;
        };
        // What expires under a read does so everywhere by itself.
        let entry = (op.command().flags.writes() && !effects.is_empty())
            .then(|| lead.append(now, Entry::Write { id, at, effects }.encode()));
        if let Some(place) = entry {
            lead.tracker.change(place, effects);
        }
        let needs = entry.unwrap_or_else(|| lead.tracker.needs(&op));
        if self.rules.lag.is_some() || needs <= lead.reached {
            out.push(Action::Answer { id });
        } else {
            lead.tracker.hold(needs, id);
        }
        if let Some(place) = entry {
            self.send_from(place, out);
        }
    }

    /// At a tick: keeps the lease where nobody writes, and sends again what the log is not known to have.
    pub(super) fn renew(&mut self, now: Nanos, out: &mut Outbox) {
        let Some(lead) = &mut self.lead else {
            return;
        };
        if lead.is_logged() {
            let place = lead.append(now, Entry::Renewal.encode());
            self.send_from(place, out);
        } else if lead.reached == lead.reached_before {
            let first = lead.reached + 1;
            self.send_from(first, out);
        }
        if let Some(lead) = &mut self.lead {
            lead.reached_before = lead.reached;
        }
    }

    /// Sends the entries from a place on.
    fn send_from(&self, first: u64, out: &mut Outbox) {
        let Some(lead) = &self.lead else {
            return;
        };
        let skip = (first - lead.reached - 1) as usize;
        let entries = lead.pending.iter().skip(skip).take(RESEND_MAX);
        for (place, (_, entry)) in (first..).zip(entries) {
            let epoch = lead.epoch;
            let append = Append {
                epoch,
                place,
                entry,
            };
            self.to_keeper(&Message::Append(append), out);
        }
    }
}
