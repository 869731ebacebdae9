//! Memcached's clients: their requests go to the same store by the same ways.

use std::borrow::Cow;

use seawall_store::Op;
use seawall_store::command::server::FLUSHDB;

use super::{Connection, Gate, Reader, Turn};
use crate::memcached::{Request, SPOKEN_VERSION, stats};

impl Connection {
    /// Begins what `bytes` ask in Memcached's protocol, as far as it may; how many of them are done with.
    pub(super) fn consume_foreign(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        let mut at = 0;
        while self.may_begin() {
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
            Request::Op { op, quiet } => self.ask(op, quiet, turn),
            Request::Retrieve(ops) => {
                for op in ops {
                    self.ask(op, false, turn);
                }
                self.say(b"END\r\n");
            }
            Request::Flush { delay_s: 0, quiet } => {
                self.gate = Gate::Alone;
                self.ask(Op::new(&FLUSHDB), quiet, turn);
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

    fn ask(&mut self, op: Op, quiet: bool, turn: &mut Turn<'_>) {
        let place = self.order.take(quiet);
        turn.store.send(turn.tag(place), op);
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
