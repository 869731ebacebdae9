//! `fifo`: who came first goes first. Hits change nothing.

use super::order::ring::Ring;
use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// First in, first out.
#[derive(Default)]
pub struct Fifo {
    line: Ring,
}

impl Member for Fifo {
    const DESCRIPTION: Description = Description {
        name: "fifo",
        about: "evicts the object that was inserted first",
        source: "folklore; Belady 1966, A study of replacement algorithms",
        params: &[],
        cost: "hit: nothing; insertion and eviction: O(1)",
        bytes_per_item: 4,
        bad_at: "popular objects: they go as soon as their turn comes, however often they are read",
    };

    fn build(_params: Params<'_>, _setup: Setup<'_>) -> Fifo {
        Fifo::default()
    }
}

impl<M: Marks> Policy<M> for Fifo {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Nothing
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, entry: EntryId, _identity: u64, _size: u64, _now: Millis, _marks: &M) {
        self.line.push(entry);
    }

    fn touch(&mut self, _entry: EntryId) {}

    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        self.line.pop()
    }

    fn remove(&mut self, entry: EntryId) {
        self.line.remove(entry);
    }
}
