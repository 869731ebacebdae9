//! `lru`: who was used longest ago goes. A hit moves the entry to the newest end.

use super::order::links::Links;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// Exact least recently used.
pub struct Lru {
    links: Links,
}

/// The list of all, in order of use.
const LINE: u32 = 0;

impl Member for Lru {
    const DESCRIPTION: Description = Description {
        name: "lru",
        about: "evicts the object that was used longest ago",
        source: "folklore; Mattson et al. 1970, Evaluation techniques for storage hierarchies",
        params: &[],
        cost: "hit: moves the entry, by the owner; insertion and eviction: O(1)",
        bytes_per_item: 8,
        bad_at: "scans, and loops a little larger than the cache: then every request misses",
    };

    fn build(_params: Params<'_>, _setup: Setup<'_>) -> Lru {
        Lru {
            links: Links::new(1),
        }
    }
}

impl<M: Marks> Policy<M> for Lru {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Touch
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, entry: EntryId, _identity: u64, _size: u64, _now: Millis, _marks: &M) {
        self.links.push(LINE, entry);
    }

    #[inline]
    fn touch(&mut self, entry: EntryId) {
        if self.links.contains(entry) {
            self.links.renew(LINE, entry);
        }
    }

    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        self.links.pop_oldest(LINE)
    }

    fn remove(&mut self, entry: EntryId) {
        self.links.remove(entry);
    }
}
