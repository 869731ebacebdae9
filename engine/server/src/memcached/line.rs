//! A request's line: its words, and the lines that refuse it.

use smallvec::SmallVec;

/// More words than this are no request but `get`'s, as memcached has it.
pub(super) const WORDS_MAX: usize = 24;

/// Not a command, or too few words.
pub(super) const ERROR: &[u8] = b"ERROR\r\n";
/// A number that is none, a key that is too long.
pub(super) const BAD_FORMAT: &[u8] = b"CLIENT_ERROR bad command line format\r\n";
/// The block of data does not end where its length says.
pub(super) const BAD_CHUNK: &[u8] = b"CLIENT_ERROR bad data chunk\r\n";
/// The block of data is longer than the server takes.
pub(super) const TOO_LARGE: &[u8] = b"SERVER_ERROR object too large for cache\r\n";
/// The line is longer than the server takes.
pub(super) const TOO_LONG: &[u8] = b"CLIENT_ERROR line too long\r\n";
/// A key that is not what base64 makes.
pub(super) const BAD_KEY: &[u8] = b"CLIENT_ERROR error decoding key\r\n";
/// An expiry time that is no number.
pub(super) const BAD_EXPTIME: &[u8] = b"CLIENT_ERROR invalid exptime argument\r\n";
/// More than a key after `delete`.
pub(super) const DELETE_USAGE: &[u8] =
    b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n";

/// The words of a line.
pub(super) type Words<'a> = SmallVec<[&'a [u8]; 8]>;

/// Splits a line, its end not among it, at spaces.
pub(super) fn words(line: &[u8]) -> Words<'_> {
    line.split(|&b| b == b' ')
        .filter(|word| !word.is_empty())
        .collect()
}

/// A whole number.
pub(super) fn number(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}
