//! `allkeys-random`: any resident, as Redis does it.
//!
//! What every policy must beat to be worth what it costs.

use super::order::sample::Sample;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// Any.
pub struct AllKeysRandom {
    sample: Sample<()>,
}

impl Member for AllKeysRandom {
    const DESCRIPTION: Description = Description {
        name: "allkeys-random",
        about: "evicts any object",
        source: "Redis, maxmemory-policy allkeys-random (evict.c)",
        params: &[],
        cost: "hit: nothing; insertion and eviction: O(1)",
        bytes_per_item: 8,
        bad_at: "whatever has popular objects: it does not know them",
    };

    fn build(_params: Params<'_>, setup: Setup) -> AllKeysRandom {
        AllKeysRandom {
            sample: Sample::new(1, setup.seed),
        }
    }
}

impl<M: Marks> Policy<M> for AllKeysRandom {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Nothing
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, entry: EntryId, _identity: u64, _size: u64, _now: Millis, _marks: &M) {
        self.sample.set(entry, ());
    }

    fn touch(&mut self, _entry: EntryId) {}

    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        self.sample.any()
    }

    fn remove(&mut self, entry: EntryId) {
        self.sample.remove(entry);
    }
}
