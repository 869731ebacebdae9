//! A shard's version: what tells readers on other cores that several keys are changing together.
//!
//! It is odd from before the first change until after the last. A reader that finds it odd, or changed
//! since it began, leaves the answer to the owner: so of what changes together it sees all or nothing,
//! also in two reads one after the other.

use crate::sync::{AtomicU64, Ordering};

/// What a reader began with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen(u64);

/// Odd while several keys of a shard change together.
#[derive(Debug, Default)]
pub(crate) struct Version(AtomicU64);

impl Version {
    /// From even to odd before several keys change, and back after: by the owner.
    pub(crate) fn turn(&self) {
        if cfg!(not(broken_version)) {
            // Release: pairs with the acquire in `look`; who sees it even again sees every change. The
            // changes themselves are released after it was odd, and readers acquire them: who sees one
            // of them sees the version odd, or later.
            self.0.fetch_add(1, Ordering::Release);
        }
    }

    /// What a reader begins with, before it looks at anything else.
    #[inline]
    pub(crate) fn look(&self) -> Seen {
        // Acquire: pairs with the release in `turn`.
        Seen(self.0.load(Ordering::Acquire))
    }

    /// Whether nothing changed together with others, neither when it was `seen` nor since.
    #[inline]
    pub(crate) fn is_still(&self, Seen(seen): Seen) -> bool {
        // What was read before was read with acquire loads, which this load does not pass.
        seen.is_multiple_of(2) && self.0.load(Ordering::Acquire) == seen
    }
}

/// Every interleaving of a reader of two keys with a change of both, by loom.
#[cfg(all(test, loom))]
mod loom_model {
    use std::sync::Arc;

    use loom::thread;

    use super::Version;
    use crate::index::{Index, Table};
    use crate::mem::ItemId;

    const A: u64 = 1;
    const B: u64 = 2 | 2 << 56;

    fn id(number: u32) -> ItemId {
        ItemId::from_bits(number).unwrap()
    }

    /// What a reader on another core finds at `hash`; `None`: it asks the owner.
    fn get(version: &Version, table: &Table, hash: u64) -> Option<u32> {
        let seen = version.look();
        let found = table.find(hash, |_| true).unwrap().bits();
        version.is_still(seen).then_some(found)
    }

    fn both_or_neither(turns: bool) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(move || {
            let mut index = Index::new().unwrap();
            let hash = |id: ItemId| if id.bits() % 2 == 1 { A } else { B };
            index.insert(A, id(1), hash);
            index.insert(B, id(2), hash);
            let version = Arc::new(Version::default());
            let (table, seen) = (Arc::clone(index.table()), Arc::clone(&version));
            let reader = thread::spawn(move || {
                let first = get(&seen, &table, A);
                let second = get(&seen, &table, B);
                assert!(
                    !(first == Some(11) && second == Some(2)),
                    "the new value of one key, and then the old one of the other"
                );
            });
            if turns {
                version.turn();
            }
            for (hash, changed) in [(A, 11), (B, 12)] {
                let (place, _) = index.find(hash, |_| true).unwrap();
                index.replace(place, id(changed));
            }
            if turns {
                version.turn();
            }
            reader.join().unwrap();
        });
    }

    #[test]
    fn loom_what_changes_together_is_seen_together() {
        both_or_neither(true);
    }

    #[test]
    #[should_panic(expected = "the new value of one key")]
    fn loom_without_the_version_it_is_not() {
        both_or_neither(false);
    }
}
