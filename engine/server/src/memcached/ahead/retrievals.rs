//! Requests for strings, read ahead: `get` and `gets` of any number of keys, and `mg`.

use seawall_store::command::Command;
use seawall_store::command::memcached::{GET, GETS, META_GET, Retrieval};
use smallvec::SmallVec;

use super::{Behind, REQUESTS, behind_word, letters, word};

/// Requests of one command, in order.
#[derive(Debug)]
pub struct Retrievals<'a> {
    command: &'static Command,
    asked: SmallVec<[Retrieval<'a>; REQUESTS]>,
    /// Where each ends in what came, and whether its line does.
    ends: SmallVec<[(usize, bool); REQUESTS]>,
}

impl<'a> Retrievals<'a> {
    /// Reads the front of `bytes`, a line's beginning or, of a line whose keys are handed on one by one for
    /// `command`, what follows one of them.
    #[inline]
    pub fn read(bytes: &'a [u8], within: Option<&'static Command>) -> Option<Retrievals<'a>> {
        let command = match within {
            Some(command) => command,
            None => command_of(bytes)?.0,
        };
        let mut ahead = Retrievals {
            command,
            asked: SmallVec::new(),
            ends: SmallVec::new(),
        };
        let mut at = 0;
        if within.is_some() {
            // The line was looked at when it was begun.
            at = ahead.keys(bytes, at)?;
        }
        let is_meta = std::ptr::eq(command, &raw const META_GET);
        while ahead.has_room()
            && let Some((other, name_bytes)) = command_of(&bytes[at..])
            && std::ptr::eq(other, command)
            && let Some((key, behind)) = word(bytes, at + name_bytes)
        {
            let after = at + name_bytes + 1 + key.len();
            let end = match behind {
                _ if is_meta => ahead.meta(bytes, key, after, behind),
                Behind::End(len) => Some(ahead.key(key, after + len, true)),
                _ => ahead.line(bytes, at + name_bytes),
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

    /// Takes the keys of a whole line, from the first one's space on; where it ends. Of a line with more keys than fit
    /// the first are taken, but only where it is the first line.
    #[inline]
    fn line(&mut self, bytes: &'a [u8], at: usize) -> Option<usize> {
        let before = self.asked.len();
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
            self.key(key, at, is_last);
            if is_last {
                break;
            }
        }
        Some(at)
    }

    /// Takes a key, which ends, perhaps with its line, at `end`; that.
    #[inline]
    fn key(&mut self, key: &'a [u8], end: usize, is_last: bool) -> usize {
        let with_number = std::ptr::eq(self.command, &raw const GETS);
        self.asked.push(Retrieval::text(key, with_number, is_last));
        self.ends.push((end, is_last));
        end
    }

    /// Takes an `mg` whose key ends at `after`; where it ends.
    #[inline]
    fn meta(
        &mut self,
        bytes: &'a [u8],
        key: &'a [u8],
        after: usize,
        behind: Behind,
    ) -> Option<usize> {
        let letters = letters(bytes, after, behind)?;
        let after = after + letters.len();
        let Behind::End(end) = behind_word(&bytes[after..]) else {
            return None;
        };
        let end = after + end;
        self.asked.push(Retrieval::meta(key, letters)?);
        self.ends.push((end, true));
        Some(end)
    }
}

/// The command that a line begins with, where it is one of those that are read ahead, and how long its name is.
#[inline]
fn command_of(bytes: &[u8]) -> Option<(&'static Command, usize)> {
    match bytes {
        [b'g', b'e', b't', b' ', ..] => Some((&GET, 3)),
        [b'm', b'g', b' ', ..] => Some((&META_GET, 2)),
        [b'g', b'e', b't', b's', b' ', ..] => Some((&GETS, 4)),
        _ => None,
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

#[cfg(test)]
mod tests {
    use seawall_store::command::memcached::KEY_BYTES_MAX;

    use super::*;

    /// The requests that are read ahead: where each ends, `+` where its line goes on.
    fn read(text: &str, within: Option<&'static Command>) -> String {
        let Some(ahead) = Retrievals::read(text.as_bytes(), within) else {
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
}
