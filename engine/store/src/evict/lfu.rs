//! `lfu`: who was used least often goes; among equals, who has been at that count longest.
//!
//! Counts are of the time in the cache alone: an object that comes back starts at 1.

use super::order::uses::Uses;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// Exact least frequently used.
pub struct Lfu(Uses);

impl Member for Lfu {
    const DESCRIPTION: Description = Description {
        name: "lfu",
        about: "evicts the object used least often while in the cache; of equals, the one longest so",
        source: "folklore; Shah, Mitra, Matani 2010, An O(1) algorithm for the LFU cache eviction scheme",
        params: &[],
        cost: "hit: moves the entry, by the owner; insertion: O(1); eviction: a few words looked at",
        bytes_per_item: 12,
        bad_at: "changing popularity: what was popular once stays for ever",
    };

    fn build(_params: Params<'_>, _setup: Setup<'_>) -> Lfu {
        Lfu(Uses::default())
    }
}

impl<M: Marks> Policy<M> for Lfu {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Touch
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    #[inline]
    fn insert(&mut self, entry: EntryId, _identity: u64, _size: u64, _now: Millis, _marks: &M) {
        self.0.insert(entry);
    }

    #[inline]
    fn touch(&mut self, entry: EntryId) {
        self.0.touch(entry);
    }

    #[inline]
    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        let victim = self.0.least()?;
        self.0.remove(victim);
        Some(victim)
    }

    fn remove(&mut self, entry: EntryId) {
        self.0.remove(entry);
    }
}
