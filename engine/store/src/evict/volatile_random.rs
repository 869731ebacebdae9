//! `volatile-random`: any resident that expires, as Redis does it.
//!
//! It is `allkeys-random` over those whose expiry the caller told of ([`Policy::expires`](super::Policy::expires)); where there
//! are none there is no victim, and a full store refuses writes.

use super::allkeys_random::Chance;
use super::order::sampled::{Expiring, Sampled};
use super::{Description, Member, Params, Setup};

/// Any, among what expires.
pub type VolatileRandom = Sampled<Chance, Expiring>;

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

    fn build(_params: Params<'_>, setup: Setup<'_>) -> VolatileRandom {
        Sampled::new(1, setup)
    }
}
