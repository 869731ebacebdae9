//! `volatile-ttl`: of a few residents that expire, the one that expires soonest, as Redis does it.
//!
//! Only objects whose expiry the caller told of ([`Policy::expires`](super::Policy::expires)) can go; where there are none
//! there is no victim, and a full store refuses writes.

use super::allkeys_lru::SAMPLES;
use super::order::sample::Sample;
use super::order::sampled::{Expiring, Sampled, Worth};
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Setup};
use crate::time::Millis;

/// The sooner an entry expires, the better a victim it is.
pub struct Soonest;

impl Worth for Soonest {
    type Kept = Millis;

    const RULE: MarkRule = MarkRule::Nothing;

    fn kept(expires: Option<Millis>) -> Millis {
        expires.unwrap_or(Millis(u64::MAX))
    }

    fn victim<M: Marks>(sample: &mut Sample<Millis>, _now: Millis, _marks: &M) -> Option<EntryId> {
        sample.victim(|_, at| u64::MAX - at.0)
    }
}

/// Sampled nearest expiry.
pub type VolatileTtl = Sampled<Soonest, Expiring>;

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

    fn build(params: Params<'_>, setup: Setup<'_>) -> VolatileTtl {
        Sampled::new(params.get(SAMPLES.name), setup)
    }
}
