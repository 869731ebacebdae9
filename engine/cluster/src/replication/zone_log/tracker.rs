//! What waits for the log: keys whose newest value it does not have yet, and answers that would tell of one.

use std::collections::{BTreeMap, VecDeque};

use seawall_store::{Effects, Op};

use super::super::{Action, Outbox, Refusal, RequestId};

/// Keys and answers that wait.
#[derive(Default)]
pub(super) struct Tracker {
    /// By key: the place of the entry that changes it.
    changed: BTreeMap<Vec<u8>, u64>,
    /// The same in the order of the places.
    order: VecDeque<(u64, Vec<u8>)>,
    /// The place of the last entry that changes any key, and of the last that may change all of them.
    any: u64,
    all: u64,
    /// By place: the answers that wait for it.
    held: BTreeMap<u64, Vec<RequestId>>,
}

impl Tracker {
    /// The entry at `place` has these effects.
    pub(super) fn change(&mut self, place: u64, effects: &[u8]) {
        self.any = place;
        for op in Effects::decode(effects).map_while(Result::ok) {
            if op.keys().next().is_none() {
                self.all = place;
            }
            for key in op.keys() {
                self.changed.insert(key.to_vec(), place);
                self.order.push_back((place, key.to_vec()));
            }
        }
    }

    /// The place that the log must reach before what `op` saw is durable.
    pub(super) fn needs(&self, op: &Op) -> u64 {
        if op.keys().next().is_none() {
            return self.any;
        }
        let of = |key| self.changed.get(key).copied().unwrap_or(0);
        op.keys().map(of).fold(self.all, u64::max)
    }

    /// An answer waits until the log reaches `place`.
    pub(super) fn hold(&mut self, place: u64, id: RequestId) {
        self.held.entry(place).or_default().push(id);
    }

    /// The log has reached `place`: answers who waited for that.
    pub(super) fn reached(&mut self, place: u64, out: &mut Outbox) {
        let later = self.held.split_off(&(place + 1));
        for id in std::mem::replace(&mut self.held, later)
            .into_values()
            .flatten()
        {
            out.push(Action::Answer { id });
        }
        while let Some((at, key)) = self.order.pop_front_if(|(at, _)| *at <= place) {
            if self.changed.get(&key) == Some(&at) {
                self.changed.remove(&key);
            }
        }
    }

    /// Nothing that waits will ever be known to be durable.
    pub(super) fn give_up(self, out: &mut Outbox) {
        let why = Refusal::Down;
        for id in self.held.into_values().flatten() {
            out.push(Action::Refuse { id, why });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(words: &[&str]) -> Op {
        Op::parse(words.iter().map(|word| word.as_bytes())).unwrap()
    }

    fn change(tracker: &mut Tracker, place: u64, words: &[&str]) {
        let mut effects = Effects::default();
        effects.push(&op(words));
        tracker.change(place, effects.as_bytes());
    }

    #[test]
    fn a_read_waits_for_the_newest_change_of_its_keys_alone() {
        let (mut tracker, mut out) = (Tracker::default(), Outbox::default());
        change(&mut tracker, 1, &["SET", "a", "1"]);
        change(&mut tracker, 2, &["SET", "a", "2"]);
        change(&mut tracker, 3, &["SET", "b", "1"]);
        assert_eq!(tracker.needs(&op(&["GET", "a"])), 2);
        assert_eq!(tracker.needs(&op(&["MGET", "a", "b"])), 3);
        assert_eq!(tracker.needs(&op(&["GET", "c"])), 0);
        assert_eq!(tracker.needs(&op(&["DBSIZE"])), 3);
        tracker.hold(2, RequestId(7));
        tracker.reached(1, &mut out);
        assert!(out.pop().is_none());
        assert_eq!(
            tracker.needs(&op(&["GET", "a"])),
            2,
            "the first change is over"
        );
        tracker.reached(2, &mut out);
        assert!(matches!(
            out.pop(),
            Some(Action::Answer { id: RequestId(7) })
        ));
        assert_eq!(tracker.needs(&op(&["GET", "a"])), 0);
        change(&mut tracker, 4, &["FLUSHALL"]);
        assert_eq!(tracker.needs(&op(&["GET", "c"])), 4);
    }
}
