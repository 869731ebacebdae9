//! `WAIT`: an answer is held back until enough replicas have said that they have what it tells of.
//!
//! As in Redis: the primary asks its replicas how far they are as soon as somebody waits (`REPLCONF GETACK`),
//! counts those that are far enough, and gives up after a while. What was executed stays executed: who hears no
//! answer knows nothing.

use std::collections::VecDeque;

use super::super::RequestId;
use crate::time::Nanos;

/// Answers that are held back, in the order of their offsets.
pub(in super::super) struct Waiting {
    /// How many replicas must have what an answer tells of.
    replicas: usize,
    timeout: Nanos,
    held: VecDeque<Held>,
}

struct Held {
    id: RequestId,
    /// How far the stream was after it.
    offset: u64,
    since: Nanos,
}

impl Waiting {
    pub(in super::super) fn new(replicas: usize, timeout: Nanos) -> Waiting {
        Waiting {
            replicas,
            timeout,
            held: VecDeque::new(),
        }
    }

    /// Holds the answer of `id` back, after which the stream is at `offset`.
    pub(super) fn hold(&mut self, now: Nanos, id: RequestId, offset: u64) {
        self.held.push_back(Held {
            id,
            offset,
            since: now,
        });
    }

    /// The answers that may be given, where replicas have as much as `acked` says.
    pub(super) fn release(&mut self, acked: impl Iterator<Item = u64>) -> Vec<RequestId> {
        let mut acked: Vec<u64> = acked.collect();
        acked.sort_unstable_by(|a, b| b.cmp(a));
        // So far at least that many replicas are.
        let Some(&safe) = acked.get(self.replicas - 1) else {
            return Vec::new();
        };
        self.take_while(|held| held.offset <= safe)
    }

    /// Those that waited for too long.
    pub(super) fn late(&mut self, now: Nanos) -> Vec<RequestId> {
        let timeout = self.timeout;
        self.take_while(|held| now.since(held.since) >= timeout)
    }

    /// All of them: this node is no primary any more.
    pub(super) fn all(&mut self) -> Vec<RequestId> {
        self.take_while(|_| true)
    }

    fn take_while(&mut self, goes: impl Fn(&Held) -> bool) -> Vec<RequestId> {
        let stay = self.held.iter().position(|held| !goes(held));
        let going = stay.unwrap_or(self.held.len());
        self.held.drain(..going).map(|held| held.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(replicas: usize) -> Waiting {
        let mut waiting = Waiting::new(replicas, Nanos(100));
        for id in 1..=3 {
            waiting.hold(Nanos(id * 10), RequestId(id), id * 100);
        }
        waiting
    }

    #[test]
    fn an_answer_waits_for_as_many_replicas_as_were_asked_for() {
        let mut two = waiting(2);
        assert_eq!(two.release([300].into_iter()), []);
        assert_eq!(two.release([300, 99].into_iter()), []);
        assert_eq!(
            two.release([300, 0, 200].into_iter()),
            [RequestId(1), RequestId(2)]
        );
        assert_eq!(two.release([300, 300].into_iter()), [RequestId(3)]);
        assert_eq!(waiting(1).release([100, 0].into_iter()), [RequestId(1)]);
    }

    #[test]
    fn nobody_waits_for_ever() {
        let mut waiting = waiting(1);
        assert_eq!(waiting.late(Nanos(109)), []);
        assert_eq!(waiting.late(Nanos(120)), [RequestId(1), RequestId(2)]);
        assert_eq!(waiting.all(), [RequestId(3)]);
    }
}
