//! Elements of RESP as they stand in bytes, in both versions of the protocol: where one ends, and what
//! stands in it. Nothing is copied, and nothing kept; [`Reply`](super::Reply) is a reply read whole.

/// How many bytes the first element of `bytes` takes; `None` where it is not whole, or is none.
pub fn len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    // Elements that are still to come: an aggregate adds its own.
    let mut left: u64 = 1;
    while left > 0 {
        let rest = bytes.get(at..)?;
        let end = rest.iter().position(|&byte| byte == b'\n')? + 1;
        let line = rest[..end].strip_suffix(b"\r\n")?;
        let (&kind, number) = line.split_first()?;
        at += end;
        left -= 1;
        match kind {
            b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => {}
            b'$' | b'=' | b'!' => {
                if let Some(len) = count(number)? {
                    at = at.checked_add(usize::try_from(len).ok()?)?.checked_add(2)?;
                    bytes.get(..at)?;
                }
            }
            b'*' | b'~' | b'>' => left = left.checked_add(count(number)?.unwrap_or(0))?,
            b'%' => left = left.checked_add(count(number)?.unwrap_or(0).checked_mul(2)?)?,
            // An attribute stands before the element that it belongs to.
            b'|' => left = left.checked_add(count(number)?.unwrap_or(0).checked_mul(2)? + 1)?,
            _ => return None,
        }
    }
    Some(at)
}

/// How many elements the array or set at the beginning of `bytes` has, and where the first begins; `None`
/// where there is none.
pub fn array(bytes: &[u8]) -> Option<(u64, usize)> {
    let end = bytes.iter().position(|&byte| byte == b'\n')? + 1;
    let line = bytes[..end].strip_suffix(b"\r\n")?;
    let number = line.strip_prefix(b"*").or(line.strip_prefix(b"~"))?;
    Some((count(number)??, end))
}

/// The elements of the array or set that `bytes` is, as far as they are whole; of anything else none.
pub fn elements(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (count, mut at) = array(bytes).unwrap_or_default();
    (0..count).map_while(move |_| {
        let element = bytes.get(at..at + len(bytes.get(at..)?)?)?;
        at += element.len();
        Some(element)
    })
}

/// The bytes of the bulk string that `bytes` begins with.
pub fn bulk(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|&byte| byte == b'\n')? + 1;
    let number = bytes[..end].strip_suffix(b"\r\n")?.strip_prefix(b"$")?;
    let len = usize::try_from(count(number)??).ok()?;
    bytes.get(end..end.checked_add(len)?)
}

/// Whether `bytes` say that there is nothing.
pub fn is_nil(bytes: &[u8]) -> bool {
    matches!(bytes, b"$-1\r\n" | b"*-1\r\n" | b"_\r\n")
}

/// A length; -1 is none.
#[expect(
    clippy::option_option,
    reason = "no number at all differs from the number that says there is nothing"
)]
fn count(number: &[u8]) -> Option<Option<u64>> {
    if number == b"-1" {
        return Some(None);
    }
    std::str::from_utf8(number).ok()?.parse().ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_of_every_kind() {
        for element in [
            "+OK\r\n",
            "-ERR no\r\n",
            ":5\r\n",
            "$-1\r\n",
            "$3\r\na\nb\r\n",
            "*-1\r\n",
            "*0\r\n",
            "*2\r\n*1\r\n:1\r\n$1\r\na\r\n",
            "_\r\n",
            "#t\r\n",
            ",1.5\r\n",
            "(99\r\n",
            "!3\r\nERR\r\n",
            "=5\r\ntxt:a\r\n",
            "%1\r\n+a\r\n:1\r\n",
            "~1\r\n+a\r\n",
            ">1\r\n+a\r\n",
            "|1\r\n+a\r\n:1\r\n:7\r\n",
        ] {
            let followed = format!("{element}+X\r\n");
            assert_eq!(len(followed.as_bytes()), Some(element.len()), "{element:?}");
            for cut in 0..element.len() {
                assert_eq!(
                    len(&element.as_bytes()[..cut]),
                    None,
                    "{element:?} at {cut}"
                );
            }
        }
        assert_eq!(len(b"?\r\n"), None);
        assert_eq!(len(b"*18446744073709551615\r\n"), None);
        assert_eq!(len(b"$18446744073709551615\r\n"), None);
        assert_eq!(array(b"*2\r\n:1\r\n:2\r\n"), Some((2, 4)));
        assert_eq!(array(b"*-1\r\n"), None);
        assert_eq!(array(b"%1\r\n:1\r\n:2\r\n"), None);
    }

    #[test]
    fn what_stands_in_an_element_is_found() {
        let found: Vec<&[u8]> = elements(b"~3\r\n$1\r\na\r\n*1\r\n:1\r\n_\r\n").collect();
        assert_eq!(found, [&b"$1\r\na\r\n"[..], b"*1\r\n:1\r\n", b"_\r\n"]);
        assert_eq!(elements(b"*3\r\n:1\r\n:2").count(), 1, "what is whole");
        assert_eq!(elements(b"+OK\r\n").count(), 0);
        assert_eq!(bulk(b"$2\r\n\r\n\r\n"), Some(&b"\r\n"[..]));
        for none in [
            &b"$-1\r\n"[..],
            b"$3\r\nab",
            b":1\r\n",
            b"$18446744073709551615\r\n",
        ] {
            assert_eq!(bulk(none), None);
        }
        assert!(is_nil(b"*-1\r\n") && !is_nil(b"*0\r\n"));
    }
}
