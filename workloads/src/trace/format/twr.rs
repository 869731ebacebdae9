//! `twr`: Twitter's traces as they are published: seven fields between commas, no header.
//!
//! ```text
//!   time in s, key, bytes of the key, bytes of the value, client, op, TTL in s
//! ```
//!
//! The size is that of key and value. A key may hold commas: the fields behind it are counted from the
//! line's end.

use super::csv::time_s;
use super::{Format, lines, op, size, size_sum, ttl};
use crate::trace::builder::Builder;
use crate::trace::columns::Request;
use crate::trace::error::TraceError;
use crate::trace::input::Position;

/// The format.
pub const FORMAT: Format = Format {
    name: "twr",
    about: "lines of time, key, key size, value size, client, op, TTL",
    source: "Yang, Yue and Rashmi, OSDI 2020: twitter/cache-trace",
    suffixes: &["twr"],
    options: &[],
    example: "twr",
    create: None,
    open: |_| lines(read),
};

const ACCEPTED: &str = "time,key,key size,value size,client,op,TTL";

fn read(builder: &mut Builder, at: &Position, line: &[u8]) -> Result<(), TraceError> {
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    let mut behind = line.rsplitn(6, |&byte| byte == b',');
    let mut next = || behind.next().map(<[u8]>::trim_ascii);
    let (Some(ttl_s), Some(word), Some(_client), Some(value), Some(key_size), Some(rest)) =
        (next(), next(), next(), next(), next(), next())
    else {
        return Err(at.bad("the line has fewer than seven fields", ACCEPTED));
    };
    let mut ahead = rest.splitn(2, |&byte| byte == b',');
    let (Some(time), Some(key)) = (ahead.next(), ahead.next().filter(|key| !key.is_empty())) else {
        return Err(at.bad("the line has fewer than seven fields, or no key", ACCEPTED));
    };
    builder.push(Request {
        key: builder.text_key(key),
        size: Some(size_sum(at, size(at, key_size)?, size(at, value)?)?),
        time_s: Some(time_s(at, time.trim_ascii(), 1)?),
        op: Some(op(at, word)?),
        ttl_s: Some(ttl(at, ttl_s)?),
    });
    Ok(())
}
