//! Requests for strings as they lie in what came, for those who answer many at once: `get`, `gets` and
//! `mg` in the shape in which clients write them, words behind one space each.
//!
//! Whatever is written otherwise, or refused, or not whole yet, ends what is read ahead: the
//! [parser](super::parser) reads it, and says what is wrong with it.

use seawall_store::command::Command;
use seawall_store::command::memcached::{GET, GETS, KEY_BYTES_MAX, META_GET, Retrieval};
use smallvec::SmallVec;

/// How many requests are read ahead: as many as the store looks up together.
const REQUESTS: usize = 32;
/// More letters than `mg` has are not looked at here.
const LETTERS_BYTES_MAX: usize = 128;

/// Requests of one command, in order.
#[derive(Debug)]
pub struct Ahead<'a> {
    command: &'static Command,
    asked: SmallVec<[Retrieval<'a>; REQUESTS]>,
    /// Where each ends in what came, and whether its line does.
    ends: SmallVec<[(usize, bool); REQUESTS]>,
}

/// What stands behind a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    Word,
    /// The line's end, and so many bytes of it.
    End(usize),
    Else,
}

impl<'a> Ahead<'a> {
    /// Reads the front of `bytes`, a line's beginning or, of a line whose keys are handed on one by one for
    /// `command`, what follows one of them.
    #[inline]
    pub fn read(bytes: &'a [u8], within: Option<&'static Command>) -> Option<Ahead<'a>> {
        let command = match within {
            Some(command) => command,
            None => command_of(bytes)?,
        };
        let mut ahead = Ahead {
            command,
            asked: SmallVec::new(),
            ends: SmallVec::new(),
        };
        let mut at = 0;
        if within.is_some() {
            // The line was looked at when it was begun.
            at = ahead.keys(bytes, at)?;
        }
        while ahead.has_room()
            && command_of(&bytes[at..]).is_some_and(|other| std::ptr::eq(other, command))
        {
            let end = if std::ptr::eq(command, &raw const META_GET) {
                ahead.meta(bytes, at)
            } else {
                ahead.line(bytes, at)
            };
            let Some(end) = end else {
                break;
            };
            at = end;
        }
        (!ahead.asked.is_empty()).then_some(ahead)
    }

    /// What is asked of each.
    pub fn command(&self) -> &'static Command {
        self.command
    }

    /// The requests.
    pub fn asked(&self) -> &[Retrieval<'a>] {
        &self.asked
    }

    /// Where the first `count` requests, one at least, end in what came, and whether their last line ends with
    /// them.
    pub fn end(&self, count: usize) -> (usize, bool) {
        self.ends[count - 1]
    }

    fn has_room(&self) -> bool {
        self.asked.len() < REQUESTS
    }

    /// Takes the keys of a whole line that begins at `at`; where it ends. Of a line with more keys than fit
    /// the first are taken, but only where it is the first line.
    #[inline]
    fn line(&mut self, bytes: &'a [u8], at: usize) -> Option<usize> {
        let before = self.asked.len();
        // Behind the name.
        let at = at + if self.with_number() { 4 } else { 3 };
        let end = self.keys(bytes, at);
        let is_whole = self.ends.last().is_some_and(|(_, is_whole)| *is_whole);
        if self.asked.len() > before && is_whole {
            return end;
        }
        let goes_on = end.filter(|_| before == 0 && !self.has_room());
        // Nothing is asked for where one key is refused.
        if goes_on.is_none_or(|at| !is_clean(bytes, at)) {
            self.asked.truncate(before);
            self.ends.truncate(before);
        }
        None
    }

    /// Takes keys, each behind a space, up to the line's end, as long as there is room; where the next line or
    /// the next key's space is. `None` where something else stands there.
    #[inline]
    fn keys(&mut self, bytes: &'a [u8], mut at: usize) -> Option<usize> {
        while self.has_room() {
            let (key, behind) = word(bytes, at)?;
            at += 1 + key.len();
            let is_last = behind != Behind::Word;
            if let Behind::End(len) = behind {
                at += len;
            }
            let key = Retrieval::text(key, self.with_number(), is_last);
            self.asked.push(key);
            self.ends.push((at, is_last));
            if is_last {
                break;
            }
        }
        Some(at)
    }

    /// Takes an `mg` that begins at `at`; where it ends.
    #[inline]
    fn meta(&mut self, bytes: &'a [u8], at: usize) -> Option<usize> {
        let (key, behind) = word(bytes, at + 2)?;
        let after = at + 3 + key.len();
        let rest = &bytes[after..bytes.len().min(after + LETTERS_BYTES_MAX)];
        let letters = match behind {
            Behind::Word => &rest[..rest.iter().position(|&byte| byte < b' ')?],
            _ => &[],
        };
        let Behind::End(end) = behind_word(&rest[letters.len()..]) else {
            return None;
        };
        let end = after + letters.len() + end;
        self.asked.push(Retrieval::meta(key, letters)?);
        self.ends.push((end, true));
        Some(end)
    }

    fn with_number(&self) -> bool {
        std::ptr::eq(self.command, &raw const GETS)
    }
}

/// The command that a line begins with, where it is one of those that are read ahead.
#[inline]
fn command_of(bytes: &[u8]) -> Option<&'static Command> {
    match bytes {
        [b'g', b'e', b't', b' ', ..] => Some(&GET),
        [b'm', b'g', b' ', ..] => Some(&META_GET),
        [b'g', b'e', b't', b's', b' ', ..] => Some(&GETS),
        _ => None,
    }
}

/// The word behind the space at `at`, and what stands behind it, where it may be a key in a line that is
/// whole so far.
#[inline]
fn word(bytes: &[u8], at: usize) -> Option<(&[u8], Behind)> {
    let (space, rest) = bytes.get(at..)?.split_first()?;
    let len = word_bytes(&rest[..rest.len().min(KEY_BYTES_MAX + 1)]);
    let behind = behind_word(&rest[len..]);
    let is_key = *space == b' ' && (1..=KEY_BYTES_MAX).contains(&len) && behind != Behind::Else;
    is_key.then(|| (&rest[..len], behind))
}

#[inline]
fn behind_word(rest: &[u8]) -> Behind {
    match rest {
        [b' ', ..] => Behind::Word,
        [b'\r', b'\n', ..] => Behind::End(2),
        [b'\n', ..] => Behind::End(1),
        _ => Behind::Else,
    }
}

/// Whether only keys stand behind the space at `at`, up to the line's end.
fn is_clean(bytes: &[u8], mut at: usize) -> bool {
    while let Some((key, behind)) = word(bytes, at) {
        if behind != Behind::Word {
            return true;
        }
        at += 1 + key.len();
    }
    false
}

/// How many bytes stand before the first that is a space or a control character.
#[inline]
fn word_bytes(bytes: &[u8]) -> usize {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let eight = u64::from_le_bytes(*eight);
        // The lowest bit of those that are set stands for the first byte up to a space; what borrows from it
        // may set others above it.
        let ends = eight.wrapping_sub(EACH * 0x21) & !eight & (EACH * 0x80);
        if ends != 0 {
            return at + ends.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + bytes[at..].iter().take_while(|&&byte| byte > b' ').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests that are read ahead: where each ends, `+` where its line goes on.
    fn read(text: &str, within: Option<&'static Command>) -> String {
        let Some(ahead) = Ahead::read(text.as_bytes(), within) else {
            return String::new();
        };
        let each = ahead.asked().iter().zip(1..).map(|(asked, count)| {
            let (end, is_whole) = ahead.end(count);
            let key = String::from_utf8_lossy(asked.as_ref());
            format!("{key}:{end}{}", if is_whole { "" } else { "+" })
        });
        each.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_written_plainly_is_read_ahead() {
        let long = "k".repeat(KEY_BYTES_MAX);
        let cases = [
            ("get a\r\nget b\nget c", "a:7 b:13"),
            ("get a b\r\nget c\r\n", "a:5+ b:9 c:16"),
            ("gets a\r\nget b\r\n", "a:8"),
            ("mg a\r\nmg b v f Oxyz\r\nmn\r\n", "a:6 b:21"),
            ("mg a v v\r\n", ""),
            ("mg a T9\r\n", ""),
            ("mg a v\tf\r\n", ""),
            ("mg a v \r\n", ""),
            ("get  a\r\n", ""),
            ("get a \r\n", ""),
            ("get a\tb\r\n", ""),
            ("get \r\n", ""),
            ("get a\r\nget b c\0\r\n", "a:7"),
            ("set a 0 0 1\r\n", ""),
        ];
        for (text, told) in cases {
            assert_eq!(read(text, None), told, "{text:?}");
        }
        assert_eq!(
            read(&format!("get {long}\r\n"), None),
            format!("{long}:256")
        );
        assert_eq!(read(&format!("get a {long}k\r\n"), None), "");
        assert_eq!(read(" b c\r\nget d\r\n", Some(&GET)), "b:2+ c:6 d:13");
        assert_eq!(read("\r\nget d\r\n", Some(&GET)), "");
    }

    #[test]
    fn of_a_long_line_the_first_keys_are_read_where_all_may_be_asked() {
        let keys = " k".repeat(REQUESTS + 1);
        let first = read(&format!("get{keys}\r\n"), None);
        assert!(first.ends_with("k:67+"), "{first}");
        assert_eq!(first.split(' ').count(), REQUESTS);
        assert_eq!(read(&format!("get a\r\nget{keys}\r\n"), None), "a:7");
        for refused in ["\0", "  k", &format!(" {}", "k".repeat(KEY_BYTES_MAX + 1))] {
            assert_eq!(read(&format!("get{keys}{refused}\r\n"), None), "");
        }
        assert_eq!(
            read(&format!("get{keys}"), None),
            "",
            "its end is not there"
        );
    }

    #[test]
    fn a_word_ends_where_its_bytes_say() {
        for end in 0..=b' ' {
            for len in 0..20 {
                let mut text: Vec<u8> = (0..20)
                    .map(|at| if at % 2 == 0 { b'!' } else { 0xff })
                    .collect();
                text[len] = end;
                assert_eq!(word_bytes(&text), len);
            }
        }
        assert_eq!(word_bytes(b"whole"), 5);
    }
}
