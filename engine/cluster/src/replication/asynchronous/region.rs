//! Regions: copies in other regions than their primary's follow it and do not stand for election; when their shard has had
//! no primary for long, an operator promotes one of them.
//!
//! ```text
//!  primary's region    primary silent ──► election among its fellows there, as ever
//!  another region      no primary of the shard for promote_ms ──► the copy with most data takes over, in an epoch after
//!                      all that it knows of; the next one a second later, where nobody has taken over until then
//! ```
//!
//! The stream crosses to a region once: the primary sends it to one copy there, and that one sends it on. What a copy lacks, also
//! where the one that sends on is gone, it asks the primary for itself.
//!
//! Which region is the primary's follows from who owns the shard: once a copy was promoted, its fellows elect, and those of
//! the region that was lost follow when they are back.

use std::cmp::Reverse;

use super::super::{NodeId, Outbox, Replication, Setup};
use super::bus;
use super::election::PER_RANK;
use super::message::{Header, HistoryId, Message};
use super::stream::{Backlog, Entry};
use super::{Async, Guard};
use crate::time::Nanos;

/// Whose word shows an operator that a shard has a primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Promotion {
    /// That of a node which says that it is primary.
    Served,
    /// That of the node which was: also of an empty machine in its place, which a broken twin takes for it.
    Alive,
}

/// What a node knows of regions.
pub(super) struct Regions {
    /// By node: its region.
    of: Vec<u16>,
    promotion: Promotion,
    promote_after: Nanos,
    /// When the shard was last known to have a primary.
    served: Nanos,
}

impl Regions {
    fn of(&self, node: NodeId) -> Option<u16> {
        self.of.get(usize::from(node.0)).copied()
    }
}

/// A node by the values of `region-async`.
pub(in super::super) fn build_promoted(
    setup: &Setup<'_>,
    values: &[u64],
    promotion: Promotion,
) -> Box<dyn Replication> {
    let mut machine = Async::new(setup, values, Backlog::Checked, Guard::default());
    machine.regions = Some(Regions {
        of: setup.seats.iter().map(|seat| seat.region).collect(),
        promotion,
        promote_after: Nanos::from_millis(values[2]),
        served: Nanos::default(),
    });
    machine.replica_reads = values[3] == 1;
    Box::new(machine)
}

impl Async {
    /// Whether a node is in another region than the primary of this node's shard.
    pub(super) fn is_secondary(&self, node: NodeId) -> bool {
        self.owner(self.shard).is_some() && self.may_be_promoted(node)
    }

    /// Whether an operator may promote a node, where its shard has had no primary for long: not beside the primary's place,
    /// where there are elections.
    fn may_be_promoted(&self, node: NodeId) -> bool {
        let owner = self.owner(self.shard);
        self.regions
            .as_ref()
            .is_some_and(|regions| owner.is_none_or(|owner| regions.of(node) != regions.of(owner)))
    }

    /// As of now the shard has a primary, or counts as having one.
    pub(super) fn begin_watch(&mut self, now: Nanos) {
        if let Some(regions) = &mut self.regions {
            regions.served = now;
        }
    }

    /// The sender's word may show that the shard has a primary.
    pub(super) fn hear_region(&mut self, now: Nanos, from: NodeId, header: &Header) {
        let is_fellow = self
            .bus
            .peer(from)
            .is_some_and(|peer| peer.shard == self.shard);
        let is_owner = self.owner(self.shard) == Some(from);
        if let Some(regions) = &mut self.regions {
            let was = regions.promotion == Promotion::Alive && is_owner;
            if is_fellow && (header.primary || was) {
                regions.served = now;
            }
        }
    }

    /// As a copy in another region: takes over where the shard has had no primary for so long that an operator promotes
    /// it.
    pub(super) fn take_over_region(&mut self, now: Nanos, out: &mut Outbox) {
        let Some(regions) = &self.regions else {
            return;
        };
        let may_serve = self.has_data && self.may_be_promoted(self.node);
        let turn = regions.promote_after + PER_RANK.times(self.place_in_line());
        if may_serve && now.since(regions.served) > turn {
            self.current_epoch += 1;
            self.become_primary(self.current_epoch, out);
        }
    }

    /// As primary: whether a replica in another region is told by another one there.
    pub(super) fn hears_of_another(&self, replica: NodeId) -> bool {
        let Some(regions) = self.regions.as_ref().filter(|_| self.is_secondary(replica)) else {
            return false;
        };
        let mut before = self.replicas.range(..replica);
        before.any(|(other, _)| regions.of(*other) == regions.of(replica))
    }

    /// As a copy in another region: hands what its primary sends on to the others there, where it is what comes next in the
    /// stream.
    pub(super) fn relay(&self, offset: u64, entry: &Entry, out: &mut Outbox) {
        let Some(regions) = &self.regions else {
            return;
        };
        let streams = self.link.as_ref().is_some_and(|link| link.streaming);
        if !streams || offset != self.stream.offset || !self.is_secondary(self.node) {
            return;
        }
        let relayed = Message::Relay {
            history: self.stream.history,
            offset,
            entry: entry.clone(),
        };
        let bytes = relayed.encode();
        let fellows = self.bus.others().filter(|(node, peer)| {
            peer.shard == self.shard && regions.of(*node) == regions.of(self.node)
        });
        fellows.for_each(|(node, _)| out.send(node, bytes.clone()));
    }

    /// What another copy of the region had of the primary. It counts in the history that this one follows alone: the other
    /// may not know of a failover yet.
    pub(super) fn on_relay(
        &mut self,
        now: Nanos,
        history: HistoryId,
        offset: u64,
        entry: Entry,
        out: &mut Outbox,
    ) {
        if history == self.stream.history && !self.is_primary() {
            self.take_entry(now, offset, entry, out);
        }
    }

    /// How many copies in other regions than the primary's come before this one: an operator promotes one region, and of its
    /// copies the one with most data.
    fn place_in_line(&self) -> u64 {
        let region = |node| self.regions.as_ref().and_then(|regions| regions.of(node));
        let own = (region(self.node), Reverse(self.stream.offset), self.node);
        let is_before = |(node, peer): (NodeId, &bus::Peer)| {
            peer.shard == self.shard
                && bus::Bus::answers(peer)
                && self.may_be_promoted(node)
                && peer
                    .offset
                    .is_some_and(|offset| (region(node), Reverse(offset), node) < own)
        };
        self.bus.others().filter(|other| is_before(*other)).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use seawall_store::Millis;

    use super::super::super::{Action, Birth, Event, RequestId, Seat};
    use super::*;

    /// A message for a copy in the second region, whose primary is `n0`; and what it applies.
    fn applied(machine: &mut dyn Replication, from: u16, message: &Message) -> usize {
        let (from, bytes) = (NodeId(from), message.encode());
        let mut out = Outbox::default();
        machine.step(Nanos(1), Event::Message { from, bytes }, &mut out);
        let actions = std::iter::from_fn(|| out.pop());
        actions
            .filter(|action| matches!(action, Action::Apply { .. }))
            .count()
    }

    /// The second copy of the second region, formed with its cluster, at its beginning.
    fn copy() -> Box<dyn Replication> {
        let seat = |(node, region)| Seat {
            shard: 0,
            region,
            first: node == 0,
            keeps_log: false,
        };
        let seats: Vec<Seat> = [0, 1, 1].into_iter().enumerate().map(seat).collect();
        let setup = Setup {
            node: NodeId(2),
            seats: &seats,
            seed: 1,
            birth: Birth::Formed,
        };
        let mut machine = build_promoted(&setup, &[1000, 1 << 20, 2000, 0], Promotion::Served);
        machine.step(Nanos(0), Event::Start, &mut Outbox::default());
        machine
    }

    #[test]
    fn a_copy_that_knows_of_no_primary_is_promoted_too() {
        let mut machine = copy();
        // The primary follows another one by now, which was never heard of. It has data too, and comes first.
        let follower = Message::Pong(Header {
            current_epoch: 2,
            config_epoch: 2,
            primary: false,
            offset: Some(0),
            failing: Vec::new(),
        });
        applied(&mut *machine, 0, &follower);
        assert_eq!(machine.primary(), None);
        for (ms, since) in [(2900, None), (3200, Some(3))] {
            machine.step(Nanos::from_millis(ms), Event::Alarm, &mut Outbox::default());
            assert_eq!(machine.primary_since(), since, "at {ms} ms");
        }
    }

    #[test]
    fn what_is_handed_on_counts_in_the_history_that_is_followed() {
        let mut machine = copy();
        let relay = |history, offset| Message::Relay {
            history,
            offset,
            entry: Entry {
                id: RequestId(offset),
                at: Millis(0),
                effects: vec![0; 10],
            },
        };
        assert_eq!(
            applied(&mut *machine, 1, &relay(7, 0)),
            0,
            "nothing streams"
        );
        assert_eq!(
            applied(&mut *machine, 0, &Message::Continue { history: 7 }),
            0
        );
        assert_eq!(applied(&mut *machine, 1, &relay(7, 0)), 1);
        assert_eq!(applied(&mut *machine, 1, &relay(7, 0)), 0, "it has that");
        // The one who hands on has not heard of a failover that this one knows of.
        assert_eq!(applied(&mut *machine, 1, &relay(6, 10)), 0);
        assert_eq!(applied(&mut *machine, 1, &relay(7, 10)), 1);
    }
}
