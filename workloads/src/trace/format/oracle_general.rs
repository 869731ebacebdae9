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

use super::{Format, Options};
use crate::trace::builder::Builder;
use crate::trace::error::TraceError;
use crate::trace::input::Input;

/// The format.
pub const FORMAT: Format = Format {
    name: "oracle-general",
    about: "24-byte records: time, id, size, next access",
    source: "libCacheSim, oracleGeneral",
    suffixes: &["oracleGeneral", "oracleGeneral.bin"],
    options: &[],
    example: "oracle-general",
    read,
};

const RECORD: usize = 24;

fn read(input: &mut Input, _: Options<'_>, builder: &mut Builder<'_>) -> Result<(), TraceError> {
    while let Some(record) = input.record::<RECORD>()? {
        let time_s = u32::from_le_bytes(field(&record, 0));
        let id = u64::from_le_bytes(field(&record, 4));
        let size = u32::from_le_bytes(field(&record, 12));
        let next = i64::from_le_bytes(field(&record, 16));
        if next < -2 {
            let what = format!("the next access of the record is {next}");
            return Err(input.bad_record(RECORD, what, "-1, -2 or a request's number"));
        }
        builder.number(input, id, Some(size), Some(time_s))?;
    }
    Ok(())
}

fn field<const N: usize>(record: &[u8; RECORD], start: usize) -> [u8; N] {
    record[start..start + N]
        .try_into()
        .expect("a field lies within the record")
}
