//! `allkeys-lru`: of a few residents drawn at random, the one used longest ago, as Redis does it.
//!
//! A hit stores the time, nothing is kept in order. Redis stamps in seconds of a 24-bit clock, here
//! it is milliseconds of a 32-bit one; an object idle for more than 49 days looks younger.

use super::order::sample::Sample;
use super::order::sampled::{All, Sampled, Worth};
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Setup};
use crate::spec::Param;
use crate::time::Millis;

/// The parameter that all sampled policies share.
pub(super) const SAMPLES: Param = Param {
    name: "samples",
    about: "residents drawn per eviction (Redis: maxmemory-samples)",
    default: 5,
    min: 1,
    max: 64,
    words: &[],
};

/// The longer ago an entry was used, the better a victim it is; its mark is the time.
pub struct Idle;

impl Worth for Idle {
    type Kept = ();

    const RULE: MarkRule = MarkRule::Stamp;

    fn mark(now: Millis) -> Option<u32> {
        Some(now.0 as u32)
    }

    fn kept(_expires: Option<Millis>) {}

    fn victim<M: Marks>(sample: &mut Sample<()>, now: Millis, marks: &M) -> Option<EntryId> {
        sample.victim(|entry, ()| (now.0 as u32).wrapping_sub(marks.get(entry)).into())
    }
}

/// Sampled least recently used.
pub type AllKeysLru = Sampled<Idle, All>;

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

    fn build(params: Params<'_>, setup: Setup<'_>) -> AllKeysLru {
        Sampled::new(params.get(SAMPLES.name), setup)
    }
}
