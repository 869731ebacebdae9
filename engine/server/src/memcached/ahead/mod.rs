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
    use super::*;

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
