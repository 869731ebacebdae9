//! Reading a snapshot in place.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use seawall_sys::map::MappedFile;

use super::block::Block;
use super::head::{Head, Meta, TAIL_BYTES, Wrong};
use super::index::{self, Index};
use super::record::Record;
use super::{PAGE_BYTES, SnapshotError};

/// A snapshot, open to be read. Any thread may read it.
pub struct Reader {
    name: String,
    bytes: Bytes,
    head: Head,
    /// Of the checksums of blocks.
    check_seed: u64,
    index: Index,
    /// One bit a page: the block that begins there was checked.
    checked: Vec<AtomicU64>,
}

enum Bytes {
    Mapped(MappedFile),
    Owned(Vec<u8>),
}

impl Reader {
    /// Maps the snapshot at `path`. Reads its head, its tail and its index.
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
        let index = match read_index(&head, file) {
            Ok(index) => index,
            Err((page, what)) => {
                return Err(SnapshotError::Damaged {
                    file: name,
                    offset: page * PAGE_BYTES as u64,
                    what,
                });
            }
        };
        let words = (head.index as usize).div_ceil(u64::BITS as usize);
        Ok(Reader {
            name,
            bytes,
            check_seed: head.meta.check_seed(),
            head,
            index,
            checked: (0..words).map(|_| AtomicU64::new(0)).collect(),
        })
    }

    /// What the snapshot is of.
    pub fn meta(&self) -> &Meta {
        &self.head.meta
    }

    /// How many keys there are.
    pub fn len(&self) -> u64 {
        self.head.keys
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.head.keys == 0
    }

    /// The length of the file in bytes.
    pub fn file_bytes(&self) -> u64 {
        self.file().len() as u64
    }

    /// The pages at which blocks may begin.
    pub fn pages(&self) -> Range<u64> {
        1..self.head.index
    }

    /// Where the cell begins that has `position`.
    pub fn cell_of(&self, position: u64) -> u64 {
        self.head.meta.cell_of(position)
    }

    /// The pages of all blocks that may have records of the key at `position`, ascending. Loading a key
    /// is loading all of them in this order.
    pub fn blocks_of(&self, position: u64) -> impl Iterator<Item = u64> + '_ {
        self.index.blocks_of(self.head.meta.cell_of(position))
    }

    /// The pages of the block at `page`, as [`Reader::block`] has it.
    ///
    /// # Errors
    /// It is damaged.
    pub fn extent(&self, page: u64) -> Result<Range<u64>, SnapshotError> {
        let block = self.whole_block(page)?;
        Ok(page..page + block.pages())
    }

    /// The block at `page`, one of [`Reader::blocks_of`], or page 1, or where another block ends.
    ///
    /// # Errors
    /// It is damaged.
    pub fn block(&self, page: u64) -> Result<Records<'_>, SnapshotError> {
        let block = self.whole_block(page)?;
        let label = block.label();
        let bytes = block.records(self.head.meta.codec);
        let (Some(label), Some(bytes)) = (label, bytes) else {
            return Err(self.damaged(page, 8, "the head of a block says what cannot be"));
        };
        Ok(Records {
            reader: self,
            pages: page..page + block.pages(),
            count: label.records,
            bytes,
        })
    }

    /// Gives every record to `each`, block by block as they stand in the file: the parts of a key in their
    /// order, all else in none.
    ///
    /// # Errors
    /// Where anything is damaged; `each` has had the records before it then.
    pub fn for_each(&self, mut each: impl FnMut(Record<'_>)) -> Result<(), SnapshotError> {
        if let Bytes::Mapped(map) = &self.bytes {
            // Advice that is refused changes nothing but the speed.
            let _ = map.advise_sequential();
        }
        let (mut page, mut records, mut keys) = (self.pages().start, 0, 0);
        while page < self.pages().end {
            let block = self.block(page)?;
            block.for_each(|record| {
                records += 1;
                keys += u64::from(record.is_first);
                each(record);
            })?;
            page = block.pages.end;
        }
        self.check_counts(records, keys)
    }

    /// Makes sure that all blocks together have as many records and keys as the head says.
    ///
    /// # Errors
    /// They have not.
    pub fn check_counts(&self, records: u64, keys: u64) -> Result<(), SnapshotError> {
        if (records, keys) != (self.head.records, self.head.keys) {
            return Err(self.damaged(0, 64, "the head counts other records than there are"));
        }
        Ok(())
    }

    /// Asks the system for `pages` of the file: whoever calls this waits for the disk, so that others need
    /// not.
    pub fn populate(&self, pages: &Range<u64>) {
        if let Bytes::Mapped(map) = &self.bytes {
            let bytes = |page: u64| page as usize * PAGE_BYTES;
            // Where it cannot, pages come when they are first touched.
            let _ = map.populate(bytes(pages.start)..bytes(pages.end));
        }
    }

    /// The name of the file, for errors.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn whole_block(&self, page: u64) -> Result<Block<'_>, SnapshotError> {
        let blocks = &self.file()[..self.head.index as usize * PAGE_BYTES];
        let block = blocks
            .get(page as usize * PAGE_BYTES..)
            .and_then(Block::bounded)
            .ok_or_else(|| self.damaged(page, 8, "a block reaches into the index"))?;
        self.check(page, || block.is_whole(page, self.check_seed))?;
        Ok(block)
    }

    fn file(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(map) => map.bytes(),
            Bytes::Owned(bytes) => bytes,
        }
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

    /// What is wrong with the block at `page`, or so many bytes behind where it begins.
    pub fn damaged(&self, page: u64, offset: u32, what: &'static str) -> SnapshotError {
        SnapshotError::Damaged {
            file: self.name.clone(),
            offset: page * PAGE_BYTES as u64 + u64::from(offset),
            what,
        }
    }
}

/// The records of one block.
#[derive(Clone)]
pub struct Records<'a> {
    reader: &'a Reader,
    pages: Range<u64>,
    count: u32,
    bytes: Cow<'a, [u8]>,
}

impl Records<'_> {
    /// The pages of the file that the block takes: the next one begins where it ends.
    pub fn pages(&self) -> Range<u64> {
        self.pages.clone()
    }

    /// Gives every record to `each`.
    ///
    /// # Errors
    /// The block is damaged, as only a hand that knows the seed can do it; `each` has had the records
    /// before that then.
    pub fn for_each(&self, mut each: impl FnMut(Record<'_>)) -> Result<(), SnapshotError> {
        let broken = |what| self.reader.damaged(self.pages.start, 0, what);
        let mut rest = &self.bytes[..];
        for _ in 0..self.count {
            let (record, left) =
                Record::decode(rest).ok_or_else(|| broken("a record in this block has no form"))?;
            each(record);
            rest = left;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(broken("the block has more than its records"))
        }
    }
}

/// The index of a file whose head is known; otherwise the page that is damaged, and how.
fn read_index(head: &Head, file: &[u8]) -> Result<Index, (u64, &'static str)> {
    // The head was found to fit the file's length.
    let pages = &file[head.index as usize * PAGE_BYTES..file.len() - TAIL_BYTES];
    let (count, walked) = ((head.walked + head.ahead) as usize, head.walked as usize);
    let entries = index::decode(pages, count, head.index, head.meta.check_seed())
        .map_err(|page| (page, "the checksum does not match"))?;
    Index::new(entries, walked, &(1..head.index)).map_err(|what| (head.index, what))
}
