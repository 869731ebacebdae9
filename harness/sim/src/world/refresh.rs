//! Topology refresh: a client asks, from time to time, the nodes of its own zone who serves their shards.
//!
//! So it learns of a failover although the node that it had asked still answers: on its side of a split, and not before
//! those nodes know it themselves.

use seawall_cluster::{Nanos, NodeId};

use super::World;
use super::queue::Happening;

impl World<'_> {
    /// Sets the date of a client's next refresh, where it has any.
    pub(super) fn refresh_again(&mut self, client: u16) {
        let period = Nanos::from_millis(self.plan.scenario.refresh_ms);
        if period > Nanos::default() && self.now < self.end {
            self.queue
                .push(self.now + period, Happening::Refresh { client });
        }
    }

    pub(super) fn refresh(&mut self, client: u16) {
        self.refresh_again(client);
        let asking = &self.clients[usize::from(client)];
        if !asking.up {
            return;
        }
        let zone = asking.zone;
        let near: Vec<NodeId> = self
            .nodes
            .iter()
            .filter(|node| node.zone == zone && !node.keeps_log)
            .map(|node| node.id)
            .collect();
        for node in near {
            self.ask(client, node);
        }
    }
}
