//! `oracle-general`: libCacheSim's binary records of 24 bytes, little-endian, without padding.
//!
//! ```text
//!   0        4                 12       16                24
//!   | time   | id              | size   | next access     |
//!   | u32 s  | u64             | u32 B  | i64, −1: never  |
//! ```
//!
//! The next access is not used (the lab computes its own); a negative one other than −1 and −2 tells
//! a file that is something else.

use super::{Format, bytes_at};
use crate::trace::builder::{BLOCK_REQUESTS, Builder};
use crate::trace::columns::SIZE_NONE;
use crate::trace::error::TraceError;
use crate::trace::input::Input;
use crate::trace::write::oracle_general::OracleWriter;

/// The format.
pub const FORMAT: Format = Format {
    name: "oracle-general",
    about: "24-byte records: time, id, size, next access",
    source: "libCacheSim, oracleGeneral",
    suffixes: &["oracleGeneral", "oracleGeneral.bin"],
    options: &[],
    example: "oracle-general",
    create: Some(|file, _| Ok(Box::new(OracleWriter::new(file)))),
    open: |_| Box::new(read),
};

const RECORD: usize = 24;

fn read(input: &mut Input, builder: &mut Builder) -> Result<(), TraceError> {
    read_block(input, builder).map(|_| ())
}

/// Pushes a block of records of time, id, size and next access; returns how many.
pub(super) fn read_block(input: &mut Input, builder: &mut Builder) -> Result<usize, TraceError> {
    let (records, at) = input.records::<RECORD>(BLOCK_REQUESTS)?;
    let wrong = |record: &[u8; RECORD]| next(record) < -2 || size(record) == SIZE_NONE;
    if let Some(index) = records.iter().position(wrong) {
        let (what, accepted) = why(&records[index]);
        return Err(at.bad_byte(index * RECORD, what, accepted));
    }
    builder.extend(
        records
            .iter()
            .map(|record| u64::from_le_bytes(bytes_at(record, 4))),
        records.iter().map(size),
        records
            .iter()
            .map(|record| u32::from_le_bytes(bytes_at(record, 0))),
    );
    Ok(records.len())
}

fn size(record: &[u8; RECORD]) -> u32 {
    u32::from_le_bytes(bytes_at(record, 12))
}

fn next(record: &[u8; RECORD]) -> i64 {
    i64::from_le_bytes(bytes_at(record, 16))
}

/// What is wrong with a record, and what is accepted.
fn why(record: &[u8; RECORD]) -> (String, &'static str) {
    if size(record) == SIZE_NONE {
        return (format!("the size is {SIZE_NONE}"), "sizes below that");
    }
    let what = format!("the next access of the record is {}", next(record));
    (what, "-1, -2 or a request's number")
}
