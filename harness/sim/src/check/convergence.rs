//! Convergence: when the cluster has had time to heal, the copies of a shard hold the same.

use crate::world::World;

/// Shards with a node that is up and does not hold what the primary holds, in words.
pub(crate) fn differing_copies(world: &World<'_>) -> Vec<String> {
    (0..world.base.len() as u16)
        .filter_map(|shard| {
            let primary = world.primary_of(shard)?;
            let differs = world
                .nodes
                .iter()
                .filter(|node| node.up && node.shard_number == shard && !node.keeps_log)
                .find(|node| !node.lineage.agrees_with(&primary.lineage))?;
            let (node, primary) = (differs.id, primary.id);
            Some(format!(
                "shard {shard}: {node} does not hold what {primary} holds"
            ))
        })
        .collect()
}
