//! What lies behind a place where a log is broken: how many whole records, at least.
//!
//! A record's check tells it from anything else, so every offset is tried, and behind a whole record the next one.
//! It is a count for people, who are to know what a cut takes from them; nothing is recovered from it.

use std::io::{self, Read};

use crate::log::frame::{HEAD_BYTES, Kind, at_front};

/// Longer records are not looked for.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// How many bytes are checked for one that is read: values that look like records do not hold it up.
const CHECKED_PER_BYTE: u64 = 32;

/// Counts the whole records in `from` whose sequences are `next` or above, rising; the next sequence behind them, too.
///
/// # Errors
/// `from` cannot be read.
pub(super) fn whole_records(
    mut from: impl Read,
    salt: u32,
    mut next: u64,
) -> io::Result<(u64, u64)> {
    let (mut window, mut at, mut is_over) = (Vec::new(), 0, false);
    let (mut records, mut read, mut checked) = (0, 0, 0);
    loop {
        if window.len() - at < HEAD_BYTES + RECORD_BYTES_MAX && !is_over {
            window.drain(..at);
            at = 0;
            let more = 2 * RECORD_BYTES_MAX as u64;
            let got = from.by_ref().take(more).read_to_end(&mut window)?;
            is_over = got == 0;
            read += got as u64;
            continue;
        }
        let rest = &window[at..];
        if rest.len() < HEAD_BYTES || checked > CHECKED_PER_BYTE * read {
            return Ok((records, next));
        }
        let frame = at_front(rest, salt, |kind, sequence, len| {
            let is_next = kind == Kind::Mark || sequence >= next;
            let is_looked_at = is_next && len <= RECORD_BYTES_MAX;
            checked += if is_looked_at { len as u64 } else { 0 };
            is_looked_at
        });
        match frame {
            Some(frame) => {
                at += HEAD_BYTES + frame.payload.len();
                if frame.kind != Kind::Mark {
                    records += 1;
                    next = frame.sequence.saturating_add(1);
                }
            }
            None => at += 1,
        }
    }
}
