//! `i64be`: keys alone, as 64-bit integers, big-endian. No sizes, no times.

use super::{Format, Options};
use crate::trace::builder::Builder;
use crate::trace::error::TraceError;
use crate::trace::input::Input;

/// The format.
pub const FORMAT: Format = Format {
    name: "i64be",
    about: "keys as 64-bit integers, big-endian",
    source: "Caffeine's simulator, Corda traces",
    suffixes: &["i64be"],
    options: &[],
    example: "i64be",
    read,
};

fn read(input: &mut Input, _: Options<'_>, builder: &mut Builder<'_>) -> Result<(), TraceError> {
    while let Some(record) = input.record::<8>()? {
        builder.number(input, u64::from_be_bytes(record), None, None)?;
    }
    Ok(())
}
