//! Commands that stand whole at the front of what came: what nearly every client sends nearly always, read
//! in one go.
//!
//! Nothing is decided here that [`Parser`](super::Parser) would decide otherwise: what is not whole, not the
//! store's, too long or not understood is not read, and left to it.

use seawall_store::Op;
use seawall_store::command::Command;
use smallvec::SmallVec;

use super::parser::{Bounds, COMMAND_BYTES_MAX, WORD_BYTES};
use crate::command::{Called, Runner, find};

/// A command of the store's that stands whole at the front of `bytes`, read into `op`: how many bytes it
/// takes. `None` where anything else stands there: [`Parser::next`](super::Parser::next) says what.
///
/// It reads what nearly every client sends nearly always, and reads it in one go.
#[inline]
pub fn whole(
    bytes: &[u8],
    bounds: Bounds,
    known: &mut Known,
    op: &mut Op,
) -> Option<(usize, Called)> {
    let mut rest = Rest::new(bytes);
    let words = rest.number(b'*').filter(|&words| words > 0)?;
    let len = rest.number(b'$')?;
    let name = rest.word(len)?;
    let (called, command) = known.find(name)?;
    op.renew(command, called.capitals());
    let most = bounds.query_bytes.min(COMMAND_BYTES_MAX);
    let mut held = name.len() + WORD_BYTES;
    for _ in 1..words {
        let len = rest.number(b'$').filter(|&len| len <= bounds.bulk_bytes)?;
        held += len + WORD_BYTES;
        if held > most {
            return None;
        }
        op.push(rest.word(len)?);
    }
    (held <= most).then_some((rest.at, called))
}

/// The command of the store's that was found last: who sends many sends mostly the same.
#[derive(Default)]
pub struct Known {
    name: SmallVec<[u8; 32]>,
    found: Option<(Called, &'static Command)>,
}

impl Known {
    /// The store's command of this name, where it has keys and no subcommands.
    #[inline]
    fn find(&mut self, name: &[u8]) -> Option<(Called, &'static Command)> {
        if name != self.name.as_slice() {
            self.found = Known::look_up(name);
            self.name.clear();
            self.name.extend_from_slice(name.get(..32).unwrap_or(name));
        }
        self.found
    }

    fn look_up(name: &[u8]) -> Option<(Called, &'static Command)> {
        let entry = find(name).filter(|entry| entry.subcommands().is_empty())?;
        match entry.runner {
            // What has no key (`FLUSHALL`) concerns more than a shard.
            Runner::Store(command) if command.keys.are_named() => {
                Some((Called::new(entry, name), command))
            }
            Runner::Store(_) | Runner::Server(_) => None,
        }
    }
}

/// A `GET` that stands whole at the front of `bytes`, the command that most clients send most: its name as it was
/// written, its key, and how many bytes it takes.
#[inline]
pub fn whole_get(bytes: &[u8]) -> Option<(&[u8; 3], &[u8], usize)> {
    const NAME_AT: usize = 8;
    const HEAD: [u8; 13] = *b"*2\r\n$3\r\nget\r\n";
    let head = bytes.first_chunk::<{ HEAD.len() }>()?;
    let name = head[NAME_AT..].first_chunk::<3>()?;
    let is_meant = head[..NAME_AT] == HEAD[..NAME_AT]
        && head[NAME_AT + 3..] == HEAD[NAME_AT + 3..]
        && name.eq_ignore_ascii_case(&HEAD[NAME_AT..NAME_AT + 3]);
    let at = HEAD.len();
    let mut rest = is_meant.then_some(Rest { bytes, at })?;
    let len = rest.number(b'$')?;
    let key = rest.word(len)?;
    Some((name, key, rest.at))
}

/// Bytes that are read from the front.
pub(super) struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    /// All of `bytes`.
    #[inline]
    pub(super) fn new(bytes: &'a [u8]) -> Rest<'a> {
        Rest { bytes, at: 0 }
    }

    /// How many were read.
    #[inline]
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Takes so many as read.
    #[inline]
    pub(super) fn pass(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// A number of few digits on a line that begins with `sign`.
    #[inline]
    pub(super) fn number(&mut self, sign: u8) -> Option<usize> {
        let line = self.bytes.get(self.at..)?;
        let first = line.first_chunk().copied().unwrap_or_else(|| {
            let mut first = [0; size_of::<u64>()];
            first[..line.len()].copy_from_slice(line);
            first
        });
        // The first byte is the lowest.
        let first = u64::from_le_bytes(first);
        let byte = |at: u32| (first >> (8 * at)) as u8;
        let digit = |at: u32| usize::from(byte(at).wrapping_sub(b'0'));
        let ends = |at: u32| (first >> (8 * at)) as u16 == u16::from_le_bytes(*b"\r\n");
        let (a, b, c) = (digit(1), digit(2), digit(3));
        if byte(0) != sign || a > 9 {
            return None;
        }
        // A zero in front is no number, as Redis reads it, unless it is one by itself.
        if ends(2) {
            self.at += 4;
            return Some(a);
        }
        if a == 0 {
            return None;
        }
        if ends(3) {
            self.at += 5;
            return (b <= 9).then_some(a * 10 + b);
        }
        if ends(4) {
            self.at += 6;
            return (b <= 9 && c <= 9).then_some((a * 10 + b) * 10 + c);
        }
        self.longer_number()
    }

    /// A number of any digits; its sign was looked at.
    fn longer_number(&mut self) -> Option<usize> {
        const DIGITS_MAX: usize = 7;
        let line = &self.bytes[self.at + 1..];
        let digits = line.iter().take(DIGITS_MAX + 1);
        let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
        if digits > DIGITS_MAX || line.get(digits..digits + 2)? != b"\r\n" {
            return None;
        }
        self.at += 1 + digits + 2;
        let value = |number, byte: &u8| number * 10 + usize::from(byte - b'0');
        Some(line[..digits].iter().fold(0, value))
    }

    /// The next `len` bytes; they and the end of their line are passed, which is not looked at.
    #[inline]
    pub(super) fn word(&mut self, len: usize) -> Option<&'a [u8]> {
        let word = self.bytes.get(self.at..self.at + len)?;
        self.at += len + 2;
        (self.at <= self.bytes.len()).then_some(word)
    }
}
