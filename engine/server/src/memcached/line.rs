//! A request's line: its words, and the lines that refuse it.

pub(super) use seawall_store::command::memcached::{number, unsigned};
use smallvec::SmallVec;

/// More words of a line than these are not looked at, but of `get`'s kind; as memcached has it.
pub(super) const WORDS_MAX: usize = 23;
/// A meta command with more words than these is refused.
pub(super) const META_WORDS_MAX: usize = 19;

/// Not a command, or too few words.
pub(super) const ERROR: &[u8] = b"ERROR\r\n";
/// A number that is none, a key that is too long.
pub(super) const BAD_FORMAT: &[u8] = b"CLIENT_ERROR bad command line format\r\n";
/// The block of data does not end where its length says.
pub(super) const BAD_CHUNK: &[u8] = b"CLIENT_ERROR bad data chunk\r\n";
/// The item is larger than the server takes.
pub const TOO_LARGE: &[u8] = b"SERVER_ERROR object too large for cache\r\n";
/// The line is longer than the server takes.
pub(super) const TOO_LONG: &[u8] = b"CLIENT_ERROR line too long\r\n";
/// An expiry time that is no number.
pub(super) const BAD_EXPTIME: &[u8] = b"CLIENT_ERROR invalid exptime argument\r\n";

/// The words of a line.
pub(super) type Words<'a> = SmallVec<[&'a [u8]; 8]>;

/// Splits a line, its end not among it, at spaces.
pub(super) fn words(line: &[u8]) -> Words<'_> {
    each(line).take(WORDS_MAX).collect()
}

/// The words of a line, however many.
pub(super) fn each(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&b| b == b' ').filter(|word| !word.is_empty())
}

/// Whether the last word says that the answer is not wanted.
pub(super) fn is_quiet(words: &[&[u8]]) -> bool {
    words.last() == Some(&b"noreply".as_slice())
}

/// How long a block of data is said to be.
pub(super) fn length(word: &[u8]) -> Option<usize> {
    // Memcached counts a block and its line end in an `int`.
    let len = number(word).filter(|len| (0..i64::from(i32::MAX) - 1).contains(len))?;
    usize::try_from(len).ok()
}
