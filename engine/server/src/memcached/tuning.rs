//! Commands by which memcached is tuned while it runs. Of what they tune there is only the memory limit
//! here; the others answer as a memcached does that was started without what they speak of.

use super::line::{BAD_FORMAT, ERROR, Words, is_quiet, unsigned};
use super::parser::Request;
use super::plain::said;

const MIB: u64 = 1 << 20;
/// The least limit, in MiB.
const LIMIT_MIN: u64 = 8;
/// More MiB than this were meant to be bytes.
const LIMIT_MAX: u64 = 1_000_000_000;

/// `cache_memlimit megabytes [noreply]`
pub(super) fn memory_limit(words: &Words<'_>) -> Result<Request, &'static [u8]> {
    if !(2..=3).contains(&words.len()) {
        return Err(ERROR);
    }
    let quiet = is_quiet(words);
    Ok(match unsigned(words[1]) {
        None => said(ERROR, quiet),
        Some(..LIMIT_MIN) => said(
            b"MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n",
            quiet,
        ),
        Some(mib @ LIMIT_MIN..=LIMIT_MAX) => Request::MemoryLimit {
            bytes: mib * MIB,
            quiet,
        },
        Some(_) => said(
            b"MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n",
            quiet,
        ),
    })
}

/// `lru_crawler …`: expired items are found by time, by nobody who could be told to.
pub(super) fn lru_crawler(words: &Words<'_>) -> &'static [u8] {
    match &words[1..] {
        [b"crawl" | b"metadump", _] => b"CLIENT_ERROR lru crawler disabled\r\n",
        [b"tocrawl" | b"sleep", number] if unsigned(number).is_none() => BAD_FORMAT,
        [b"enable"] => b"ERROR failed to start lru crawler thread\r\n",
        [b"disable"] => b"ERROR failed to stop lru crawler thread\r\n",
        _ => ERROR,
    }
}

/// `slabs …`: memory is one for all sizes.
pub(super) fn slabs(words: &Words<'_>) -> &'static [u8] {
    match &words[1..] {
        [b"reassign", _, _] => b"CLIENT_ERROR slab reassignment disabled\r\n",
        [b"automove", level, ..] if *level != b"ratio" && unsigned(level).is_none() => BAD_FORMAT,
        _ => ERROR,
    }
}
