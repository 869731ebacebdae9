//! Writes `swt`; the format's own file draws the bytes.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::ops::Range;

use serde_json::Value;

use super::Writer;
use crate::trace::builder::BLOCK_REQUESTS;
use crate::trace::columns::Columns;
use crate::trace::format::swt::{
    BLOCK_HEAD_BYTES, HEAD_BYTES, JSON_BYTES_MAX, MAGIC, OP, SIZE, TIME, TTL, VERSION,
};

/// Smaller by a few percent at higher levels, at several times the time.
const ZSTD_LEVEL: i32 = 3;

/// Writes blocks as they come; the head is written last, when the counts are known.
pub(in crate::trace) struct SwtWriter {
    out: BufWriter<File>,
    made: String,
    columns: u32,
    block: u32,
    requests: u64,
    objects: u32,
    footprint_bytes: u64,
    planes: Vec<u8>,
}

impl SwtWriter {
    pub(in crate::trace) fn new(file: File, made: &Value) -> io::Result<SwtWriter> {
        let made = made.to_string();
        if made.len() > JSON_BYTES_MAX {
            return Err(io::Error::other(
                "too much text about how the trace was made",
            ));
        }
        let mut out = BufWriter::new(file);
        out.write_all(&[0; HEAD_BYTES])?;
        out.write_all(made.as_bytes())?;
        Ok(SwtWriter {
            out,
            made,
            columns: 0,
            block: 0,
            requests: 0,
            objects: 0,
            footprint_bytes: 0,
            planes: Vec::new(),
        })
    }

    fn write_block(&mut self, of: &Columns, range: Range<usize>) -> io::Result<()> {
        let mut block = vec![0; BLOCK_HEAD_BYTES];
        block[4..8].copy_from_slice(&self.block.to_le_bytes());
        block[8..12].copy_from_slice(&(range.len() as u32).to_le_bytes());
        for column in 0..5 {
            let present = self.fill(column, of, range.clone());
            if present {
                let frame = zstd::bulk::compress(&self.planes, ZSTD_LEVEL)?;
                let at = 12 + 4 * column;
                block[at..at + 4].copy_from_slice(&(frame.len() as u32).to_le_bytes());
                block.extend(frame);
            }
        }
        let check = crc_fast::crc32_iscsi(&block[4..]);
        block[..4].copy_from_slice(&check.to_le_bytes());
        self.block += 1;
        self.requests += range.len() as u64;
        self.out.write_all(&block)
    }

    /// Lays out a column for compression; `false` where there is none.
    fn fill(&mut self, column: usize, of: &Columns, range: Range<usize>) -> bool {
        let numbers: Vec<u32> = match column {
            0 => folded(of.times_s.get(range).unwrap_or_default()),
            1 => self.objects(of, range),
            2 => of.sizes.get(range).unwrap_or_default().to_vec(),
            3 => {
                let ops = of.ops.get(range).unwrap_or_default();
                self.planes.clear();
                self.planes.extend(ops.iter().map(|&op| op as u8));
                return !ops.is_empty();
            }
            _ => of.ttls_s.get(range).unwrap_or_default().to_vec(),
        };
        self.planes.clear();
        for byte in 0..4 {
            self.planes
                .extend(numbers.iter().map(|number| number.to_le_bytes()[byte]));
        }
        !numbers.is_empty()
    }

    fn objects(&mut self, of: &Columns, range: Range<usize>) -> Vec<u32> {
        let mut told = Vec::with_capacity(range.len());
        for request in range {
            let object = of.objects[request];
            let new = object == self.objects;
            told.push(if new { 0 } else { object + 1 });
            if new {
                self.objects += 1;
                self.footprint_bytes += u64::from(of.size(request));
            }
        }
        told
    }
}

impl Writer for SwtWriter {
    fn write(&mut self, block: &Columns) -> io::Result<()> {
        let columns = [
            (TIME, block.times_s.is_empty()),
            (SIZE, block.sizes.is_empty()),
            (OP, block.ops.is_empty()),
            (TTL, block.ttls_s.is_empty()),
        ];
        let present = columns
            .iter()
            .filter(|(_, empty)| !empty)
            .map(|(bit, _)| bit);
        self.columns = present.sum();
        for start in (0..block.len()).step_by(BLOCK_REQUESTS) {
            self.write_block(block, start..block.len().min(start + BLOCK_REQUESTS))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let mut head = [0; HEAD_BYTES];
        head[..8].copy_from_slice(MAGIC);
        head[8..12].copy_from_slice(&VERSION.to_le_bytes());
        head[12..16].copy_from_slice(&self.columns.to_le_bytes());
        head[16..24].copy_from_slice(&self.requests.to_le_bytes());
        head[24..32].copy_from_slice(&u64::from(self.objects).to_le_bytes());
        head[32..40].copy_from_slice(&self.footprint_bytes.to_le_bytes());
        head[40..44].copy_from_slice(&(self.made.len() as u32).to_le_bytes());
        head[44..48].copy_from_slice(&crc_fast::crc32_iscsi(self.made.as_bytes()).to_le_bytes());
        let check = crc_fast::crc32_iscsi(&head[..60]);
        head[60..].copy_from_slice(&check.to_le_bytes());
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&head)?;
        self.out.flush()
    }
}

/// Differences, the sign in the lowest bit.
fn folded(times_s: &[u32]) -> Vec<u32> {
    let mut before = 0;
    let fold = |&time: &u32| {
        let step = time.wrapping_sub(std::mem::replace(&mut before, time)) as i32;
        ((step << 1) ^ (step >> 31)) as u32
    };
    times_s.iter().map(fold).collect()
}
