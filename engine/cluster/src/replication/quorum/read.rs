//! Reads that wait for a majority to confirm the leader (`ReadIndex`, Raft thesis §6.4).
//!
//! One round of heartbeats is under way at a time; reads that come meanwhile share the next one.

use std::collections::VecDeque;
use std::sync::Arc;

use seawall_store::Op;

use super::super::RequestId;

/// A read.
pub(super) struct Read {
    pub(super) id: RequestId,
    pub(super) op: Arc<Op>,
}

/// Reads of one leader, in the order in which they came.
#[derive(Default)]
pub(super) struct Reads {
    /// Reads that no round covers yet.
    waiting: Vec<Read>,
    /// Reads that the round under way covers.
    asked: Vec<Read>,
    /// Reads that may be served once the log is executed up to an index.
    confirmed: VecDeque<(u64, Read)>,
    round: u64,
    /// Ticks that the round under way has taken.
    ticks: u8,
}

impl Reads {
    /// Adds a read; whether a round must begin now.
    pub(super) fn wait(&mut self, read: Read) -> bool {
        self.waiting.push(read);
        self.asked.is_empty()
    }

    /// Whether reads wait and no round is under way.
    pub(super) fn must_ask(&self) -> bool {
        self.asked.is_empty() && !self.waiting.is_empty()
    }

    /// Begins a round for all reads that wait, and gives its number.
    pub(super) fn ask(&mut self) -> u64 {
        self.asked.append(&mut self.waiting);
        self.round += 1;
        self.ticks = 0;
        self.round
    }

    /// Called at each tick: whether the round under way should have come back by now.
    pub(super) fn is_late(&mut self) -> bool {
        if self.asked.is_empty() {
            return false;
        }
        self.ticks += 1;
        self.ticks >= 2
    }

    /// A majority confirmed the leader in `round`: its reads may be served at `index`.
    pub(super) fn confirm(&mut self, round: u64, index: u64) {
        if round == self.round {
            self.confirmed
                .extend(self.asked.drain(..).map(|read| (index, read)));
        }
    }

    /// The reads that may be served when the log is executed up to `executed`.
    pub(super) fn take_ready(&mut self, executed: u64) -> Vec<Read> {
        let ready = self
            .confirmed
            .iter()
            .take_while(|(index, _)| *index <= executed)
            .count();
        self.confirmed
            .drain(..ready)
            .map(|(_, read)| read)
            .collect()
    }

    /// Forgets all: this node leads no more, and the clients ask elsewhere when they hear nothing.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.asked.clear();
        self.confirmed.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(id: u64) -> Read {
        Read {
            id: RequestId(id),
            op: Op::parse([&b"GET"[..], b"k"]).unwrap().into(),
        }
    }

    #[test]
    fn a_read_that_comes_during_a_round_waits_for_the_next() {
        let mut reads = Reads::default();
        assert!(reads.wait(get(1)));
        let round = reads.ask();
        assert!(!reads.wait(get(2)));
        reads.confirm(round, 5);
        assert!(reads.take_ready(4).is_empty());
        let ids: Vec<_> = reads
            .take_ready(5)
            .into_iter()
            .map(|read| read.id.0)
            .collect();
        assert_eq!(ids, [1]);
        assert!(reads.must_ask());
        reads.confirm(round, 9);
        assert!(
            reads.take_ready(9).is_empty(),
            "an old round confirms nothing"
        );
    }
}
