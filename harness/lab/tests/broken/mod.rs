//! A policy that is wrong on purpose: what checks policies must catch it.

use std::collections::VecDeque;

use seawall_lab::residents::WordMarks;
use seawall_store::Millis;
use seawall_store::evict::{EntryId, MarkRule, Marks, Policy};

/// CLOCK that forgets to clear: the marked entry goes to the end of the line as it was.
#[derive(Default)]
pub struct NeverClears {
    line: VecDeque<EntryId>,
}

impl Policy<WordMarks> for NeverClears {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Bit
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, entry: EntryId, _: u64, _: u64, _: Millis, _: &WordMarks) {
        self.line.push_back(entry);
    }

    fn touch(&mut self, _entry: EntryId) {}

    fn victim(&mut self, _now: Millis, marks: &WordMarks) -> Option<EntryId> {
        for _ in 0..self.line.len() {
            let entry = self.line.pop_front()?;
            if marks.get(entry) == 0 {
                return Some(entry);
            }
            self.line.push_back(entry);
        }
        self.line.pop_front()
    }

    fn remove(&mut self, entry: EntryId) {
        self.line.retain(|&other| other != entry);
    }
}
