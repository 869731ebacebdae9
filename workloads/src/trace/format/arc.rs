//! `arc`: runs of blocks, one a line: first block, number of blocks, a field that is ignored, the
//! request's number. A line stands for one request per block.

use super::{Format, lines, number};
use crate::trace::builder::Builder;
use crate::trace::columns::Request;
use crate::trace::error::TraceError;
use crate::trace::input::Position;

/// The format.
pub const FORMAT: Format = Format {
    name: "arc",
    about: "lines of first block, number of blocks, ignored, request number",
    source: "Megiddo and Modha, FAST 2003, ARC: the authors' traces",
    suffixes: &["lis"],
    options: &[],
    example: "arc",
    create: None,
    open: |_| lines(read),
};

/// A run longer than this (1 GiB of blocks of 1 KiB) is no request of a real system.
const BLOCKS_MAX: u64 = 1 << 20;
const ACCEPTED: &str = "first block, 1 to 1048576 blocks, two more whole numbers";

fn read(builder: &mut Builder, at: &Position, line: &[u8]) -> Result<(), TraceError> {
    let mut fields = line
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty());
    let Some(start) = fields.next() else {
        return Ok(());
    };
    let mut next = |name| number(at, fields.next().unwrap_or_default(), name, ACCEPTED);
    let blocks: u64 = next("the count")?;
    next("the third field")?;
    next("the request's number")?;
    let start: u64 = number(at, start, "the first block", ACCEPTED)?;
    if !(1..=BLOCKS_MAX).contains(&blocks) {
        return Err(at.bad(format!("the count is {blocks}"), ACCEPTED));
    }
    let Some(end) = start.checked_add(blocks) else {
        return Err(at.bad("the run ends beyond 2^64", ACCEPTED));
    };
    for key in start..end {
        builder.push(Request {
            key,
            ..Request::default()
        });
    }
    Ok(())
}
