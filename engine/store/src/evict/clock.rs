//! `clock`: first in, first out, with another round for what was used meanwhile.
//!
//! A hit raises the entry's mark up to 2^bits − 1. The hand takes the entry that has stood longest:
//! marked, it loses one and goes to the end of the line; unmarked, it goes.

use super::order::ring::Ring;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::spec::Param;
use crate::time::Millis;

/// CLOCK with a counter of one or more bits.
pub struct Clock {
    line: Ring,
    max: u32,
}

impl Member for Clock {
    const DESCRIPTION: Description = Description {
        name: "clock",
        about: "evicts in order of insertion, but gives what was used meanwhile another round",
        source: "Corbató 1968, A paging experiment with the Multics system",
        params: &[Param {
            name: "bits",
            about: "bits of the counter: a hit counts up to 2^bits - 1, each round takes one",
            default: 1,
            min: 1,
            max: 8,
            words: &[],
        }],
        cost: "hit: sets the mark; insertion: O(1); eviction: one step per mark met",
        bytes_per_item: 4,
        bad_at: "scans: what is read once stays as long as what is popular needs for a round",
    };

    fn build(params: Params<'_>, _setup: Setup<'_>) -> Clock {
        Clock {
            line: Ring::default(),
            max: (1 << params.get("bits")) - 1,
        }
    }
}

impl<M: Marks> Policy<M> for Clock {
    fn mark_rule(&self) -> MarkRule {
        match self.max {
            1 => MarkRule::Bit,
            max => MarkRule::Count { max },
        }
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, entry: EntryId, _identity: u64, _size: u64, _now: Millis, _marks: &M) {
        self.line.push(entry);
    }

    fn touch(&mut self, _entry: EntryId) {}

    fn victim(&mut self, _now: Millis, marks: &M) -> Option<EntryId> {
        loop {
            let entry = self.line.pop()?;
            match marks.get(entry) {
                0 => return Some(entry),
                mark => {
                    marks.set(entry, mark - 1);
                    self.line.push(entry);
                }
            }
        }
    }

    fn remove(&mut self, entry: EntryId) {
        self.line.remove(entry);
    }
}
