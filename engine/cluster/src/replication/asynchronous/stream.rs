//! The stream of effects: offsets, the backlog, and whether a replica can go on where it stopped.
//!
//! As in Redis (`PSYNC`): a history has an identity and an offset in bytes. After a failover the new
//! primary begins a history of its own and remembers where the old one was left, so that its
//! fellow replicas go on without a full copy.

use std::collections::VecDeque;

use seawall_store::Millis;

use super::super::RequestId;
use super::message::HistoryId;

/// Effects of one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: RequestId,
    pub(super) at: Millis,
    pub(super) effects: Vec<u8>,
}

/// An entry of the backlog, whose effects stand apart: they are many and short.
#[derive(Clone, Copy)]
struct Logged {
    /// Where its effects begin.
    offset: u64,
    id: RequestId,
    at: Millis,
}

/// Which backlogs are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Backlog {
    /// Those that the replica's own history is a beginning of.
    Checked,
    /// Any of the history before: what a broken twin does.
    Stale,
}

/// A node's place in the stream, and the last part of it.
pub(super) struct Stream {
    pub(super) history: HistoryId,
    /// Bytes of effects from the beginning to here.
    pub(super) offset: u64,
    /// The history before this one and the offset at which it was left.
    before: Option<(HistoryId, u64)>,
    /// The last entries, without their effects.
    backlog: VecDeque<Logged>,
    /// Their effects, one after the other.
    effects: VecDeque<u8>,
    backlog_bytes_max: u64,
    kind: Backlog,
}

/// The most bytes that a backlog reserves before it has them.
const ROOM_AT_ONCE: u64 = 16 << 20;

impl Stream {
    /// At the beginning of `history`.
    pub(super) fn new(history: HistoryId, backlog_bytes_max: u64, kind: Backlog) -> Stream {
        Stream {
            history,
            offset: 0,
            before: None,
            backlog: VecDeque::new(),
            effects: VecDeque::new(),
            backlog_bytes_max,
            kind,
        }
    }

    /// Appends an entry.
    pub(super) fn append(&mut self, entry: &Entry) {
        self.backlog.push_back(Logged {
            offset: self.offset,
            id: entry.id,
            at: entry.at,
        });
        if self.effects.capacity() == 0 {
            // All that a common backlog ever takes, so that it is not moved as it grows; what is not used costs nothing.
            let room = self.backlog_bytes_max.min(ROOM_AT_ONCE);
            self.effects.reserve((room + room / 8) as usize);
        }
        self.effects.extend(&entry.effects);
        self.offset += entry.effects.len() as u64;
        while self.effects.len() as u64 > self.backlog_bytes_max
            && let Some(old) = self.backlog.pop_front()
        {
            let end = self.backlog.front().map_or(self.offset, |next| next.offset);
            self.effects.drain(..(end - old.offset) as usize);
        }
    }

    /// The entries that a replica at `offset` of `history` lacks; `None` where it needs a full copy.
    pub(super) fn since(
        &self,
        history: HistoryId,
        offset: u64,
    ) -> Option<impl Iterator<Item = (u64, Entry)>> {
        let left = match self.before {
            _ if history == self.history => self.offset,
            Some((before, left)) if history == before => left,
            _ => return None,
        };
        let begin = self.backlog.partition_point(|old| old.offset < offset);
        let offset_of = |at: usize| self.backlog.get(at).map_or(self.offset, |old| old.offset);
        // Offsets that a replica asks for lie between entries.
        let (first, next) = (offset_of(0), offset_of(begin));
        let is_refused = offset > left && self.kind == Backlog::Checked;
        if is_refused || offset < first || (next != offset && offset <= self.offset) {
            return None;
        }
        let entry = move |at: usize| {
            let Logged {
                offset,
                id,
                at: time,
            } = self.backlog[at];
            let (from, to) = (
                (offset - first) as usize,
                (offset_of(at + 1) - first) as usize,
            );
            let effects = self.effects.range(from..to).copied().collect();
            (
                offset,
                Entry {
                    id,
                    at: time,
                    effects,
                },
            )
        };
        Some((begin..self.backlog.len()).map(entry))
    }

    /// This node becomes primary: what follows is a history of its own.
    pub(super) fn begin(&mut self, history: HistoryId) {
        self.before = Some((self.history, self.offset));
        self.history = history;
    }

    /// This node follows `history` from where it stands.
    pub(super) fn follow(&mut self, history: HistoryId) {
        if history != self.history {
            self.begin(history);
        }
    }

    /// This node's state was replaced by that of `history` at `offset`.
    pub(super) fn jump(&mut self, history: HistoryId, offset: u64) {
        *self = Stream {
            offset,
            ..Stream::new(history, self.backlog_bytes_max, self.kind)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u64, bytes: usize) -> Entry {
        Entry {
            id: RequestId(id),
            at: Millis(id),
            effects: vec![0; bytes],
        }
    }

    fn offsets(stream: &Stream, history: HistoryId, offset: u64) -> Option<Vec<u64>> {
        let entries = stream.since(history, offset)?;
        Some(entries.map(|(at, _)| at).collect())
    }

    #[test]
    fn a_short_gap_is_filled_and_a_long_one_is_not() {
        let mut stream = Stream::new(1, 25, Backlog::Checked);
        for id in 0..4 {
            stream.append(&entry(id, 10));
        }
        assert_eq!(stream.offset, 40);
        assert_eq!(offsets(&stream, 1, 20), Some(vec![20, 30]));
        assert_eq!(offsets(&stream, 1, 40), Some(vec![]));
        assert_eq!(offsets(&stream, 1, 10), None, "the backlog holds 25 bytes");
        assert_eq!(offsets(&stream, 1, 25), None, "not between entries");
        assert_eq!(offsets(&stream, 1, 50), None, "ahead of the primary");
        assert_eq!(offsets(&stream, 2, 20), None, "another history");
    }

    #[test]
    fn after_a_failover_the_old_history_goes_on_up_to_where_it_was_left() {
        let mut stream = Stream::new(1, 100, Backlog::Checked);
        stream.append(&entry(0, 10));
        stream.begin(2);
        stream.append(&entry(1, 10));
        assert_eq!(offsets(&stream, 1, 10), Some(vec![10]));
        assert_eq!(
            offsets(&stream, 1, 20),
            None,
            "the old primary went further: a full copy"
        );
    }
}
