//! Requests that store, read ahead with their data: `set`, `add`, `replace`, and `ms`.

use seawall_store::command::Command;
use seawall_store::command::memcached::{ADD, META_SET, REPLACE, SET, Storing};
use smallvec::SmallVec;

use super::super::storing::fits;
use super::{Behind, REQUESTS, behind_word, letters, word};

/// Numbers of more digits are not read here.
const DIGITS_MAX: usize = 10;
/// With more bytes of data read ahead no further request is: what is fetched for them would be gone before
/// they ran.
const AHEAD_BYTES: usize = 64 << 10;

/// Requests of one command, in order.
#[derive(Debug)]
pub struct Storings<'a> {
    command: &'static Command,
    asked: SmallVec<[Storing<'a>; REQUESTS]>,
    /// Where each ends in what came.
    ends: SmallVec<[usize; REQUESTS]>,
}

impl<'a> Storings<'a> {
    /// Reads the front of `bytes`, a line's beginning; an item may have up to `item_bytes_max`.
    #[inline]
    pub fn read(bytes: &'a [u8], item_bytes_max: usize) -> Option<Storings<'a>> {
        let (command, name_bytes) = command_of(bytes)?;
        let mut ahead = Storings {
            command,
            asked: SmallVec::new(),
            ends: SmallVec::new(),
        };
        let mut at = 0;
        while ahead.asked.len() < REQUESTS
            && at < AHEAD_BYTES
            && command_of(&bytes[at..]).is_some_and(|(other, _)| std::ptr::eq(other, command))
        {
            let (key, behind) = match word(bytes, at + name_bytes) {
                Some((key, Behind::Word)) => (key, at + name_bytes + 1 + key.len()),
                _ => break,
            };
            let read = if std::ptr::eq(command, &raw const META_SET) {
                meta(bytes, key, behind, item_bytes_max)
            } else {
                text(command, bytes, key, behind, item_bytes_max)
            };
            let Some((asked, end)) = read else {
                break;
            };
            ahead.asked.push(asked);
            ahead.ends.push(end);
            at = end;
        }
        (!ahead.asked.is_empty()).then_some(ahead)
    }

    /// What is asked of each.
    pub fn command(&self) -> &'static Command {
        self.command
    }

    /// The requests.
    pub fn asked(&self) -> &[Storing<'a>] {
        &self.asked
    }

    /// Where the first `count` requests, one at least, end in what came.
    pub fn end(&self, count: usize) -> usize {
        self.ends[count - 1]
    }
}

/// The command that a line begins with, where it is one of those that are read ahead, and how long its name is.
#[inline]
fn command_of(bytes: &[u8]) -> Option<(&'static Command, usize)> {
    match bytes {
        [b's', b'e', b't', b' ', ..] => Some((&SET, 3)),
        [b'm', b's', b' ', ..] => Some((&META_SET, 2)),
        [b'a', b'd', b'd', b' ', ..] => Some((&ADD, 3)),
        [b'r', b'e', b'p', b'l', b'a', b'c', b'e', b' ', ..] => Some((&REPLACE, 7)),
        _ => None,
    }
}

/// What stands behind the key of a text command, from the space at `at` on: flags, time, length, perhaps
/// `noreply`, and the data. Where that ends.
#[inline]
fn text<'a>(
    command: &'static Command,
    bytes: &'a [u8],
    key: &'a [u8],
    at: usize,
    item_bytes_max: usize,
) -> Option<(Storing<'a>, usize)> {
    const NOREPLY: &[u8] = b" noreply";
    let (flags, time_at) = number(bytes, at)?;
    let (_, length_at) = number(bytes, time_at)?;
    let (len, mut after) = number(bytes, length_at)?;
    let is_quiet = bytes[after..].starts_with(NOREPLY);
    if is_quiet {
        after += NOREPLY.len();
    }
    // Memcached keeps the lower 32 bits of what a client sends.
    let (flags, len) = (flags as u32, usize::try_from(len).ok()?);
    if !fits(key, len, flags, item_bytes_max) {
        return None;
    }
    let (value, end) = data(bytes, after, len)?;
    let exptime = &bytes[time_at + 1..length_at];
    let asked = Storing::text(command, key, value, flags, exptime, is_quiet)?;
    Some((asked, end))
}

/// What stands behind the key of `ms`, from the space at `at` on: length, letters, and the data. Where that ends.
#[inline]
fn meta<'a>(
    bytes: &'a [u8],
    key: &'a [u8],
    at: usize,
    item_bytes_max: usize,
) -> Option<(Storing<'a>, usize)> {
    let (len, at) = number(bytes, at)?;
    let letters = letters(bytes, at, behind_word(&bytes[at..]))?;
    let len = usize::try_from(len).ok()?;
    if !fits(key, len, 0, item_bytes_max) {
        return None;
    }
    let (value, end) = data(bytes, at + letters.len(), len)?;
    Some((Storing::meta(key, value, letters)?, end))
}

/// The digits behind the space at `at`, and where they end.
#[inline]
fn number(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let (space, rest) = bytes.get(at..)?.split_first()?;
    let (mut number, mut len) = (0, 0);
    while let Some(digit @ b'0'..=b'9') = rest.get(len)
        && len < DIGITS_MAX
    {
        number = number * 10 + u64::from(digit - b'0');
        len += 1;
    }
    (*space == b' ' && len > 0).then_some((number, at + 1 + len))
}

/// The block of `len` bytes behind the line's end at `at`, and where its own end ends.
#[inline]
fn data(bytes: &[u8], at: usize, len: usize) -> Option<(&[u8], usize)> {
    let Behind::End(end) = behind_word(bytes.get(at..)?) else {
        return None;
    };
    let rest = bytes.get(at + end..)?;
    let value = rest.get(..len)?;
    let is_whole = rest[len..].starts_with(b"\r\n");
    is_whole.then_some((value, at + end + len + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests that are read ahead: their ops, and where each ends.
    fn read(text: &str) -> String {
        let Some(ahead) = Storings::read(text.as_bytes(), 1 << 10) else {
            return String::new();
        };
        let each = ahead.asked().iter().zip(1..);
        let each = each.map(|(asked, count)| format!("{:?}:{}", asked.op(), ahead.end(count)));
        each.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn what_is_written_plainly_is_read_ahead() {
        let large = format!("set a 0 0 1000\r\n{}\r\n", "v".repeat(1000));
        let cases = [
            (
                "set a 5 07 2\r\nab\r\nset b 0 0 0 noreply\n\r\nset c 0 0 3\r\nab",
                "MEMCACHED.SET a ab 5 07:18 | MEMCACHED.SET b  0 0:40",
            ),
            (
                "add a 4294967297 0 1\r\n\n\r\nreplace b 0 0 1\r\nx\r\n",
                "MEMCACHED.ADD a \\n 1 0:25",
            ),
            (
                "ms a 2 T5 F7 k Oxy\r\nab\r\nms b 1\r\nx\r\n",
                "MEMCACHED.MS a ab T5 F7 k Oxy:24 | MEMCACHED.MS b x:35",
            ),
            ("ms a 1 MA\r\nx\r\n", ""),
            ("ms a S1\r\nx\r\n", ""),
            ("ms a 1 T5 T6\r\nx\r\n", ""),
            ("ms a 1 Tx\r\nx\r\n", ""),
            ("set a 0 0 2\r\nabc\r\n", ""),
            ("set a 0 0 2\r\na\r\n", ""),
            ("set a 0 -1 1\r\na\r\n", ""),
            ("set a 0 0 1 noreplyx\r\na\r\n", ""),
            ("set a 0 0 1 \r\na\r\n", ""),
            ("set a  0 0 1\r\na\r\n", ""),
            ("set a 0 0 99999999999\r\na\r\n", ""),
            ("cas a 0 0 1 1\r\na\r\n", ""),
            (large.as_str(), ""),
        ];
        for (text, told) in cases {
            assert_eq!(read(text), told, "{text:?}");
        }
    }
}
