//! `access-log`: lines of a web server in the common or the combined log format: Apache's, and nginx's by
//! default.
//!
//! ```text
//!   203.0.113.9 - - [17/May/2015:10:05:03 +0000] "GET /a.png?v=2 HTTP/1.1" 200 2326 "referer" "agent"
//! ```
//!
//! The object is what was asked for, with its query or without; the size, the bytes of the reply. GET,
//! HEAD and OPTIONS are gets, DELETE is a delete, other methods are sets. A line whose request is empty or
//! `-` (the client said nothing) is no request.

use super::{Choice, Format, FormatOption, Reader, lines, shown, size};
use crate::trace::builder::Builder;
use crate::trace::columns::{Op, Request};
use crate::trace::error::TraceError;
use crate::trace::input::Position;

/// The format.
pub const FORMAT: Format = Format {
    name: "access-log",
    about: "a web server's lines: host, identity, user, [time], \"method url protocol\", status, bytes",
    source: "Apache's mod_log_config, common and combined; nginx's combined",
    suffixes: &["log", "access_log"],
    options: &[FormatOption {
        name: "object",
        about: "whether the query belongs to the object",
        choice: Choice::OneOf(&["url", "path"]),
    }],
    example: "access-log",
    create: None,
    open: |options| open(options.choice("object") == "path"),
};

const LINE: &str = "host identity user [17/May/2015:10:05:03 +0000] \"GET /url HTTP/1.1\" 200 2326";
const TIME: &str = "a time from 1970 to 2106, such as 17/May/2015:10:05:03 +0000";
const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

fn open(path_only: bool) -> Reader {
    lines(move |builder, at, line| {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        read(builder, at, line, path_only)
    })
}

fn read(
    builder: &mut Builder,
    at: &Position,
    line: &[u8],
    path_only: bool,
) -> Result<(), TraceError> {
    let parts =
        split(line).ok_or_else(|| at.bad(format!("the line is '{}'", shown(line)), LINE))?;
    let mut words = parts
        .request
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty());
    let (Some(method), object) = (words.next(), words.next()) else {
        return Ok(());
    };
    if method == b"-" && object.is_none() {
        return Ok(());
    }
    // Without a method the whole request is what was asked for.
    let object = object.unwrap_or(method);
    let object = match object.iter().position(|&byte| byte == b'?') {
        Some(query) if path_only => &object[..query],
        _ => object,
    };
    let time_s = seconds(parts.time)
        .ok_or_else(|| at.bad(format!("the time is '{}'", shown(parts.time)), TIME))?;
    builder.push(Request {
        key: builder.text_key(object),
        size: Some(size(at, parts.bytes)?),
        time_s: Some(time_s),
        op: Some(op(method)),
        ttl_s: None,
    });
    Ok(())
}

fn op(method: &[u8]) -> Op {
    match method {
        b"DELETE" => Op::Delete,
        b"POST" | b"PUT" | b"PATCH" => Op::Set,
        _ => Op::Get,
    }
}

struct Parts<'a> {
    time: &'a [u8],
    request: &'a [u8],
    bytes: &'a [u8],
}

/// The parts of a line that are looked at.
fn split(line: &[u8]) -> Option<Parts<'_>> {
    let open = memchr::memchr(b'[', line)?;
    let close = open + memchr::memchr(b']', &line[open..])?;
    let behind = line[close + 1..].trim_ascii_start().strip_prefix(b"\"")?;
    let quote = closing_quote(behind)?;
    let mut words = behind[quote + 1..]
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty());
    let _status = words.next()?;
    Some(Parts {
        time: &line[open + 1..close],
        request: &behind[..quote],
        bytes: words.next()?,
    })
}

/// The first quote that no backslash stands before.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|&byte| {
        let found = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        found
    })
}

/// `17/May/2015:10:05:03 +0000` in seconds since 1970.
fn seconds(text: &[u8]) -> Option<u32> {
    let digits = |range: std::ops::Range<usize>| {
        let field = text.get(range)?;
        let all = field.iter().all(u8::is_ascii_digit);
        let value = field
            .iter()
            .fold(0, |sum, &byte| sum * 10 + i64::from(byte) - 48);
        all.then_some(value)
    };
    let separators = [
        (2, b'/'),
        (6, b'/'),
        (11, b':'),
        (14, b':'),
        (17, b':'),
        (20, b' '),
    ];
    let well_formed = text.len() == 26 && separators.iter().all(|&(at, byte)| text[at] == byte);
    if !well_formed {
        return None;
    }
    let month = MONTHS.iter().position(|month| *month == &text[3..6])? as i64 + 1;
    let (day, year) = (digits(0..2)?, digits(7..11)?);
    let (hour, minute, second) = (digits(12..14)?, digits(15..17)?, digits(18..20)?);
    let zone = digits(22..24)? * 3600 + digits(24..26)? * 60;
    let east = match text[21] {
        b'+' => zone,
        b'-' => -zone,
        _ => return None,
    };
    let inside = (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let time = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - east;
    u32::try_from(time).ok().filter(|_| inside)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, counted in years that begin in March, so that
/// the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        assert_eq!(seconds(b"01/Jan/1970:00:00:00 +0000"), Some(0));
        // `date -u -d '2015-05-17 10:05:03' +%s`, and the same moment elsewhere.
        assert_eq!(seconds(b"17/May/2015:10:05:03 +0000"), Some(1_431_857_103));
        assert_eq!(seconds(b"17/May/2015:12:05:03 +0200"), Some(1_431_857_103));
        assert_eq!(seconds(b"29/Feb/2000:23:59:59 -0130"), Some(951_874_199));
        for wrong in [
            "17/Mai/2015:10:05:03 +0000",
            "32/May/2015:10:05:03 +0000",
            "",
            "1/1/1",
        ] {
            assert_eq!(seconds(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(seconds(b"01/Jan/1960:00:00:00 +0000"), None);
    }
}
