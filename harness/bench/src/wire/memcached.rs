//! Memcached's text protocol (`doc/protocol.txt` of memcached), for the ops that it has a form for.
//!
//! An op is put in Memcached's words and the answer in Redis's, so that a workload that reads, writes,
//! deletes, prolongs and counts single keys runs on both and verifies both.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use seawall_store::{Op, Reply};

use super::spare::Spare;
use super::{VALUE_BYTES_MAX, Wire, decimal, line, shown};

/// The longest key that Memcached takes.
const KEY_BYTES_MAX: usize = 250;
/// What follows a value.
const TAIL: &[u8] = b"\r\nEND\r\n";
/// Times beyond this are dates and not spans: thirty days, in seconds.
const SPAN_S_MAX: u64 = 60 * 60 * 24 * 30;

/// A connection's text protocol.
#[derive(Debug, Default)]
pub(crate) struct Memcached {
    /// What was asked and not answered.
    asked: VecDeque<Asked>,
    spare: Spare,
}

/// What an answer is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Get,
    Set,
    Delete,
    Touch,
    Count,
}

impl Wire for Memcached {
    fn encode(&mut self, op: &Op, out: &mut Vec<u8>) -> Result<(), String> {
        let begin = out.len();
        let Some(asked) = translate(op, out) else {
            out.truncate(begin);
            return Err(format!("Memcached has no form for {}", brief(op)));
        };
        self.asked.push_back(asked);
        Ok(())
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<Option<(Reply, usize)>, String> {
        let Some((text, used)) = line(bytes)? else {
            return Ok(None);
        };
        let Some(&asked) = self.asked.front() else {
            return Err(format!("answered what was not asked: {}", shown(bytes)));
        };
        let mut used = used;
        let reply = match (asked, text) {
            (_, error) if is_error(error) => Reply::Error(self.spare.text(error)),
            (Asked::Get, b"END") => Reply::Nil,
            (Asked::Get, text) if text.starts_with(b"VALUE ") => {
                let len = text.split(|&byte| byte == b' ').nth(3).and_then(decimal);
                let Some(len) = len.filter(|&len: &usize| len <= VALUE_BYTES_MAX) else {
                    return Err(strange(bytes));
                };
                let Some(tail) = bytes.get(used + len..used + len + TAIL.len()) else {
                    return Ok(None);
                };
                if tail != TAIL {
                    return Err(strange(bytes));
                }
                let value = self.spare.copy(&bytes[used..used + len]);
                used += len + TAIL.len();
                Reply::Bulk(value)
            }
            (Asked::Set, b"STORED") => Reply::Simple(self.spare.text(b"OK")),
            (Asked::Delete, b"DELETED") | (Asked::Touch, b"TOUCHED") => Reply::Int(1),
            (Asked::Delete | Asked::Touch, b"NOT_FOUND") => Reply::Int(0),
            // Redis would begin at 0 here; Memcached counts only what is there.
            (Asked::Count, b"NOT_FOUND") => Reply::Error(self.spare.text(text)),
            (Asked::Count, number) => Reply::Int(decimal(number).ok_or_else(|| strange(bytes))?),
            _ => return Err(strange(bytes)),
        };
        self.asked.pop_front();
        Ok(Some((reply, used)))
    }

    fn recycle(&mut self, reply: Reply) {
        self.spare.take(reply);
    }
}

fn is_error(line: &[u8]) -> bool {
    line == b"ERROR" || line.starts_with(b"CLIENT_ERROR ") || line.starts_with(b"SERVER_ERROR ")
}

fn strange(bytes: &[u8]) -> String {
    format!("sent what is no answer of Memcached: {}", shown(bytes))
}

/// An op's name and how many arguments it has, for a message.
fn brief(op: &Op) -> String {
    let name = op.command().name.to_uppercase();
    match op.len() {
        1 => format!("{name} with 1 argument"),
        n => format!("{name} with {n} arguments"),
    }
}

/// Appends `op` in Memcached's words; `None` where there are none.
fn translate(op: &Op, out: &mut Vec<u8>) -> Option<Asked> {
    use std::io::Write;
    let key = op.get(0)?;
    let fits = |&byte: &u8| byte > b' ' && byte != 0x7f;
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.iter().all(fits) {
        return None;
    }
    let word = |out: &mut Vec<u8>, verb: &str| {
        out.extend_from_slice(verb.as_bytes());
        out.push(b' ');
        out.extend_from_slice(key);
    };
    let asked = match (op.command().name, op.len()) {
        ("get", 1) => {
            word(out, "get");
            Asked::Get
        }
        ("set", 2 | 4) | ("setex", 3) => {
            let (value, seconds) = stored(op)?;
            word(out, "set");
            let expiry = until(seconds);
            write!(out, " 0 {expiry} {}\r\n", value.len()).ok()?;
            out.extend_from_slice(value);
            Asked::Set
        }
        ("del" | "unlink", 1) => {
            word(out, "delete");
            Asked::Delete
        }
        ("expire", 2) => {
            let seconds = decimal::<u64>(&op[1]).filter(|&seconds| seconds > 0)?;
            word(out, "touch");
            write!(out, " {}", until(seconds)).ok()?;
            Asked::Touch
        }
        ("incr", 1) => {
            word(out, "incr");
            out.extend_from_slice(b" 1");
            Asked::Count
        }
        // Memcached's `decr` stops at 0, so nothing is told to count down.
        ("incrby", 2) => {
            let by = decimal::<u64>(&op[1])?;
            word(out, "incr");
            write!(out, " {by}").ok()?;
            Asked::Count
        }
        _ => return None,
    };
    out.extend_from_slice(b"\r\n");
    Some(asked)
}

/// The value that `SET key value [EX s]` or `SETEX key s value` stores, and for how many seconds; 0 is for
/// ever.
fn stored(op: &Op) -> Option<(&[u8], u64)> {
    let (value, seconds) = match (op.command().name, op.len()) {
        ("setex", _) => (op.get(2)?, op.get(1)?),
        (_, 2) => return Some((op.get(1)?, 0)),
        _ if op.get(2)?.eq_ignore_ascii_case(b"ex") => (op.get(1)?, op.get(3)?),
        _ => return None,
    };
    let seconds = decimal::<u64>(seconds).filter(|&seconds| seconds > 0)?;
    Some((value, seconds))
}

/// A span as Memcached takes it: beyond thirty days it means a date.
fn until(seconds: u64) -> u64 {
    if seconds <= SPAN_S_MAX {
        return seconds;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs()).saturating_add(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(words: &str) -> Op {
        Op::parse(words.split(' ').map(str::as_bytes)).expect("an op")
    }

    #[test]
    fn ops_in_memcacheds_words_and_answers_in_rediss() {
        for (asked, sent, answer, reply) in [
            ("GET k", "get k\r\n", "END\r\n", Reply::Nil),
            (
                "GET k",
                "get k\r\n",
                "VALUE k 0 2\r\n\r\n\r\nEND\r\n",
                Reply::Bulk(b"\r\n".to_vec()),
            ),
            (
                "SET k abc",
                "set k 0 0 3\r\nabc\r\n",
                "STORED\r\n",
                Reply::Simple("OK".to_owned()),
            ),
            (
                "SET k abc EX 60",
                "set k 0 60 3\r\nabc\r\n",
                "STORED\r\n",
                Reply::Simple("OK".to_owned()),
            ),
            (
                "SETEX k 60 abc",
                "set k 0 60 3\r\nabc\r\n",
                "SERVER_ERROR out of memory storing object\r\n",
                Reply::Error("SERVER_ERROR out of memory storing object".to_owned()),
            ),
            ("DEL k", "delete k\r\n", "DELETED\r\n", Reply::Int(1)),
            ("DEL k", "delete k\r\n", "NOT_FOUND\r\n", Reply::Int(0)),
            ("EXPIRE k 9", "touch k 9\r\n", "TOUCHED\r\n", Reply::Int(1)),
            ("INCR k", "incr k 1\r\n", "17\r\n", Reply::Int(17)),
            ("INCRBY k 5", "incr k 5\r\n", "22\r\n", Reply::Int(22)),
        ] {
            let (mut wire, mut out) = (Memcached::default(), Vec::new());
            wire.encode(&op(asked), &mut out).expect("a form");
            assert_eq!(String::from_utf8_lossy(&out), sent, "{asked}");
            for end in 0..answer.len() {
                let part = wire.decode(&answer.as_bytes()[..end]);
                assert_eq!(part, Ok(None), "{answer:?} cut at {end}");
            }
            let whole = wire.decode(answer.as_bytes());
            assert_eq!(whole, Ok(Some((reply, answer.len()))), "{asked}");
        }
    }

    #[test]
    fn what_has_no_form_is_told_and_leaves_nothing_behind() {
        let (mut wire, mut out) = (Memcached::default(), Vec::new());
        let long = format!("GET {}", "k".repeat(251));
        for words in [
            "HGETALL k",
            "ZADD b 1 m",
            "SET k v NX",
            "SET k v PX 5",
            "INCRBY k -1",
            "DEL a b",
            &long,
        ] {
            let error = wire.encode(&op(words), &mut out).expect_err(words);
            assert!(error.contains("no form for"), "{error}");
        }
        assert!(out.is_empty() && wire.asked.is_empty());
    }

    #[test]
    fn spans_beyond_thirty_days_become_dates() {
        assert_eq!(until(SPAN_S_MAX), SPAN_S_MAX);
        assert!(until(SPAN_S_MAX + 1) > 1_700_000_000);
    }

    #[test]
    fn junk_is_refused() {
        for junk in [
            "VALUE k 0 99999999999\r\n",
            "VALUE k 0\r\n",
            "VALUE k 0 1\r\nabEND\r\n__",
            "STORED\r\n",
            "+PONG\r\n",
        ] {
            let mut wire = Memcached::default();
            wire.encode(&op("GET k"), &mut Vec::new()).expect("a form");
            assert!(wire.decode(junk.as_bytes()).is_err(), "{junk}");
        }
        let unasked = Memcached::default().decode(b"END\r\n");
        assert!(unasked.expect_err("not asked").contains("not asked"));
    }
}
