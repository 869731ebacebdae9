//! Trace formats: one file each, one line in the list.

pub mod access_log;
pub mod arc;
pub mod cachelib;
pub mod csv;
pub mod i32be;
pub mod i64be;
pub mod jsonl_blocks;
pub mod lcs;
pub mod lirs;
pub mod oracle_general;
pub mod swt;
pub mod text;
pub mod tsv;
pub mod twr;

use std::fmt;

use super::builder::{BLOCK_REQUESTS, Builder};
use super::columns::{Op, Request, SIZE_NONE};
use super::error::TraceError;
use super::input::{Input, Position};
use super::spec::Options;
use super::write::Create;

/// Every format, in the order in which lists show them.
pub const LIST: &[&Format] = &[
    &oracle_general::FORMAT,
    &csv::FORMAT,
    &text::FORMAT,
    &i32be::FORMAT,
    &i64be::FORMAT,
    &arc::FORMAT,
    &lirs::FORMAT,
    &lcs::FORMAT,
    &tsv::FORMAT,
    &twr::FORMAT,
    &access_log::FORMAT,
    &cachelib::FORMAT,
    &jsonl_blocks::FORMAT,
    &swt::FORMAT,
];

/// What reads a format: each call pushes requests until the builder is full, and none at the end.
pub type Reader = Box<dyn FnMut(&mut Input, &mut Builder) -> Result<(), TraceError>>;
/// Makes what reads a format with these options.
pub type Open = fn(Options<'_>) -> Reader;

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
    /// Makes what writes it, where it is written at all.
    pub create: Option<Create>,
    /// Makes what reads it.
    pub open: Open,
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

/// What reads a format whose requests stand in lines, each told by itself.
fn lines(
    mut each: impl FnMut(&mut Builder, &Position, &[u8]) -> Result<(), TraceError> + 'static,
) -> Reader {
    Box::new(move |input, builder| {
        while !builder.is_full() {
            let Some((line, at)) = input.line()? else {
                break;
            };
            each(builder, at, line)?;
        }
        Ok(())
    })
}

/// What reads a format of keys alone, in records of `N` bytes.
fn keys<const N: usize>(key: fn([u8; N]) -> u64) -> Reader {
    Box::new(move |input, builder| {
        let (records, _) = input.records::<N>(BLOCK_REQUESTS)?;
        for &record in records {
            builder.push(Request {
                key: key(record),
                ..Request::default()
            });
        }
        Ok(())
    })
}

/// The `N` bytes of a record from `start`.
fn bytes_at<const N: usize>(record: &[u8], start: usize) -> [u8; N] {
    let field = record[start..].first_chunk();
    *field.expect("a field lies within the record")
}

/// A field as a whole number, or why not.
fn number<T: TryFrom<u64>>(
    at: &Position,
    field: &[u8],
    name: &str,
    accepted: &str,
) -> Result<T, TraceError> {
    let parsed = std::str::from_utf8(field)
        .ok()
        .and_then(|text| text.parse::<u64>().ok());
    parsed
        .and_then(|n| T::try_from(n).ok())
        .ok_or_else(|| at.bad(format!("{name} is '{}'", shown(field)), accepted))
}

/// A size as a whole number of bytes; none (`-`) is 0.
fn size(at: &Position, field: &[u8]) -> Result<u32, TraceError> {
    const ACCEPTED: &str = "a whole number of bytes below 4294967295, or '-' for none";
    if field == b"-" {
        return Ok(0);
    }
    match number(at, field, "the size", ACCEPTED)? {
        SIZE_NONE => Err(at.bad(format!("the size is {SIZE_NONE}"), ACCEPTED)),
        size => Ok(size),
    }
}

/// What two parts of an object take together.
fn size_sum(at: &Position, key_bytes: u32, value_bytes: u32) -> Result<u32, TraceError> {
    let sum = key_bytes.checked_add(value_bytes);
    sum.filter(|&sum| sum != SIZE_NONE).ok_or_else(|| {
        let what = format!("key and value have {key_bytes} and {value_bytes} bytes");
        at.bad(what, "less than 4294967295 bytes together")
    })
}

/// A time to live as a whole number of seconds; none (empty or `-`) is 0.
fn ttl(at: &Position, field: &[u8]) -> Result<u32, TraceError> {
    match field {
        b"" | b"-" => Ok(0),
        _ => {
            let accepted = "a whole number of seconds below 2^32; 0, '-' or nothing for none";
            number(at, field, "the TTL", accepted)
        }
    }
}

/// An op by its word.
fn op(at: &Position, field: &[u8]) -> Result<Op, TraceError> {
    Op::parse(field).ok_or_else(|| at.bad(format!("the op is '{}'", shown(field)), Op::ACCEPTED))
}

/// The beginning of a field, for messages.
fn shown(field: &[u8]) -> String {
    field[..field.len().min(40)].escape_ascii().to_string()
}
