//! `allkeys-lfu`: of a few residents drawn at random, the one with the lowest count, as Redis does it.
//!
//! The count is logarithmic and loses one a minute ([`log_count`]), so old fame fades.

use super::allkeys_lru::SAMPLES;
use super::family::mark::log_count;
use super::order::sample::Sample;
use super::order::sampled::{All, Sampled, Worth};
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Setup};
use crate::time::Millis;

/// The rarer an entry was used, the better a victim it is; its mark is a logarithmic count.
pub struct Rarity;

impl Worth for Rarity {
    type Kept = ();

    const RULE: MarkRule = MarkRule::LogCount;

    fn mark(now: Millis) -> Option<u32> {
        Some(log_count::new(now))
    }

    fn kept(_expires: Option<Millis>) {}

    fn victim<M: Marks>(sample: &mut Sample<()>, now: Millis, marks: &M) -> Option<EntryId> {
        sample.victim(|entry, ()| u64::from(255 - log_count::decayed(marks.get(entry), now)))
    }
}

/// Sampled least frequently used.
pub type AllKeysLfu = Sampled<Rarity, All>;

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

    fn build(params: Params<'_>, setup: Setup<'_>) -> AllKeysLfu {
        Sampled::new(params.get(SAMPLES.name), setup)
    }
}
