//! Reading a snapshot in place.
//!
//! The one idea: nothing of a mapping is looked at that was not asked of the system before, in a way that can fail
//! ([`MappedFile::fetch`]); so a disk that cannot read a page is told of like a damaged block, and ends nobody. Whoever
//! has a block's records looks at them at once: between the asking and the look the kernel may take a page back, and
//! where it then cannot be read again, the look ends the process.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use seawall_sys::map::{MappedFile, Unreadable};

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

impl Bytes {
    fn all(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map.bytes(),
            Bytes::Owned(bytes) => bytes,
        }
    }

    /// Makes sure that a part can be looked at; errors are of the file called `name`.
    fn fetch(&self, name: &str, part: Range<usize>) -> Result<(), SnapshotError> {
        let fetched = match self {
            Bytes::Mapped(map) => map.fetch(part),
            Bytes::Owned(_) => Ok(()),
        };
        fetched.map_err(|Unreadable { offset, source }| SnapshotError::Unreadable {
            file: name.to_owned(),
            offset,
            source,
        })
    }
}

impl Reader {
    /// Maps the snapshot at `path`. Reads its head, its tail and its index.
    ///
    /// # Errors
    /// Where the file cannot be mapped or read, is no snapshot, is of another format, or is damaged there.
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
        let file = bytes.all();
        bytes.fetch(&name, 0..file.len().min(PAGE_BYTES))?;
        bytes.fetch(&name, file.len().saturating_sub(TAIL_BYTES)..file.len())?;
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
        // The head was found to fit the file's length.
        bytes.fetch(&name, head.index as usize * PAGE_BYTES..file.len())?;
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
    /// It is damaged, or cannot be read.
    pub fn extent(&self, page: u64) -> Result<Range<u64>, SnapshotError> {
        let block = if self.is_checked(page) {
            self.bounded_block(page)?
        } else {
            self.whole_block(page)?
        };
        Ok(page..page + block.pages())
    }

    /// The block at `page`, one of [`Reader::blocks_of`], or page 1, or where another block ends. Its records are to be
    /// looked at soon: their pages were there a moment ago.
    ///
    /// # Errors
    /// It is damaged, or cannot be read.
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
    /// Where anything is damaged or cannot be read; `each` has had the records before it then.
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
        // What cannot be read is told by whoever wants to look at it.
        let _ = self.fetch(pages.clone());
    }

    /// The name of the file, for errors.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The block at `page`, all of it there to be looked at, and checked.
    fn whole_block(&self, page: u64) -> Result<Block<'_>, SnapshotError> {
        let block = self.bounded_block(page)?;
        self.fetch(page + 1..page + block.pages())?;
        self.check(page, || block.is_whole(page, self.check_seed))?;
        Ok(block)
    }

    /// The block at `page`, of which the first page is there to be looked at.
    fn bounded_block(&self, page: u64) -> Result<Block<'_>, SnapshotError> {
        let end = self.head.index;
        self.fetch(page..(page + 1).min(end))?;
        let blocks = &self.file()[..end as usize * PAGE_BYTES];
        blocks
            .get(page as usize * PAGE_BYTES..)
            .and_then(Block::bounded)
            .ok_or_else(|| self.damaged(page, 8, "a block reaches into the index"))
    }

    fn fetch(&self, pages: Range<u64>) -> Result<(), SnapshotError> {
        let byte = |page: u64| page as usize * PAGE_BYTES;
        let part = byte(pages.start)..byte(pages.end);
        self.bytes.fetch(&self.name, part)
    }

    fn file(&self) -> &[u8] {
        self.bytes.all()
    }

    fn is_checked(&self, page: u64) -> bool {
        let word = self.checked.get(page as usize / u64::BITS as usize);
        // Relaxed, and paired with nothing: the bytes do not change, so whoever does not see the
        // mark yet only checks them once more.
        word.is_some_and(|word| word.load(Ordering::Relaxed) & bit(page) != 0)
    }

    /// Makes sure, once, that what begins at `page` is whole.
    fn check(&self, page: u64, is_whole: impl FnOnce() -> bool) -> Result<(), SnapshotError> {
        if !self.is_checked(page) {
            if !is_whole() {
                return Err(self.damaged(page, 0, "the checksum does not match"));
            }
            let word = &self.checked[page as usize / u64::BITS as usize];
            word.fetch_or(bit(page), Ordering::Relaxed);
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

/// The bit of `page` in its word.
fn bit(page: u64) -> u64 {
    1 << (page % u64::from(u64::BITS))
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
