//! Memcached's clients: their requests go to the same store by the same ways.

use std::borrow::Cow;

use seawall_store::Op;
use seawall_store::command::server::FLUSHDB;

use super::{Call, Connection, Reader, Turn};
use crate::memcached::{Request, SPOKEN_VERSION, stats};

impl Connection {
    /// Begins what `bytes` ask in Memcached's protocol, as far as it may; how many of them are done with.
    pub(super) fn consume_foreign(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        let mut at = 0;
        // Writers and readers of this protocol are not told apart before they are read: all wait.
        let waits = !turn.server.takes_writes() || turn.server.pause.is_on(turn.now);
        while !waits && self.may_begin() {
            if self.retrieving.is_some() {
                self.retrieve(turn);
                continue;
            }
            let Reader::Memcached(parser) = &mut self.parser else {
                break;
            };
            let (used, request) = parser.next(&bytes[at..], turn.limits.bulk_bytes);
            at += used;
            match request {
                None if used == 0 => break,
                None | Some(Request::Nothing) => {}
                Some(request) => self.request(request, turn),
            }
        }
        at
    }

    fn request(&mut self, request: Request, turn: &mut Turn<'_>) {
        if !self.client.authenticated {
            // The text protocol has no word for a password, so with `requirepass` nobody comes in here.
            self.say(b"CLIENT_ERROR unauthenticated\r\n");
            self.client.closing = true;
            return;
        }
        match request {
            Request::Op { op, quiet } => self.begin_in_order(Call::Foreign(op, quiet), turn),
            Request::Retrieve(ops) => {
                self.retrieving = Some(ops.into_iter().collect());
                self.retrieve(turn);
            }
            Request::Flush { delay_s: 0, quiet } => {
                self.begin_in_order(Call::Foreign(Op::new(&FLUSHDB), quiet), turn);
            }
            Request::Flush { delay_s, quiet } => {
                turn.server
                    .flush_after(turn.now + delay_s.saturating_mul(1000));
                if !quiet {
                    self.say(b"OK\r\n");
                }
            }
            Request::Stats(section) => {
                let told = stats(&section, turn);
                self.say(&told);
            }
            Request::Version => {
                self.say(format!("VERSION {SPOKEN_VERSION}\r\n").as_bytes());
            }
            Request::Reply(line) => self.say(line),
            Request::Nothing => {}
            Request::Quit => self.client.closing = true,
            Request::Refused(line) => {
                self.say(line);
                self.client.closing = true;
            }
        }
    }

    /// Begins what is left of a retrieval, as far as it may. Its last word comes behind all of it.
    fn retrieve(&mut self, turn: &mut Turn<'_>) {
        while self.may_begin()
            && let Some(ops) = &mut self.retrieving
        {
            if let Some(op) = ops.pop_front() {
                self.begin_in_order(Call::Foreign(op, false), turn);
            } else {
                self.retrieving = None;
                return self.say(b"END\r\n");
            }
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.order.reply(bytes, false, &mut self.output);
    }
}

/// An answer of the store as Memcached's clients understand it: the store's own refusals and
/// acknowledgements are Redis's.
pub(super) fn translated(answer: &[u8]) -> Cow<'_, [u8]> {
    match answer {
        b"+OK\r\n" => b"OK\r\n".into(),
        [b'-', words @ ..] if words.starts_with(b"OOM") => {
            b"SERVER_ERROR out of memory storing object\r\n".into()
        }
        [b'-', words @ ..] => [b"SERVER_ERROR ".as_slice(), words].concat().into(),
        answer => answer.into(),
    }
}
