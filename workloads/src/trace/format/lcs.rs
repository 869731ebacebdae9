//! `lcs`: libCacheSim's versioned binary, little-endian, without padding.
//!
//! ```text
//!   head, 8192 bytes (1024 in old files of versions 1 and 2)
//!      0  8  magic         8  8  version, 1 to 8        24  8  requests        last 8  magic
//!
//!   request      0 time u32   4 id u64   12 …
//!     version 1  size u32, next access i64                                             24 bytes
//!     version 2  size u32, op u8, tenant u24, next access i64                          28 bytes
//!     version 3  size i64, op u8, tenant u24, TTL i32, next access i64                 36 bytes
//!     versions 4 to 8: as 3, and 1, 2, 4, 8 or 16 features of 4 bytes
//! ```
//!
//! Tenants, features and the next access are not used. The head's other fields are statistics.

use super::{Format, Reader, bytes_at, oracle_general};
use crate::trace::builder::{BLOCK_REQUESTS, Builder};
use crate::trace::columns::{Op, Request, SIZE_NONE};
use crate::trace::error::TraceError;
use crate::trace::input::Input;

/// The format.
pub const FORMAT: Format = Format {
    name: "lcs",
    about: "a head, then binary records of a versioned length: time, id, size, op, TTL",
    source: "libCacheSim 0.3.5, lcs.h",
    suffixes: &["lcs", "lcs.bin"],
    options: &[],
    example: "lcs",
    create: None,
    open: |_| open(),
};

const MAGIC: u64 = 0x1234_5678_9abc_def0;
const HEAD_BYTES: usize = 8192;
const OLD_HEAD_BYTES: usize = 1024;

type Wrong = (String, &'static str);

/// What the head tells, and how far reading came.
#[derive(Clone, Copy)]
struct Head {
    version: u64,
    /// 0 where it does not tell.
    requests: u64,
}

fn open() -> Reader {
    let mut head = None;
    let mut read = 0;
    Box::new(move |input, builder| {
        let head = match head {
            Some(head) => head,
            None => *head.insert(read_head(input)?),
        };
        let pushed = read_block(head.version, input, builder)?;
        read += pushed as u64;
        if pushed == 0 && head.requests != 0 && head.requests != read {
            let what = format!("the file ends after {read} of {} requests", head.requests);
            return Err(input.at().bad_byte(0, what, "a complete file"));
        }
        Ok(())
    })
}

fn read_head(input: &mut Input) -> Result<Head, TraceError> {
    let accepted = "the head of an lcs file, versions 1 to 8";
    let word = |bytes: &[u8], at| u64::from_le_bytes(bytes_at(bytes, at));
    let Some((start, at)) = input.bytes(OLD_HEAD_BYTES)? else {
        return Err(input.at().bad("the file is empty", accepted));
    };
    if word(start, 0) != MAGIC {
        return Err(at.bad("the file does not begin as lcs does", accepted));
    }
    let head = Head {
        version: word(start, 8),
        requests: word(start, 24),
    };
    if !(1..=8).contains(&head.version) {
        return Err(at.bad(format!("the version is {}", head.version), accepted));
    }
    let old = word(start, OLD_HEAD_BYTES - 8) == MAGIC && head.version <= 2;
    if !old {
        let rest = input.bytes(HEAD_BYTES - OLD_HEAD_BYTES)?;
        let end = rest.map(|(rest, _)| word(rest, rest.len() - 8));
        if end != Some(MAGIC) {
            return Err(input
                .at()
                .bad("the head does not end as lcs's does", accepted));
        }
    }
    Ok(head)
}

/// Pushes a block of requests; returns how many.
fn read_block(version: u64, input: &mut Input, builder: &mut Builder) -> Result<usize, TraceError> {
    match version {
        1 => oracle_general::read_block(input, builder),
        2 => read_records::<28>(input, builder, request_2),
        3 => read_records::<36>(input, builder, |record| request_3(record)),
        4 => read_records::<40>(input, builder, |record| request_3(record)),
        5 => read_records::<44>(input, builder, |record| request_3(record)),
        6 => read_records::<52>(input, builder, |record| request_3(record)),
        7 => read_records::<68>(input, builder, |record| request_3(record)),
        _ => read_records::<100>(input, builder, |record| request_3(record)),
    }
}

fn read_records<const N: usize>(
    input: &mut Input,
    builder: &mut Builder,
    request: fn(&[u8; N]) -> Result<Request, Wrong>,
) -> Result<usize, TraceError> {
    let (records, at) = input.records::<N>(BLOCK_REQUESTS)?;
    for (index, record) in records.iter().enumerate() {
        let found = request(record);
        let found = found.map_err(|(what, accepted)| at.bad_byte(index * N, what, accepted))?;
        builder.push(found);
    }
    Ok(records.len())
}

fn request_2(record: &[u8; 28]) -> Result<Request, Wrong> {
    let size = i64::from(u32::from_le_bytes(bytes_at(record, 12)));
    Ok(Request {
        key: u64::from_le_bytes(bytes_at(record, 4)),
        size: Some(checked_size(size)?),
        time_s: Some(u32::from_le_bytes(bytes_at(record, 0))),
        op: Some(op(record[16])?),
        ttl_s: None,
    })
}

/// Version 3, and the beginning of all later ones.
fn request_3(record: &[u8]) -> Result<Request, Wrong> {
    Ok(Request {
        key: u64::from_le_bytes(bytes_at(record, 4)),
        size: Some(checked_size(i64::from_le_bytes(bytes_at(record, 12)))?),
        time_s: Some(u32::from_le_bytes(bytes_at(record, 0))),
        op: Some(op(record[20])?),
        // A negative one stands for none.
        ttl_s: Some(
            i32::from_le_bytes(bytes_at(record, 24))
                .try_into()
                .unwrap_or(0),
        ),
    })
}

fn checked_size(size: i64) -> Result<u32, Wrong> {
    let small = u32::try_from(size).ok().filter(|&size| size != SIZE_NONE);
    small.ok_or_else(|| {
        (
            format!("the size is {size}"),
            "sizes from 0, below 2^32 - 1",
        )
    })
}

/// libCacheSim's numbers of ops (`enum.h`); 0 and 255 say nothing.
fn op(number: u8) -> Result<Op, Wrong> {
    match number {
        0 | 1 | 2 | 12 | 255 => Ok(Op::Get),
        3..=8 | 10 | 11 | 13 | 14 => Ok(Op::Set),
        9 => Ok(Op::Delete),
        _ => Err((
            format!("the op is {number}"),
            "libCacheSim's ops, 0 to 14, or 255",
        )),
    }
}
