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
    /// Their effects, those of an entry in one piece.
    pieces: VecDeque<Piece>,
    backlog_bytes_max: u64,
    kind: Backlog,
}

/// Effects of entries that follow each other. In pieces, what grows is never moved, and a thousand short backlogs take
/// no more than they hold.
struct Piece {
    /// Where the first begins.
    offset: u64,
    effects: Vec<u8>,
}

/// The bytes of a piece, where no single entry has more.
const PIECE_BYTES: usize = 16 << 10;

impl Piece {
    fn end(&self) -> u64 {
        self.offset + self.effects.len() as u64
    }
}

impl Stream {
    /// At the beginning of `history`.
    pub(super) fn new(history: HistoryId, backlog_bytes_max: u64, kind: Backlog) -> Stream {
        Stream {
            history,
            offset: 0,
            before: None,
            backlog: VecDeque::new(),
            pieces: VecDeque::new(),
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
        let has_room =
            |piece: &Piece| piece.effects.len() + entry.effects.len() <= piece.effects.capacity();
        if !self.pieces.back().is_some_and(has_room) {
            self.pieces.push_back(Piece {
                offset: self.offset,
                effects: Vec::with_capacity(PIECE_BYTES.max(entry.effects.len())),
            });
        }
        if let Some(piece) = self.pieces.back_mut() {
            piece.effects.extend_from_slice(&entry.effects);
        }
        self.offset += entry.effects.len() as u64;
        while self.offset - self.first() > self.backlog_bytes_max {
            self.backlog.pop_front();
        }
        let first = self.first();
        while self
            .pieces
            .front()
            .is_some_and(|piece| piece.end() <= first)
        {
            self.pieces.pop_front();
        }
    }

    /// Where the backlog begins.
    fn first(&self) -> u64 {
        self.backlog.front().map_or(self.offset, |old| old.offset)
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
        let (first, next) = (self.first(), offset_of(begin));
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
            let place = self.pieces.partition_point(|piece| piece.end() <= offset);
            let bytes = (offset_of(at + 1) - offset) as usize;
            let effects = self.pieces.get(place).map_or(&[][..], |piece| {
                &piece.effects[(offset - piece.offset) as usize..][..bytes]
            });
            (
                offset,
                Entry {
                    id,
                    at: time,
                    effects: effects.to_vec(),
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
    fn effects_come_back_as_they_were() {
        let mut stream = Stream::new(1, 100_000, Backlog::Checked);
        let entries: Vec<Entry> = (0..200u64)
            .map(|id| Entry {
                effects: vec![id as u8; [0, 1, 700, 5000, 20_000][id as usize % 5]],
                ..entry(id, 0)
            })
            .collect();
        for entry in &entries {
            stream.append(entry);
        }
        let held: Vec<Entry> = stream
            .since(1, stream.first())
            .expect("it begins there")
            .map(|(_, entry)| entry)
            .collect();
        assert!(held.len() > 10 && held.len() < 30, "{}", held.len());
        assert_eq!(held, entries[entries.len() - held.len()..]);
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
