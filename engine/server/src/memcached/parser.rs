//! The parser: what a client asks, as soon as all of it is there.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use seawall_store::Op;
use seawall_store::command::Command;
use seawall_store::command::memcached as store;
use smallvec::SmallVec;

use super::line::{
    BAD_CHUNK, BAD_EXPTIME, BAD_FORMAT, BAD_KEY, DELETE_USAGE, ERROR, TOO_LARGE, TOO_LONG,
    WORDS_MAX, Words, number, words,
};

/// The longest line, in bytes: room for hundreds of keys of one `get`.
const LINE_BYTES_MAX: usize = 64 << 10;

/// What a client asks.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// An op of the store.
    Op {
        /// It.
        op: Op,
        /// Whether its reply is not wanted (`noreply`).
        quiet: bool,
    },
    /// Ops of the store, a key each, and `END` after their replies.
    Retrieve(SmallVec<[Op; 1]>),
    /// To remove all, after so many seconds.
    Flush {
        /// How long to wait first.
        delay_s: u64,
        /// Whether the reply is not wanted.
        quiet: bool,
    },
    /// What the server tells of itself.
    Stats(Vec<u8>),
    /// The server's version.
    Version,
    /// This line, and nothing else.
    Reply(&'static [u8]),
    /// Nothing: the line wanted no reply.
    Nothing,
    /// To be disconnected.
    Quit,
    /// This line, and to be disconnected: what follows cannot be told from it.
    Refused(&'static [u8]),
}

/// Reads requests from a stream of bytes.
#[derive(Debug, Default)]
pub struct Parser {
    /// How much of a block that was refused is still to be passed over.
    refused_bytes: u64,
}

/// A request and how many bytes it took; no bytes where it is not whole.
type Read = (usize, Option<Request>);

impl Parser {
    /// Reads one request from the front of `bytes`: how many of them are done with, and the request where
    /// it is whole. Blocks of data may have up to `value_bytes_max`.
    pub fn next(&mut self, bytes: &[u8], value_bytes_max: usize) -> Read {
        if self.refused_bytes > 0 {
            let passed = self.refused_bytes.min(bytes.len() as u64);
            self.refused_bytes -= passed;
            return (passed as usize, None);
        }
        let searched = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
        let Some(end) = searched.iter().position(|&b| b == b'\n') else {
            let refused = bytes.len() >= LINE_BYTES_MAX;
            return (0, refused.then_some(Request::Refused(TOO_LONG)));
        };
        let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
        let after = end + 1;
        let words = words(line);
        let Some(&name) = words.first() else {
            return (after, Some(Request::Reply(ERROR)));
        };
        if let Some(storing) = Storing::of(name) {
            let block = Block {
                bytes,
                after,
                max: value_bytes_max,
            };
            return match storing.head(&words) {
                Err(refusal) => (after, Some(Request::Reply(refusal))),
                Ok(head) => self.data(&block, &head),
            };
        }
        (after, Some(without_data(name, &words)))
    }

    /// Reads the data that follows a line.
    fn data(&mut self, block: &Block<'_>, head: &Head<'_>) -> Read {
        let Block { bytes, after, max } = *block;
        if head.len > max {
            let rest = bytes.len() - after;
            let all = head.len as u64 + 2;
            self.refused_bytes = all.saturating_sub(rest as u64);
            let passed = after + rest.min(usize::try_from(all).unwrap_or(usize::MAX));
            return (passed, Some(Request::Reply(TOO_LARGE)));
        }
        let end = after + head.len;
        let Some(tail) = bytes.get(end..end + 2) else {
            return (0, None);
        };
        let request = if tail == b"\r\n" {
            let quiet = head.quiet;
            let op = head.op(&bytes[after..end]);
            Request::Op { op, quiet }
        } else {
            Request::Reply(BAD_CHUNK)
        };
        (end + 2, Some(request))
    }
}

/// Where a block of data begins, and how long it may be.
struct Block<'a> {
    bytes: &'a [u8],
    after: usize,
    max: usize,
}

/// A command that data follows.
#[derive(Clone, Copy)]
enum Storing {
    Text(&'static Command),
    Meta,
}

/// The line of a command that data follows.
struct Head<'a> {
    command: &'static Command,
    key: Vec<u8>,
    len: usize,
    rest: SmallVec<[&'a [u8]; 8]>,
    /// A key's text in base64, with its letter.
    letter_b: Option<Vec<u8>>,
    quiet: bool,
}

impl Storing {
    fn of(name: &[u8]) -> Option<Storing> {
        Some(match name {
            b"set" => Storing::Text(&store::SET),
            b"add" => Storing::Text(&store::ADD),
            b"replace" => Storing::Text(&store::REPLACE),
            b"append" => Storing::Text(&store::APPEND),
            b"prepend" => Storing::Text(&store::PREPEND),
            b"cas" => Storing::Text(&store::CAS),
            b"ms" => Storing::Meta,
            _ => return None,
        })
    }

    fn head<'a>(self, words: &Words<'a>) -> Result<Head<'a>, &'static [u8]> {
        match self {
            Storing::Text(command) => text_head(command, words),
            Storing::Meta => meta_head(words),
        }
    }
}

/// `<command> key flags exptime bytes [number] [noreply]`
fn text_head<'a>(command: &'static Command, words: &Words<'a>) -> Result<Head<'a>, &'static [u8]> {
    // Of the op: key, value, flags, exptime, and `cas` has a number.
    let fixed = command.arity.unsigned_abs() as usize;
    if !(fixed..=fixed + 1).contains(&words.len()) {
        return Err(ERROR);
    }
    let key = key(words[1])?;
    let is_number = |word: &[u8]| !word.is_empty() && number(word).is_some();
    let len = number(words[4]).and_then(|len| usize::try_from(len).ok());
    let (true, true, Some(len)) = (is_number(words[2]), is_number(words[3]), len) else {
        return Err(BAD_FORMAT);
    };
    let mut rest: SmallVec<[&[u8]; 8]> = SmallVec::from_slice(&words[2..4]);
    if fixed > 5 {
        // The number that `cas` compares.
        if words[5].is_empty() || !words[5].iter().all(u8::is_ascii_digit) {
            return Err(BAD_FORMAT);
        }
        rest.push(words[5]);
    }
    Ok(Head {
        command,
        key: key.to_vec(),
        len,
        rest,
        letter_b: None,
        quiet: words.len() > fixed && words[fixed] == b"noreply",
    })
}

/// `ms key bytes letters…`
fn meta_head<'a>(words: &Words<'a>) -> Result<Head<'a>, &'static [u8]> {
    let len = words.get(2).and_then(|word| number(word));
    let Some(len) = len.and_then(|len| usize::try_from(len).ok()) else {
        return Err(BAD_FORMAT);
    };
    let (key, letter_b) = meta_key(words[1], &words[3..])?;
    Ok(Head {
        command: &store::META_SET,
        key,
        len,
        rest: words[3..].iter().copied().collect(),
        letter_b,
        quiet: false,
    })
}

impl Head<'_> {
    fn op(&self, value: &[u8]) -> Op {
        let op = Op::new(self.command).arg(&self.key).arg(value);
        letters(op, &self.rest, self.letter_b.as_deref())
    }
}

/// Adds the letters of a meta command; `b` carries the key's text.
fn letters(op: Op, words: &[&[u8]], letter_b: Option<&[u8]>) -> Op {
    words.iter().fold(op, |op, &word| match letter_b {
        Some(encoded) if word == b"b" => op.arg(encoded),
        _ => op.arg(word),
    })
}

fn key(word: &[u8]) -> Result<&[u8], &'static [u8]> {
    if word.len() > store::KEY_BYTES_MAX {
        return Err(BAD_FORMAT);
    }
    Ok(word)
}

/// A key's bytes, and what the letter `b` carries where its text was base64.
type MetaKey = (Vec<u8>, Option<Vec<u8>>);

/// The key of a meta command, from base64 where the letter `b` says so; then also what `b` carries.
fn meta_key(word: &[u8], letters: &[&[u8]]) -> Result<MetaKey, &'static [u8]> {
    let word = key(word)?;
    if !letters.contains(&b"b".as_slice()) {
        return Ok((word.to_vec(), None));
    }
    let decoded = STANDARD.decode(word).map_err(|_| BAD_KEY)?;
    if decoded.is_empty() {
        return Err(BAD_KEY);
    }
    Ok((decoded, Some([b"b".as_slice(), word].concat())))
}

/// A request that no data follows.
fn without_data(name: &[u8], words: &Words<'_>) -> Request {
    let made = match name {
        b"get" => retrieve(&store::GET, words.get(1..), None),
        b"gets" => retrieve(&store::GETS, words.get(1..), None),
        b"gat" => retrieve(&store::GAT, words.get(2..), words.get(1).copied()),
        b"gats" => retrieve(&store::GATS, words.get(2..), words.get(1).copied()),
        _ if words.len() > WORDS_MAX => Err(ERROR),
        b"delete" => delete(words),
        b"incr" => of_key(&store::INCR, words),
        b"decr" => of_key(&store::DECR, words),
        b"touch" => of_key(&store::TOUCH, words),
        b"mg" => meta(&store::META_GET, words),
        b"md" => meta(&store::META_DELETE, words),
        b"ma" => meta(&store::META_ARITHMETIC, words),
        b"me" => debug(words),
        b"mn" => Ok(Request::Reply(b"MN\r\n")),
        b"flush_all" => flush(words),
        b"verbosity" => verbosity(words),
        b"version" => Ok(Request::Version),
        b"stats" => Ok(Request::Stats(words[1..].join(&b' '))),
        b"quit" => Ok(Request::Quit),
        b"shutdown" => Ok(Request::Reply(b"ERROR: shutdown not enabled\r\n")),
        _ => Err(ERROR),
    };
    made.unwrap_or_else(Request::Reply)
}

fn retrieve(
    command: &'static Command,
    keys: Option<&[&[u8]]>,
    exptime: Option<&[u8]>,
) -> Result<Request, &'static [u8]> {
    let keys = keys.ok_or(ERROR)?;
    match exptime {
        Some(word) if number(word).is_none() => return Err(BAD_EXPTIME),
        None if keys.is_empty() => return Err(ERROR),
        _ => {}
    }
    let op = |&word: &&[u8]| {
        let op = Op::new(command).arg(key(word)?);
        Ok(match exptime {
            Some(exptime) => op.arg(exptime),
            None => op,
        })
    };
    let ops: Result<SmallVec<[Op; 1]>, &'static [u8]> = keys.iter().map(op).collect();
    ops.map(Request::Retrieve)
}

/// `delete key [0] [noreply]`
fn delete(words: &Words<'_>) -> Result<Request, &'static [u8]> {
    if !(2..=4).contains(&words.len()) {
        return Err(ERROR);
    }
    let quiet = words.last() == Some(&b"noreply".as_slice()) && words.len() > 2;
    match &words[2..words.len() - usize::from(quiet)] {
        // Old clients send a time of 0.
        [] | [b"0"] => {}
        _ => return Err(DELETE_USAGE),
    }
    let op = Op::new(&store::DELETE).arg(key(words[1])?);
    Ok(Request::Op { op, quiet })
}

/// `<command> key number [noreply]`
fn of_key(command: &'static Command, words: &Words<'_>) -> Result<Request, &'static [u8]> {
    if !(3..=4).contains(&words.len()) {
        return Err(ERROR);
    }
    let quiet = words.get(3) == Some(&b"noreply".as_slice());
    let op = Op::new(command).arg(key(words[1])?).arg(words[2]);
    Ok(Request::Op { op, quiet })
}

/// `<command> key letters…`
fn meta(command: &'static Command, words: &Words<'_>) -> Result<Request, &'static [u8]> {
    let Some(&word) = words.get(1) else {
        return Err(ERROR);
    };
    let (key, letter_b) = meta_key(word, &words[2..])?;
    let op = letters(Op::new(command).arg(&key), &words[2..], letter_b.as_deref());
    Ok(Request::Op { op, quiet: false })
}

/// `me key [b]`
fn debug(words: &Words<'_>) -> Result<Request, &'static [u8]> {
    match words.as_slice() {
        [_, _] | [_, _, b"b"] => meta(&store::META_DEBUG, words),
        _ => Err(BAD_FORMAT),
    }
}

/// `verbosity level [noreply]`, which changes nothing here.
fn verbosity(words: &Words<'_>) -> Result<Request, &'static [u8]> {
    let quiet = words.last() == Some(&b"noreply".as_slice());
    match &words[1..words.len() - usize::from(quiet)] {
        _ if !(2..=3).contains(&words.len()) => Err(ERROR),
        [] => Ok(Request::Nothing),
        [level, ..] if number(level).is_none() => Err(BAD_FORMAT),
        _ if quiet => Ok(Request::Nothing),
        _ => Ok(Request::Reply(b"OK\r\n")),
    }
}

/// `flush_all [delay] [noreply]`
fn flush(words: &Words<'_>) -> Result<Request, &'static [u8]> {
    let quiet = words.last() == Some(&b"noreply".as_slice());
    let delay_s = match &words[1..words.len() - usize::from(quiet)] {
        [] => 0,
        [delay, ..] => number(delay).ok_or(BAD_EXPTIME)?,
    };
    let delay_s = u64::try_from(delay_s).unwrap_or(0);
    Ok(Request::Flush { delay_s, quiet })
}
