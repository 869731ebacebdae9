//! `volatile-lfu`: of a few residents that expire, the one with the lowest count, as Redis does it.
//!
//! It is `allkeys-lfu` over those whose expiry the caller told of ([`Policy::expires`]); where there are
//! none there is no victim, and a full store refuses writes.

use super::allkeys_lfu::rarity;
use super::allkeys_lru::SAMPLES;
use super::family::mark::log_count;
use super::order::sample::Sample;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// Sampled least frequently used, among what expires.
pub struct VolatileLfu {
    sample: Sample<()>,
}

impl Member for VolatileLfu {
    const DESCRIPTION: Description = Description {
        name: "volatile-lfu",
        about: "of a few expiring objects drawn at random, and the best of earlier draws, evicts the least counted",
        source: "Redis, maxmemory-policy volatile-lfu (evict.c; lfu-log-factor 10, lfu-decay-time 1)",
        params: &[SAMPLES],
        cost: "hit: counts by chance; change of expiry: O(1); eviction: one random access per draw",
        bytes_per_item: 8,
        bad_at: "objects without expiry (they never go), and bursts, as allkeys-lfu",
    };

    fn build(params: Params<'_>, setup: Setup) -> VolatileLfu {
        VolatileLfu {
            sample: Sample::new(params.get(SAMPLES.name), setup.seed),
        }
    }
}

impl<M: Marks> Policy<M> for VolatileLfu {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::LogCount
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, entry: EntryId, _identity: u64, _size: u64, now: Millis, marks: &M) {
        marks.set(entry, log_count::new(now));
    }

    fn touch(&mut self, _entry: EntryId) {}

    fn expires(&mut self, entry: EntryId, at: Option<Millis>) {
        match at {
            Some(_) => self.sample.set(entry, ()),
            None => self.sample.remove(entry),
        }
    }

    fn victim(&mut self, now: Millis, marks: &M) -> Option<EntryId> {
        self.sample.victim(|entry, ()| rarity(entry, now, marks))
    }

    fn remove(&mut self, entry: EntryId) {
        self.sample.remove(entry);
    }
}
