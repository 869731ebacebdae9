//! `i64be`: keys alone, as 64-bit integers, big-endian. No sizes, no times.

use super::{Format, keys};

/// The format.
pub const FORMAT: Format = Format {
    name: "i64be",
    about: "keys as 64-bit integers, big-endian",
    source: "Caffeine's simulator, Corda traces",
    suffixes: &["i64be"],
    options: &[],
    example: "i64be",
    create: None,
    open: |_| keys::<8>(u64::from_be_bytes),
};
