//! What can be wrong with a trace, or with how a user asked for it.

use std::fmt;
use std::io;

use seawall_store::spec::SpecError;

/// Where in a file: of the decompressed content, where it is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line, from 1.
    Line(u64),
    /// A byte, from 0.
    Byte(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line) => write!(f, "line {line}"),
            Place::Byte(byte) => write!(f, "byte {byte}"),
        }
    }
}

/// Why there is no trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The content is not what the format says.
    #[error("{file}, {place}: {what}; accepted: {accepted}")]
    Malformed {
        /// The file.
        file: String,
        /// Where.
        place: Place,
        /// What is wrong.
        what: String,
        /// What would have been right.
        accepted: String,
    },
    /// There is not one request in the file.
    #[error("{file}: no request in it; accepted: {accepted}")]
    Empty {
        /// The file.
        file: String,
        /// What the format's requests look like.
        accepted: &'static str,
    },
    /// The file's name does not settle the format.
    #[error("{file}: its name does not settle the format; give one of: {candidates}")]
    Undecided {
        /// The file.
        file: String,
        /// The formats that come into question.
        candidates: String,
    },
    /// The text is no format with options that it takes.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The format is read and not written.
    #[error("`{format}` is not written; accepted: {accepted}")]
    NotWritten {
        /// The format.
        format: &'static str,
        /// Formats that are.
        accepted: String,
    },
    /// The name promises a compression.
    #[error(
        "{file}: traces are written without compression; accepted: a name without .gz, .xz, .zst"
    )]
    NotCompressed {
        /// The file.
        file: String,
    },
    /// The format cannot do without this option.
    #[error("`{format}` needs `{option}`; accepted: for instance {example}")]
    MissingOption {
        /// The format.
        format: &'static str,
        /// What is missing.
        option: &'static str,
        /// A whole text.
        example: &'static str,
    },
}
