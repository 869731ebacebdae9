//! Names: how clients that know no cluster find a shard's primary, and for how long shards had none.
//!
//! Who serves is looked at every 20 ms. A name follows `dns_update_ms` after its shard has another primary, and a client
//! asks again when what it was told is older than `dns_ttl_ms`: until then it goes on asking the node that it knows. So
//! a shard serves again, and its clients do not know it.

use seawall_cluster::{Nanos, NodeId};

use super::World;
use super::queue::Happening;

/// Between looks at who serves.
const WATCH: Nanos = Nanos::from_millis(20);

/// The names of all shards.
#[derive(Debug)]
pub(super) struct Names {
    shards: Vec<Name>,
    /// For how long some shard had no primary, since the beginning.
    pub(super) leaderless: Nanos,
}

#[derive(Clone, Copy, Debug)]
struct Name {
    /// Whom it names.
    names: NodeId,
    /// Who serves, and since when.
    serves: NodeId,
    since: Nanos,
}

impl Names {
    /// Each shard's name, and who serves it at first.
    pub(super) fn new(first: &[NodeId]) -> Names {
        let name = |node: &NodeId| Name {
            names: *node,
            serves: *node,
            since: Nanos::default(),
        };
        Names {
            shards: first.iter().map(name).collect(),
            leaderless: Nanos::default(),
        }
    }

    /// Whom the name of a shard names.
    pub(super) fn resolve(&self, shard: u16) -> NodeId {
        self.shards[usize::from(shard)].names
    }
}

impl World<'_> {
    /// Looks at who serves, and goes on looking until the end.
    pub(super) fn watch(&mut self) {
        let shards = usize::from(self.plan.scenario.shards);
        let mut serving: Vec<Option<(u64, NodeId)>> = vec![None; self.base.len()];
        for node in self.nodes.iter().filter(|node| node.up) {
            let seen = node.machine.primary_since().map(|since| (since, node.id));
            let best = &mut serving[usize::from(node.shard_number)];
            *best = seen.max(*best);
        }
        if serving[..shards].iter().any(Option::is_none) {
            self.names.leaderless = self.names.leaderless + WATCH;
        }
        let update = Nanos::from_millis(self.plan.scenario.dns_update_ms);
        for (name, serving) in self.names.shards.iter_mut().zip(serving) {
            if let Some((_, node)) = serving.filter(|(_, node)| *node != name.serves) {
                (name.serves, name.since) = (node, self.now);
            }
            if self.now.since(name.since) >= update {
                name.names = name.serves;
            }
        }
        if self.now < self.end {
            self.queue.push(self.now + WATCH, Happening::Watch);
        }
    }
}
