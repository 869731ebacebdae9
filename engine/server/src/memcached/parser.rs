//! The parser: what a client asks, as soon as it can be told.
//!
//! A request is read when all of it is there, and nothing of it is kept meanwhile but how far its line
//! was searched. Only `get` and its kin may have long lines: their keys are handed on one by one, so that
//! what a client asks with one line costs no more at a time than what it asks with many.

use seawall_store::Op;
use seawall_store::command::Command;

use super::ahead::{Retrievals, Storings};
use super::key::key;
use super::line::{BAD_CHUNK, BAD_EXPTIME, ERROR, TOO_LONG, each, number, words};
use super::plain;
use super::storing::{Head, Storing};

/// The longest line, in bytes, but of a request for many keys: that may be as long as the client's input.
const LINE_BYTES_MAX: usize = 2 << 10;

/// What a client asks.
#[derive(Debug)]
pub enum Request {
    /// An op of the store.
    Op {
        /// It.
        op: Op,
        /// Whether its reply is not wanted (`noreply`).
        quiet: bool,
    },
    /// To store what is too large: nothing is stored.
    TooLarge {
        /// What was to store it.
        command: &'static Command,
        /// Removes an older value, which must not be taken for the new one.
        stale: Option<Op>,
        /// Whether the reply is not wanted.
        quiet: bool,
    },
    /// To remove all.
    Flush {
        /// When.
        when: When,
        /// Whether the reply is not wanted.
        quiet: bool,
    },
    /// To change how much memory items may take.
    MemoryLimit {
        /// The new bound.
        bytes: u64,
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

/// When all is to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// After so many seconds.
    After(u64),
    /// At a Unix time, in seconds.
    At(u64),
}

/// Reads requests from a stream of bytes.
#[derive(Debug, Default)]
pub struct Parser {
    /// How much of a block that was refused is still to be passed over.
    refused_bytes: u64,
    /// How many bytes at the front hold no line end.
    searched_bytes: usize,
    /// What is asked of every key up to the line's end.
    retrieval: Option<Retrieval>,
}

/// A line that names keys, some of which were handed on.
#[derive(Debug)]
struct Retrieval {
    command: &'static Command,
    /// When each is to expire.
    exptime: Option<Vec<u8>>,
}

/// A request and how many bytes it took; no bytes where it is not whole.
type Read = (usize, Option<Request>);

impl Parser {
    /// Reads one request from the front of `bytes`: how many of them are done with, and the request where
    /// it is whole. What was not done with must be shown again, with more behind it. An item may have up to
    /// `item_bytes_max`.
    pub fn next(&mut self, bytes: &[u8], item_bytes_max: usize) -> Read {
        if self.refused_bytes > 0 {
            let passed = self.refused_bytes.min(bytes.len() as u64);
            self.refused_bytes -= passed;
            return (passed as usize, None);
        }
        if let Some(retrieval) = &self.retrieval {
            let (used, request) = retrieval.next(bytes);
            if !matches!(request, Request::Op { .. }) {
                self.retrieval = None;
            }
            return (used, Some(request));
        }
        let from = self.searched_bytes.min(bytes.len());
        let end = bytes[from..].iter().position(|&b| b == b'\n');
        let line_bytes = end.map_or(bytes.len(), |at| from + at);
        let is_refused = line_bytes > LINE_BYTES_MAX && !plain::may_be_long(bytes);
        self.searched_bytes = if end.is_none() { line_bytes } else { 0 };
        if is_refused {
            return (0, Some(Request::Refused(TOO_LONG)));
        }
        if end.is_none() {
            return (0, None);
        }
        let line = &bytes[..line_bytes];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (used, request) = self.line(bytes, line, line_bytes + 1, item_bytes_max);
        if used == 0 {
            // Its data is not there yet: the line is read again.
            self.searched_bytes = line_bytes;
        }
        (used, request)
    }

    /// Reads ahead requests for strings at the front of `bytes`, as far as they are written plainly. They
    /// are done with when that [was said](Parser::answered).
    #[inline]
    pub fn retrievals<'a>(&self, bytes: &'a [u8]) -> Option<Retrievals<'a>> {
        if !self.is_between() {
            return None;
        }
        let within = match &self.retrieval {
            Some(Retrieval {
                exptime: Some(_), ..
            }) => return None,
            within => within.as_ref().map(|retrieval| retrieval.command),
        };
        Retrievals::read(bytes, within)
    }

    /// As [`Parser::retrievals`], of requests that store: they are done with at once.
    #[inline]
    pub fn storings<'a>(&self, bytes: &'a [u8], item_bytes_max: usize) -> Option<Storings<'a>> {
        if !self.is_between() || self.retrieval.is_some() {
            return None;
        }
        Storings::read(bytes, item_bytes_max)
    }

    /// Whether every key of a line was handed on and only its end, which `bytes` begin with, is not answered.
    /// Clients may take what they are sent of such an answer first for all of it.
    pub fn owes_end(&self, bytes: &[u8]) -> bool {
        self.retrieval.is_some() && next_key(bytes).1.is_empty()
    }

    /// Whether nothing of a line or a block was looked at.
    fn is_between(&self) -> bool {
        self.refused_bytes == 0 && self.searched_bytes == 0
    }

    /// Requests that were read ahead are done with; where their last line is not, its next key is asked for
    /// in the same way.
    #[inline]
    pub fn answered(&mut self, command: &'static Command, is_whole: bool) {
        let exptime = None;
        self.retrieval = (!is_whole).then_some(Retrieval { command, exptime });
    }

    /// Reads a request whose line is whole, and ends before `after`.
    fn line(&mut self, bytes: &[u8], line: &[u8], after: usize, item_bytes_max: usize) -> Read {
        let Some(name) = each(line).next() else {
            return (after, Some(Request::Reply(ERROR)));
        };
        if let Some((command, has_time)) = plain::retrieving(name) {
            return match self.retrieve(command, has_time, line) {
                Ok(used) => (used, None),
                Err(refusal) => (after, Some(Request::Reply(refusal))),
            };
        }
        let words = words(line);
        let Some(storing) = Storing::of(name) else {
            return (after, Some(plain::request(name, &words)));
        };
        match storing.head(&words) {
            Err(refusal) => (
                after,
                Some(refusal.map_or(Request::Nothing, Request::Reply)),
            ),
            Ok(head) if head.fits(item_bytes_max) => data(bytes, after, &head),
            Ok(head) => {
                let used = self.pass_over(bytes, after, head.len);
                (used, Some(head.too_large()))
            }
        }
    }

    /// Begins to ask for the keys of a line; how much of it stands before the first.
    fn retrieve(
        &mut self,
        command: &'static Command,
        has_time: bool,
        line: &[u8],
    ) -> Result<usize, &'static [u8]> {
        let mut words = each(line).skip(1).peekable();
        words.peek().ok_or(ERROR)?;
        let exptime = words.next_if(|_| has_time);
        if exptime.is_some_and(|word| number(word).is_none()) {
            return Err(BAD_EXPTIME);
        }
        // Nothing is asked for where one key is refused.
        words.try_for_each(|word| key(word).map(drop))?;
        self.retrieval = Some(Retrieval {
            command,
            exptime: exptime.map(<[u8]>::to_vec),
        });
        Ok(end_of_words(line, 1 + usize::from(exptime.is_some())))
    }

    /// Passes over a block that is refused, as much of it as is there.
    fn pass_over(&mut self, bytes: &[u8], after: usize, len: usize) -> usize {
        let all = len as u64 + 2;
        let there = (bytes.len() - after) as u64;
        self.refused_bytes = all.saturating_sub(there);
        after + all.min(there) as usize
    }
}

impl Retrieval {
    /// What the next key of the line asks, or its end.
    fn next(&self, bytes: &[u8]) -> (usize, Request) {
        let (spaces, word) = next_key(bytes);
        if word.is_empty() {
            let end = bytes[spaces..].iter().position(|&b| b == b'\n');
            let used = end.map_or(bytes.len(), |end| spaces + end + 1);
            return (used, Request::Reply(b"END\r\n"));
        }
        let op = Op::new(self.command).arg(word);
        let op = match &self.exptime {
            Some(exptime) => op.arg(exptime),
            None => op,
        };
        (spaces + word.len(), Request::Op { op, quiet: false })
    }
}

/// Where the next key of a line begins, and the key; none where the line ends.
fn next_key(bytes: &[u8]) -> (usize, &[u8]) {
    let spaces = bytes.iter().take_while(|&&b| b == b' ').count();
    let rest = &bytes[spaces..];
    let len = rest.iter().position(|&b| b == b' ' || b == b'\n');
    let len = len.unwrap_or(rest.len());
    let word = &rest[..len];
    match rest.get(len) {
        Some(b' ') => (spaces, word),
        _ => (spaces, word.strip_suffix(b"\r").unwrap_or(word)),
    }
}

/// Where the first `count` words of a line end.
fn end_of_words(line: &[u8], count: usize) -> usize {
    (0..count).fold(0, |at, _| {
        let spaces = line[at..].iter().take_while(|&&b| b == b' ').count();
        let word = line[at + spaces..].iter().take_while(|&&b| b != b' ');
        at + spaces + word.count()
    })
}

/// Reads the data that follows a line.
fn data(bytes: &[u8], after: usize, head: &Head<'_>) -> Read {
    let end = after + head.len;
    let Some(tail) = bytes.get(end..end + 2) else {
        return (0, None);
    };
    let request = if tail == b"\r\n" {
        let quiet = head.quiet;
        let op = head.op(&bytes[after..end]);
        Request::Op { op, quiet }
    } else if head.quiet {
        Request::Nothing
    } else {
        Request::Reply(BAD_CHUNK)
    };
    (end + 2, Some(request))
}
