//! `csv`: fields between delimiters, the columns named by number.
//!
//! Fields are trimmed. Lines that begin with `#`, and empty ones, are skipped. Between commas and
//! semicolons a field may stand in double quotes (within one line); tabs and spaces know no quotes.

use super::{Choice, Format, FormatOption, Options, number};
use crate::trace::builder::Builder;
use crate::trace::error::TraceError;
use crate::trace::input::Input;

/// The format.
pub const FORMAT: Format = Format {
    name: "csv",
    about: "lines of fields; object= tells the column of the key, time= and size= those",
    source: "RFC 4180, and tab-separated values",
    suffixes: &["csv", "tsv"],
    options: &[
        column("object", "column of the key, from 1", true),
        column("time", "column of the time", false),
        column("size", "column of the size in bytes", false),
        FormatOption {
            name: "header",
            about: "whether the first line names the columns",
            choice: Choice::OneOf(&["no", "yes"]),
        },
        FormatOption {
            name: "delimiter",
            about: "what stands between fields",
            choice: Choice::OneOf(&["comma", "tab", "semicolon", "space"]),
        },
        FormatOption {
            name: "unit",
            about: "the unit of time",
            choice: Choice::OneOf(&["s", "ms", "us", "ns"]),
        },
    ],
    example: "csv:object=2:time=1:size=3",
    read,
};

const fn column(name: &'static str, about: &'static str, required: bool) -> FormatOption {
    FormatOption {
        name,
        about,
        choice: Choice::Column { required },
    }
}

const TIME: &str = "a whole number of seconds below 2^32 (unit=ms, us, ns for finer times)";
const SIZE: &str = "a whole number of bytes below 2^32, or '-' for none";

fn read(
    input: &mut Input,
    options: Options<'_>,
    builder: &mut Builder<'_>,
) -> Result<(), TraceError> {
    let (delimiter, quotes) = match options.choice("delimiter") {
        "tab" => (b'\t', false),
        "semicolon" => (b';', true),
        "space" => (b' ', false),
        _ => (b',', true),
    };
    let per_second: u64 = match options.choice("unit") {
        "ms" => 1_000,
        "us" => 1_000_000,
        "ns" => 1_000_000_000,
        _ => 1,
    };
    let wanted = [
        options.column("object"),
        options.column("time"),
        options.column("size"),
    ];
    let mut skip_header = options.choice("header") == "yes";
    let mut line = Vec::new();
    while input.line(&mut line)? {
        if line.first() == Some(&b'#') || line.trim_ascii().is_empty() {
            continue;
        }
        if std::mem::take(&mut skip_header) {
            continue;
        }
        let record;
        let plain: &[u8] = &line;
        let [object, time, size] = if quotes && line.contains(&b'"') {
            record = quoted(input, plain, delimiter)?;
            wanted.map(|column| record.get(column?))
        } else {
            pick(plain, delimiter, wanted)
        };
        let object =
            present(input, wanted[0], object, "object")?.expect("the object's column is required");
        let time: Option<u64> = match present(input, wanted[1], time, "time")? {
            Some(field) => Some(number::<u64>(input, field, "the time", TIME)? / per_second),
            None => None,
        };
        let time_s = time
            .map(|time| {
                u32::try_from(time)
                    .map_err(|_| input.bad_line(format!("the time is {time} s"), TIME))
            })
            .transpose()?;
        let size: Option<u32> = match present(input, wanted[2], size, "size")? {
            Some(b"-") => Some(0),
            Some(field) => Some(number(input, field, "the size", SIZE)?),
            None => None,
        };
        if object.is_empty() {
            return Err(input.bad_line("the object is empty", "a key"));
        }
        builder.text(input, object, size, time_s)?;
    }
    Ok(())
}

/// The field of a column, trimmed, where the column was asked for at all.
fn present<'a>(
    input: &Input,
    column: Option<usize>,
    field: Option<&'a [u8]>,
    name: &str,
) -> Result<Option<&'a [u8]>, TraceError> {
    match (column, field) {
        (None, _) => Ok(None),
        (Some(_), Some(field)) => Ok(Some(field.trim_ascii())),
        (Some(_), None) => Err(input.bad_line(
            format!("there is no column for the {name}"),
            "as many columns as the format names, at the delimiter given",
        )),
    }
}

/// The wanted columns of a line without quotes.
fn pick(line: &[u8], delimiter: u8, wanted: [Option<usize>; 3]) -> [Option<&[u8]>; 3] {
    let mut picked = [None; 3];
    for (at, field) in line.split(|&byte| byte == delimiter).enumerate() {
        for (slot, column) in picked.iter_mut().zip(wanted) {
            if column == Some(at) {
                *slot = Some(field);
            }
        }
    }
    picked
}

fn quoted(input: &Input, line: &[u8], delimiter: u8) -> Result<csv::ByteRecord, TraceError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(line);
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(true) => Ok(record),
        Ok(false) => Err(input.bad_line("the line has no fields", "fields between delimiters")),
        Err(error) => Err(input.bad_line(error.to_string(), "fields between delimiters")),
    }
}
