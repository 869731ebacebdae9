//! Requests for one string that are answered where they lie in what a client sent, without an op: `get`,
//! `gets`, and `mg` with the letters that only ask.
//!
//! The answers are those of the commands. What an item would have to be changed for, or what is told of
//! it beside what was asked, is the owner's: such an item does not [suffice](Retrieval::suffices), and the
//! request takes the way of all others.

use super::letters::OPAQUE_BYTES_MAX;
use super::number::{seconds, seconds_left};
use crate::mem::{Item, Tag};
use crate::time::Millis;

/// The letters of `mg` that are answered so.
const LETTERS: &[u8] = b"cfhklqstvO";
/// Those of them whose answer only a tag has.
const OF_TAG: u32 = bit(b'c') | bit(b'h') | bit(b'l');
/// No answer to letters is longer: a number for each, the key, the opaque token.
const SHOWN_BYTES_MAX: usize = LETTERS.len() * 23 + super::KEY_BYTES_MAX + OPAQUE_BYTES_MAX;

/// A request for one string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retrieval<'a> {
    key: &'a [u8],
    form: Form<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form<'a> {
    Text {
        with_number: bool,
        /// Whether the line ends behind the key.
        is_last: bool,
    },
    Meta {
        /// Words, each behind a space.
        letters: &'a [u8],
        /// A [`bit`] for each letter.
        given: u32,
    },
}

/// The place of a letter, large or small, in a set of them.
const fn bit(letter: u8) -> u32 {
    // No letter is in `LETTERS` both large and small.
    1 << (letter & 31)
}

impl<'a> Retrieval<'a> {
    /// One key of a `get` or, `with_number`, a `gets`; whether it is the last of its line.
    pub fn text(key: &'a [u8], with_number: bool, is_last: bool) -> Retrieval<'a> {
        let form = Form::Text {
            with_number,
            is_last,
        };
        Retrieval { key, form }
    }

    /// `mg` of a key with `letters`, the rest of the line: words, each behind one space. `None` where they are
    /// others than are answered so.
    #[inline]
    pub fn meta(key: &'a [u8], letters: &'a [u8]) -> Option<Retrieval<'a>> {
        let (mut given, mut at) = (0, 0);
        while at < letters.len() {
            let [b' ', letter, ..] = letters[at..] else {
                return None;
            };
            if !LETTERS.contains(&letter) || given & bit(letter) != 0 {
                return None;
            }
            given |= bit(letter);
            at += 2;
            if letter == b'O' {
                let token = letters[at..].iter().take_while(|&&byte| byte != b' ');
                let len = token.count();
                if len > OPAQUE_BYTES_MAX {
                    return None;
                }
                at += len;
            }
        }
        let form = Form::Meta { letters, given };
        Some(Retrieval { key, form })
    }

    /// Its words, the command's name not among them.
    pub fn words(&self) -> impl Iterator<Item = &'a [u8]> {
        let letters = match self.form {
            Form::Text { .. } => &[],
            Form::Meta { letters, .. } => letters,
        };
        // The first space ends the key.
        let letters = letters.split(|&byte| byte == b' ').skip(1);
        std::iter::once(self.key).chain(letters)
    }

    /// Whether it is answered with what is kept of `item`, which is the reader's own or another's, as it is.
    #[inline]
    pub(crate) fn suffices(&self, item: Item<'_>, is_own: bool) -> bool {
        if !is_own && !item.is_fetched() {
            return false;
        }
        match self.form {
            Form::Text { with_number, .. } => !with_number || item.tag().is_some(),
            Form::Meta { given, .. } => match item.tag() {
                Some(tag) => !tag.stale && !tag.won,
                None => given & OF_TAG == 0,
            },
        }
    }

    /// Answers with `item`, which [suffices](Retrieval::suffices), and notes that it was read.
    #[inline]
    pub(crate) fn found(&self, reply: &mut Vec<u8>, item: Item<'_>, is_own: bool, now: Millis) {
        let (value, tag) = (item.value(), item.tag());
        reply.reserve(SHOWN_BYTES_MAX + self.key.len() + value.len());
        let shown = tag.unwrap_or_default();
        match self.form {
            Form::Text {
                with_number,
                is_last,
            } => {
                reply.extend_from_slice(b"VALUE ");
                reply.extend_from_slice(self.key);
                number(reply, b" ", u64::from(shown.flags));
                number(reply, b" ", value.len() as u64);
                if with_number {
                    number(reply, b" ", shown.cas);
                }
                reply.extend_from_slice(b"\r\n");
                reply.extend_from_slice(value);
                let end: &[u8] = if is_last { b"\r\nEND\r\n" } else { b"\r\n" };
                reply.extend_from_slice(end);
            }
            Form::Meta { letters, given } => {
                let has_value = given & bit(b'v') != 0;
                if has_value {
                    number(reply, b"VA ", value.len() as u64);
                } else {
                    reply.extend_from_slice(b"HD");
                }
                self.told(reply, letters, |reply, letter| match letter {
                    b'c' => number(reply, b" c", shown.cas),
                    b'f' => number(reply, b" f", u64::from(shown.flags)),
                    b'h' => number(reply, b" h", u64::from(shown.fetched)),
                    b'l' => {
                        let idle_s = seconds(now).saturating_sub(shown.accessed_s);
                        number(reply, b" l", u64::from(idle_s));
                    }
                    b's' => number(reply, b" s", value.len() as u64),
                    b't' => match u64::try_from(seconds_left(item.expires(), now)) {
                        Ok(seconds) => number(reply, b" t", seconds),
                        Err(_) => reply.extend_from_slice(b" t-1"),
                    },
                    _ => {}
                });
                reply.extend_from_slice(b"\r\n");
                if has_value {
                    reply.extend_from_slice(value);
                    reply.extend_from_slice(b"\r\n");
                }
            }
        }
        if let Some(tag) = tag {
            let accessed_s = seconds(now);
            if is_own && !tag.fetched {
                item.set_tag(Tag {
                    fetched: true,
                    accessed_s,
                    ..tag
                });
            } else {
                item.set_accessed(accessed_s);
            }
        }
    }

    /// Answers that there is nothing.
    #[inline]
    pub(crate) fn missed(&self, reply: &mut Vec<u8>) {
        match self.form {
            Form::Text { is_last: false, .. } => {}
            Form::Text { is_last: true, .. } => reply.extend_from_slice(b"END\r\n"),
            Form::Meta { given, .. } if given & bit(b'q') != 0 => {}
            Form::Meta { letters, .. } => {
                reply.extend_from_slice(b"EN");
                self.told(reply, letters, |_, _| {});
                reply.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Writes key and opaque token where they were asked for, and lets `each` write the others.
    #[inline]
    fn told(&self, reply: &mut Vec<u8>, letters: &[u8], each: impl Fn(&mut Vec<u8>, u8)) {
        let mut at = 0;
        while let Some(&letter) = letters.get(at + 1) {
            let word = at;
            at += 2;
            match letter {
                b'O' => {
                    let token = letters[at..].iter().take_while(|&&byte| byte != b' ');
                    at += token.count();
                    reply.extend_from_slice(&letters[word..at]);
                }
                b'k' => {
                    reply.extend_from_slice(b" k");
                    reply.extend_from_slice(self.key);
                }
                letter => each(reply, letter),
            }
        }
    }
}

impl AsRef<[u8]> for Retrieval<'_> {
    fn as_ref(&self) -> &[u8] {
        self.key
    }
}

/// Appends a number behind what stands before it.
#[inline]
fn number<const N: usize>(reply: &mut Vec<u8>, before: &[u8; N], number: u64) {
    reply.extend_from_slice(before);
    if number < 10 {
        reply.push(b'0' + number as u8);
    } else {
        reply.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }
}
