//! `volatile-lru`: of a few residents that expire, the one used longest ago, as Redis does it.
//!
//! It is `allkeys-lru` over those whose expiry the caller told of ([`Policy::expires`](super::Policy::expires)); where there are
//! none there is no victim, and a full store refuses writes.

use super::allkeys_lru::{Idle, SAMPLES};
use super::order::sampled::{Expiring, Sampled};
use super::{Description, Member, Params, Setup};

/// Sampled least recently used, among what expires.
pub type VolatileLru = Sampled<Idle, Expiring>;

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

    fn build(params: Params<'_>, setup: Setup<'_>) -> VolatileLru {
        Sampled::new(params.get(SAMPLES.name), setup)
    }
}
