//! Memcached's text protocol and its meta commands: bytes to ops of the store.
//!
//! A request is a line, and for what stores something a block of data after it.
//!
//! - `parser`: finds requests in a stream. `line`, `key`: what lines are made of.
//! - `ahead`: many requests at once, where they are written plainly.
//! - `storing`: the commands that data follows; `plain`: the others; `tuning`: those for operators.
//! - `stats`, `outcome`: what the server tells of itself.
//!
//! Source: memcached's `doc/protocol.txt`; edge cases as memcached 1.6.18 answers them.

mod ahead;
mod key;
mod line;
mod outcome;
mod parser;
mod plain;
mod stats;
mod storing;
#[cfg(test)]
mod tests;
mod tuning;

pub use line::TOO_LARGE;
pub use outcome::Outcome;
pub use parser::{Parser, Request, When};
pub use plain::retrieves;
pub use stats::{general, stats};

/// The version whose answers these are, which clients ask for to know what they may send.
pub const SPOKEN_VERSION: &str = "1.6.18";
