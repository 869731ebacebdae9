//! Inline commands: a line of words, as a person types them.
//!
//! Words are split as Redis splits them: at white space, with `"…"` (and its escapes) and `'…'`.

/// A quote that is not closed, or is followed by something else than a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unbalanced;

/// The words of `line`, which ends at its first zero byte.
pub(super) fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, Unbalanced> {
    let end = line.iter().position(|&byte| byte == 0);
    let mut rest = &line[..end.unwrap_or(line.len())];
    let mut words = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        // ASCII white space of Rust lacks the vertical tab.
        if let Some((0x0b, after)) = rest.split_first() {
            rest = after;
            continue;
        }
        if rest.is_empty() {
            return Ok(words);
        }
        let (word, after) = word(rest)?;
        words.push(word);
        rest = after;
    }
}

/// What may follow a closed quote.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// What ends a word: not all that is skipped before one.
fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// The word that `rest` begins with, and what follows it.
fn word(mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), Unbalanced> {
    let mut word = Vec::new();
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'"' | b'\'' => {
                rest = quoted(byte, after, &mut word)?;
                return match rest.first() {
                    Some(&next) if !is_space(next) => Err(Unbalanced),
                    _ => Ok((word, rest)),
                };
            }
            _ if ends_word(byte) => break,
            _ => word.push(byte),
        }
        rest = after;
    }
    Ok((word, rest))
}

/// Appends what stands before the closing `quote`; what follows it.
fn quoted<'a>(quote: u8, mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], Unbalanced> {
    loop {
        let (&byte, after) = rest.split_first().ok_or(Unbalanced)?;
        rest = after;
        match (byte, rest) {
            _ if byte == quote => return Ok(rest),
            (b'\\', [b'\'', after @ ..]) if quote == b'\'' => {
                word.push(b'\'');
                rest = after;
            }
            (b'\\', [b'x', high, low, after @ ..])
                if quote == b'"' && hex(*high).is_some() && hex(*low).is_some() =>
            {
                let value = hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low);
                word.extend(value);
                rest = after;
            }
            (b'\\', [escaped, after @ ..]) if quote == b'"' => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                rest = after;
            }
            _ => word.push(byte),
        }
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn splits(line: &str, words: &[&[u8]]) {
        assert_eq!(split(line.as_bytes()).unwrap(), words, "{line:?}");
    }

    #[test]
    fn splits_as_redis_does() {
        splits("", &[]);
        splits(" \t ", &[]);
        // A vertical tab is skipped before a word and does not end one.
        splits("get  a\tb\x0b \x0bc ", &[b"get", b"a", b"b\x0b", b"c"]);
        splits(
            r#"set k "a b\n\x41\xzz\"q""#,
            &[b"set", b"k", b"a b\nAxzz\"q"],
        );
        splits(r"set k 'a\'b\n'", &[b"set", b"k", br"a'b\n"]);
        splits(r#"a"b c" ''"#, &[b"ab c", b""]);
        splits("get a\0 b", &[b"get", b"a"]);
    }

    #[test]
    fn refuses_what_does_not_balance() {
        for line in [r#""a"#, r"'a", r#""a"b"#, "'a'b", "\"a\0\"", r#""a\"#] {
            assert_eq!(split(line.as_bytes()), Err(Unbalanced), "{line:?}");
        }
    }
}
