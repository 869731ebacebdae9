//! `i32be`: keys alone, as 32-bit integers, big-endian. No sizes, no times.

use super::{Format, keys};

/// The format.
pub const FORMAT: Format = Format {
    name: "i32be",
    about: "keys as 32-bit integers, big-endian",
    source: "Caffeine's simulator, cache2k and CloudPhysics traces",
    suffixes: &["i32be"],
    options: &[],
    example: "i32be",
    create: None,
    open: |_| keys::<4>(|record| u64::from(u32::from_be_bytes(record))),
};
