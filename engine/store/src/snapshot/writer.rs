//! Writing a snapshot: records in, blocks out, then the index, and the head last.
//!
//! One block and 16 bytes a key are kept in memory. An error is remembered and told at the end, so
//! that records can be pushed from inside a walk that cannot fail.

use std::io;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::head::{Head, Meta};
use super::{PAGE_BYTES, block, index, record};
use crate::disk::DiskFile;
use crate::keyspace::Entry;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records.
    pub records: u64,
    /// The length of the file.
    pub bytes: u64,
}

/// Writes bytes at an offset of the file.
type WriteAt<'a> = Box<dyn FnMut(&[u8], u64) -> io::Result<()> + 'a>;

/// A snapshot that is being written.
pub struct Writer<'a> {
    write: WriteAt<'a>,
    meta: Meta,
    block: Vec<u8>,
    block_records: u64,
    /// The page at which the block will stand.
    page: u64,
    entries: Vec<index::Slot>,
    result: io::Result<()>,
}

impl<'a> Writer<'a> {
    pub(super) fn new<F: DiskFile>(file: &'a F, meta: &Meta) -> Writer<'a> {
        Writer {
            write: Box::new(|bytes, offset| file.write_at(bytes, offset)),
            meta: *meta,
            block: vec![0; block::HEAD_BYTES],
            block_records: 0,
            page: 1,
            entries: Vec::new(),
            result: Ok(()),
        }
    }

    /// Appends a record. Each key of a database comes once: of two records with one key, either may be
    /// found.
    pub fn push(&mut self, entry: &Entry<'_>) {
        if self.result.is_ok() {
            self.result = self.try_push(entry);
        }
    }

    fn try_push(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let too_large = |what| io::Error::new(io::ErrorKind::FileTooLarge, what);
        if self.block.len() >= block::FULL_BYTES {
            self.flush()?;
        }
        let offset = self.block.len();
        if !record::encode(entry, &mut self.block) {
            return Err(too_large("a key, field or member of more than 4 GiB"));
        }
        if self.block.len() > block::FULL_BYTES && self.block_records > 0 {
            // It does not fit: what was there before goes, and the record begins the next block.
            let record = self.block.split_off(offset);
            self.flush()?;
            self.block.extend_from_slice(&record);
        }
        let offset = if self.block_records == 0 {
            block::HEAD_BYTES
        } else {
            offset
        };
        self.block_records += 1;
        self.entries.push(index::Slot {
            hash: hash(entry.database, entry.key, self.meta.seed),
            page: u32::try_from(self.page).map_err(|_| too_large("more than 16 TiB of records"))?,
            offset: offset as u32,
        });
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        block::seal(
            &mut self.block,
            self.block_records,
            self.page,
            self.meta.seed,
        );
        (self.write)(&self.block, self.page * PAGE_BYTES as u64)?;
        self.page += (self.block.len() / PAGE_BYTES) as u64;
        self.block.truncate(block::HEAD_BYTES);
        self.block_records = 0;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<Summary> {
        std::mem::replace(&mut self.result, Ok(()))?;
        if self.block_records > 0 {
            self.flush()?;
        }
        let index = index::pages(&self.entries, self.page, self.meta.seed);
        (self.write)(&index, self.page * PAGE_BYTES as u64)?;
        let head = Head {
            meta: self.meta,
            records: self.entries.len() as u64,
            index: self.page,
            index_pages: (index.len() / PAGE_BYTES) as u64,
        };
        let (page, tail) = head.encode();
        (self.write)(&tail, (head.index + head.index_pages) * PAGE_BYTES as u64)?;
        (self.write)(&page, 0)?;
        Ok(Summary {
            records: head.records,
            bytes: head.file_bytes().unwrap_or_default(),
        })
    }
}

/// The hash by which a key of a database is found.
pub(super) fn hash(database: u8, key: &[u8], seed: u64) -> u64 {
    xxh3_64_with_seed(key, seed ^ u64::from(database))
}
