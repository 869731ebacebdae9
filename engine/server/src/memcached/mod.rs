//! Memcached's text protocol and its meta commands: bytes to ops of the store.
//!
//! A request is a line, and for what stores something a block of data after it. Nothing is kept between
//! calls but how much of a refused block is still to be passed over: a request is read when all of it is
//! there.
//!
//! Source: memcached's `doc/protocol.txt`; edge cases as memcached 1.6.18 answers them.

mod line;
mod parser;
mod stats;
#[cfg(test)]
mod tests;

pub use parser::{Parser, Request};
pub use stats::stats;

/// The version whose answers these are, which clients ask for to know what they may send.
pub const SPOKEN_VERSION: &str = "1.6.18";
