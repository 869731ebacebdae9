//! `allkeys-lru`: of a few residents drawn at random, the one used longest ago, as Redis does it.
//!
//! A hit stores the time, nothing is kept in order. Redis stamps in seconds of a 24-bit clock, here
//! it is milliseconds of a 32-bit one; an object idle for more than 49 days looks younger.

use super::order::sample::Sample;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::spec::Param;
use crate::time::Millis;

/// The parameter that all sampled policies share.
pub(super) const SAMPLES: Param = Param {
    name: "samples",
    about: "residents drawn per eviction (Redis: maxmemory-samples)",
    default: 5,
    min: 1,
    max: 64,
};

/// How long ago `entry`, whose mark is a stamp, was used: the longer, the better a victim it is.
pub(super) fn idle_ms<M: Marks>(entry: EntryId, now: Millis, marks: &M) -> u64 {
    (now.0 as u32).wrapping_sub(marks.get(entry)).into()
}

/// Sampled least recently used.
pub struct AllKeysLru {
    sample: Sample<()>,
}

impl Member for AllKeysLru {
    const DESCRIPTION: Description = Description {
        name: "allkeys-lru",
        about: "of a few objects drawn at random, and the best of earlier draws, evicts the longest idle",
        source: "Redis, maxmemory-policy allkeys-lru (evict.c)",
        params: &[SAMPLES],
        cost: "hit: stores the time; insertion: O(1); eviction: one random access per draw",
        bytes_per_item: 8,
        bad_at: "what lru is bad at, and somewhat worse where few objects are cold",
    };

    fn build(params: Params<'_>, setup: Setup) -> AllKeysLru {
        AllKeysLru {
            sample: Sample::new(params.get(SAMPLES.name), setup.seed),
        }
    }
}

impl<M: Marks> Policy<M> for AllKeysLru {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Stamp
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, entry: EntryId, _identity: u64, _size: u64, now: Millis, marks: &M) {
        marks.set(entry, now.0 as u32);
        self.sample.set(entry, ());
    }

    fn touch(&mut self, _entry: EntryId) {}

    fn victim(&mut self, now: Millis, marks: &M) -> Option<EntryId> {
        self.sample.victim(|entry, ()| idle_ms(entry, now, marks))
    }

    fn remove(&mut self, entry: EntryId) {
        self.sample.remove(entry);
    }
}
