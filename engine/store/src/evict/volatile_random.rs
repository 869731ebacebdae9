//! `volatile-random`: any resident that expires, as Redis does it.
//!
//! Only objects whose expiry the caller told of ([`Policy::expires`]) can go; where there are none
//! there is no victim, and a full store refuses writes.

use super::allkeys_lru::SAMPLES;
use super::order::sample::Sample;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// Any resident that expires.
pub struct VolatileRandom {
    sample: Sample<()>,
}

impl Member for VolatileRandom {
    const DESCRIPTION: Description = Description {
        name: "volatile-random",
        about: "evicts an expiring object drawn at random",
        source: "Redis, maxmemory-policy volatile-random (evict.c)",
        params: &[SAMPLES],
        cost: "hit: nothing; change of expiry: O(1); eviction: one random access per draw",
        bytes_per_item: 12,
        bad_at: "objects without expiry (they never go), and anything that is used again",
    };

    fn build(params: Params<'_>, setup: Setup) -> VolatileRandom {
        VolatileRandom {
            sample: Sample::new(params.get(SAMPLES.name), setup.seed),
        }
    }
}

impl<M: Marks> Policy<M> for VolatileRandom {
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
            Some(_) => self.sample.set(entry, ()),
            None => self.sample.remove(entry),
        }
    }

    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        // One is as good as another: whichever was drawn first.
        self.sample.victim(|_, ()| 0)
    }

    fn remove(&mut self, entry: EntryId) {
        self.sample.remove(entry);
    }
}
