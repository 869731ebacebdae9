//! What a client's bytes become: commands that are answered where they are read, and those that take the long
//! way, as far as any may begin now.
//!
//! It knows no command; it stops where the client has to wait, for answers, for its reader or for others.

use std::time::Instant;

use super::{Connection, Gate, Reader, Replies, Turn, UNANSWERED_BYTES_MAX, UNANSWERED_MAX};
use crate::resp::Bounds;

impl Connection {
    pub(super) fn may_begin(&mut self) -> bool {
        if matches!(self.gate, Gate::Alone) && self.order.is_empty() {
            self.gate = Gate::Open;
        }
        self.held_by_output = self.is_output_held();
        matches!(self.gate, Gate::Open)
            && !self.client.closing
            && !self.broken
            && self.order.len() < UNANSWERED_MAX
            && self.order.bytes() <= UNANSWERED_BYTES_MAX
            && !self.held_by_output
    }

    pub(super) fn consume_input(&mut self, turn: &mut Turn<'_>) {
        let mut input = std::mem::take(&mut self.input);
        let used = self.consume(input.as_bytes(), turn);
        input.take(used);
        self.input = input;
    }

    /// Begins what `bytes` ask, as far as it may; how many of them are done with.
    pub(super) fn consume(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        let mut at = 0;
        while self.may_begin() {
            let answered = self.consume_batches(&bytes[at..], turn);
            at += answered;
            if answered > 0 && (at == bytes.len() || self.rests() || !self.may_begin()) {
                break;
            }
            let Reader::Resp(parser) = &mut self.parser else {
                at += self.consume_foreign(&bytes[at..], turn);
                break;
            };
            let bounds = Bounds {
                bulk_bytes: turn.limits.bulk_bytes,
                query_bytes: turn.limits.query_bytes,
                stranger: self.client.is_stranger(turn.limits),
            };
            match parser.next(&bytes[at..], bounds) {
                Ok((used, None)) => {
                    at += used;
                    break;
                }
                Ok((used, Some(parsed))) => {
                    at += used;
                    let since = Instant::now();
                    self.command(parsed, turn);
                    self.spend(since, Instant::now(), turn);
                    if self.rests() {
                        break;
                    }
                }
                Err(error) => {
                    let reply = error.reply();
                    self.broken |= reply.is_empty();
                    let muted = self.client.replies != Replies::On;
                    self.order.reply(&reply, muted, &mut self.output);
                    self.client.closing = true;
                }
            }
        }
        if self.client.closing || self.broken {
            // Nothing more will be read.
            return bytes.len();
        }
        at
    }
}
