//! The surviving state: does a shard hold what its lineage says?
//!
//! The lineage is replayed, effect by effect, on an empty shard, and the two are compared, key by key, as
//! the ops that would rebuild them. So a lost write cannot hide behind a lineage that claims it.

use std::collections::BTreeSet;

use seawall_store::{Effects, Millis, Shard};
use xxhash_rust::xxh3::xxh3_128;

use crate::history::Lineage;
use crate::world::{World, apply_effects, empty_shard, unread};

/// What a lineage comes to.
struct Replayed<'a> {
    lineage: &'a Lineage,
    shard: Shard,
    sum: u128,
}

/// Shards of whose surviving data some differs from its lineage, in words.
pub(crate) fn differences(world: &World<'_>) -> Vec<String> {
    let now = world.now().millis();
    let mut told = Vec::new();
    for shard in 0..world.base.len() as u16 {
        let mut last: Option<Replayed<'_>> = None;
        for node in world.keepers(shard) {
            // Copies mostly hold the same: then it is replayed once for all.
            let replayed = last
                .take()
                .filter(|it| it.lineage.agrees_with(&node.lineage))
                .unwrap_or_else(|| replay(world, &node.lineage, now));
            if sum(&node.shard, now) != replayed.sum {
                let (held, expected) = (items(&node.shard, now), items(&replayed.shard, now));
                let differing = held.symmetric_difference(&expected).count();
                told.push(format!(
                    "shard {shard}: {differing} items differ between state and lineage"
                ));
            }
            last = Some(replayed);
        }
    }
    told
}

fn replay<'a>(world: &World<'_>, lineage: &'a Lineage, now: Millis) -> Replayed<'a> {
    let mut shard = empty_shard(&world.plan.scenario.policy);
    let mut out = unread();
    for write in world.history.held(lineage) {
        if let Some((at, effects)) = world.history.effects(write) {
            apply_effects(&mut shard, at, effects, &mut out);
        }
    }
    let sum = sum(&shard, now);
    Replayed {
        lineage,
        shard,
        sum,
    }
}

/// A sum over what a shard holds, which is the same in any order: a dump comes in none.
fn sum(shard: &Shard, now: Millis) -> u128 {
    let (mut sum, mut item) = (0u128, Effects::default());
    shard.dump(now, &mut |op| {
        item.clear();
        item.push(op);
        sum = sum.wrapping_add(xxh3_128(item.as_bytes()));
    });
    sum
}

/// What a shard holds, in an order of its own.
fn items(shard: &Shard, now: Millis) -> BTreeSet<Vec<u8>> {
    let mut items = BTreeSet::new();
    shard.dump(now, &mut |op| {
        let mut item = Effects::default();
        item.push(op);
        items.insert(item.as_bytes().to_vec());
    });
    items
}

#[cfg(test)]
mod tests {
    use seawall_store::command::string;
    use seawall_store::{Op, Out};

    use super::*;
    use crate::fault::Schedule;
    use crate::scenario::{Scenario, check_caching, check_replication, check_sharding};
    use crate::world::Plan;

    #[test]
    fn a_copy_that_differs_from_its_lineage_is_told_of() {
        let scenario = Scenario::parse(
            "test",
            "duration_ms = 2000\nwarmup_ms = 0\nfault_at_ms = 1000",
        )
        .unwrap();
        // Of the second every copy is looked at, and they agree with each other.
        for name in ["async", "crdt"] {
            let schedule = Schedule::of(Vec::new());
            let replication = check_replication(name).unwrap();
            let sharding = check_sharding("slots").unwrap();
            let mut world = World::new(Plan {
                scenario: &scenario,
                replication: &replication,
                sharding: &sharding,
                workload: &scenario.workloads[0],
                caching: check_caching(&scenario.cachings[0]).unwrap(),
                schedule: &schedule,
                seed: 1,
            });
            world.run();
            assert_eq!(differences(&world), [""; 0]);
            let (now, id) = (world.now().millis(), world.keepers(1)[0].id);
            let op = Op::new(&string::APPEND).arg("k").arg("v");
            let shard = &mut world.nodes[usize::from(id.0)].shard;
            shard.apply(now, &op, &mut Out::default());
            let told = "shard 1: 1 items differ between state and lineage";
            assert_eq!(differences(&world), [told], "{name}");
        }
    }
}
