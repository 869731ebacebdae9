//! Latency histograms as rows carry them: HDR, V2 encoding, base64; values in nanoseconds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use crate::cell::Cell;

/// The most base64 that is decoded: a histogram of an hour at three digits has 50 thousand counts.
const BASE64_BYTES_MAX: usize = 4 << 20;

/// What a V2 encoding begins with: its cookie, payload length, offset, digits, bounds and ratio.
const HEADER_BYTES: usize = 40;
const COOKIE: u32 = 0x1c84_9313;

/// More digits would take memory out of all proportion.
const DIGITS_MAX: u32 = 4;

/// Decodes a row's histogram. `None` where it is none, is damaged, or is of an unreasonable size.
///
/// The length, digits and counts are checked before `hdrhistogram` sees them: its decoder trusts the
/// length for an allocation, and negates a count that has no negative.
pub fn decode(base64: &str) -> Option<Histogram<u64>> {
    if base64.len() > BASE64_BYTES_MAX {
        return None;
    }
    let bytes = STANDARD.decode(base64).ok()?;
    let (header, payload) = bytes.split_at_checked(HEADER_BYTES)?;
    let word = |at: usize| {
        let bytes = header[at..at + 4].try_into().expect("four bytes");
        u32::from_be_bytes(bytes)
    };
    let long_count = payload
        .windows(8)
        .any(|run| run.iter().all(|byte| byte & 0x80 != 0));
    let sound = word(0) == COOKIE && word(4) as usize == payload.len() && word(12) <= DIGITS_MAX;
    if !sound || long_count {
        return None;
    }
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

/// The latencies of all repetitions together. `None` where one lacks a readable histogram.
pub fn of(cell: &Cell<'_>) -> Option<Histogram<u64>> {
    let mut all: Option<Histogram<u64>> = None;
    for row in &cell.rows {
        let one = decode(&row.histogram)?;
        match &mut all {
            None => all = Some(one),
            Some(all) => {
                all.auto(true);
                all.add(&one).ok()?;
            }
        }
    }
    all.filter(|all| !all.is_empty())
}
