//! `allkeys-random`: any resident, as Redis does it. What every other policy has to be better than.

use super::allkeys_lru::SAMPLES;
use super::order::sample::Sample;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// Any resident.
pub struct AllKeysRandom {
    sample: Sample<()>,
}

impl Member for AllKeysRandom {
    const DESCRIPTION: Description = Description {
        name: "allkeys-random",
        about: "evicts an object drawn at random",
        source: "Redis, maxmemory-policy allkeys-random (evict.c)",
        params: &[SAMPLES],
        cost: "hit: nothing; insertion: O(1); eviction: one random access per draw",
        bytes_per_item: 8,
        bad_at: "anything that is used again",
    };

    fn build(params: Params<'_>, setup: Setup) -> AllKeysRandom {
        AllKeysRandom {
            sample: Sample::new(params.get(SAMPLES.name), setup.seed),
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
        // One is as good as another: whichever was drawn first.
        self.sample.victim(|_, ()| 0)
    }

    fn remove(&mut self, entry: EntryId) {
        self.sample.remove(entry);
    }
}
