//! `volatile-random`: any resident that expires, as Redis does it.
//!
//! It is `allkeys-random` over those whose expiry the caller told of ([`Policy::expires`]); where there
//! are none there is no victim, and a full store refuses writes.

use super::order::sample::Sample;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// Any, among what expires.
pub struct VolatileRandom {
    sample: Sample<()>,
}

impl Member for VolatileRandom {
    const DESCRIPTION: Description = Description {
        name: "volatile-random",
        about: "evicts any expiring object",
        source: "Redis, maxmemory-policy volatile-random (evict.c)",
        params: &[],
        cost: "hit: nothing; change of expiry and eviction: O(1)",
        bytes_per_item: 8,
        bad_at: "objects without expiry (they never go), and popular objects with one",
    };

    fn build(_params: Params<'_>, setup: Setup) -> VolatileRandom {
        VolatileRandom {
            sample: Sample::new(1, setup.seed),
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
        self.sample.any()
    }

    fn remove(&mut self, entry: EntryId) {
        self.sample.remove(entry);
    }
}
