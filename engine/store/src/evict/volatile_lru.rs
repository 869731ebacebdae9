//! `volatile-lru`: of a few residents that expire, the one used longest ago, as Redis does it.
//!
//! It is `allkeys-lru` over those whose expiry the caller told of ([`Policy::expires`]); where there are
//! none there is no victim, and a full store refuses writes.

use super::allkeys_lru::{SAMPLES, idle_ms};
use super::order::sample::Sample;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// Sampled least recently used, among what expires.
pub struct VolatileLru {
    sample: Sample<()>,
}

impl Member for VolatileLru {
    const DESCRIPTION: Description = Description {
        name: "volatile-lru",
        about: "of a few expiring objects drawn at random, and the best of earlier draws, evicts the longest idle",
        source: "Redis, maxmemory-policy volatile-lru (evict.c)",
        params: &[SAMPLES],
        cost: "hit: stores the time; change of expiry: O(1); eviction: one random access per draw",
        bytes_per_item: 8,
        bad_at: "objects without expiry: they never go, however long nobody asks for them",
    };

    fn build(params: Params<'_>, setup: Setup) -> VolatileLru {
        VolatileLru {
            sample: Sample::new(params.get(SAMPLES.name), setup.seed),
        }
    }
}

impl<M: Marks> Policy<M> for VolatileLru {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Stamp
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, entry: EntryId, _identity: u64, _size: u64, now: Millis, marks: &M) {
        marks.set(entry, now.0 as u32);
    }

    fn touch(&mut self, _entry: EntryId) {}

    fn expires(&mut self, entry: EntryId, at: Option<Millis>) {
        match at {
            Some(_) => self.sample.set(entry, ()),
            None => self.sample.remove(entry),
        }
    }

    fn victim(&mut self, now: Millis, marks: &M) -> Option<EntryId> {
        self.sample.victim(|entry, ()| idle_ms(entry, now, marks))
    }

    fn remove(&mut self, entry: EntryId) {
        self.sample.remove(entry);
    }
}
