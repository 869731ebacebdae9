//! `arc`: runs of blocks, one a line: first block, number of blocks, a field that is ignored, the
//! request's number. A line stands for one request per block.

use super::{Format, Options, number};
use crate::trace::builder::Builder;
use crate::trace::error::TraceError;
use crate::trace::input::Input;

/// The format.
pub const FORMAT: Format = Format {
    name: "arc",
    about: "lines of first block, number of blocks, ignored, request number",
    source: "Megiddo and Modha, FAST 2003, ARC: the authors' traces",
    suffixes: &["lis"],
    options: &[],
    example: "arc",
    read,
};

/// A run longer than this (1 GiB of blocks of 1 KiB) is no request of a real system.
const BLOCKS_MAX: u64 = 1 << 20;
const ACCEPTED: &str = "first block, 1 to 1048576 blocks, two more whole numbers";

fn read(input: &mut Input, _: Options<'_>, builder: &mut Builder<'_>) -> Result<(), TraceError> {
    let mut line = Vec::new();
    while input.line(&mut line)? {
        let mut fields = line
            .split(u8::is_ascii_whitespace)
            .filter(|field| !field.is_empty());
        let Some(start) = fields.next() else {
            continue;
        };
        let start: u64 = number(input, start, "the first block", ACCEPTED)?;
        let blocks: u64 = number(
            input,
            fields.next().unwrap_or_default(),
            "the count",
            ACCEPTED,
        )?;
        for name in ["the third field", "the request's number"] {
            number::<u64>(input, fields.next().unwrap_or_default(), name, ACCEPTED)?;
        }
        if !(1..=BLOCKS_MAX).contains(&blocks) {
            return Err(input.bad_line(format!("the count is {blocks}"), ACCEPTED));
        }
        let Some(end) = start.checked_add(blocks) else {
            return Err(input.bad_line("the run ends beyond 2^64", ACCEPTED));
        };
        for block in start..end {
            builder.number(input, block, None, None)?;
        }
    }
    Ok(())
}
