//! `jsonl-blocks`: JSON, a line a request that reads several blocks: traces of prefix caches of language
//! models.
//!
//! A line is a list of block ids, or an object with such a list as `hash_ids`, `block_ids` or `blocks`. A
//! block id is a whole number or a text. Where objects have a `timestamp`, it is the time of all their
//! blocks. A line stands for one request per block.

use serde_json::Value;

use super::csv::{UNIT, per_second};
use super::{Choice, Format, FormatOption, Reader, lines};
use crate::trace::builder::Builder;
use crate::trace::columns::Request;
use crate::trace::error::TraceError;
use crate::trace::input::Position;

/// The format.
pub const FORMAT: Format = Format {
    name: "jsonl-blocks",
    about: "JSON lines, each a list of block ids or an object with one as hash_ids, block_ids or blocks",
    source: "Qin et al., FAST 2025, Mooncake: its open traces",
    suffixes: &["jsonl"],
    options: &[FormatOption {
        // Mooncake's timestamps are in milliseconds.
        choice: Choice::OneOf(&["ms", "s", "us", "ns"]),
        ..UNIT
    }],
    example: "jsonl-blocks",
    create: None,
    open: |options| open(per_second(options.choice("unit"))),
};

const LISTS: [&str; 3] = ["hash_ids", "block_ids", "blocks"];
const ACCEPTED: &str = "[1, 2, 3], or {\"timestamp\": 0, \"hash_ids\": [1, 2, 3]}";

fn open(per_second: u64) -> Reader {
    lines(move |builder, at, line| {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let value = serde_json::from_slice(line)
            .map_err(|error| at.bad(format!("the line is no JSON ({error})"), ACCEPTED))?;
        read(builder, at, &value, per_second)
    })
}

fn read(
    builder: &mut Builder,
    at: &Position,
    value: &Value,
    per_second: u64,
) -> Result<(), TraceError> {
    let (list, timestamp) = match value {
        Value::Object(fields) => {
            let list = LISTS.iter().find_map(|name| fields.get(*name));
            (list.and_then(Value::as_array), fields.get("timestamp"))
        }
        other => (other.as_array(), None),
    };
    let list = list.ok_or_else(|| at.bad("the line has no list of blocks", ACCEPTED))?;
    let time_s = timestamp
        .map(|time| seconds(at, time, per_second))
        .transpose()?;
    for block in list {
        builder.push(Request {
            key: block_key(builder, at, block)?,
            time_s,
            ..Request::default()
        });
    }
    Ok(())
}

fn seconds(at: &Position, time: &Value, per_second: u64) -> Result<u32, TraceError> {
    let seconds = time.as_f64().map(|time| time / per_second as f64);
    let inside = seconds.filter(|seconds| (0.0..4_294_967_296.0).contains(seconds));
    let what = || format!("the timestamp is {time}");
    let found = inside.ok_or_else(|| at.bad(what(), "a number from 0, below 2^32 seconds"))?;
    Ok(found as u32)
}

fn block_key(builder: &Builder, at: &Position, block: &Value) -> Result<u64, TraceError> {
    let key = match block {
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_i64().map(|n| n as u64)),
        Value::String(text) => Some(builder.text_key(text.as_bytes())),
        _ => None,
    };
    key.ok_or_else(|| {
        let shown: String = block.to_string().chars().take(40).collect();
        at.bad(
            format!("a block is {shown}"),
            "whole numbers of 64 bits, or texts",
        )
    })
}
