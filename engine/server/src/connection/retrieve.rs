//! Memcached's requests for strings that are answered where they were read: `batch` for them.

use std::time::Instant;

use super::{Connection, OUTPUT_HELD_BYTES, Reader, Turn};
use crate::calls::Spoken;
use crate::command::{Called, of_memcached};

impl Connection {
    /// Answers requests for strings that `bytes` begin with, some of them, up to the first that its owner has
    /// to answer: how many bytes are done with.
    pub(super) fn run_retrievals(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        if !self.is_plain(turn) {
            return 0;
        }
        let Reader::Memcached(parser) = &mut self.parser else {
            return 0;
        };
        let Some(ahead) = parser.ahead(bytes) else {
            return 0;
        };
        let Some(entry) = of_memcached(ahead.command()) else {
            return 0;
        };
        let since = Instant::now();
        let bound = OUTPUT_HELD_BYTES.saturating_sub(self.queued);
        let asked = ahead.asked();
        let (answered, missed) = turn.store.retrieve_here(asked, &mut self.output, bound);
        if answered == 0 {
            return 0;
        }
        let (end, is_whole) = ahead.end(answered);
        parser.answered(ahead.command(), is_whole);
        self.here += answered;
        let (called, card) = (Called::in_small_letters(entry), &self.client.card);
        card.command.set(entry.number as u64 + 1);
        let (calls, words) = (&turn.server.calls, asked[..answered].iter());
        let words = words.map(Spoken::Retrieval);
        calls.ran(&called, words, since.elapsed(), card, turn.now, None);
        calls.missed(&called, card, missed as u64);
        end
    }
}
