//! `allkeys-lfu`: of a few residents drawn at random, the one with the lowest count, as Redis does it.
//!
//! The count is logarithmic and loses one a minute ([`log_count`]), so old fame fades.

use super::allkeys_lru::SAMPLES;
use super::family::mark::log_count;
use super::order::sample::Sample;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// How rarely `entry`, whose mark is a logarithmic count, was used: the higher, the better a victim it
/// is.
pub(super) fn rarity<M: Marks>(entry: EntryId, now: Millis, marks: &M) -> u64 {
    u64::from(255 - log_count::decayed(marks.get(entry), now))
}

/// Sampled least frequently used.
pub struct AllKeysLfu {
    sample: Sample<()>,
}

impl Member for AllKeysLfu {
    const DESCRIPTION: Description = Description {
        name: "allkeys-lfu",
        about: "of a few objects drawn at random, and the best of earlier draws, evicts the least counted",
        source: "Redis, maxmemory-policy allkeys-lfu (evict.c; lfu-log-factor 10, lfu-decay-time 1)",
        params: &[SAMPLES],
        cost: "hit: counts by chance; insertion: O(1); eviction: one random access per draw",
        bytes_per_item: 8,
        bad_at: "bursts: counts need many hits to rise and minutes to fall",
    };

    fn build(params: Params<'_>, setup: Setup) -> AllKeysLfu {
        AllKeysLfu {
            sample: Sample::new(params.get(SAMPLES.name), setup.seed),
        }
    }
}

impl<M: Marks> Policy<M> for AllKeysLfu {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::LogCount
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, entry: EntryId, _identity: u64, _size: u64, now: Millis, marks: &M) {
        marks.set(entry, log_count::new(now));
        self.sample.set(entry, ());
    }

    fn touch(&mut self, _entry: EntryId) {}

    fn victim(&mut self, now: Millis, marks: &M) -> Option<EntryId> {
        self.sample.victim(|entry, ()| rarity(entry, now, marks))
    }

    fn remove(&mut self, entry: EntryId) {
        self.sample.remove(entry);
    }
}
