//! Trace formats: one file each, one line in the list.

pub mod arc;
pub mod csv;
pub mod i32be;
pub mod i64be;
pub mod lirs;
pub mod oracle_general;
pub mod text;

use std::fmt;

use super::builder::Builder;
use super::error::TraceError;
use super::input::Input;
use super::spec::Options;

/// Every format, in the order in which lists show them.
pub const LIST: &[&Format] = &[
    &oracle_general::FORMAT,
    &csv::FORMAT,
    &text::FORMAT,
    &i32be::FORMAT,
    &i64be::FORMAT,
    &arc::FORMAT,
    &lirs::FORMAT,
];

/// What reads a format.
pub type Read = fn(&mut Input, Options<'_>, &mut Builder<'_>) -> Result<(), TraceError>;

/// A trace format.
pub struct Format {
    /// Its name, as written in a spec.
    pub name: &'static str,
    /// What a request looks like, in one line.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// The suffixes of files (before a compression's) that settle on it.
    pub suffixes: &'static [&'static str],
    /// Its options.
    pub options: &'static [FormatOption],
    /// A spec, for messages.
    pub example: &'static str,
    /// Reads all requests.
    pub read: Read,
}

/// An option of a format.
pub struct FormatOption {
    /// Its name, as written in a spec.
    pub name: &'static str,
    /// What it means, in one line.
    pub about: &'static str,
    /// What it can be.
    pub choice: Choice,
}

/// What an option can be.
#[derive(Clone, Copy)]
pub enum Choice {
    /// A column, from 1.
    Column {
        /// Whether the format cannot do without.
        required: bool,
    },
    /// One of these words; the first where none is given.
    OneOf(&'static [&'static str]),
}

impl PartialEq for Format {
    fn eq(&self, other: &Format) -> bool {
        self.name == other.name
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Format({})", self.name)
    }
}

/// A field as a whole number up to `max`, or why not.
fn number<T: TryFrom<u64>>(
    input: &Input,
    field: &[u8],
    name: &str,
    accepted: &str,
) -> Result<T, TraceError> {
    let parsed = std::str::from_utf8(field)
        .ok()
        .and_then(|text| text.parse::<u64>().ok());
    parsed.and_then(|n| T::try_from(n).ok()).ok_or_else(|| {
        let shown = field[..field.len().min(40)].escape_ascii();
        input.bad_line(format!("{name} is '{shown}'"), accepted)
    })
}
