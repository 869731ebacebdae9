//! RESP as clients speak it: arrays of bulk strings, and lines of words.
//!
//! [`Parser`] takes bytes as they come and gives commands; it holds no bytes but those of the command
//! that it is in. [`element`] reads just enough of a reply to know where it ends.

pub mod element;
mod inline;
mod parser;
mod words;

pub use parser::{Bounds, Parsed, Parser, ProtocolError};
pub use words::Words;

#[cfg(test)]
mod tests;
