//! Memcached's text protocol (`doc/protocol.txt` of memcached), for the ops that it has a form for.
//!
//! An op is put in Memcached's words and the answer in Redis's, so that a workload that reads, writes,
//! deletes, prolongs and counts single keys runs on both and verifies both. There are two sets of words
//! for one thing: the [`Meta`] commands, which a client that pipelines uses, and the [`Classic`] ones,
//! some of whose answers older servers send one system call each. What is the same in both is here.

mod classic;
mod meta;

pub(crate) use classic::Classic;
pub(crate) use meta::Meta;

use std::time::{SystemTime, UNIX_EPOCH};

use seawall_store::{Op, Reply};

use super::spare::Spare;
use super::{VALUE_BYTES_MAX, decimal, shown};

/// The longest key that Memcached takes.
const KEY_BYTES_MAX: usize = 250;
/// Times beyond this are dates and not spans: thirty days, in seconds.
const SPAN_S_MAX: u64 = 60 * 60 * 24 * 30;

/// What an op asks for, by Memcached's notions. Each stands for one request and one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked<'a> {
    Get,
    /// The value, and for how many seconds; 0 is for ever.
    Set(&'a [u8], u64),
    Delete,
    /// For how many seconds.
    Touch(u64),
    /// By how much.
    Count(u64),
}

/// What an answer is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Get,
    Set,
    Delete,
    Touch,
    Count,
}

impl Asked<'_> {
    fn awaited(self) -> Awaited {
        match self {
            Asked::Get => Awaited::Get,
            Asked::Set(..) => Awaited::Set,
            Asked::Delete => Awaited::Delete,
            Asked::Touch(_) => Awaited::Touch,
            Asked::Count(_) => Awaited::Count,
        }
    }
}

/// The key that `op` is of and what it asks for.
///
/// # Errors
/// Memcached has no form for it; in words for people.
fn understand(op: &Op) -> Result<(&[u8], Asked<'_>), String> {
    read(op).ok_or_else(|| format!("Memcached has no form for {}", brief(op)))
}

fn read(op: &Op) -> Option<(&[u8], Asked<'_>)> {
    let key = op.get(0)?;
    let fits = |&byte: &u8| byte > b' ' && byte != 0x7f;
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.iter().all(fits) {
        return None;
    }
    let asked = match (op.command().name, op.len()) {
        ("get", 1) => Asked::Get,
        ("set", 2) => Asked::Set(op.get(1)?, 0),
        ("set", 4) if op.get(2)?.eq_ignore_ascii_case(b"ex") => {
            Asked::Set(op.get(1)?, seconds(op.get(3)?)?)
        }
        ("setex", 3) => Asked::Set(op.get(2)?, seconds(op.get(1)?)?),
        ("del" | "unlink", 1) => Asked::Delete,
        ("expire", 2) => Asked::Touch(seconds(op.get(1)?)?),
        ("incr", 1) => Asked::Count(1),
        // Memcached's `decr` stops at 0, so nothing is told to count down.
        ("incrby", 2) => Asked::Count(decimal(op.get(1)?)?),
        _ => return None,
    };
    Some((key, asked))
}

/// A span; 0 means another thing to each of the two.
fn seconds(text: &[u8]) -> Option<u64> {
    decimal(text).filter(|&seconds| seconds > 0)
}

/// A span as Memcached takes it: beyond thirty days it means a date.
fn until(seconds: u64) -> u64 {
    if seconds <= SPAN_S_MAX {
        return seconds;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs()).saturating_add(seconds)
}

/// An op's name and how many arguments it has, for a message.
fn brief(op: &Op) -> String {
    let name = op.command().name.to_uppercase();
    match op.len() {
        1 => format!("{name} with 1 argument"),
        n => format!("{name} with {n} arguments"),
    }
}

fn is_error(line: &[u8]) -> bool {
    line == b"ERROR" || line.starts_with(b"CLIENT_ERROR ") || line.starts_with(b"SERVER_ERROR ")
}

fn strange(bytes: &[u8]) -> String {
    format!("sent what is no answer of Memcached: {}", shown(bytes))
}

/// The value of `len` bytes that begins at `at` and is followed by `tail`, and where that ends; `None`
/// where more bytes are needed.
///
/// # Errors
/// No value is so long, or something else follows it.
fn value(
    bytes: &[u8],
    at: usize,
    len: Option<usize>,
    tail: &[u8],
    spare: &mut Spare,
) -> Result<Option<(Reply, usize)>, String> {
    let Some(len) = len.filter(|&len| len <= VALUE_BYTES_MAX) else {
        return Err(strange(bytes));
    };
    let end = at + len + tail.len();
    match bytes.get(at + len..end) {
        None => Ok(None),
        Some(found) if found == tail => {
            Ok(Some((Reply::Bulk(spare.copy(&bytes[at..at + len])), end)))
        }
        Some(_) => Err(strange(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Wire;

    pub(super) fn op(words: &str) -> Op {
        Op::parse(words.split(' ').map(str::as_bytes)).expect("an op")
    }

    /// One exchange: what is asked, what is sent for it, what is answered, what that means.
    pub(super) fn exchange<W: Wire>(asked: &str, sent: &str, answer: &str, reply: &Reply) {
        let (mut wire, mut out) = (W::default(), Vec::new());
        wire.encode(&op(asked), &mut out).expect("a form");
        assert_eq!(String::from_utf8_lossy(&out), sent, "{asked}");
        for end in 0..answer.len() {
            let part = wire.decode(&answer.as_bytes()[..end]);
            assert_eq!(part, Ok(None), "{answer:?} cut at {end}");
        }
        let whole = wire.decode(answer.as_bytes());
        assert_eq!(whole, Ok(Some((reply.clone(), answer.len()))), "{asked}");
        let unasked = wire.decode(answer.as_bytes());
        assert!(unasked.expect_err("answered").contains("not asked"));
    }

    /// Each of `junk` is no answer to a read.
    pub(super) fn refuses<W: Wire>(junk: &[&str]) {
        for junk in junk {
            let mut wire = W::default();
            wire.encode(&op("GET k"), &mut Vec::new()).expect("a form");
            assert!(wire.decode(junk.as_bytes()).is_err(), "{junk}");
        }
    }

    #[test]
    fn what_has_no_form_is_told_and_leaves_nothing_behind() {
        fn refused<W: Wire>(words: &str) {
            let (mut wire, mut out) = (W::default(), Vec::new());
            let error = wire.encode(&op(words), &mut out).expect_err(words);
            assert!(error.contains("no form for"), "{error}");
            assert!(out.is_empty(), "{words}");
            let unasked = wire.decode(b"END\r\n");
            assert!(unasked.expect_err("not asked").contains("not asked"));
        }
        let long = format!("GET {}", "k".repeat(251));
        for words in [
            "HGETALL k",
            "ZADD b 1 m",
            "SET k v NX",
            "SET k v PX 5",
            "SET k v EX 0",
            "EXPIRE k 0",
            "INCRBY k -1",
            "DEL a b",
            &long,
        ] {
            refused::<Classic>(words);
            refused::<Meta>(words);
        }
    }

    #[test]
    fn spans_beyond_thirty_days_become_dates() {
        assert_eq!(until(SPAN_S_MAX), SPAN_S_MAX);
        assert!(until(SPAN_S_MAX + 1) > 1_700_000_000);
    }
}
