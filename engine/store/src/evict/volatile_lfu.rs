//! `volatile-lfu`: of a few residents that expire, the one with the lowest count, as Redis does it.
//!
//! It is `allkeys-lfu` over those whose expiry the caller told of ([`Policy::expires`](super::Policy::expires)); where there are
//! none there is no victim, and a full store refuses writes.

use super::allkeys_lfu::Rarity;
use super::allkeys_lru::SAMPLES;
use super::order::sampled::{Expiring, Sampled};
use super::{Description, Member, Params, Setup};

/// Sampled least frequently used, among what expires.
pub type VolatileLfu = Sampled<Rarity, Expiring>;

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

    fn build(params: Params<'_>, setup: Setup<'_>) -> VolatileLfu {
        Sampled::new(params.get(SAMPLES.name), setup)
    }
}
