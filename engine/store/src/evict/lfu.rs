//! `lfu`: who was used least often goes; among equals, who has been at that count longest.
//!
//! ```text
//!   count 1: a ─ b      count 2: c      ..      count 1023: z      hot: x (1,817), y (40,316)
//! ```
//!
//! Counts are of the time in the cache alone: an object that comes back starts at 1. Each small count has a
//! list, oldest first, and a bit that says that there may be someone in it, so the least count is found by
//! looking at a few words. Entries used more often than that are few in any cache that evicts; they are
//! kept in no order, and looked through when nobody else is left.

use super::order::links::Links;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// Counts from this one on have no list.
const HOT: u32 = 1024;
const WORDS: usize = HOT as usize / 64;

/// An entry of a count that has no list.
struct Hot {
    entry: EntryId,
    count: u64,
    /// The touch that brought it to this count.
    since: u64,
}

/// Exact least frequently used.
pub struct Lfu {
    /// One list for each count below [`HOT`].
    links: Links,
    /// Whether a list may have entries: a bit each.
    filled: [u64; WORDS],
    /// The count of each resident, or [`HOT`] and more: its place among the hot ones above that.
    counts: Vec<u32>,
    hot: Vec<Hot>,
    touches: u64,
}

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
        Lfu {
            links: Links::new(HOT),
            filled: [0; WORDS],
            counts: Vec::new(),
            hot: Vec::new(),
            touches: 0,
        }
    }
}

impl Lfu {
    /// Says that the list of `count` has entries.
    #[inline]
    fn fill(&mut self, count: u32) {
        self.filled[count as usize / 64] |= 1 << (count % 64);
    }

    /// An entry was used once more, as often as makes it hot.
    #[cold]
    fn becomes_hot(&mut self, entry: EntryId) {
        self.links.remove(entry);
        self.counts[entry as usize] = HOT + self.hot.len() as u32;
        self.hot.push(Hot {
            entry,
            count: u64::from(HOT),
            since: self.touches,
        });
    }

    fn remove_hot(&mut self, place: usize) -> EntryId {
        let gone = self.hot.swap_remove(place);
        if let Some(moved) = self.hot.get(place) {
            self.counts[moved.entry as usize] = HOT + place as u32;
        }
        self.counts[gone.entry as usize] = 0;
        gone.entry
    }

    fn coolest(&mut self) -> Option<EntryId> {
        let hot = self.hot.iter().enumerate();
        let (place, _) = hot.min_by_key(|(_, hot)| (hot.count, hot.since))?;
        Some(self.remove_hot(place))
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
        let index = entry as usize;
        if index >= self.counts.len() {
            self.counts.resize((index + 1).next_power_of_two(), 0);
        }
        self.counts[index] = 1;
        self.fill(1);
        self.links.push(1, entry);
    }

    #[inline]
    fn touch(&mut self, entry: EntryId) {
        let Some(count) = self.counts.get_mut(entry as usize) else {
            return;
        };
        self.touches += 1;
        match *count {
            0 => {}
            1..HOT => {
                *count += 1;
                let count = *count;
                if count == HOT {
                    self.becomes_hot(entry);
                } else {
                    self.fill(count);
                    self.links.renew(count, entry);
                }
            }
            hot => {
                let hot = &mut self.hot[(hot - HOT) as usize];
                hot.count += 1;
                hot.since = self.touches;
            }
        }
    }

    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        for word in 0..WORDS {
            while self.filled[word] != 0 {
                let count = word as u32 * 64 + self.filled[word].trailing_zeros();
                if let Some(entry) = self.links.pop_oldest(count) {
                    self.counts[entry as usize] = 0;
                    return Some(entry);
                }
                self.filled[word] &= self.filled[word] - 1;
            }
        }
        self.coolest()
    }

    fn remove(&mut self, entry: EntryId) {
        let count = self.counts[entry as usize];
        if count >= HOT {
            self.remove_hot((count - HOT) as usize);
        } else {
            self.links.remove(entry);
            self.counts[entry as usize] = 0;
        }
    }
}
