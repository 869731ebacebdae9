//! Scheduled actions: what is done to nodes, zones, links and the number of shards.

use seawall_cluster::sharding::moved_share;
use seawall_cluster::{Event, NodeId};

use super::World;
use super::node::Fleet;
use crate::fault::Action;

impl World<'_> {
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Crash { shard } => {
                if let Some(primary) = self.primary_of(shard).map(|node| node.id) {
                    self.node_mut(primary).up = false;
                }
            }
            Action::Replace { shard } => {
                self.revive(|world, id| world.node(id).shard_number == shard);
            }
            Action::ZoneDown { zone } => {
                self.nodes
                    .iter_mut()
                    .filter(|node| node.zone == zone)
                    .for_each(|node| node.up = false);
                self.clients
                    .iter_mut()
                    .filter(|client| client.zone == zone)
                    .for_each(|client| client.up = false);
            }
            Action::ZoneUp { zone } => {
                self.clients
                    .iter_mut()
                    .filter(|client| client.zone == zone)
                    .for_each(|client| client.up = true);
                self.revive(|world, id| world.node(id).zone == zone);
            }
            Action::Cut { zone } => self.network.set_cut(zone, true),
            Action::Heal { zone } => self.network.set_cut(zone, false),
            Action::Resize { shards } => self.resize(shards),
        }
    }

    /// What is down and chosen comes back.
    fn revive(&mut self, chosen: impl Fn(&World<'_>, NodeId) -> bool) {
        for id in (0..self.nodes.len() as u16).map(NodeId) {
            if self.node(id).up || !chosen(self, id) {
                continue;
            }
            let (member, values) = self.plan.replication;
            let fleet = Fleet {
                member,
                values,
                seats: &self.seats,
                seed: self.plan.seed,
            };
            let node = &mut self.nodes[usize::from(id.0)];
            let base = &self.base[usize::from(node.shard_number)];
            fleet.revive(node, base, &self.history);
            self.step(id, Event::Start);
        }
    }

    fn resize(&mut self, shards: u16) {
        let after = self.sharding.resized(shards);
        self.moved_keys_share = moved_share(&*self.sharding, &*after, self.history.keys());
        if self.plan.sharding.0.moves_data {
            self.begin_moving(after);
        } else {
            // Clients are told at once, and look for every key where it belongs from now on.
            self.sharding = after;
        }
    }
}
