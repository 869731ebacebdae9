//! `none`: nothing is ever evicted. The family's trivial member, and Redis's `noeviction`.

use super::{Description, EntryId, MarkRule, Marks, Member, Params, Policy, Setup};
use crate::time::Millis;

/// Never names a victim: a full store refuses writes, a full cache in the lab admits no more.
pub struct Never;

impl Member for Never {
    const DESCRIPTION: Description = Description {
        name: "none",
        about: "evicts nothing: when memory is full, writes are refused",
        source: "Redis, maxmemory-policy noeviction",
        params: &[],
        cost: "nothing",
        bytes_per_item: 0,
        bad_at: "any cache: what came first stays for ever",
    };

    fn build(_params: Params<'_>, _setup: Setup<'_>) -> Never {
        Never
    }
}

impl<M: Marks> Policy<M> for Never {
    fn mark_rule(&self) -> MarkRule {
        MarkRule::Nothing
    }

    fn arrive(&mut self, _identity: u64, _size: u64) -> bool {
        true
    }

    fn insert(&mut self, _entry: EntryId, _identity: u64, _size: u64, _now: Millis, _marks: &M) {}

    fn touch(&mut self, _entry: EntryId) {}

    fn victim(&mut self, _now: Millis, _marks: &M) -> Option<EntryId> {
        None
    }

    fn remove(&mut self, _entry: EntryId) {}
}
