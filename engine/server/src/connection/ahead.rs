//! Memcached's requests that are answered where they were read, many at once: `batch` for them.

use std::time::Instant;

use super::{Connection, Reader, Turn};
use crate::calls::Spoken;
use crate::command::{Called, of_memcached};
use crate::memcached::Outcome;

impl Connection {
    /// Answers requests that `bytes` begin with, some of them, up to the first that takes the long way: how
    /// many bytes are done with.
    pub(super) fn run_ahead(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        if !self.is_plain(turn) {
            return 0;
        }
        match self.run_retrievals(bytes, turn) {
            0 => self.run_storings(bytes, turn),
            used => used,
        }
    }

    fn run_retrievals(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        let bound = self.run_bytes_max();
        let Reader::Memcached(parser) = &mut self.parser else {
            return 0;
        };
        let Some(ahead) = parser.retrievals(bytes) else {
            return 0;
        };
        let Some(entry) = of_memcached(ahead.command()) else {
            return 0;
        };
        let since = Instant::now();
        let asked = ahead.asked();
        let (answered, missed) = turn.store.retrieve_here(asked, &mut self.output, bound);
        if answered == 0 {
            return 0;
        }
        let (end, is_whole) = ahead.end(answered);
        parser.answered(ahead.command(), is_whole);
        let called = Called::in_small_letters(entry);
        let words = asked[..answered].iter().map(Spoken::Retrieval);
        self.count_ahead(&called, words, since, turn);
        let (calls, card) = (&turn.server.calls, &self.client.card);
        calls.all_came_to(&called, card, Outcome::Missed, missed);
        end
    }

    fn run_storings(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        let Reader::Memcached(parser) = &self.parser else {
            return 0;
        };
        let Some(ahead) = parser.storings(bytes, turn.limits.item_bytes) else {
            return 0;
        };
        let Some(entry) = of_memcached(ahead.command()) else {
            return 0;
        };
        let (since, asked) = (Instant::now(), ahead.asked());
        let (answered, refused) = turn.store.store_here(asked, &mut self.output);
        if answered == 0 {
            return 0;
        }
        let called = Called::in_small_letters(entry);
        let words = asked[..answered].iter().map(Spoken::Storing);
        self.count_ahead(&called, words, since, turn);
        let (calls, card) = (&turn.server.calls, &self.client.card);
        calls.all_came_to(&called, card, Outcome::Conflicting, refused);
        ahead.end(answered)
    }

    /// Counts calls that were answered here.
    fn count_ahead<'a>(
        &mut self,
        called: &Called,
        words: impl ExactSizeIterator<Item = Spoken<'a>>,
        since: Instant,
        turn: &mut Turn<'_>,
    ) {
        self.here += words.len();
        self.ran(called, words, since, turn);
    }
}
