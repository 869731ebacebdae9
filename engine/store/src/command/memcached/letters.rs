//! The letters of a meta command: read from an op, and written into its answer.

use smallvec::SmallVec;

use super::super::Call;
use super::lines::{BAD_FORMAT, BAD_TOKEN};
use super::number::{Expiry, number, unsigned};
use crate::keyspace::Tag;
use crate::op::Op;
use crate::reply::ReplyBuf;
use crate::time::Millis;

/// The longest opaque token that is returned, in bytes.
pub(super) const OPAQUE_BYTES_MAX: usize = 31;

/// Letters with what follows each, in the order in which they were written.
pub(super) struct Letters<'a> {
    list: SmallVec<[(u8, &'a [u8]); 12]>,
}

/// What an answer may show of an item.
pub(super) struct Shown<'a> {
    /// Its bytes, where it has been looked at.
    pub(super) value: Option<&'a [u8]>,
    pub(super) tag: Tag,
    /// Until it expires; -1 for never.
    pub(super) seconds_left: i64,
    /// Since it was read.
    pub(super) idle_s: u32,
    /// Whether flags, length and how it was used may be shown too.
    pub(super) whole: bool,
}

impl<'a> Letters<'a> {
    /// Reads the arguments of `op` from `from` on. Every command takes every letter, and passes over those
    /// that mean nothing to it.
    pub(super) fn parse(op: &'a Op, from: usize) -> Result<Letters<'a>, &'static [u8]> {
        let mut list: SmallVec<[(u8, &[u8]); 12]> = SmallVec::new();
        let mut refusal = None;
        for i in from..op.len() {
            let Some((&letter, rest)) = op[i].split_first() else {
                continue;
            };
            if list.iter().any(|(other, _)| *other == letter) {
                return Err(b"CLIENT_ERROR duplicate flag\r\n");
            }
            // Of several that are wrong the last is told, flags only where nothing else is.
            refusal = match wrong(letter, rest)? {
                Some(BAD_FORMAT) => refusal.or(Some(BAD_FORMAT)),
                told => told.or(refusal),
            };
            list.push((letter, rest));
        }
        match refusal {
            Some(refusal) => Err(refusal),
            None => Ok(Letters { list }),
        }
    }

    /// Whether the opaque token is longer than is returned.
    pub(super) fn is_too_opaque(&self) -> bool {
        self.get(b'O')
            .is_some_and(|token| token.len() > OPAQUE_BYTES_MAX)
    }

    /// Whether `letter` was given.
    pub(super) fn has(&self, letter: u8) -> bool {
        self.get(letter).is_some()
    }

    /// What follows `letter`.
    pub(super) fn get(&self, letter: u8) -> Option<&'a [u8]> {
        let found = self.list.iter().find(|(other, _)| *other == letter);
        found.map(|&(_, rest)| rest)
    }

    /// The number that follows `letter`, which was looked at when it was read.
    pub(super) fn number(&self, letter: u8) -> Option<u64> {
        self.get(letter).and_then(unsigned)
    }

    /// The time that follows `letter`, which was looked at when it was read.
    pub(super) fn expiry(&self, letter: u8, now: Millis) -> Option<Expiry> {
        self.get(letter).and_then(|text| Expiry::parse(text, now))
    }

    /// The client's flags.
    pub(super) fn flags(&self) -> u32 {
        // Memcached keeps the lower 32 bits of what a client sends.
        self.number(b'F').unwrap_or(0) as u32
    }

    /// Whether `first` was given, and before `second`.
    pub(super) fn stands_before(&self, first: u8, second: u8) -> bool {
        let mut both = (self.list.iter()).filter(|(letter, _)| [first, second].contains(letter));
        both.next().is_some_and(|(letter, _)| *letter == first)
    }

    /// What follows `M`.
    pub(super) fn mode(&self, default: &'static [u8]) -> &'a [u8] {
        self.get(b'M').unwrap_or(default)
    }

    /// Answers with a status, the key and the opaque token.
    pub(super) fn status(&self, call: &mut Call<'_>, status: &[u8]) {
        call.out.reply.encoded(status);
        self.echo(&mut call.out.reply, &call.op[0], |_, _| {});
    }

    /// Answers what became of storing: the item's number and length where it was.
    pub(super) fn stored(&self, call: &mut Call<'_>, status: &[u8], written: Option<(u64, usize)>) {
        let (cas, len) = written.unwrap_or_default();
        call.out.reply.encoded(status);
        self.echo(
            &mut call.out.reply,
            &call.op[0],
            |reply, letter| match letter {
                b'c' => reply.encoded(format!(" c{cas}").as_bytes()),
                b's' if written.is_some() => reply.encoded(format!(" s{len}").as_bytes()),
                _ => {}
            },
        );
    }

    /// Answers with an item, and with those of `marks` that hold.
    pub(super) fn found(
        &self,
        reply: &mut ReplyBuf,
        key: &[u8],
        shown: &Shown<'_>,
        marks: &[(bool, &str)],
    ) {
        let value = shown.value.filter(|_| self.has(b'v'));
        match value {
            Some(value) => reply.encoded(format!("VA {}", value.len()).as_bytes()),
            None => reply.encoded(b"HD"),
        }
        let tag = shown.tag;
        let len = shown.value.map_or(0, <[u8]>::len);
        self.returned(reply, key, |reply, letter| {
            let text = match letter {
                b'f' | b'h' | b'l' | b's' if !shown.whole => return,
                b'c' => format!(" c{}", tag.cas),
                b'f' => format!(" f{}", tag.flags),
                b'h' => format!(" h{}", u8::from(tag.fetched)),
                b'l' => format!(" l{}", shown.idle_s),
                b's' => format!(" s{len}"),
                b't' => format!(" t{}", shown.seconds_left),
                _ => return,
            };
            reply.encoded(text.as_bytes());
        });
        for (_, mark) in marks.iter().filter(|(holds, _)| *holds) {
            reply.encoded(mark.as_bytes());
        }
        reply.encoded(b"\r\n");
        if let Some(value) = value {
            reply.encoded(value);
            reply.encoded(b"\r\n");
        }
    }

    /// As [`Letters::returned`], and the line's end.
    fn echo(&self, reply: &mut ReplyBuf, key: &[u8], each: impl Fn(&mut ReplyBuf, u8)) {
        self.returned(reply, key, each);
        reply.encoded(b"\r\n");
    }

    /// Writes key and opaque token where they were asked for, and lets `each` write the others.
    fn returned(&self, reply: &mut ReplyBuf, key: &[u8], each: impl Fn(&mut ReplyBuf, u8)) {
        for &(letter, rest) in &self.list {
            match letter {
                b'O' => {
                    reply.encoded(b" O");
                    reply.encoded(rest);
                }
                b'k' => {
                    reply.encoded(b" k");
                    match self.get(b'b') {
                        Some(encoded) => {
                            reply.encoded(encoded);
                            reply.encoded(b" b");
                        }
                        None => reply.encoded(key),
                    }
                }
                other => each(reply, other),
            }
        }
    }
}

/// What is wrong with what follows a letter.
///
/// # Errors
/// There is no such letter.
fn wrong(letter: u8, rest: &[u8]) -> Result<Option<&'static [u8]>, &'static [u8]> {
    let refusal: Option<&[u8]> = match letter {
        // The parser gives it the key's text, where that could be decoded.
        b'b' if rest.is_empty() => Some(b"CLIENT_ERROR error decoding key\r\n"),
        b'C' | b'E' if unsigned(rest).is_none() => Some(BAD_TOKEN),
        b'D' if unsigned(rest).is_none() => Some(b"CLIENT_ERROR invalid numeric delta value\r\n"),
        b'J' if unsigned(rest).is_none() => Some(b"CLIENT_ERROR invalid numeric initial value\r\n"),
        b'F' if unsigned(rest).is_none() => Some(BAD_FORMAT),
        b'M' if rest.len() != 1 => Some(b"CLIENT_ERROR incorrect length for M token\r\n"),
        b'N' | b'R' | b'T' if number(rest).is_none() => Some(BAD_TOKEN),
        b'b' | b'c' | b'f' | b'h' | b'k' | b'l' | b'q' | b's' | b't' | b'u' | b'v' | b'x'
        | b'C' | b'D' | b'E' | b'F' | b'I' | b'J' | b'L' | b'M' | b'N' | b'O' | b'P' | b'R'
        | b'T' => None,
        _ => return Err(b"CLIENT_ERROR invalid flag\r\n"),
    };
    Ok(refusal)
}
