//! Commands out of bytes that come as they like.
//!
//! [`Parser::next`] takes what it can use of a slice and says how much. A word goes straight from the
//! network's bytes into the op that it belongs to, also when it comes in pieces; only a length line
//! that is cut in two is left to the caller, to be shown again with what follows. Limits and errors
//! are Redis 7's: after an error nothing more can be understood, and the connection is closed.

use seawall_store::Op;
use seawall_store::command::number::parse_int;
use smallvec::SmallVec;

use super::Words;
use super::inline;
use crate::command::{Called, Entry, Runner, find};

/// The longest line: an inline command, or a length.
const LINE_BYTES_MAX: usize = 64 << 10;
/// The most words of a client that has not given the password.
const STRANGER_WORDS_MAX: i64 = 10;
/// The longest word of a client that has not given the password.
const STRANGER_BULK_BYTES_MAX: i64 = 16 << 10;
/// What a word costs besides its bytes: empty ones are not free.
pub(super) const WORD_BYTES: usize = size_of::<usize>();
/// The most bytes of one command: an op counts in 32 bits.
pub(super) const COMMAND_BYTES_MAX: usize = u32::MAX as usize;

/// What one client may send.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The longest word.
    pub bulk_bytes: usize,
    /// The most bytes of one command.
    pub query_bytes: usize,
    /// Whether it has not given the password yet.
    pub stranger: bool,
}

/// A whole command.
#[derive(Debug)]
pub enum Parsed {
    /// The store's.
    Store(Called, Op),
    /// The server's.
    Server(Called, Words),
    /// Nobody's: its name and arguments.
    Unknown(Vec<u8>, Words),
}

impl Parsed {
    /// The command, where there is one.
    pub fn entry(&self) -> Option<&'static Entry> {
        match self {
            Parsed::Store(called, _) | Parsed::Server(called, _) => Some(called.entry),
            Parsed::Unknown(..) => None,
        }
    }
}

/// Why nothing more can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A number of words that there cannot be.
    #[error("invalid multibulk length")]
    MultibulkLength,
    /// Too many words before the password.
    #[error("unauthenticated multibulk length")]
    StrangerMultibulkLength,
    /// A length that no word may have.
    #[error("invalid bulk length")]
    BulkLength,
    /// Too long a word before the password.
    #[error("unauthenticated bulk length")]
    StrangerBulkLength,
    /// A word that does not begin with its length.
    #[error("expected '$', got '{}'", char::from(*.0))]
    NoBulk(u8),
    /// A line without end.
    #[error("too big inline request")]
    InlineSize,
    /// A number of words without end.
    #[error("too big mbulk count string")]
    MultibulkCountSize,
    /// A length of a word without end.
    #[error("too big bulk count string")]
    BulkCountSize,
    /// An inline command whose quotes do not match.
    #[error("unbalanced quotes in request")]
    Quotes,
    /// A command of more bytes than a client may send: told to nobody, as in Redis.
    #[error("query buffer limit reached")]
    QueryBytes,
}

impl ProtocolError {
    /// The reply that the client gets before it is closed; empty where it gets none.
    pub fn reply(self) -> Vec<u8> {
        let words = match self {
            ProtocolError::QueryBytes => return Vec::new(),
            // Redis prints a C character: the byte as it is, though never a line's end.
            ProtocolError::NoBulk(byte) => {
                let shown = if matches!(byte, b'\r' | b'\n') {
                    b' '
                } else {
                    byte
                };
                [b"expected '$', got '".as_slice(), &[shown], b"'"].concat()
            }
            error => error.to_string().into_bytes(),
        };
        [b"-ERR Protocol error: ".as_slice(), &words, b"\r\n"].concat()
    }
}

/// A command that is being read.
#[derive(Debug)]
pub struct Parser {
    expects: Expects,
    /// How many words are to come, the one that is being read counted.
    words: u32,
    /// Bytes that the words whose lengths are known take.
    bytes: usize,
    command: Building,
}

impl Default for Parser {
    fn default() -> Parser {
        Parser {
            expects: Expects::Command,
            words: 0,
            bytes: 0,
            command: Building::new(),
        }
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expects {
    /// A command's first line.
    Command,
    /// A word's length.
    Length,
    /// So many bytes of a word, and then so many of its line's end.
    Word { left: usize, end: usize },
}

/// The command that the words so far make.
#[derive(Debug)]
enum Building {
    Name(SmallVec<[u8; 32]>),
    Store(Called, Op),
    Server(Called, Words),
    Unknown(Vec<u8>, Words),
}

impl Building {
    fn new() -> Building {
        Building::Name(SmallVec::new())
    }

    fn extend(&mut self, part: &[u8]) {
        match self {
            Building::Name(name) => name.extend_from_slice(part),
            Building::Store(_, op) => op.extend(part),
            Building::Server(_, words) | Building::Unknown(_, words) => words.extend(part),
        }
    }

    fn end(&mut self) {
        match self {
            Building::Name(name) => {
                *self = match find(name) {
                    None => Building::Unknown(name.to_vec(), Words::default()),
                    Some(entry) => {
                        let called = Called::new(entry, name);
                        match entry.runner {
                            Runner::Store(command) => {
                                Building::Store(called, Op::new(command).spelled(name))
                            }
                            Runner::Server(_) => Building::Server(called, Words::default()),
                        }
                    }
                }
            }
            Building::Store(_, op) => op.end(),
            Building::Server(_, words) | Building::Unknown(_, words) => words.end(),
        }
    }

    fn finish(self) -> Option<Parsed> {
        match self {
            Building::Name(_) => None,
            Building::Store(called, op) => Some(Parsed::Store(called, op)),
            Building::Server(called, words) => Some(Parsed::Server(called, words)),
            Building::Unknown(name, words) => Some(Parsed::Unknown(name, words)),
        }
    }
}

impl Parser {
    /// How many bytes of the command that has begun are held.
    pub fn held_bytes(&self) -> usize {
        self.bytes
    }

    /// Whether no command has begun.
    #[inline]
    pub fn is_between(&self) -> bool {
        self.expects == Expects::Command
    }

    /// Reads on: how many of `bytes` were used, and a command where one became whole. Where none did,
    /// all but an unfinished line was used, and that line is to be shown again when more has come.
    ///
    /// # Errors
    /// What came is not RESP, or is too large.
    pub fn next(
        &mut self,
        bytes: &[u8],
        bounds: Bounds,
    ) -> Result<(usize, Option<Parsed>), ProtocolError> {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            match self.expects {
                Expects::Command => {
                    self.bytes = 0;
                    let Some((used, begun)) = begin(rest, bounds)? else {
                        return Ok((at, None));
                    };
                    at += used;
                    match begun {
                        Begun::Nothing => {}
                        Begun::Words(words) => {
                            self.words = words;
                            self.expects = Expects::Length;
                        }
                        Begun::Whole(parsed) => return Ok((at, Some(*parsed))),
                    }
                }
                Expects::Length => {
                    let Some((used, left)) = word_length(rest, bounds)? else {
                        return Ok((at, None));
                    };
                    self.bytes += left + WORD_BYTES;
                    if self.bytes > bounds.query_bytes.min(COMMAND_BYTES_MAX) {
                        return Err(ProtocolError::QueryBytes);
                    }
                    at += used;
                    self.expects = Expects::Word { left, end: 2 };
                }
                Expects::Word { left, end } => {
                    let part = left.min(rest.len());
                    self.command.extend(&rest[..part]);
                    // The line's end is not looked at, as in Redis.
                    let skipped = end.min(rest.len() - part);
                    at += part + skipped;
                    let (left, end) = (left - part, end - skipped);
                    if end > 0 {
                        self.expects = Expects::Word { left, end };
                        return Ok((at, None));
                    }
                    self.command.end();
                    self.words -= 1;
                    self.expects = Expects::Length;
                    if self.words == 0 {
                        self.expects = Expects::Command;
                        let command = std::mem::replace(&mut self.command, Building::new());
                        return Ok((at, command.finish()));
                    }
                }
            }
        }
    }
}

/// What a command's first line says.
enum Begun {
    /// Nothing to do: an empty line.
    Nothing,
    /// So many words follow.
    Words(u32),
    /// An inline command.
    Whole(Box<Parsed>),
}

fn begin(bytes: &[u8], bounds: Bounds) -> Result<Option<(usize, Begun)>, ProtocolError> {
    match bytes.first() {
        None => return Ok(None),
        Some(b'*') => {}
        Some(_) => return inline_command(bytes),
    }
    let Some((line, used)) = length_line(bytes, ProtocolError::MultibulkCountSize)? else {
        return Ok(None);
    };
    let count = parse_int(line).filter(|&count| count <= i64::from(i32::MAX));
    let count = count.ok_or(ProtocolError::MultibulkLength)?;
    if bounds.stranger && count > STRANGER_WORDS_MAX {
        return Err(ProtocolError::StrangerMultibulkLength);
    }
    let begun = match u32::try_from(count) {
        Err(_) | Ok(0) => Begun::Nothing,
        Ok(words) => Begun::Words(words),
    };
    Ok(Some((used, begun)))
}

fn inline_command(bytes: &[u8]) -> Result<Option<(usize, Begun)>, ProtocolError> {
    let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
        if bytes.len() > LINE_BYTES_MAX {
            return Err(ProtocolError::InlineSize);
        }
        return Ok(None);
    };
    let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
    let words = inline::split(line).map_err(|inline::Unbalanced| ProtocolError::Quotes)?;
    let mut command = Building::new();
    for word in &words {
        command.extend(word);
        command.end();
    }
    let begun = command.finish().map(Box::new);
    let begun = begun.map_or(Begun::Nothing, Begun::Whole);
    Ok(Some((end + 1, begun)))
}

/// The length of the word that follows, and how many bytes say it.
fn word_length(bytes: &[u8], bounds: Bounds) -> Result<Option<(usize, usize)>, ProtocolError> {
    let Some((line, used)) = length_line(bytes, ProtocolError::BulkCountSize)? else {
        return Ok(None);
    };
    if bytes[0] != b'$' {
        return Err(ProtocolError::NoBulk(bytes[0]));
    }
    let len = parse_int(line).ok_or(ProtocolError::BulkLength)?;
    if len < 0 || len > bounds.bulk_bytes as i64 {
        return Err(ProtocolError::BulkLength);
    }
    if bounds.stranger && len > STRANGER_BULK_BYTES_MAX {
        return Err(ProtocolError::StrangerBulkLength);
    }
    Ok(Some((used, len as usize)))
}

/// The line without its first character and its end, and how many bytes it took; `None` where it is
/// not whole.
fn length_line(
    bytes: &[u8],
    endless: ProtocolError,
) -> Result<Option<(&[u8], usize)>, ProtocolError> {
    match bytes.iter().position(|&byte| byte == b'\r') {
        None if bytes.len() > LINE_BYTES_MAX => Err(endless),
        // A carriage return that comes first is no number's end.
        Some(0) if bytes.len() > 1 => Ok(Some((&[], 2))),
        Some(end) if end > 0 && bytes.len() > end + 1 => Ok(Some((&bytes[1..end], end + 2))),
        None | Some(_) => Ok(None),
    }
}
