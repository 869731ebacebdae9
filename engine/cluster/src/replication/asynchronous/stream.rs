//! The stream of effects: offsets, the backlog, and whether a replica can go on where it stopped.
//!
//! As in Redis (`PSYNC`): a history has an identity and an offset in bytes. After a failover the new
//! primary begins a history of its own and remembers where the old one was left, so that its
//! fellow replicas go on without a full copy.

use std::collections::VecDeque;

use seawall_store::Millis;

use super::super::RequestId;
use super::message::{HistoryId, Message};

/// Effects of one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: RequestId,
    pub(super) at: Millis,
    pub(super) effects: Vec<u8>,
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
    /// The last entries and the offsets at which they begin.
    backlog: VecDeque<(u64, Entry)>,
    backlog_bytes: u64,
    backlog_bytes_max: u64,
    kind: Backlog,
}

impl Stream {
    /// At the beginning of `history`.
    pub(super) fn new(history: HistoryId, backlog_bytes_max: u64, kind: Backlog) -> Stream {
        Stream {
            history,
            offset: 0,
            before: None,
            backlog: VecDeque::new(),
            backlog_bytes: 0,
            backlog_bytes_max,
            kind,
        }
    }

    /// Appends an entry and gives the message that carries it.
    pub(super) fn append(&mut self, entry: Entry) -> Message {
        let offset = self.offset;
        let bytes = entry.effects.len() as u64;
        self.offset += bytes;
        self.backlog_bytes += bytes;
        self.backlog.push_back((offset, entry.clone()));
        while self.backlog_bytes > self.backlog_bytes_max
            && let Some((_, old)) = self.backlog.pop_front()
        {
            self.backlog_bytes -= old.effects.len() as u64;
        }
        let Entry { id, at, effects } = entry;
        Message::Entry {
            offset,
            id,
            at,
            effects,
        }
    }

    /// The entries that a replica at `offset` of `history` lacks; `None` where it needs a full copy.
    pub(super) fn since(&self, history: HistoryId, offset: u64) -> Option<Vec<Message>> {
        let left = match self.before {
            _ if history == self.history => self.offset,
            Some((before, left)) if history == before => left,
            _ => return None,
        };
        let begin = self.backlog.partition_point(|&(at, _)| at < offset);
        let first = self.backlog.front().map_or(self.offset, |&(at, _)| at);
        // Offsets that a replica asks for lie between entries.
        let next = self.backlog.get(begin).map_or(self.offset, |&(at, _)| at);
        let is_refused = offset > left && self.kind == Backlog::Checked;
        if is_refused || offset < first || (next != offset && offset <= self.offset) {
            return None;
        }
        let entries = self
            .backlog
            .range(begin..)
            .map(|(at, entry)| Message::Entry {
                offset: *at,
                id: entry.id,
                at: entry.at,
                effects: entry.effects.clone(),
            });
        Some(entries.collect())
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

    fn offsets(messages: Option<Vec<Message>>) -> Option<Vec<u64>> {
        messages.map(|messages| {
            messages
                .iter()
                .map(|message| match message {
                    Message::Entry { offset, .. } => *offset,
                    other => panic!("{other:?}"),
                })
                .collect()
        })
    }

    #[test]
    fn a_short_gap_is_filled_and_a_long_one_is_not() {
        let mut stream = Stream::new(1, 25, Backlog::Checked);
        for id in 0..4 {
            stream.append(entry(id, 10));
        }
        assert_eq!(stream.offset, 40);
        assert_eq!(offsets(stream.since(1, 20)), Some(vec![20, 30]));
        assert_eq!(offsets(stream.since(1, 40)), Some(vec![]));
        assert_eq!(stream.since(1, 10), None, "the backlog holds 25 bytes");
        assert_eq!(stream.since(1, 25), None, "not between entries");
        assert_eq!(stream.since(1, 50), None, "ahead of the primary");
        assert_eq!(stream.since(2, 20), None, "another history");
    }

    #[test]
    fn after_a_failover_the_old_history_goes_on_up_to_where_it_was_left() {
        let mut stream = Stream::new(1, 100, Backlog::Checked);
        stream.append(entry(0, 10));
        stream.begin(2);
        stream.append(entry(1, 10));
        assert_eq!(offsets(stream.since(1, 10)), Some(vec![10]));
        assert_eq!(
            stream.since(1, 20),
            None,
            "the old primary went further: a full copy"
        );
    }
}
