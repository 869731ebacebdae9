//! The letters of a meta command: read from an op, and written into its answer.

use smallvec::SmallVec;

use super::super::Call;
use super::lines::BAD_TOKEN;
use super::number::{Expiry, unsigned};
use crate::keyspace::Tag;
use crate::op::Op;
use crate::reply::ReplyBuf;
use crate::time::Millis;

/// The longest opaque token that is returned, in bytes.
const OPAQUE_BYTES_MAX: usize = 32;
/// Letters that take a number.
const NUMBERS: &[u8] = b"CDEJ";

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
}

impl<'a> Letters<'a> {
    /// Reads the arguments of `op` from `from` on, of which each begins with one of `known`.
    pub(super) fn parse(
        op: &'a Op,
        from: usize,
        known: &str,
    ) -> Result<Letters<'a>, &'static [u8]> {
        let mut list: SmallVec<[(u8, &[u8]); 12]> = SmallVec::new();
        for i in from..op.len() {
            let Some((&letter, rest)) = op[i].split_first() else {
                continue;
            };
            if !known.as_bytes().contains(&letter) {
                return Err(b"CLIENT_ERROR invalid flag\r\n");
            }
            if list.iter().any(|(other, _)| *other == letter) {
                return Err(b"CLIENT_ERROR duplicate flag\r\n");
            }
            if letter == b'O' && rest.len() > OPAQUE_BYTES_MAX {
                return Err(b"CLIENT_ERROR opaque token too long\r\n");
            }
            if NUMBERS.contains(&letter) && unsigned(rest).is_none() {
                return Err(BAD_TOKEN);
            }
            list.push((letter, rest));
        }
        Ok(Letters { list })
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

    /// The number that follows `letter`, one of [`NUMBERS`].
    pub(super) fn number(&self, letter: u8) -> Option<u64> {
        self.get(letter).and_then(unsigned)
    }

    /// The time that follows `letter`.
    pub(super) fn expiry(&self, letter: u8, now: Millis) -> Result<Option<Expiry>, ()> {
        match self.get(letter) {
            None => Ok(None),
            Some(text) => Expiry::parse(text, now).map(Some).ok_or(()),
        }
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

/// The times of `mg`: what it creates for, how near the end it renews, and until when it extends.
pub(super) fn lookup_arguments(
    letters: &Letters<'_>,
    now: Millis,
) -> Result<[Option<Expiry>; 3], &'static [u8]> {
    let mut times = [None; 3];
    for (time, letter) in times.iter_mut().zip([b'N', b'R', b'T']) {
        *time = letters.expiry(letter, now).map_err(|()| BAD_TOKEN)?;
    }
    Ok(times)
}
