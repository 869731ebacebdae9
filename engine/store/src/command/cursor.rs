//! What the commands that go over something in parts have in common: cursor, `MATCH` and `COUNT`.

use super::{CommandError, glob, number};
use crate::op::Op;
use crate::reply::ReplyBuf;

/// The options of a scan.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    pattern: Option<&'a [u8]>,
    /// The type that keys must have (`TYPE`).
    pub kind: Option<&'a [u8]>,
    /// About how many to show in one call.
    pub count: usize,
}

/// Whether `TYPE` is an option: it is where keys are gone over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Types {
    /// It is not.
    None,
    /// It is.
    OfKeys,
}

impl<'a> Options<'a> {
    /// Reads the options from argument `from` on.
    ///
    /// # Errors
    /// An unknown word, a word without its value, a count below one.
    pub fn parse(op: &'a Op, from: usize, types: Types) -> Result<Options<'a>, CommandError> {
        let (mut pattern, mut count, mut kind) = (None, 10, None);
        let mut i = from;
        while let Some(word) = op.get(i) {
            let value = op.get(i + 1).ok_or(CommandError::SYNTAX)?;
            if word.eq_ignore_ascii_case(b"match") {
                pattern = Some(value);
            } else if word.eq_ignore_ascii_case(b"count") {
                count = usize::try_from(number::int(value)?)
                    .ok()
                    .filter(|&count| count > 0)
                    .ok_or(CommandError::SYNTAX)?;
            } else if types == Types::OfKeys && word.eq_ignore_ascii_case(b"type") {
                kind = Some(value);
            } else {
                return Err(CommandError::SYNTAX);
            }
            i += 2;
        }
        Ok(Options {
            pattern,
            kind,
            count,
        })
    }

    /// Whether `name` matches the pattern, if there is one.
    pub fn admits(&self, name: &[u8]) -> bool {
        self.pattern
            .is_none_or(|pattern| glob::matches(pattern, name))
    }
}

/// The cursor in argument `i`, as C's `strtoul` reads it: nothing is 0, and a minus wraps around.
///
/// # Errors
/// It is no number.
pub fn parse(op: &Op, i: usize) -> Result<u64, CommandError> {
    let parse = |text: &[u8]| {
        if text.is_empty() {
            return Some(0);
        }
        let (negative, digits) = number::sign(text);
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let cursor: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        Some(if negative {
            cursor.wrapping_neg()
        } else {
            cursor
        })
    };
    parse(&op[i]).ok_or(CommandError::new("ERR invalid cursor"))
}

/// Writes the cursor to go on with, and the head of `shown` replies.
pub fn head(reply: &mut ReplyBuf, next: u64, shown: usize) {
    reply.array(2);
    reply.bulk(next.to_string().as_bytes());
    reply.array(shown);
}
