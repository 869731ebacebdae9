//! Entries by how often they were used: who was used least, and of equals has been at that count longest.
//!
//! ```text
//!   count 1: a ─ b      count 2: c      ..      count 1023: z      hot: x (1,817), y (40,316)
//! ```
//!
//! Each small count has a list, oldest first, and a bit that says that there may be someone in it, so the least
//! count is found by looking at a few words. Entries used more often than that are few in any cache that
//! evicts; they are kept in no order, and looked through when nobody else is left.

use super::links::Links;
use crate::evict::EntryId;

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

/// The entries and their counts.
pub struct Uses {
    /// One list for each count below [`HOT`].
    links: Links,
    /// Whether a list may have entries: a bit each.
    filled: [u64; WORDS],
    /// The count of each entry, or [`HOT`] and more: its place among the hot ones above that; 0: not here.
    counts: Vec<u32>,
    hot: Vec<Hot>,
    touches: u64,
}

impl Default for Uses {
    fn default() -> Uses {
        Uses {
            links: Links::new(HOT),
            filled: [0; WORDS],
            counts: Vec::new(),
            hot: Vec::new(),
            touches: 0,
        }
    }
}

impl Uses {
    /// `entry` is here from now on, used once.
    #[inline]
    pub fn insert(&mut self, entry: EntryId) {
        let index = entry as usize;
        if index >= self.counts.len() {
            self.counts.resize((index + 1).next_power_of_two(), 0);
        }
        self.counts[index] = 1;
        self.fill(1);
        self.links.push(1, entry);
    }

    /// `entry` was used once more. One that is not here is ignored.
    #[inline]
    pub fn touch(&mut self, entry: EntryId) {
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

    /// Who was used least; of equals, who has been at that count longest.
    #[inline]
    pub fn least(&mut self) -> Option<EntryId> {
        for word in 0..WORDS {
            while self.filled[word] != 0 {
                let count = word as u32 * 64 + self.filled[word].trailing_zeros();
                if let Some(entry) = self.links.oldest(count) {
                    return Some(entry);
                }
                self.filled[word] &= self.filled[word] - 1;
            }
        }
        self.coolest()
    }

    /// `entry`, which is here, is forgotten.
    #[inline]
    pub fn remove(&mut self, entry: EntryId) {
        let count = std::mem::replace(&mut self.counts[entry as usize], 0);
        if count >= HOT {
            self.remove_hot((count - HOT) as usize);
        } else {
            self.links.remove(entry);
        }
    }

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

    fn remove_hot(&mut self, place: usize) {
        self.hot.swap_remove(place);
        if let Some(moved) = self.hot.get(place) {
            self.counts[moved.entry as usize] = HOT + place as u32;
        }
    }

    fn coolest(&self) -> Option<EntryId> {
        let hot = self.hot.iter();
        let coolest = hot.min_by_key(|hot| (hot.count, hot.since))?;
        Some(coolest.entry)
    }
}
