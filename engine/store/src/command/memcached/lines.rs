//! The lines that both kinds of command answer with.

/// An argument that stands where a number should, or too many of them.
pub(super) const BAD_FORMAT: &[u8] = b"CLIENT_ERROR bad command line format\r\n";
/// `incr` of what is no number.
pub(super) const NOT_NUMERIC: &[u8] =
    b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";
/// An expiry time that is no number.
pub(super) const BAD_EXPTIME: &[u8] = b"CLIENT_ERROR invalid exptime argument\r\n";
/// No such key.
pub(super) const NOT_FOUND: &[u8] = b"NOT_FOUND\r\n";
/// What follows a letter of a meta command is not what it takes.
pub(super) const BAD_TOKEN: &[u8] = b"CLIENT_ERROR bad token in command line format\r\n";
/// A letter of `md` or `ma` that is wrong in any way.
pub(super) const BAD_LETTER: &[u8] = b"CLIENT_ERROR invalid or duplicate flag\r\n";
/// More to return than fits.
pub(super) const TOO_OPAQUE: &[u8] = b"CLIENT_ERROR opaque token too long\r\n";
