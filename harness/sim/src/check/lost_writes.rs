//! Lost acknowledged writes: a client was told that a write is done, and the healed system does not
//! hold it.
//!
//! What a shard holds is its surviving primary's lineage, or what any of its
//! copies has where each is a cache of its own. A write counts even where a later one wrote over
//! it: an acknowledged write that vanished from the order of writes was lost, seen or not. Where the last writer of a key
//! wins, those are told apart that gave way to a write with a later time, which is what such a replication does. That the
//! lineage is what the shard really holds is another checker's to prove (`surviving_state`).
//!
//! The **recovery point** is how far what survives is behind what was acknowledged: where a shard lost all that it
//! acknowledged for a while, the time from the last write before that it still has.

use seawall_cluster::Nanos;

use crate::history::{History, Lineage, Wanted, Write, WriteId};
use crate::world::World;

/// Writes that are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Acknowledged to a client.
    pub(crate) acked: u64,
    /// Of those: of a shard that nobody serves, which may have them still.
    pub(crate) unserved: u64,
    /// Of those of the others: not in the surviving lineage of the shard that acknowledged them, nor brought to the one that has their key now.
    pub(crate) by_replication: u64,
    /// Of those: of keys that have a later version where the last writer wins, which did not see them.
    pub(crate) by_later: u64,
    /// Of those: to one that overlapped.
    pub(crate) by_overlap: u64,
    /// Of the acknowledged: there, but keys of another shard since a resize, and nothing brought them to it.
    pub(crate) by_placement: u64,
    /// How far back the recovery point is, of the shard and the loss where that is farthest; nothing where nothing was lost
    /// by replication but to a later write.
    pub(crate) back: Nanos,
    /// Keys that were loaded before the run.
    pub(crate) loaded_keys: u64,
    /// Of those: keys of whose history nothing survives.
    pub(crate) keys_gone: u64,
}

/// Compares what was acknowledged with what survives.
pub(crate) fn lost_writes(world: &World<'_>) -> Lost {
    let survivors: Vec<_> = (0..world.base.len() as u16)
        .map(|shard| world.keepers(shard))
        .collect();
    let mut lost = Lost::default();
    let mut gone = Vec::new();
    // By key: whether it was loaded, and whether something of its history survives.
    let mut keys = vec![(false, false); world.history.keys().count()];
    for (id, write) in world.history.writes().filter(|(_, write)| write.acked) {
        let Some(key) = write.key else {
            continue;
        };
        let shard = write.shard();
        // A gutter node promises nothing.
        if world.is_gutter(shard) {
            continue;
        }
        let home = world.owner_of(world.history.key(key));
        let mut there = survivors[usize::from(home)].iter();
        let is_home = home != shard && there.any(|node| world.history.reflects(&node.lineage, id));
        let mut keepers = survivors[usize::from(shard)].iter();
        // What nobody serves is not known to be lost, while somebody may have it.
        if survivors[usize::from(shard)].is_empty() && !is_home && world.may_have(shard, id) {
            keys[key.index()].1 = true;
            if let Wanted::By(_) = write.wanted {
                lost.acked += 1;
                lost.unserved += 1;
            }
            continue;
        }
        let held = is_home || keepers.any(|node| world.history.holds(&node.lineage, id));
        if held {
            keys[key.index()].1 = true;
        }
        match write.wanted {
            Wanted::Loaded => keys[key.index()].0 = true,
            // What was moved was acknowledged where it came from.
            Wanted::Moved | Wanted::Cleared => {}
            Wanted::By(_) => {
                lost.acked += 1;
                if !held {
                    lost.by_replication += 1;
                    let any = |is_so: fn(&History, &Lineage, WriteId) -> bool| {
                        let mut keepers = survivors[usize::from(shard)].iter();
                        keepers.any(|node| is_so(&world.history, &node.lineage, id))
                    };
                    let has_later = any(History::has_later);
                    lost.by_later += u64::from(has_later);
                    lost.by_overlap += u64::from(any(History::has_later_that_overlaps));
                    if !has_later {
                        gone.push(id);
                    }
                    continue;
                }
                lost.by_placement += u64::from(home != shard && !is_home);
            }
        }
    }
    let loaded = keys.iter().filter(|(is_loaded, _)| *is_loaded);
    lost.loaded_keys = loaded.clone().count() as u64;
    lost.keys_gone = loaded.filter(|(_, survives)| !survives).count() as u64;
    lost.back = back(&world.history, survivors.len(), &gone);
    lost
}

/// How far back the recovery point is where these writes are gone, in the order of their numbers.
fn back(history: &History, shards: usize, gone: &[WriteId]) -> Nanos {
    let mut acked = vec![Vec::new(); if gone.is_empty() { 0 } else { shards }];
    // What the control plane moved is as lost or kept as what it was made of.
    let counts = |write: &Write| write.acked && !write.wanted.is_of_control();
    for (id, write) in history.writes().filter(|(_, write)| counts(write)) {
        if let Some(acked) = acked.get_mut(usize::from(write.shard())) {
            acked.push((write.acked_at, gone.binary_search(&id).is_ok()));
        }
    }
    let back = acked.into_iter().map(|mut acked| {
        acked.sort_unstable();
        farthest(&acked)
    });
    back.max().unwrap_or_default()
}

/// Of writes in the order in which they were acknowledged, each gone or not: the longest time from one that is not, or the
/// beginning, to the last of those after it that are.
fn farthest(acked: &[(Nanos, bool)]) -> Nanos {
    let mut kept = Nanos::default();
    let mut farthest = Nanos::default();
    for &(at, is_gone) in acked {
        if is_gone {
            farthest = farthest.max(at.since(kept));
        } else {
            kept = at;
        }
    }
    farthest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recovery_point_is_the_last_write_before_those_that_are_gone() {
        let farthest = |acked: &[(u64, bool)]| {
            let acked: Vec<_> = acked.iter().map(|&(at, gone)| (Nanos(at), gone)).collect();
            farthest(&acked).0
        };
        assert_eq!(farthest(&[]), 0);
        assert_eq!(farthest(&[(5, false), (90, false)]), 0);
        assert_eq!(
            farthest(&[(5, false), (7, true), (9, true), (50, false)]),
            4
        );
        assert_eq!(
            farthest(&[(5, true), (9, false), (10, true)]),
            5,
            "from the beginning"
        );
    }
}
