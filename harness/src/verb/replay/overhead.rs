//! What is kept beside each object.

use std::fmt;
use std::str::FromStr;

use seawall_lab::live::item_bytes;

/// The most bytes.
const BYTES_MAX: u32 = 1 << 20;

/// What a store keeps beside an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overhead {
    /// So many bytes.
    Bytes(u32),
    /// What Seawall's takes for an item of that size.
    Store,
}

impl Overhead {
    /// What an object takes that has `size`, and may expire.
    pub(super) fn bytes_of(self, size: u32, expires: bool) -> u64 {
        match self {
            Overhead::Bytes(bytes) => u64::from(size) + u64::from(bytes),
            Overhead::Store => item_bytes(size, expires),
        }
    }
}

impl FromStr for Overhead {
    type Err = String;

    fn from_str(text: &str) -> Result<Overhead, String> {
        if text == "store" {
            return Ok(Overhead::Store);
        }
        let bytes = text.parse().ok().filter(|&bytes| bytes <= BYTES_MAX);
        bytes.map(Overhead::Bytes).ok_or_else(|| {
            format!("'{text}' is not an overhead; accepted: 0 to {BYTES_MAX} (bytes), store")
        })
    }
}

impl fmt::Display for Overhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Overhead::Bytes(bytes) => bytes.fmt(f),
            Overhead::Store => f.write_str("store"),
        }
    }
}
