//! `swt`: Seawall's own traces: compressed columns in blocks, objects by dense ids already, so that
//! reading one hashes nothing. All numbers are little-endian; `docs/formats.md` has the same picture.
//!
//! ```text
//!   head, 64 bytes
//!      0  8  magic "SEAWALLT"       8  4  version, 1        12  4  columns: 1 time, 2 size, 4 op, 8 TTL
//!     16  8  requests              24  8  objects           32  8  bytes of all objects, as first seen
//!     40  4  bytes of JSON         44  4  CRC-32C of it     48 12  zeroes
//!     60  4  CRC-32C of bytes 0 to 59
//!   JSON: how the trace was made
//!   block, until all requests are told
//!      0  4  CRC-32C of bytes 4 to the block's end
//!      4  4  number of the block, from 0                     8  4  n: requests, 1 to 65536
//!     12 20  compressed bytes of time, object, size, op, TTL; 0 where there is no such column
//!     32     these columns, each a zstd frame
//! ```
//!
//! An op is a byte (0 get, 1 set, 2 delete). All else are n numbers of 32 bits, as four runs of n bytes, the
//! lowest bytes first. A time is the difference to the one before in its block (the first to 0), folded
//! so that small ones of either sign are small. An object is 0 where it was not seen before, and its id and
//! 1 else.

use super::{Format, bytes_at};
use crate::trace::builder::{BLOCK_REQUESTS, Builder};
use crate::trace::columns::{Op, SIZE_NONE};
use crate::trace::error::TraceError;
use crate::trace::ids::OBJECTS_MAX;
use crate::trace::input::Input;
use crate::trace::write::swt::SwtWriter;

/// The format.
pub const FORMAT: Format = Format {
    name: "swt",
    about: "Seawall's compressed columns: time, dense id, size, op, TTL, in blocks with checksums",
    source: "docs/formats.md",
    suffixes: &["swt"],
    options: &[],
    example: "swt",
    create: Some(|file, made| Ok(Box::new(SwtWriter::new(file, made)?))),
    open: |_| {
        let mut state: Option<State> = None;
        Box::new(move |input, builder| {
            if let Some(state) = &mut state {
                return state.read_block(input, builder);
            }
            let begun = state.insert(State::begin(input)?);
            builder.made = Some(std::mem::take(&mut begun.head.made));
            begun.read_block(input, builder)
        })
    },
};

pub(in crate::trace) const MAGIC: &[u8; 8] = b"SEAWALLT";
pub(in crate::trace) const VERSION: u32 = 1;
pub(in crate::trace) const HEAD_BYTES: usize = 64;
pub(in crate::trace) const BLOCK_HEAD_BYTES: usize = 32;
/// More text than this about how a trace was made is refused.
pub(in crate::trace) const JSON_BYTES_MAX: usize = 1 << 16;
/// The columns that a trace may lack, by their bits.
pub(in crate::trace) const TIME: u32 = 1;
pub(in crate::trace) const SIZE: u32 = 2;
pub(in crate::trace) const OP: u32 = 4;
pub(in crate::trace) const TTL: u32 = 8;

const ACCEPTED: &str = "a whole .swt file of version 1";

/// What the head tells.
struct Head {
    columns: u32,
    requests: u64,
    objects: u64,
    /// How the trace was made, as JSON.
    made: String,
}

/// How far reading came.
struct State {
    head: Head,
    block: u32,
    requests: u64,
    /// Objects seen so far.
    objects: u32,
    /// The block under way, and a column of it.
    compressed: Vec<u8>,
    planes: Vec<u8>,
}

fn read_head(input: &mut Input) -> Result<Head, TraceError> {
    let Some((head, at)) = input.bytes(HEAD_BYTES)? else {
        return Err(input.at().bad("the file is empty", ACCEPTED));
    };
    let word = |at| u32::from_le_bytes(bytes_at(head, at));
    let long = |at| u64::from_le_bytes(bytes_at(head, at));
    if head[..8] != *MAGIC {
        return Err(at.bad("the file does not begin as .swt does", ACCEPTED));
    }
    if word(8) != VERSION {
        return Err(at.bad(format!("the version is {}", word(8)), ACCEPTED));
    }
    if word(60) != crc_fast::crc32_iscsi(&head[..60]) {
        return Err(at.bad("the head is damaged: its checksum does not hold", ACCEPTED));
    }
    let (length, check) = (word(40) as usize, word(44));
    if length > JSON_BYTES_MAX || word(12) > (TIME | SIZE | OP | TTL) || head[48..60] != [0; 12] {
        return Err(at.bad("the head tells what this version does not know", ACCEPTED));
    }
    let mut head = Head {
        columns: word(12),
        requests: long(16),
        objects: long(24),
        made: String::new(),
    };
    if length > 0 {
        let text = input.bytes(length)?;
        let whole = text.filter(|(text, _)| crc_fast::crc32_iscsi(text) == check);
        let text = whole.and_then(|(text, _)| String::from_utf8(text.to_vec()).ok());
        head.made = text.ok_or_else(|| {
            input
                .at()
                .bad("how the trace was made is damaged", ACCEPTED)
        })?;
    }
    Ok(head)
}

impl State {
    fn begin(input: &mut Input) -> Result<State, TraceError> {
        Ok(State {
            head: read_head(input)?,
            block: 0,
            requests: 0,
            objects: 0,
            compressed: Vec::new(),
            planes: Vec::new(),
        })
    }

    fn read_block(&mut self, input: &mut Input, builder: &mut Builder) -> Result<(), TraceError> {
        let Some((head, at)) = input.bytes(BLOCK_HEAD_BYTES)? else {
            return self.end(input);
        };
        let word = |at| u32::from_le_bytes(bytes_at(head, at));
        let (check, number, requests) = (word(0), word(4), word(8) as usize);
        let lengths = [12, 16, 20, 24, 28].map(|at| word(at) as usize);
        let most = frame_bytes_max(BLOCK_REQUESTS);
        if requests > BLOCK_REQUESTS || lengths.iter().any(|&length| length > most) {
            return Err(at.bad(format!("block {} is damaged", self.block), ACCEPTED));
        }
        self.compressed.clear();
        self.compressed.extend(&head[4..]);
        for length in lengths.into_iter().filter(|&length| length > 0) {
            let Some((column, _)) = input.bytes(length)? else {
                let what = format!("the file ends within block {}", self.block);
                return Err(input.at().bad(what, ACCEPTED));
            };
            self.compressed.extend(column);
        }
        let whole = crc_fast::crc32_iscsi(&self.compressed) == check && number == self.block;
        let decoded = if whole && requests > 0 {
            self.decode(lengths, requests, builder)
        } else {
            Err("its checksum does not hold")
        };
        decoded.map_err(|why| {
            let what = format!("block {} is damaged: {why}", self.block);
            input.at().bad(what, ACCEPTED)
        })?;
        self.block += 1;
        self.requests += requests as u64;
        Ok(())
    }

    /// The file ended: that is right where all requests were told.
    fn end(&self, input: &Input) -> Result<(), TraceError> {
        if (self.requests, u64::from(self.objects)) == (self.head.requests, self.head.objects) {
            return Ok(());
        }
        let what = format!(
            "the file ends after {} of {} requests, {} of {} objects",
            self.requests, self.head.requests, self.objects, self.head.objects
        );
        Err(input.at().bad(what, ACCEPTED))
    }

    /// Appends the columns of a block whose checksum holds.
    fn decode(
        &mut self,
        lengths: [usize; 5],
        requests: usize,
        builder: &mut Builder,
    ) -> Result<(), &'static str> {
        let present = [TIME, 0, SIZE, OP, TTL].map(|bit| bit == 0 || self.head.columns & bit != 0);
        let mut start = BLOCK_HEAD_BYTES - 4;
        let columns = &mut builder.columns;
        for column in 0..5 {
            let frame = start..start + lengths[column];
            start = frame.end;
            if !present[column] {
                if lengths[column] != 0 {
                    return Err("a column stands in it that the head does not tell");
                }
                continue;
            }
            let width = if column == 3 { 1 } else { 4 };
            self.planes.resize(width * requests, 0);
            let found = zstd::bulk::decompress_to_buffer(&self.compressed[frame], &mut self.planes);
            if found.ok() != Some(self.planes.len()) {
                return Err("a column has another length");
            }
            match column {
                0 => times(&self.planes, requests, &mut columns.times_s),
                1 => self.objects(requests, &mut columns.objects)?,
                2 => columns.sizes.extend(numbers(&self.planes, requests)),
                3 => ops(&self.planes, &mut columns.ops)?,
                _ => columns.ttls_s.extend(numbers(&self.planes, requests)),
            }
        }
        let sizes = &columns.sizes[columns.sizes.len().saturating_sub(requests)..];
        if present[2] && sizes.iter().any(|&size| size == 0 || size == SIZE_NONE) {
            return Err("a size is 0 or none");
        }
        Ok(())
    }

    fn objects(&mut self, requests: usize, objects: &mut Vec<u32>) -> Result<(), &'static str> {
        for told in numbers(&self.planes, requests) {
            if told > self.objects || self.objects == OBJECTS_MAX {
                return Err("an object was not seen before");
            }
            objects.push(if told == 0 { self.objects } else { told - 1 });
            self.objects += u32::from(told == 0);
        }
        Ok(())
    }
}

/// The most that a column of `requests` numbers takes compressed.
fn frame_bytes_max(requests: usize) -> usize {
    zstd::zstd_safe::compress_bound(4 * requests)
}

fn numbers(planes: &[u8], requests: usize) -> impl Iterator<Item = u32> + '_ {
    let (low, high) = planes.split_at(2 * requests);
    let (b0, b1) = low.split_at(requests);
    let (b2, b3) = high.split_at(requests);
    let bytes = b0.iter().zip(b1).zip(b2).zip(b3);
    bytes.map(|(((&b0, &b1), &b2), &b3)| u32::from_le_bytes([b0, b1, b2, b3]))
}

fn times(planes: &[u8], requests: usize, times_s: &mut Vec<u32>) {
    let mut time = 0u32;
    times_s.extend(numbers(planes, requests).map(|folded| {
        time = time.wrapping_add((folded >> 1) ^ (folded & 1).wrapping_neg());
        time
    }));
}

fn ops(bytes: &[u8], ops: &mut Vec<Op>) -> Result<(), &'static str> {
    for &byte in bytes {
        ops.push(
            *Op::ALL
                .get(byte as usize)
                .ok_or("an op is none that there is")?,
        );
    }
    Ok(())
}
