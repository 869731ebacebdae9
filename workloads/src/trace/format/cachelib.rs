//! `cachelib`: key-value traces as `CacheBench` replays them: fields between commas, named by the first
//! line.
//!
//! `key` is needed; `op`, `size`, `key_size`, `ttl`, `op_count` and `op_time` (seconds) are read where they
//! stand, in any order; others are not looked at. The size is that of key and value. A line stands for
//! `op_count` requests.

use super::csv::time_s;
use super::{Format, Reader, lines, number, op, shown, size, size_sum, ttl};
use crate::trace::builder::Builder;
use crate::trace::columns::Request;
use crate::trace::error::TraceError;
use crate::trace::input::Position;

/// The format.
pub const FORMAT: Format = Format {
    name: "cachelib",
    about: "CacheLib's key-value lines, with a header that names key, op, size, key_size, op_count, ttl",
    source: "CacheLib, cachebench/test_configs/trace_replay",
    suffixes: &[],
    options: &[],
    example: "cachelib",
    create: None,
    open: |_| open(),
};

/// A line that stands for more requests than this is no line of a real trace.
const OP_COUNT_MAX: u64 = 1 << 20;

/// Where the columns stand.
struct Header {
    key: usize,
    op: Option<usize>,
    size: Option<usize>,
    key_size: Option<usize>,
    ttl: Option<usize>,
    op_count: Option<usize>,
    op_time: Option<usize>,
}

fn open() -> Reader {
    let mut header = None;
    lines(move |builder, at, line| {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        if let Some(header) = &header {
            return read(header, builder, at, line);
        }
        header = Some(Header::parse(at, line)?);
        Ok(())
    })
}

impl Header {
    fn parse(at: &Position, line: &[u8]) -> Result<Header, TraceError> {
        let names: Vec<&[u8]> = fields(line).collect();
        let column = |name: &str| names.iter().position(|field| *field == name.as_bytes());
        let Some(key) = column("key") else {
            let what = format!("no column is called key: '{}'", shown(line));
            return Err(at.bad(
                what,
                "a first line of names, such as op_time,key,op,size,ttl",
            ));
        };
        Ok(Header {
            key,
            op: column("op"),
            size: column("size"),
            key_size: column("key_size"),
            ttl: column("ttl"),
            op_count: column("op_count"),
            op_time: column("op_time"),
        })
    }
}

fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

fn read(
    header: &Header,
    builder: &mut Builder,
    at: &Position,
    line: &[u8],
) -> Result<(), TraceError> {
    let fields: Vec<&[u8]> = fields(line).collect();
    let field = |column: Option<usize>| {
        let found = column.map(|column| fields.get(column).copied());
        match found {
            Some(None) => Err(at.bad(
                format!("the line has {} fields", fields.len()),
                "as many as the first line names",
            )),
            Some(field) => Ok(field),
            None => Ok(None),
        }
    };
    let key = field(Some(header.key))?.unwrap_or_default();
    if key.is_empty() {
        return Err(at.bad("the key is empty", "a key"));
    }
    let value_size = field(header.size)?.map(|text| size(at, text)).transpose()?;
    let key_size = field(header.key_size)?
        .map(|text| size(at, text))
        .transpose()?;
    let time = field(header.op_time)?.map(|text| time_s(at, text, 1));
    let count = field(header.op_count)?.map_or(Ok(1), |text| {
        number::<u64>(at, text, "op_count", "a whole number up to 1048576")
    })?;
    if count > OP_COUNT_MAX {
        return Err(at.bad(
            format!("op_count is {count}"),
            "a whole number up to 1048576",
        ));
    }
    let request = Request {
        key: builder.text_key(key),
        size: match (key_size, value_size) {
            (None, None) => None,
            (key, value) => Some(size_sum(at, key.unwrap_or(0), value.unwrap_or(0))?),
        },
        time_s: time.transpose()?,
        op: field(header.op)?.map(|text| op(at, text)).transpose()?,
        ttl_s: field(header.ttl)?.map(|text| ttl(at, text)).transpose()?,
    };
    for _ in 0..count {
        builder.push(request);
    }
    Ok(())
}
