//! `allkeys-random`: any resident, as Redis does it.
//!
//! What every policy must beat to be worth what it costs.

use super::order::sample::Sample;
use super::order::sampled::{All, Sampled, Worth};
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Setup};
use crate::time::Millis;

/// One is as good a victim as another.
pub struct Chance;

impl Worth for Chance {
    type Kept = ();

    const RULE: MarkRule = MarkRule::Nothing;

    fn kept(_expires: Option<Millis>) {}

    fn victim<M: Marks>(sample: &mut Sample<()>, _now: Millis, _marks: &M) -> Option<EntryId> {
        sample.any()
    }
}

/// Any.
pub type AllKeysRandom = Sampled<Chance, All>;

impl Member for AllKeysRandom {
    const DESCRIPTION: Description = Description {
        name: "allkeys-random",
        about: "evicts any object",
        source: "Redis, maxmemory-policy allkeys-random (evict.c)",
        params: &[],
        cost: "hit: nothing; insertion and eviction: O(1)",
        bytes_per_item: 8,
        bad_at: "whatever has popular objects: it does not know them",
    };

    fn build(_params: Params<'_>, setup: Setup<'_>) -> AllKeysRandom {
        Sampled::new(1, setup)
    }
}
