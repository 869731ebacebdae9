//! Writes `oracle-general`, each record with the number of the next request for its object.
//!
//! That number is known only when the next request comes. So the latest records wait in memory, where most
//! get theirs; an older one, which is in the file, gets its own written over the `-1` there.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::{LeftOut, Writer};
use crate::trace::columns::Columns;

const RECORD: usize = 24;
/// How many records wait.
const WAITING_MAX: usize = 1 << 18;
const NEVER: [u8; 8] = (-1i64).to_le_bytes();

pub(in crate::trace) struct OracleWriter {
    file: File,
    /// The records behind the file's `written` ones.
    waiting: Vec<u8>,
    written: u64,
    /// The number of each object's latest request.
    latest: Vec<u64>,
}

impl OracleWriter {
    pub(in crate::trace) fn new(file: File) -> OracleWriter {
        OracleWriter {
            file,
            waiting: Vec::new(),
            written: 0,
            latest: Vec::new(),
        }
    }

    /// Request `request` is the next one for what `before` asked for.
    fn link(&mut self, before: u64, request: u64) -> io::Result<()> {
        let next = request.to_le_bytes();
        match before.checked_sub(self.written) {
            Some(waits) => {
                let at = waits as usize * RECORD + 16;
                self.waiting[at..at + 8].copy_from_slice(&next);
                Ok(())
            }
            None => self.file.write_all_at(&next, before * RECORD as u64 + 16),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file
            .write_all_at(&self.waiting, self.written * RECORD as u64)?;
        self.written += (self.waiting.len() / RECORD) as u64;
        self.waiting.clear();
        Ok(())
    }
}

impl Writer for OracleWriter {
    fn write(&mut self, block: &Columns) -> io::Result<()> {
        for (index, &object) in block.objects().iter().enumerate() {
            let request = self.written + (self.waiting.len() / RECORD) as u64;
            if object as usize == self.latest.len() {
                self.latest.push(request);
            } else {
                let before = std::mem::replace(&mut self.latest[object as usize], request);
                self.link(before, request)?;
            }
            let time = block.times_s().get(index).copied().unwrap_or(0);
            self.waiting.extend(time.to_le_bytes());
            self.waiting.extend(u64::from(object).to_le_bytes());
            self.waiting.extend(block.size(index).to_le_bytes());
            self.waiting.extend(NEVER);
            if self.waiting.len() == WAITING_MAX * RECORD {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }

    fn leaves_out(&self) -> &'static [LeftOut] {
        &[LeftOut::Ops, LeftOut::Ttls]
    }
}
