//! Every interleaving of a split with a reader, by loom: `RUSTFLAGS="--cfg loom" cargo test --lib loom_`.
//!
//! Under loom the index begins with one bucket and splits at every second entry, and its lines are
//! few; what is modelled is the code that ships.

use loom::sync::Arc as LoomArc;
use loom::thread;

use super::Index;
use crate::mem::ItemId;

fn id(n: u32) -> ItemId {
    ItemId::from_bits(n).unwrap()
}

/// Bucket by the lowest bits, tag by the key.
fn hash(key: u32) -> u64 {
    u64::from(key) | u64::from(key) << 56
}

#[test]
fn loom_a_split_hides_nothing() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let mut index = Index::new().unwrap();
        index.insert(hash(1), id(1), |id| hash(id.bits()));
        let table = LoomArc::new(std::sync::Arc::clone(index.table()));
        let reader = thread::spawn(move || {
            assert_eq!(table.find(hash(1), |id| id.bits() == 1), Some(id(1)));
        });
        // The second entry splits bucket 0: key 1 moves to bucket 1.
        assert!(index.insert(hash(2), id(2), |id| hash(id.bits())));
        reader.join().unwrap();
        assert!(index.find(hash(1), |id| id.bits() == 1).is_some());
    });
}

#[test]
fn loom_a_replacement_is_old_or_new() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let mut index = Index::new().unwrap();
        let hash = hash(1);
        index.insert(hash, id(1), |_| hash);
        let table = LoomArc::new(std::sync::Arc::clone(index.table()));
        let reader = thread::spawn(move || {
            let first = table.find(hash, |_| true).unwrap().bits();
            let second = table.find(hash, |_| true).unwrap().bits();
            assert!(
                matches!((first, second), (1, 1 | 9) | (9, 9)),
                "{first} then {second}"
            );
        });
        let (place, _) = index.find(hash, |_| true).unwrap();
        index.replace(place, id(9));
        reader.join().unwrap();
    });
}
