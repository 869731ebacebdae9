//! Replies as callers read them: RESP2 and RESP3 parsed into a tree.
//!
//! What is not whole is no error but nothing yet: the caller waits for more bytes. Lengths are checked
//! against the bytes that are there before anything is made of them.

use smallvec::SmallVec;

/// How deep replies may stand in each other. Redis's own go four deep.
const DEPTH_MAX: usize = 32;

/// A reply as a caller in this process reads it.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A status, such as `OK`.
    Simple(String),
    /// An error: its code word first.
    Error(String),
    /// An integer.
    Int(i64),
    /// Bytes.
    Bulk(Vec<u8>),
    /// Nothing there.
    Nil,
    /// Several replies.
    Array(Vec<Reply>),
    /// Keys with their values (RESP3).
    Map(Vec<(Reply, Reply)>),
    /// Replies in no order (RESP3).
    Set(Vec<Reply>),
    /// A floating-point number (RESP3).
    Double(f64),
    /// Yes or no (RESP3).
    Boolean(bool),
    /// Text with its format, `txt` or `mkd` (RESP3).
    Verbatim([u8; 3], Vec<u8>),
    /// The decimal digits of an integer of any size (RESP3).
    BigNumber(String),
    /// What nobody asked for: a published message, an invalidation (RESP3).
    Push(Vec<Reply>),
}

impl Reply {
    /// Whether this is `+OK`.
    pub fn is_ok(&self) -> bool {
        matches!(self, Reply::Simple(text) if text == "OK")
    }

    /// Reads one reply, of RESP2 or RESP3, from the front of `bytes`: it and how many bytes it took, or
    /// `None` where it is not whole or not RESP. Attributes are read over.
    pub fn parse(bytes: &[u8]) -> Option<(Reply, usize)> {
        let mut reader = Reader { bytes, at: 0 };
        let reply = reader.reply(DEPTH_MAX)?;
        Some((reply, reader.at))
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn reply(&mut self, depth: usize) -> Option<Reply> {
        let depth = depth.checked_sub(1)?;
        let (kind, line) = self.line()?;
        let text = || String::from_utf8_lossy(line).into_owned();
        Some(match kind {
            b'+' => Reply::Simple(text()),
            b'-' => Reply::Error(text()),
            b':' => Reply::Int(decimal(line)?),
            b'_' if line.is_empty() => Reply::Nil,
            b'$' | b'*' if line == b"-1" => Reply::Nil,
            b'$' => Reply::Bulk(self.body(line)?.to_vec()),
            b'*' => Reply::Array(self.replies(line, depth)?),
            b'~' => Reply::Set(self.replies(line, depth)?),
            b'>' => Reply::Push(self.replies(line, depth)?),
            b'%' => Reply::Map(self.pairs(line, depth)?),
            b'|' => {
                self.pairs(line, depth)?;
                self.reply(depth)?
            }
            b',' => Reply::Double(std::str::from_utf8(line).ok()?.parse().ok()?),
            b'#' if line == b"t" => Reply::Boolean(true),
            b'#' if line == b"f" => Reply::Boolean(false),
            b'(' => {
                decimal_digits(line)?;
                Reply::BigNumber(text())
            }
            b'!' => Reply::Error(String::from_utf8_lossy(self.body(line)?).into_owned()),
            b'=' => {
                let (format, rest) = self.body(line)?.split_first_chunk::<3>()?;
                Reply::Verbatim(*format, rest.strip_prefix(b":")?.to_vec())
            }
            _ => return None,
        })
    }

    fn replies(&mut self, line: &[u8], depth: usize) -> Option<Vec<Reply>> {
        let count = self.count(line)?;
        // Whoever announces many has room for few until they come.
        let mut replies = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            replies.push(self.reply(depth)?);
        }
        Some(replies)
    }

    fn pairs(&mut self, line: &[u8], depth: usize) -> Option<Vec<(Reply, Reply)>> {
        (0..self.count(line)?)
            .map(|_| Some((self.reply(depth)?, self.reply(depth)?)))
            .collect()
    }

    /// A number of replies that may all be there: each takes three bytes at least.
    fn count(&self, line: &[u8]) -> Option<usize> {
        let count = usize::try_from(decimal(line)?).ok()?;
        (count <= (self.bytes.len() - self.at) / 3).then_some(count)
    }

    /// The kind byte and the rest of its line.
    fn line(&mut self) -> Option<(u8, &'a [u8])> {
        let rest = &self.bytes[self.at..];
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let (&kind, line) = rest[..end].split_first()?;
        self.at += end + 2;
        Some((kind, line))
    }

    /// The bytes whose number is the text `len`.
    fn body(&mut self, len: &[u8]) -> Option<&'a [u8]> {
        let len = usize::try_from(decimal(len)?).ok()?;
        let rest = &self.bytes[self.at..];
        let end = rest.get(len..len.checked_add(2)?)?;
        self.at += len + 2;
        (end == b"\r\n").then(|| &rest[..len])
    }
}

/// The name of a command and its arguments; most have no more.
type Parts<'a> = SmallVec<[&'a [u8]; 8]>;

/// Reads one command (an array of bulk strings) from the front of `bytes`: its parts and how many
/// bytes it took, or `None` where it is damaged or cut off.
pub(crate) fn parse_command(bytes: &[u8]) -> Option<(Parts<'_>, usize)> {
    let mut reader = Reader { bytes, at: 0 };
    let (b'*', line) = reader.line()? else {
        return None;
    };
    let count = reader.count(line)?;
    let mut parts = Parts::with_capacity(count);
    for _ in 0..count {
        let (b'$', len) = reader.line()? else {
            return None;
        };
        parts.push(reader.body(len)?);
    }
    Some((parts, reader.at))
}

fn decimal(text: &[u8]) -> Option<i64> {
    // Lengths are a digit or two, and stand before each part of a command.
    match text {
        [ones @ b'0'..=b'9'] => Some(i64::from(ones - b'0')),
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
        }
        _ => std::str::from_utf8(text).ok()?.parse().ok(),
    }
}

fn decimal_digits(text: &[u8]) -> Option<()> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &str) -> Option<Reply> {
        let (reply, used) = Reply::parse(bytes.as_bytes())?;
        assert_eq!(used, bytes.len(), "{bytes:?}");
        Some(reply)
    }

    #[test]
    fn every_type_is_read() {
        let bulk = |text: &str| Reply::Bulk(text.as_bytes().to_vec());
        for (bytes, reply) in [
            ("+OK\r\n", Reply::Simple("OK".into())),
            ("-ERR no\r\n", Reply::Error("ERR no".into())),
            ("!6\r\nERR no\r\n", Reply::Error("ERR no".into())),
            (":-7\r\n", Reply::Int(-7)),
            ("$2\r\n\r\n\r\n", bulk("\r\n")),
            ("$-1\r\n", Reply::Nil),
            ("*-1\r\n", Reply::Nil),
            ("_\r\n", Reply::Nil),
            (
                "*2\r\n:1\r\n*0\r\n",
                Reply::Array(vec![Reply::Int(1), Reply::Array(Vec::new())]),
            ),
            ("~1\r\n:1\r\n", Reply::Set(vec![Reply::Int(1)])),
            (">1\r\n:1\r\n", Reply::Push(vec![Reply::Int(1)])),
            (
                "%1\r\n+a\r\n:1\r\n",
                Reply::Map(vec![(Reply::Simple("a".into()), Reply::Int(1))]),
            ),
            ("|1\r\n+a\r\n:1\r\n:2\r\n", Reply::Int(2)),
            (",1.5\r\n", Reply::Double(1.5)),
            (",-inf\r\n", Reply::Double(f64::NEG_INFINITY)),
            ("#t\r\n", Reply::Boolean(true)),
            ("#f\r\n", Reply::Boolean(false)),
            ("=6\r\ntxt:hi\r\n", Reply::Verbatim(*b"txt", b"hi".to_vec())),
            (
                "(-123456789012345678901\r\n",
                Reply::BigNumber("-123456789012345678901".into()),
            ),
        ] {
            assert_eq!(whole(bytes), Some(reply), "{bytes:?}");
            for end in 0..bytes.len() {
                assert_eq!(
                    Reply::parse(&bytes.as_bytes()[..end]),
                    None,
                    "{bytes:?} to {end}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        let deep = "*1\r\n".repeat(100_000) + ":1\r\n";
        for bytes in [
            "\r\n",
            "?\r\n",
            "#x\r\n",
            "(\r\n",
            "(1x\r\n",
            "_x\r\n",
            ",x\r\n",
            "$3\r\nabcde",
            "=2\r\ntx\r\n",
            "$9223372036854775807\r\n",
            "*9223372036854775807\r\n:1\r\n",
            "%9223372036854775807\r\n:1\r\n",
            &deep,
        ] {
            assert_eq!(whole(bytes), None, "{:?}", &bytes[..bytes.len().min(40)]);
        }
    }
}
