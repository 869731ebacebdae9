//! Words as `redis-cli` and `MONITOR` show them, which `redis-cli` also reads back.

use std::fmt::Write;

/// `word` in quotes, with what cannot be printed as escapes.
pub fn quoted(word: &[u8]) -> String {
    let mut text = String::with_capacity(word.len() + 2);
    text.push('"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => text.extend(['\\', char::from(byte)]),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0x07 => text.push_str("\\a"),
            0x08 => text.push_str("\\b"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => write!(text, "\\x{byte:02x}").expect("writing to memory does not fail"),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_as_redis_does() {
        assert_eq!(quoted(b"a b"), "\"a b\"");
        assert_eq!(
            quoted(b"\"\\\r\n\t\x07\x08\x00\xff"),
            r#""\"\\\r\n\t\a\b\x00\xff""#
        );
    }
}
