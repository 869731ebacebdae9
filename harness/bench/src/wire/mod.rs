//! Protocols as a client speaks them: ops to bytes, bytes to replies.
//!
//! A [`Wire`] belongs to one connection, on which replies come in the order of the ops. It looks at
//! bytes that a stranger sent: everything that has a length is bounded, and what is no reply is told.
//! It knows no socket.

mod framed;
mod memcached;
mod resp;
mod spare;

pub(crate) use framed::{Framed, HEAD_BYTES, frame, head};
pub(crate) use memcached::{Classic, Meta};
pub(crate) use resp::Resp;

use seawall_store::{Op, Reply};

/// The longest value that a reply may hold: Redis's own bound on a bulk string.
const VALUE_BYTES_MAX: usize = 512 << 20;
/// The longest line of a reply.
const LINE_BYTES_MAX: usize = 64 << 10;

/// One side of a connection.
pub(crate) trait Wire: Default + Send {
    /// What a target and a row call it.
    const NAME: &'static str;

    /// Appends `op` to `out`.
    ///
    /// # Errors
    /// The protocol has no form for it; in words for people.
    fn encode(&mut self, op: &Op, out: &mut Vec<u8>) -> Result<(), String>;

    /// Reads the next reply from the front of `bytes`: it and how many bytes it took, `None` where
    /// more are needed. Called again with the same front and more behind it.
    ///
    /// # Errors
    /// These bytes begin no reply; in words for people.
    fn decode(&mut self, bytes: &[u8]) -> Result<Option<(Reply, usize)>, String>;

    /// Takes a reply back, whose memory the next ones can use.
    fn recycle(&mut self, reply: Reply);
}

/// The beginning of what a stranger sent, for a message.
fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 40;
    let cut = if bytes.len() > SHOWN { "…" } else { "" };
    format!(
        "\"{}{cut}\"",
        bytes[..bytes.len().min(SHOWN)].escape_ascii()
    )
}

/// The line at the front of `bytes` without its end, and how many bytes it took with it.
///
/// # Errors
/// No line that a server would send is so long.
fn line(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, String> {
    let searched = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
    match searched.iter().position(|&byte| byte == b'\n') {
        Some(end) => Ok(Some((
            bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]),
            end + 1,
        ))),
        None if searched.len() < LINE_BYTES_MAX => Ok(None),
        None => Err(format!("sent a line without end: {}", shown(bytes))),
    }
}

/// A decimal number.
fn decimal<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
