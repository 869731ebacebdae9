//! The surviving state: does a shard hold what its lineage says?
//!
//! The lineage is replayed, effect by effect, on an empty shard, and the two are compared, key by key, as
//! the ops that would rebuild them. So a lost write cannot hide behind a lineage that claims it.

use std::collections::BTreeSet;

use seawall_cluster::Nanos;
use seawall_store::{Effects, Millis, Out, Shard};

use crate::world::{World, apply_effects, empty_shard};

/// Shards of whose surviving data some differs from its lineage, in words.
pub(crate) fn differences(world: &World<'_>) -> Vec<String> {
    let now = Nanos::from_millis(u64::MAX / 1_000_000)
        .millis()
        .min(world.now().millis());
    (0..world.base.len() as u16)
        .flat_map(|shard| world.keepers(shard))
        .filter_map(|node| {
            let shard = node.shard_number;
            let mut replayed = empty_shard(&world.plan.scenario.policy);
            let mut out = Out::default();
            for write in world.history.held(&node.lineage) {
                if let Some((at, effects)) = world.history.effects(write) {
                    apply_effects(&mut replayed, at, effects, &mut out);
                }
            }
            let (held, expected) = (items(&node.shard, now), items(&replayed, now));
            let differing = held.symmetric_difference(&expected).count();
            (differing > 0).then(|| {
                format!("shard {shard}: {differing} items differ between state and lineage")
            })
        })
        .collect()
}

/// What a shard holds, in an order of its own: a dump comes in no order.
fn items(shard: &Shard, now: Millis) -> BTreeSet<Vec<u8>> {
    let mut items = BTreeSet::new();
    shard.dump(now, &mut |op| {
        let mut item = Effects::default();
        item.push(op);
        items.insert(item.as_bytes().to_vec());
    });
    items
}
