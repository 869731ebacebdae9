//! `volatile-ttl`: of a few residents that expire, the one that expires soonest, as Redis does it.
//!
//! Only objects whose expiry the caller told of ([`Policy::expires`]) can go; where there are none
//! there is no victim, and a full store refuses writes.

use super::allkeys_lru::SAMPLES;
use super::order::sample::Sample;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// Sampled nearest expiry.
pub struct VolatileTtl {
    sample: Sample<Millis>,
}

impl Member for VolatileTtl {
    const DESCRIPTION: Description = Description {
        name: "volatile-ttl",
        about: "of a few expiring objects drawn at random, evicts the one that expires soonest",
        source: "Redis, maxmemory-policy volatile-ttl (evict.c)",
        params: &[SAMPLES],
        cost: "hit: nothing; change of expiry: O(1); eviction: one random access per draw",
        bytes_per_item: 20,
        bad_at: "objects without expiry (they never go), and popular objects with a short one",
    };

    fn build(params: Params<'_>, setup: Setup) -> VolatileTtl {
        VolatileTtl {
            sample: Sample::new(params.get(SAMPLES.name), setup.seed),
        }
    }
}

impl<M: Marks> Policy<M> for VolatileTtl {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Nothing
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, _entry: EntryId, _identity: u64, _size: u64, _now: Millis, _marks: &M) {}

    fn touch(&mut self, _entry: EntryId) {}

    fn expires(&mut self, entry: EntryId, at: Option<Millis>) {
        match at {
            Some(at) => self.sample.set(entry, at),
            None => self.sample.remove(entry),
        }
    }

    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        self.sample.victim(|_, at| u64::MAX - at.0)
    }

    fn remove(&mut self, entry: EntryId) {
        self.sample.remove(entry);
    }
}
