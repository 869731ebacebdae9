//! RESP as clients speak it: arrays of bulk strings, and lines of words.
//!
//! [`Parser`] takes bytes as they come and gives commands; it holds no bytes but those of the command
//! that it is in.

mod brief;
mod inline;
mod parser;
mod whole;
mod words;

pub use brief::{Heads, brief_call};
pub use parser::{Bounds, Parsed, Parser, ProtocolError};
pub use whole::{Known, whole, whole_get};
pub use words::Words;

/// The words of a line as a person types them, quotes and escapes resolved; `None` where a quote is not
/// closed.
pub fn split_words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    inline::split(line).ok()
}

#[cfg(test)]
mod tests;
