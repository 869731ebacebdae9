//! Reading a snapshot in place.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use seawall_sys::map::MappedFile;

use super::block::{self, Block};
use super::head::{Head, Meta, Wrong};
use super::record::Record;
use super::writer::hash;
use super::{PAGE_BYTES, SnapshotError, index};

/// A snapshot, open to be read. Any thread may read it.
pub struct Reader {
    name: String,
    bytes: Bytes,
    head: Head,
    /// One bit a page: the block or page of the index that begins there was checked.
    checked: Vec<AtomicU64>,
}

enum Bytes {
    Mapped(MappedFile),
    Owned(Vec<u8>),
}

impl Reader {
    /// Maps the snapshot at `path`. Reads its first page and its end, whatever its size.
    ///
    /// # Errors
    /// Where the file cannot be mapped, is no snapshot, is of another format, or is damaged there.
    pub fn open(path: &Path) -> Result<Reader, SnapshotError> {
        let name = path.display().to_string();
        let io = |source| SnapshotError::Io {
            doing: "map",
            file: name.clone(),
            source,
        };
        let file = MappedFile::open(path).map_err(io)?;
        Reader::new(name, Bytes::Mapped(file))
    }

    /// Reads a snapshot that is in memory, called `name` in errors.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Reader, SnapshotError> {
        Reader::new(name.to_owned(), Bytes::Owned(bytes))
    }

    fn new(name: String, bytes: Bytes) -> Result<Reader, SnapshotError> {
        let file = match &bytes {
            Bytes::Mapped(map) => map.bytes(),
            Bytes::Owned(bytes) => bytes,
        };
        let head = match Head::decode(file) {
            Ok(head) => head,
            Err(Wrong::Foreign(what)) => return Err(SnapshotError::Foreign { file: name, what }),
            Err(Wrong::Damaged(offset, what)) => {
                return Err(SnapshotError::Damaged {
                    file: name,
                    offset,
                    what,
                });
            }
        };
        let pages = file.len() / PAGE_BYTES;
        let words = pages.div_ceil(u64::BITS as usize);
        Ok(Reader {
            name,
            bytes,
            head,
            checked: (0..words).map(|_| AtomicU64::new(0)).collect(),
        })
    }

    /// What the snapshot is of.
    pub fn meta(&self) -> &Meta {
        &self.head.meta
    }

    /// How many records there are.
    pub fn len(&self) -> u64 {
        self.head.records
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.head.records == 0
    }

    /// The record of `key` in `database`, from the mapping.
    ///
    /// # Errors
    /// Where what it touches is damaged.
    pub fn get(&self, database: u8, key: &[u8]) -> Result<Option<Record<'_>>, SnapshotError> {
        let wanted = hash(database, key, self.head.meta.seed);
        let slots = self.head.index_pages * index::SLOTS_PER_PAGE as u64;
        let mut at = index::home(wanted, slots);
        for _ in 0..slots {
            let slot = self.slot(at)?;
            if slot.page == 0 {
                return Ok(None);
            }
            if slot.hash == wanted {
                let record = self.record(slot)?;
                if record.key == key && record.database == database {
                    return Ok(Some(record));
                }
            }
            at = (at + 1) % slots;
        }
        // The head has fewer records than slots, so this index has been made to have no end.
        Err(self.damaged(self.head.index, 0, "the index has no empty slot"))
    }

    /// Gives every record to `each`, in the order in which they were written.
    ///
    /// # Errors
    /// Where anything is damaged; `each` has had the records before it then.
    pub fn for_each(&self, mut each: impl FnMut(Record<'_>)) -> Result<(), SnapshotError> {
        if let Bytes::Mapped(map) = &self.bytes {
            // Advice that is refused changes nothing but the speed.
            let _ = map.advise_sequential();
        }
        let (mut page, mut records) = (1, 0);
        while page < self.head.index {
            let block = self.block(page)?;
            let broken = |what| self.damaged(page, 0, what);
            let mut rest = block.from(block::HEAD_BYTES).unwrap_or_default();
            for _ in 0..block.records() {
                let (record, left) = Record::decode(rest)
                    .ok_or_else(|| broken("a record in this block has no form"))?;
                each(record);
                rest = left;
                records += 1;
            }
            if !rest.is_empty() {
                return Err(broken("the block has more than its records"));
            }
            page += block.pages();
        }
        if records != self.head.records {
            return Err(self.damaged(0, 48, "the head counts other records than there are"));
        }
        Ok(())
    }

    fn file(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(map) => map.bytes(),
            Bytes::Owned(bytes) => bytes,
        }
    }

    fn slot(&self, at: u64) -> Result<index::Slot, SnapshotError> {
        let page = self.head.index + at / index::SLOTS_PER_PAGE as u64;
        let start = page as usize * PAGE_BYTES;
        let bytes = &self.file()[start..start + PAGE_BYTES];
        self.check(page, || index::is_whole(bytes, page, self.head.meta.seed))?;
        Ok(index::slot(bytes, at as usize % index::SLOTS_PER_PAGE))
    }

    fn record(&self, slot: index::Slot) -> Result<Record<'_>, SnapshotError> {
        let page = u64::from(slot.page);
        if page >= self.head.index {
            return Err(self.damaged(self.head.index, 0, "a slot points outside the blocks"));
        }
        let offset = slot.offset as usize;
        self.block(page)?
            .from(offset)
            .filter(|_| offset >= block::HEAD_BYTES)
            .and_then(Record::decode)
            .map(|(record, _)| record)
            .ok_or_else(|| self.damaged(page, slot.offset, "a record has no form"))
    }

    /// The block that begins at `page`, below the index.
    fn block(&self, page: u64) -> Result<Block<'_>, SnapshotError> {
        let blocks = &self.file()[..self.head.index as usize * PAGE_BYTES];
        let block = Block::bounded(&blocks[page as usize * PAGE_BYTES..])
            .ok_or_else(|| self.damaged(page, 8, "a block reaches into the index"))?;
        self.check(page, || block.is_whole(page, self.head.meta.seed))?;
        Ok(block)
    }

    /// Makes sure, once, that what begins at `page` is whole.
    fn check(&self, page: u64, is_whole: impl FnOnce() -> bool) -> Result<(), SnapshotError> {
        let word = &self.checked[page as usize / u64::BITS as usize];
        let bit = 1 << (page % u64::from(u64::BITS));
        // Relaxed, and paired with nothing: the bytes do not change, so whoever does not see the
        // mark yet only checks them once more.
        if word.load(Ordering::Relaxed) & bit == 0 {
            if !is_whole() {
                return Err(self.damaged(page, 0, "the checksum does not match"));
            }
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(())
    }

    fn damaged(&self, page: u64, offset: u32, what: &'static str) -> SnapshotError {
        SnapshotError::Damaged {
            file: self.name.clone(),
            offset: page * PAGE_BYTES as u64 + u64::from(offset),
            what,
        }
    }
}
