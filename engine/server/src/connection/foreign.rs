//! Memcached's clients: their requests go to the same store by the same ways.

use std::borrow::Cow;
use std::time::Instant;

use seawall_store::command::memcached::SET;
use seawall_store::command::server::FLUSHDB;
use seawall_store::{Millis, Op};

use super::inquiry::Teller;
use super::reply_queue::Asked;
use super::{Call, Connection, Reader, Replies, Turn};
use crate::calls::{Begun, Spoken};
use crate::command::connection::is_password;
use crate::command::{Called, find, of_memcached};
use crate::config::Refused;
use crate::memcached::{Request, SPOKEN_VERSION, TOO_LARGE, When, retrieves, stats};

/// The largest item of a client that has not logged in: it has no business but its password.
const STRANGERS_ITEM_BYTES: usize = 2 << 10;

impl Connection {
    /// Begins what `bytes` ask in Memcached's protocol, as far as it may; how many of them are done with.
    pub(super) fn consume_foreign(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> usize {
        let mut at = 0;
        while self.may_begin() && (!self.rests() || self.owes_end(&bytes[at..])) {
            let answered = self.run_ahead(&bytes[at..], turn);
            if answered > 0 {
                at += answered;
                continue;
            }
            let Reader::Memcached(parser) = &mut self.parser else {
                break;
            };
            let is_stranger = self.client.is_stranger(turn.limits);
            let item_bytes_max = if is_stranger {
                STRANGERS_ITEM_BYTES
            } else {
                turn.limits.item_bytes
            };
            let (used, request) = parser.next(&bytes[at..], item_bytes_max);
            at += used;
            match request {
                None if used == 0 => break,
                None | Some(Request::Nothing) => {}
                Some(request) if is_stranger => self.log_in(&request, turn),
                Some(request) => {
                    let since = Instant::now();
                    self.request(request, turn);
                    self.spend(since, Instant::now(), turn);
                }
            }
        }
        at
    }

    /// Whether what `bytes` begin with ends an answer, which is not to be sent without it.
    fn owes_end(&self, bytes: &[u8]) -> bool {
        matches!(&self.parser, Reader::Memcached(parser) if parser.owes_end(bytes))
    }

    fn request(&mut self, request: Request, turn: &mut Turn<'_>) {
        match request {
            Request::Op { op, quiet } => self.ask(op, quiet, turn),
            Request::TooLarge {
                command,
                stale,
                quiet,
            } => {
                let worker = self.client.card.worker;
                turn.server
                    .calls
                    .rejected(worker, of_memcached(command), TOO_LARGE);
                if let Some(op) = stale {
                    self.ask(op, true, turn);
                }
                self.say(TOO_LARGE, quiet);
            }
            Request::Flush { when, quiet } => {
                let at = match when {
                    When::Now => return self.ask(Op::new(&FLUSHDB), quiet, turn),
                    When::After(seconds) => turn.now + seconds.saturating_mul(1000),
                    When::At(seconds) => Millis(seconds.saturating_mul(1000)),
                };
                turn.server.flush_after(at);
                self.say(b"OK\r\n", quiet);
            }
            Request::MemoryLimit { bytes, quiet } => {
                let line: &[u8] = match change_limit(bytes, turn) {
                    Ok(()) => b"OK\r\n",
                    Err(_) => b"MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n",
                };
                self.say(line, quiet);
            }
            Request::Stats(section) => {
                if section.is_empty() {
                    return self.inquire(Teller::Memcached, false, Asked::default(), turn);
                }
                let told = stats(&section, turn);
                self.say(&told, false);
            }
            Request::Version => {
                self.say(format!("VERSION {SPOKEN_VERSION}\r\n").as_bytes(), false);
            }
            Request::Reply(line) => self.say(line, false),
            Request::Nothing => {}
            Request::Quit => self.client.closing = true,
            Request::Refused(line) => {
                self.say(line, false);
                self.client.closing = true;
            }
        }
    }

    /// Memcached's way of giving a password: a first `set` of any key to `user password`.
    fn log_in(&mut self, request: &Request, turn: &mut Turn<'_>) {
        let value = match request {
            Request::Op { op, .. } if std::ptr::eq(op.command(), &raw const SET) => op.get(1),
            // The line's end is answered.
            Request::Op { op, .. } if retrieves(op.command()) => return,
            Request::Quit | Request::Refused(_) => {
                self.client.closing = true;
                return;
            }
            _ => None,
        };
        let line: &[u8] = match value {
            None => b"CLIENT_ERROR unauthenticated\r\n",
            Some(value) => {
                let words = value.split(|&byte| byte == b' ');
                let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
                match words[..] {
                    [user, password, ..] if is_password(turn.limits, user, password) => {
                        self.client.authenticated = true;
                        b"STORED\r\n"
                    }
                    [_, _, ..] => b"CLIENT_ERROR authentication failure\r\n",
                    _ => b"CLIENT_ERROR bad authentication token format\r\n",
                }
            }
        };
        if value.is_some() {
            self.count_login(turn);
        }
        self.say(line, false);
    }

    /// Counts a login as `AUTH` of Redis's clients is counted.
    fn count_login(&self, turn: &Turn<'_>) {
        let Some(entry) = find(b"auth") else {
            return;
        };
        let reply: &[u8] = if self.client.authenticated {
            b"+OK\r\n"
        } else {
            b"-WRONGPASS\r\n"
        };
        let (calls, card) = (&turn.server.calls, &self.client.card);
        calls.called(
            &Begun::now(Called::new(entry, b"auth")),
            None,
            card,
            turn.now,
            reply,
        );
    }

    /// Begins an op as a call of Redis's clients begins: counted, shown, and held where calls are.
    fn ask(&mut self, op: Op, quiet: bool, turn: &mut Turn<'_>) {
        let Some(entry) = of_memcached(op.command()) else {
            return;
        };
        let called = Called::new(entry, entry.name().as_bytes());
        self.client.card.command.set(entry.number as u64 + 1);
        if self.is_plain(turn) && self.ask_here(&called, &op, quiet, turn) {
            return;
        }
        if quiet {
            self.client.replies = Replies::SkipNext;
        }
        self.begin_in_order(Call::Store(called, op), turn);
    }

    /// Runs an op at once, where that can be done; whether it was.
    fn ask_here(&mut self, called: &Called, op: &Op, quiet: bool, turn: &mut Turn<'_>) -> bool {
        let (since, begin) = (Instant::now(), self.output.len());
        if !turn.store.run_here(op, &mut self.output) {
            return false;
        }
        self.here += 1;
        let reply = &self.output[begin..];
        let error = (reply.first() == Some(&b'-')).then_some(reply);
        let (calls, card) = (&turn.server.calls, &self.client.card);
        let (words, now) = (std::iter::once(Spoken::Op(op)), Instant::now());
        calls.ran(called, words, now - since, card, turn.now, error);
        calls.came_to(called, card, reply);
        let told = match translated(reply) {
            _ if quiet => Some(Vec::new()),
            Cow::Borrowed(told) if std::ptr::eq(told, reply) => None,
            told => Some(told.into_owned()),
        };
        if let Some(told) = told {
            self.output.truncate(begin);
            self.output.extend_from_slice(&told);
        }
        true
    }

    fn say(&mut self, bytes: &[u8], quiet: bool) {
        self.order.reply(bytes, quiet, &mut self.output);
    }
}

/// Changes `maxmemory`, as `CONFIG SET` does.
fn change_limit(bytes: u64, turn: &mut Turn<'_>) -> Result<(), Refused> {
    let (server, store) = (turn.server, &mut *turn.store);
    server.settings.change(|settings| {
        let parameter = crate::config::find("maxmemory");
        let Some((parameter, _)) = parameter else {
            return Ok(());
        };
        settings.set(parameter, &bytes.to_string())?;
        server.check(parameter, settings)?;
        if let Some(change) = settings.store_change(parameter) {
            store.configure(&change);
        }
        server.take_effect(&[parameter.effect], settings);
        Ok(())
    })
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
