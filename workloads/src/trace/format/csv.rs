//! `csv`: fields between delimiters, the columns named by number.
//!
//! Fields are trimmed. Lines that begin with `#`, and empty ones, are skipped. Between commas and
//! semicolons a field may stand in double quotes (within one line); tabs and spaces know no quotes.

use super::{Choice, Format, FormatOption, Options, Reader, lines, number, op, size, ttl};
use crate::trace::builder::Builder;
use crate::trace::columns::Request;
use crate::trace::error::TraceError;
use crate::trace::input::Position;
use crate::trace::write::csv::CsvWriter;

/// The format.
pub const FORMAT: Format = Format {
    name: "csv",
    about: "lines of fields; object= tells the column of the key, time=, size=, op= and ttl= those",
    source: "RFC 4180",
    suffixes: &["csv"],
    options: &[
        OBJECT,
        TIME,
        SIZE,
        OP,
        TTL,
        HEADER,
        FormatOption {
            name: "delimiter",
            about: "what stands between fields",
            choice: Choice::OneOf(&["comma", "tab", "semicolon", "space"]),
        },
        UNIT,
    ],
    example: "csv:object=2:time=1:size=3",
    create: Some(|file, _| Ok(Box::new(CsvWriter::new(file)))),
    open: |options| {
        let (delimiter, quotes) = match options.choice("delimiter") {
            "tab" => (b'\t', false),
            "semicolon" => (b';', true),
            "space" => (b' ', false),
            _ => (b',', true),
        };
        Table::open(options, delimiter, quotes)
    },
};

pub(super) const OBJECT: FormatOption = column("object", "column of the key, from 1", true);
pub(super) const TIME: FormatOption = column("time", "column of the time", false);
pub(super) const SIZE: FormatOption = column("size", "column of the size in bytes", false);
pub(super) const OP: FormatOption = column("op", "column of the op, as in get, set, delete", false);
pub(super) const TTL: FormatOption = column("ttl", "column of the time to live in seconds", false);
pub(super) const HEADER: FormatOption = FormatOption {
    name: "header",
    about: "whether the first line names the columns",
    choice: Choice::OneOf(&["no", "yes"]),
};
pub(super) const UNIT: FormatOption = FormatOption {
    name: "unit",
    about: "the unit of time",
    choice: Choice::OneOf(&["s", "ms", "us", "ns"]),
};

const fn column(name: &'static str, about: &'static str, required: bool) -> FormatOption {
    FormatOption {
        name,
        about,
        choice: Choice::Column { required },
    }
}

/// How many units of a time, by its name, make a second.
pub(super) fn per_second(unit: &str) -> u64 {
    match unit {
        "ms" => 1_000,
        "us" => 1_000_000,
        "ns" => 1_000_000_000,
        _ => 1,
    }
}

/// Where a line's fields are, and what they mean.
pub(super) struct Table {
    delimiter: u8,
    quotes: bool,
    per_second: u64,
    /// The columns of object, time, size, op and TTL.
    wanted: [Option<usize>; 5],
}

impl Table {
    /// What reads lines of fields with these options.
    pub(super) fn open(options: Options<'_>, delimiter: u8, quotes: bool) -> Reader {
        let table = Table {
            delimiter,
            quotes,
            per_second: per_second(options.choice("unit")),
            wanted: ["object", "time", "size", "op", "ttl"].map(|name| options.column(name)),
        };
        let mut skip_header = options.choice("header") == "yes";
        lines(move |builder, at, line| {
            let nothing = line.first() == Some(&b'#') || line.trim_ascii().is_empty();
            if nothing || std::mem::take(&mut skip_header) {
                return Ok(());
            }
            table.line(builder, at, line)
        })
    }

    fn line(&self, builder: &mut Builder, at: &Position, line: &[u8]) -> Result<(), TraceError> {
        let record;
        let fields = if self.quotes && line.contains(&b'"') {
            record = quoted(at, line, self.delimiter)?;
            self.wanted.map(|column| record.get(column?))
        } else {
            pick(line, self.delimiter, self.wanted)
        };
        let field = |index: usize, name| present(at, self.wanted[index], fields[index], name);
        let object = field(0, "object")?.expect("the object's column is required");
        if object.is_empty() {
            return Err(at.bad("the object is empty", "a key"));
        }
        let time = field(1, "time")?.map(|text| time_s(at, text, self.per_second));
        builder.push(Request {
            key: builder.text_key(object),
            time_s: time.transpose()?,
            size: field(2, "size")?.map(|text| size(at, text)).transpose()?,
            op: field(3, "op")?.map(|text| op(at, text)).transpose()?,
            ttl_s: field(4, "TTL")?.map(|text| ttl(at, text)).transpose()?,
        });
        Ok(())
    }
}

/// A time in seconds.
pub(super) fn time_s(at: &Position, field: &[u8], per_second: u64) -> Result<u32, TraceError> {
    const ACCEPTED: &str = "a whole number of seconds below 2^32 (unit=ms, us, ns for finer times)";
    let time = number::<u64>(at, field, "the time", ACCEPTED)? / per_second;
    u32::try_from(time).map_err(|_| at.bad(format!("the time is {time} s"), ACCEPTED))
}

/// The field of a column, trimmed, where the column was asked for at all.
fn present<'a>(
    at: &Position,
    column: Option<usize>,
    field: Option<&'a [u8]>,
    name: &str,
) -> Result<Option<&'a [u8]>, TraceError> {
    match (column, field) {
        (None, _) => Ok(None),
        (Some(_), Some(field)) => Ok(Some(field.trim_ascii())),
        (Some(_), None) => Err(at.bad(
            format!("there is no column for the {name}"),
            "as many columns as the format names, at the delimiter given",
        )),
    }
}

/// The wanted columns of a line without quotes.
fn pick(line: &[u8], delimiter: u8, wanted: [Option<usize>; 5]) -> [Option<&[u8]>; 5] {
    let mut picked = [None; 5];
    for (index, field) in line.split(|&byte| byte == delimiter).enumerate() {
        for (slot, column) in picked.iter_mut().zip(wanted) {
            if column == Some(index) {
                *slot = Some(field);
            }
        }
    }
    picked
}

fn quoted(at: &Position, line: &[u8], delimiter: u8) -> Result<csv::ByteRecord, TraceError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(line);
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(true) => Ok(record),
        Ok(false) => Err(at.bad("the line has no fields", "fields between delimiters")),
        Err(error) => Err(at.bad(error.to_string(), "fields between delimiters")),
    }
}
