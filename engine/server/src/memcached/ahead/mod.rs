//! Requests as they lie in what came, for those who answer many at once, in the shape in which clients write
//! them: words behind one space each.
//!
//! - `retrievals`: `get`, `gets`, `mg`.
//! - `storings`: `set`, `add`, `replace`, `ms`.
//!
//! Whatever is written otherwise, or refused, or not whole yet, ends what is read ahead: the
//! [parser](super::parser) reads it, and says what is wrong with it.

mod retrievals;
mod storings;

use seawall_store::command::memcached::KEY_BYTES_MAX;

pub use retrievals::Retrievals;
pub use storings::Storings;

/// How many requests are read ahead: as many as the store looks up together.
const REQUESTS: usize = 32;
/// More letters than a meta command has are not looked at here.
const LETTERS_BYTES_MAX: usize = 128;

/// What stands behind a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    Word,
    /// The line's end, and so many bytes of it.
    End(usize),
    Else,
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

/// The letters from `at` up to the line's end, each behind a space; a word stood before them.
#[inline]
fn letters(bytes: &[u8], at: usize, behind: Behind) -> Option<&[u8]> {
    if behind != Behind::Word {
        return Some(&[]);
    }
    let rest = &bytes[at..bytes.len().min(at + LETTERS_BYTES_MAX)];
    let len = rest.iter().position(|&byte| byte < b' ')?;
    Some(&rest[..len])
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
    use proptest::prelude::*;
    use seawall_store::command::memcached::META_GET;

    use super::super::{Parser, Request};
    use super::*;

    const ITEM_BYTES_MAX: usize = 1 << 10;

    /// Pieces of requests: put together by chance many are right, and many nearly.
    const PIECES: &[&str] = &[
        "get",
        "gets",
        "mg",
        "set",
        "add",
        "replace",
        "ms",
        " a",
        " bc",
        " ",
        "  ",
        "\t",
        "\0",
        " v",
        " f",
        " k",
        " q",
        " Oxy",
        " c",
        " T5",
        " T-1",
        " F3",
        " 0",
        " 0 0",
        " 1",
        " 2",
        " +1",
        " -1",
        " noreply",
        "\r\n",
        "\r\n",
        "\n",
        "\r",
        "xy",
        "x",
        "a",
        " 5 7 2\r\nab\r\n",
        " a\r\n",
        "get a\r\n",
        "get a b\r\n",
        "mg a v\r\n",
        "set a 0 0 1\r\nx\r\n",
        "ms a 1 k\r\nx\r\n",
    ];

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop::collection::vec(prop::sample::select(PIECES), 0..24);
        pieces.prop_map(|pieces| pieces.concat().into_bytes())
    }

    /// What the parser reads next that is no line's beginning, and where it ends.
    fn next(parser: &mut Parser, bytes: &[u8], at: &mut usize) -> Option<Request> {
        loop {
            let (used, request) = parser.next(&bytes[*at..], ITEM_BYTES_MAX);
            *at += used;
            if used == 0 || request.is_some() {
                return request;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn what_is_read_ahead_the_parser_reads_so(bytes in bytes()) {
            let (mut parser, mut at) = (Parser::default(), 0);
            if let Some(ahead) = parser.retrievals(&bytes) {
                for (asked, count) in ahead.asked().iter().zip(1..) {
                    let Some(Request::Op { op, quiet: false }) = next(&mut parser, &bytes, &mut at)
                    else {
                        panic!("request {count} is none");
                    };
                    prop_assert!(std::ptr::eq(op.command(), ahead.command()));
                    let same = op.args().eq(asked.words());
                    prop_assert!(same, "{op:?} for {asked:?}");
                    let (end, is_whole) = ahead.end(count);
                    if is_whole && !std::ptr::eq(op.command(), &raw const META_GET) {
                        let ending = next(&mut parser, &bytes, &mut at);
                        prop_assert!(matches!(ending, Some(Request::Reply(b"END\r\n"))));
                    }
                    prop_assert_eq!(end, at);
                }
            } else if let Some(ahead) = parser.storings(&bytes, ITEM_BYTES_MAX) {
                for (asked, count) in ahead.asked().iter().zip(1..) {
                    let Some(Request::Op { op, quiet }) = next(&mut parser, &bytes, &mut at) else {
                        panic!("request {count} is none");
                    };
                    prop_assert_eq!(&op, &asked.op());
                    // The letter `q` is the command's own matter.
                    let is_letter = op.args().skip(2).any(|word| word == b"q");
                    prop_assert_eq!(quiet || is_letter, asked.is_quiet());
                    prop_assert_eq!(ahead.end(count), at);
                }
            }
        }
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
