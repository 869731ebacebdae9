//! `wtinylfu`: a small window for what is new, and a main region that admits only what is used more than its victim.
//!
//! ```text
//!   arrive ─▶ [ window: lru ] ─ oldest: used more often than the oldest on probation? ─ no ─▶ out
//!                                      │ yes: that one goes out
//!                                      ▼
//!                       [ probation: lru ] ─ hit ▶ [ protected: lru ]
//!                               ▲────────── overflow ────┘
//! ```
//!
//! How often is counted by a sketch, of residents and of what has left. Two variants: `caffeine`, with four-bit counters
//! that are halved from time to time, and a window that may adapt (`caffeine`); and `libcachesim`, to the last
//! request that of the reference (`libcachesim`).

mod bloom;
mod caffeine;
mod libcachesim;
mod regions;
pub mod sketch;

use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::spec::Param;
use crate::time::Millis;
use caffeine::Caffeine;
use libcachesim::LibCacheSim;

/// W-TinyLFU.
pub struct WTinyLfu(Variant);

enum Variant {
    Caffeine(Caffeine),
    LibCacheSim(LibCacheSim),
}

impl Member for WTinyLfu {
    const DESCRIPTION: Description = Description {
        name: "wtinylfu",
        about: "a window of lru; beyond it an object stays only if it is used more than the one it displaces",
        source: "Einziger, Friedman, Manes 2017, TinyLFU: a highly efficient cache admission policy, ACM TOS \
                 13(4), section 4; adaptive window: Einziger et al., Middleware 2018; as in Caffeine 3.2, or \
                 in libCacheSim 0.3.5",
        params: &[
            Param {
                name: "variant",
                about: "whose details",
                default: 0,
                min: 0,
                max: 1,
                words: &["caffeine", "libcachesim"],
            },
            Param {
                name: "window",
                about: "percent of the capacity that is the window's, at first",
                default: 1,
                min: 1,
                max: 80,
                words: &[],
            },
            Param {
                name: "adaptive",
                about: "whether the window grows and shrinks by what that does to the hit ratio (caffeine)",
                default: 0,
                min: 0,
                max: 1,
                words: &["no", "yes"],
            },
        ],
        cost: "hit: counts in the sketch and moves the entry, by the owner; eviction: two look-ups in the sketch",
        bytes_per_item: 36,
        bad_at: "objects that are used in bursts and then no more, unless the window adapts",
    };

    fn build(params: Params<'_>, setup: Setup<'_>) -> WTinyLfu {
        let window = setup.capacity.percent(params.get("window"));
        WTinyLfu(match params.get("variant") {
            0 => Variant::Caffeine(Caffeine::new(setup, window, params.get("adaptive") == 1)),
            _ => Variant::LibCacheSim(LibCacheSim::new(setup, window)),
        })
    }
}

impl<M: Marks> Policy<M> for WTinyLfu {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Touch
    }

    fn arrive(&mut self, identity: u64, size: u64) -> bool {
        match &mut self.0 {
            Variant::Caffeine(policy) => policy.arrive(identity, size),
            Variant::LibCacheSim(policy) => policy.accepts(size),
        }
    }

    fn newcomer_goes(&mut self) -> bool {
        match &mut self.0 {
            Variant::Caffeine(policy) => policy.newcomer_goes(),
            Variant::LibCacheSim(_) => false,
        }
    }

    fn insert(&mut self, entry: EntryId, identity: u64, size: u64, _now: Millis, _marks: &M) {
        match &mut self.0 {
            Variant::Caffeine(policy) => policy.insert(entry, identity, size),
            Variant::LibCacheSim(policy) => policy.insert(entry, identity, size),
        }
    }

    fn touch(&mut self, entry: EntryId) {
        match &mut self.0 {
            Variant::Caffeine(policy) => policy.touch(entry),
            Variant::LibCacheSim(policy) => policy.touch(entry),
        }
    }

    fn overflow(&mut self) -> Option<EntryId> {
        match &mut self.0 {
            Variant::Caffeine(_) => None,
            Variant::LibCacheSim(policy) => policy.overflow.pop(),
        }
    }

    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        match &mut self.0 {
            Variant::Caffeine(policy) => policy.victim(),
            Variant::LibCacheSim(policy) => policy.victim(),
        }
    }

    fn remove(&mut self, entry: EntryId) {
        match &mut self.0 {
            Variant::Caffeine(policy) => policy.regions.remove(entry),
            Variant::LibCacheSim(policy) => policy.remove(entry),
        }
    }
}
