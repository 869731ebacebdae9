//! `i32be`: keys alone, as 32-bit integers, big-endian. No sizes, no times.

use super::{Format, Options};
use crate::trace::builder::Builder;
use crate::trace::error::TraceError;
use crate::trace::input::Input;

/// The format.
pub const FORMAT: Format = Format {
    name: "i32be",
    about: "keys as 32-bit integers, big-endian",
    source: "Caffeine's simulator, cache2k and CloudPhysics traces",
    suffixes: &["i32be"],
    options: &[],
    example: "i32be",
    read,
};

fn read(input: &mut Input, _: Options<'_>, builder: &mut Builder<'_>) -> Result<(), TraceError> {
    while let Some(record) = input.record::<4>()? {
        builder.number(input, u64::from(u32::from_be_bytes(record)), None, None)?;
    }
    Ok(())
}
