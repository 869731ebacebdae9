//! `sieve`: a hand sweeps from old to new over a line that is never reordered.
//!
//! ```text
//!   newest ── e ── d ── c ── b ── a ── oldest
//!                       ▲ hand, moving left; from the newest it starts again at the oldest
//! ```
//!
//! The hand clears the marks that it meets and evicts the first entry without one. New entries come
//! in at the newest end, before the hand, so what is not soon read again is sifted out quickly. The
//! line must keep its order when entries leave from its middle, hence links and not a ring.

use super::order::links::Links;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// SIEVE.
pub struct Sieve {
    links: Links,
    /// The next entry to look at; none: the oldest.
    hand: Option<EntryId>,
}

/// The list of all, in order of insertion.
const LINE: u32 = 0;

impl Member for Sieve {
    const DESCRIPTION: Description = Description {
        name: "sieve",
        about: "a hand sweeps over the order of insertion, evicts the first object not used since",
        source: "Zhang et al., NSDI 2024, SIEVE is simpler than LRU, section 3",
        params: &[],
        cost: "hit: sets a bit; insertion: O(1); eviction: one step per bit met",
        bytes_per_item: 8,
        bad_at: "scans with a second use soon after, as of disk blocks, and shifts of the working set",
    };

    fn build(_params: Params<'_>, _setup: Setup<'_>) -> Sieve {
        Sieve {
            links: Links::new(1),
            hand: None,
        }
    }
}

impl<M: Marks> Policy<M> for Sieve {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Bit
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, entry: EntryId, _identity: u64, _size: u64, _now: Millis, _marks: &M) {
        self.links.push(LINE, entry);
    }

    fn touch(&mut self, _entry: EntryId) {}

    fn victim(&mut self, _now: Millis, marks: &M) -> Option<EntryId> {
        loop {
            let entry = self.hand.or_else(|| self.links.oldest(LINE))?;
            self.hand = self.links.newer(entry);
            if marks.get(entry) == 0 {
                self.links.remove(entry);
                return Some(entry);
            }
            marks.set(entry, 0);
        }
    }

    fn remove(&mut self, entry: EntryId) {
        if self.hand == Some(entry) {
            self.hand = self.links.newer(entry);
        }
        self.links.remove(entry);
    }
}
