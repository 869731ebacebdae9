//! The index against a model, and readers beside the writer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use proptest::prelude::*;

use super::*;
use crate::mem::ItemId;

fn id(n: u32) -> ItemId {
    ItemId::from_bits(n).unwrap()
}

/// A hash that makes tags and low bits collide often.
fn weak_hash(key: u32) -> u64 {
    u64::from(key % 61) | u64::from(key % 3) << 56
}

fn strong_hash(key: u32) -> u64 {
    rapidhash::v3::rapidhash_v3(&key.to_le_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 128 }, ..ProptestConfig::default() })]
    #[test]
    fn equals_a_map(
        weak in any::<bool>(),
        steps in prop::collection::vec((0u8..8, 1u32..600), 1..if cfg!(miri) { 100 } else { 3_000 }),
    ) {
        let hash = if weak { weak_hash } else { strong_hash };
        // An item's id encodes its key and a generation.
        let key_of = |id: ItemId| id.bits() & 0xffff;
        let mut index = Index::new().unwrap();
        let mut model: HashMap<u32, ItemId> = HashMap::new();
        let mut generation = 0;
        for (step, key) in steps {
            let found = index.find(hash(key), |id| key_of(id) == key);
            prop_assert_eq!(found.map(|(_, id)| id), model.get(&key).copied());
            prop_assert_eq!(
                index.table().find(hash(key), |id| key_of(id) == key),
                model.get(&key).copied()
            );
            let hint = index.table().hint(hash(key));
            let bucket = index.table().prefetch(hash(key));
            match index.table().glance(bucket, hash(key)) {
                (near, false) => prop_assert_eq!(near, hint),
                (near, true) => prop_assert_eq!(near, None),
            }
            generation += 1;
            let new = id(generation << 16 | key);
            match (step, found) {
                (0..2, Some((place, _))) => {
                    index.remove(place);
                    model.remove(&key);
                }
                (_, Some((place, _))) => {
                    index.replace(place, new);
                    model.insert(key, new);
                }
                (7, None) if generation % 64 == 0 => {
                    index.clear();
                    model.clear();
                }
                (_, None) => {
                    prop_assert!(index.insert(hash(key), new, |id| hash(key_of(id))));
                    model.insert(key, new);
                }
            }
            prop_assert_eq!(index.len(), model.len());
        }
        let mut all: Vec<_> = model.into_values().collect();
        let mut seen = Vec::new();
        index.for_each(|id| seen.push(id));
        all.sort_unstable();
        seen.sort_unstable();
        prop_assert_eq!(seen, all);
    }
}

#[test]
fn growth_keeps_chains_short() {
    let keys = if cfg!(miri) { 300 } else { 150_000 };
    let mut index = Index::new().unwrap();
    for key in 1..=keys {
        assert!(index.insert(strong_hash(key), id(key), |id| strong_hash(id.bits())));
        // More than one doubling, from where it no longer matters that it began with some buckets.
        if key >= 50_000 {
            let bytes = index.bytes() as f64 / f64::from(key);
            assert!(bytes < 7.2, "{bytes} bytes an entry of {key}");
        }
    }
    for key in 1..=keys {
        assert!(
            index
                .find(strong_hash(key), |id| id.bits() == key)
                .is_some()
        );
    }
}

/// Keys that stay are found at every moment, whatever the writer inserts, splits, removes or
/// compacts around them; and an item is one that was published.
#[test]
fn readers_never_miss_what_stays() {
    let stay = 200u32;
    let rounds = if cfg!(miri) { 1 } else { 20 };
    let churn = if cfg!(miri) { 400 } else { 20_000 };
    let mut index = Index::new().unwrap();
    for key in 1..=stay {
        index.insert(strong_hash(key), id(key), |id| strong_hash(id.bits()));
    }
    let table = std::sync::Arc::clone(index.table());
    let stop = AtomicBool::new(false);
    let reads = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for reader in 0..2 {
            let (table, stop, reads) = (&table, &stop, &reads);
            scope.spawn(move || {
                let mut key = reader;
                while !stop.load(Ordering::Relaxed) {
                    key = key % stay + 1;
                    let found = table.find(strong_hash(key), |id| id.bits() == key);
                    assert_eq!(found, Some(id(key)), "key {key}");
                    let absent = u32::MAX - key;
                    assert_eq!(
                        table.find(strong_hash(absent), |id| id.bits() == absent),
                        None
                    );
                    reads.fetch_add(1, Ordering::Relaxed);
                    std::hint::spin_loop();
                }
            });
        }
        for round in 0..rounds {
            let first = 1_000 + round * churn;
            for key in first..first + churn {
                assert!(index.insert(strong_hash(key), id(key), |id| strong_hash(id.bits())));
            }
            for key in first..first + churn {
                let (place, _) = index.find(strong_hash(key), |id| id.bits() == key).unwrap();
                index.remove(place);
            }
        }
        while reads.load(Ordering::Relaxed) < 100 {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
}
