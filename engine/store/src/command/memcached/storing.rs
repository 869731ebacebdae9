//! Requests that store one string and are run where they lie in what a client sent, without an op: `set`,
//! `add`, `replace`, and `ms` with the letters that ask no more of what is there.
//!
//! The answers are those of the commands. A time that has passed already, and whatever has to be told to a
//! log or to listeners, takes the way of all others.

use super::letters::OPAQUE_BYTES_MAX;
use super::number::{Expiry, number, seconds, unsigned};
use super::{ADD, META_SET, REPLACE};
use crate::command::{Command, Refused};
use crate::keyspace::{Keyspace, Tag, Where};
use crate::op::Op;
use crate::time::Millis;

/// A request that stores one string.
#[derive(Clone, Copy, Debug)]
pub struct Storing<'a> {
    command: &'static Command,
    key: &'a [u8],
    value: &'a [u8],
    flags: u32,
    exptime: i64,
    is_quiet: bool,
    rest: Rest<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Rest<'a> {
    /// The time as it was written.
    Text(&'a [u8]),
    /// Words, each behind a space.
    Letters(&'a [u8]),
}

impl<'a> Storing<'a> {
    /// `set`, `add` or `replace`. `None` where `exptime` is no number.
    #[inline]
    pub fn text(
        command: &'static Command,
        key: &'a [u8],
        value: &'a [u8],
        flags: u32,
        exptime: &'a [u8],
        is_quiet: bool,
    ) -> Option<Storing<'a>> {
        let seconds = match exptime {
            b"0" => 0,
            text => number(text)?,
        };
        Some(Storing {
            command,
            key,
            value,
            flags,
            exptime: seconds,
            is_quiet,
            rest: Rest::Text(exptime),
        })
    }

    /// `ms` with `letters`, the rest of the line: words, each behind one space. `None` where they are others
    /// than are answered so.
    #[inline]
    pub fn meta(key: &'a [u8], value: &'a [u8], letters: &'a [u8]) -> Option<Storing<'a>> {
        let mut asked = Storing {
            command: &META_SET,
            key,
            value,
            flags: 0,
            exptime: 0,
            is_quiet: false,
            rest: Rest::Letters(letters),
        };
        let mut given: u32 = 0;
        for (letter, rest) in each(letters) {
            // No two of them are the same letter, one large and one small.
            let bit = 1 << (letter & 31);
            if given & bit != 0 {
                return None;
            }
            given |= bit;
            match (letter, rest) {
                (b'c' | b'k' | b's', b"") => {}
                (b'q', b"") => asked.is_quiet = true,
                (b'O', token) if token.len() <= OPAQUE_BYTES_MAX => {}
                // Memcached keeps the lower 32 bits of what a client sends.
                (b'F', flags) => asked.flags = unsigned(flags)? as u32,
                (b'T', exptime) => asked.exptime = number(exptime)?,
                _ => return None,
            }
        }
        Some(asked)
    }

    /// Whether its answer is not wanted, or only where it was refused.
    pub fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// The bytes of its arguments beside the key.
    #[inline]
    pub(crate) fn beside(&self) -> usize {
        let (Rest::Text(rest) | Rest::Letters(rest)) = self.rest;
        self.value.len() + rest.len()
    }

    /// Its op, for those who show what was asked.
    pub fn op(&self) -> Op {
        let op = Op::new(self.command).arg(self.key).arg(self.value);
        match self.rest {
            Rest::Text(exptime) => op.text(self.flags).arg(exptime),
            Rest::Letters(letters) => {
                let words = letters.split(|&byte| byte == b' ').skip(1);
                words.fold(op, Op::arg)
            }
        }
    }

    /// The key.
    pub(crate) fn key(&self) -> &'a [u8] {
        self.key
    }

    /// Whether it was to expire before `now`.
    #[inline]
    pub(crate) fn is_over(&self, now: Millis) -> bool {
        Expiry::of(self.exptime, now) == Expiry::Past
    }

    /// Stores what [is not over](Storing::is_over) and answers; whether it was stored.
    ///
    /// # Errors
    /// There is no room; nothing was answered.
    #[inline]
    pub(crate) fn run(
        &self,
        keyspace: &mut Keyspace,
        now: Millis,
        reply: &mut Vec<u8>,
    ) -> Result<bool, Refused> {
        let tag = Tag {
            flags: self.flags,
            accessed_s: seconds(now),
            ..Tag::default()
        };
        let expires = Expiry::of(self.exptime, now).at();
        let place = match self.command {
            command if std::ptr::eq(command, &raw const ADD) => Where::Missing,
            command if std::ptr::eq(command, &raw const REPLACE) => Where::There,
            _ => Where::Any,
        };
        let stored = keyspace.set_tagged_where(place, self.key, self.value, expires, tag)?;
        if self.is_quiet {
            return Ok(stored.is_some());
        }
        match (self.rest, stored) {
            (Rest::Text(_), Some(_)) => reply.extend_from_slice(b"STORED\r\n"),
            (Rest::Text(_), None) => reply.extend_from_slice(b"NOT_STORED\r\n"),
            (Rest::Letters(letters), stored) => {
                reply.extend_from_slice(b"HD");
                self.told(reply, letters, stored.unwrap_or_default());
                reply.extend_from_slice(b"\r\n");
            }
        }
        Ok(stored.is_some())
    }

    /// Writes what letters ask for, in their order.
    fn told(&self, reply: &mut Vec<u8>, letters: &[u8], cas: u64) {
        for (letter, rest) in each(letters) {
            let mut digits = itoa::Buffer::new();
            let text = match letter {
                b'O' => rest,
                b'k' => self.key,
                b'c' => digits.format(cas).as_bytes(),
                b's' => digits.format(self.value.len()).as_bytes(),
                _ => continue,
            };
            reply.extend_from_slice(&[b' ', letter]);
            reply.extend_from_slice(text);
        }
    }
}

/// The letters of words that stand behind one space each, with what follows each; of an empty word a space.
fn each(letters: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let words = letters.split(|&byte| byte == b' ').skip(1);
    words.map(|word| {
        let letter = word.split_first();
        letter.map_or((b' ', word), |(&letter, rest)| (letter, rest))
    })
}
