//! Failover: who takes over from a primary that a majority of primaries calls failed, and what others learn of it.

use rand::RngExt;

use super::super::{NodeId, Outbox};
use super::bus;
use super::election::{Candidature, Step};
use super::message::{Header, Message};
use super::wait::Waiting;
use super::{Async, PING_PERIOD, VALIDITY_FACTOR, refuse};
use crate::time::Nanos;

impl Async {
    /// How many fellow replicas that may stand have more data.
    fn rank(&self) -> u64 {
        let own = self.stream.offset;
        let ahead = |peer: &bus::Peer| {
            peer.shard == self.shard && !peer.primary && peer.offset.is_some_and(|at| at > own)
        };
        self.bus
            .others()
            .filter(|(node, peer)| {
                ahead(peer) && !self.bus.has_failed(*node) && !self.is_secondary(*node)
            })
            .count() as u64
    }

    pub(super) fn stand(&mut self, now: Nanos, out: &mut Outbox) {
        let may_stand = self
            .owner(self.shard)
            .is_some_and(|owner| self.bus.has_failed(owner))
            && self.has_data
            && !self.is_secondary(self.node)
            && self.link.as_ref().is_some_and(|link| {
                now.since(link.heard) <= self.node_timeout.times(VALIDITY_FACTOR) + PING_PERIOD
            });
        if !may_stand {
            self.candidature = None;
            return;
        }
        let rank = self.rank();
        let Some(candidature) = &mut self.candidature else {
            self.candidature = Some(Candidature::new(now, rank, &mut self.rng));
            // Fellow replicas learn how far this one is, and rank themselves.
            self.broadcast(&Message::Pong(self.header()), out);
            return;
        };
        match candidature.step(now, rank, self.node_timeout) {
            Step::Wait => {}
            Step::GiveUp => self.candidature = None,
            Step::Ask => {
                self.current_epoch += 1;
                let epoch = self.current_epoch;
                candidature.asked(epoch);
                let ask = Message::Ask {
                    epoch,
                    config_epoch: self.config_epoch(),
                };
                self.broadcast(&ask, out);
            }
        }
    }

    /// Where all nodes of a shard were lost and nobody has data any more, the control plane makes
    /// the first of the new machines primary: the shard starts cold (`ElastiCache` user guide, Mitigating
    /// Failures).
    pub(super) fn take_over_ruins(&mut self, out: &mut Outbox) {
        let lost_too = |(node, peer): (NodeId, &bus::Peer)| {
            peer.shard != self.shard
                || (peer.known && !peer.primary && peer.offset.is_none() && self.node < node)
        };
        let all_lost = !self.has_data && self.bus.others().all(lost_too);
        if all_lost {
            self.current_epoch += 1;
            self.become_primary(self.current_epoch, out);
        }
    }

    pub(super) fn become_primary(&mut self, epoch: u64, out: &mut Outbox) {
        self.set_owner(self.shard, self.node, epoch);
        self.bus.set_primary(self.node, true);
        self.candidature = None;
        self.link = None;
        self.replicas.clear();
        self.serves_from = Some(Nanos::default());
        self.has_data = true;
        self.stream.begin(self.rng.random());
        self.broadcast(&Message::Pong(self.header()), out);
    }

    /// What the sender tells of itself may change who owns its shard.
    pub(super) fn learn(&mut self, now: Nanos, from: NodeId, header: &Header, out: &mut Outbox) {
        self.current_epoch = self.current_epoch.max(header.current_epoch);
        let Some(shard) = self.bus.peer(from).map(|peer| peer.shard) else {
            return;
        };
        if !header.primary {
            // Whom this node knows to own the shard follows another by now (`clusterProcessPacket`: a primary turned
            // into a replica loses its slots). A new machine in its place has no data and says nothing yet.
            let owned = self.owner(shard) == Some(from) && from != self.node;
            if owned && header.offset.is_some() {
                self.owners[usize::from(shard)] = None;
            }
            return;
        }
        match self.owner_of(shard) {
            Some(owner) if owner.epoch > header.config_epoch => {}
            Some(owner) if owner.epoch == header.config_epoch => {
                if owner.node == self.node && from != self.node && self.node < from {
                    // Two primaries in one epoch: the first of them moves on (specification,
                    // "configEpoch conflicts resolution").
                    self.current_epoch += 1;
                    let epoch = self.current_epoch;
                    self.set_owner(shard, self.node, epoch);
                }
            }
            _ => {
                let was_primary = self.is_primary();
                self.set_owner(shard, from, header.config_epoch);
                if was_primary && shard == self.shard {
                    self.bus.set_primary(self.node, false);
                    self.replicas.clear();
                    refuse(self.guard.waiting.as_mut().map(Waiting::all), out);
                }
                if shard == self.shard {
                    self.candidature = None;
                    self.ask_stream(now, from, out);
                }
            }
        }
    }

    pub(super) fn on_ask(
        &mut self,
        now: Nanos,
        from: NodeId,
        epoch: u64,
        config_epoch: u64,
        out: &mut Outbox,
    ) {
        self.current_epoch = self.current_epoch.max(epoch);
        let Some(shard) = self.bus.peer(from).map(|peer| peer.shard) else {
            return;
        };
        let replaceable = self
            .owner_of(shard)
            .is_some_and(|owner| self.bus.has_failed(owner.node) && config_epoch >= owner.epoch);
        if self.is_primary()
            && epoch == self.current_epoch
            && replaceable
            && self.votes.give(now, shard, epoch, self.node_timeout)
        {
            out.send(from, Message::Vote { epoch }.encode());
        }
    }
}
