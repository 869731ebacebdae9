//! Writing a snapshot: records in, parts of a file out, the head last.
//!
//! Two blocks are under way, one of the walk and one of what is saved ahead of it. What is finished goes to
//! a [`Sink`] at once, with its place in the file, so that whoever owns the shard needs not wait for a
//! disk. Kept are those two blocks, and 16 bytes for each block and each cell saved ahead.
//!
//! ```text
//!  walked(cell) ─ push, part… ─┐                      ┌─► Part { offset, bytes } … ─► Sink
//!                              ├─► block ─ seal(page) ─┤
//!  ahead(cell) ── push, part… ─┘                      └─► entry ─► close() ─► Ending ─► index, tail, head
//! ```

use std::io;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::head::{Head, Meta};
use super::index::{self, Entry as IndexEntry, POSITION_MAX};
use super::{PAGE_BYTES, block, record};
use crate::index::CURSOR_BITS;
use crate::keyspace::Entry;

/// A block takes a record as long as it stays below this, or has none.
const BLOCK_BYTES_MAX: usize = 2 * block::FULL_BYTES;

/// The most elements of a collection in one record that [`Writer::push`] writes.
pub const PART_ELEMENTS: usize = 1_024;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Keys.
    pub keys: u64,
    /// The length of the file.
    pub bytes: u64,
}

/// A part of the file that is finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where in the file it stands.
    pub offset: u64,
    /// What stands there.
    pub bytes: Vec<u8>,
}

/// Who takes the finished parts of a file.
pub trait Sink {
    /// Takes a part.
    fn put(&mut self, part: Part);
}

impl<F: FnMut(Part)> Sink for F {
    fn put(&mut self, part: Part) {
        self(part);
    }
}

/// A snapshot that is being written.
#[derive(Debug)]
pub struct Writer<S> {
    sink: S,
    meta: Meta,
    /// The page at which the next block will stand.
    page: u64,
    walked: Pending,
    ahead: Pending,
    /// Whether what is pushed is saved ahead.
    is_ahead: bool,
    walked_entries: Vec<IndexEntry>,
    ahead_entries: Vec<IndexEntry>,
    records: u64,
    keys: u64,
    failed: Option<io::Error>,
}

/// A block that is being filled.
#[derive(Debug)]
struct Pending {
    bytes: Vec<u8>,
    label: block::Label,
    /// The cells that have records in it.
    cells: Vec<u64>,
    /// The cell that records are pushed to.
    cell: Option<u64>,
    /// Whether an earlier block has records of that.
    is_split: bool,
}

impl Pending {
    fn new(ahead: bool) -> Pending {
        let label = block::Label {
            ahead,
            ..block::Label::default()
        };
        Pending {
            bytes: vec![0; block::HEAD_BYTES],
            label,
            cells: Vec::new(),
            cell: None,
            is_split: false,
        }
    }

    /// Notes that a record of the cell at hand was appended.
    fn count(&mut self) {
        let cell = self.cell.expect("records are pushed to a cell");
        if self.label.records == 0 {
            self.label.cell = cell;
            self.label.continues = self.is_split;
        }
        if self.cells.last() != Some(&cell) {
            self.cells.push(cell);
        }
        self.label.records += 1;
    }
}

impl<S: Sink> Writer<S> {
    /// A snapshot without records, of what `meta` says, whose finished parts go to `sink`.
    ///
    /// # Panics
    /// `meta.cell_bits` is more than a position has.
    pub fn new(sink: S, meta: &Meta) -> Writer<S> {
        assert!(u32::from(meta.cell_bits) <= CURSOR_BITS, "bits of a cell");
        Writer {
            sink,
            meta: meta.clone(),
            page: 1,
            walked: Pending::new(false),
            ahead: Pending::new(true),
            is_ahead: false,
            walked_entries: Vec::new(),
            ahead_entries: Vec::new(),
            records: 0,
            keys: 0,
            failed: None,
        }
    }

    /// What is pushed from now on is of the walk, and of the cell that has `position`. The walk may come
    /// back to the cell that it was in.
    ///
    /// # Panics
    /// The walk was beyond that cell.
    pub fn walked(&mut self, position: u64) {
        let cell = self.meta.cell_of(position);
        let order = self.walked.cell.is_none_or(|before| before <= cell);
        assert!(order, "a walk goes on, not back");
        self.is_ahead = false;
        self.turn_to(cell);
    }

    /// What is pushed from now on is of the cell that has `position`, which is saved ahead of the walk.
    /// The whole cell is: no record of it is pushed as of the walk.
    pub fn ahead(&mut self, position: u64) {
        self.is_ahead = true;
        self.turn_to(self.meta.cell_of(position));
    }

    /// Appends a key. Each of a database comes once, as of the cell that it belongs to.
    pub fn push(&mut self, entry: &Entry<'_>) {
        let (mut from, len) = (0, record::elements(entry.value));
        loop {
            from = self.part(entry, from, PART_ELEMENTS);
            if from >= len {
                return;
            }
        }
    }

    /// Appends a part of a key: elements of its collection from number `from` on, `most` of them, fewer
    /// where those fill a block, and one at least. Gives where the next part begins: the number of
    /// elements at the end, 1 for a string. The parts of a key come in order, and nothing else of its
    /// cell between them; the collection must not change from the first to the last.
    pub fn part(&mut self, entry: &Entry<'_>, from: usize, most: usize) -> usize {
        let pending = self.pending();
        if pending.bytes.len() >= BLOCK_BYTES_MAX {
            self.flush();
        }
        let pending = self.pending();
        let begin = pending.bytes.len();
        let Some(next) = record::encode(entry, from, most.max(1), &mut pending.bytes) else {
            let why = "a key, field or member of more than 4 GiB";
            let error = io::Error::new(io::ErrorKind::FileTooLarge, why);
            self.failed.get_or_insert(error);
            return record::elements(entry.value);
        };
        if pending.bytes.len() > BLOCK_BYTES_MAX && pending.label.records > 0 {
            // It does not fit: what was there before goes, and the record begins the next block.
            let record = pending.bytes.split_off(begin);
            self.flush();
            self.pending().bytes.extend_from_slice(&record);
        }
        self.pending().count();
        self.records += 1;
        self.keys += u64::from(from == 0);
        next
    }

    /// No more records come: the last blocks go to the sink, which is given back with what is left to be
    /// written.
    ///
    /// # Errors
    /// A record could not be written down.
    pub fn close(mut self) -> io::Result<(S, Ending)> {
        for is_ahead in [false, true] {
            self.is_ahead = is_ahead;
            self.flush();
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        let ending = Ending {
            meta: self.meta,
            page: self.page,
            walked: self.walked_entries,
            ahead: self.ahead_entries,
            records: self.records,
            keys: self.keys,
        };
        Ok((self.sink, ending))
    }

    fn pending(&mut self) -> &mut Pending {
        if self.is_ahead {
            &mut self.ahead
        } else {
            &mut self.walked
        }
    }

    fn turn_to(&mut self, cell: u64) {
        let pending = self.pending();
        if pending.cell == Some(cell) {
            return;
        }
        // The last block of a cell that is split has nothing else: so no cell has to be read for another.
        if pending.is_split || pending.bytes.len() >= block::FULL_BYTES {
            self.flush();
        }
        let pending = self.pending();
        pending.cell = Some(cell);
        pending.is_split = false;
    }

    /// Finishes the block at hand, where it has records.
    fn flush(&mut self) {
        let (page, seed, codec) = (self.page, self.meta.check_seed(), self.meta.codec);
        let pending = self.pending();
        if pending.label.records == 0 {
            return;
        }
        let mut bytes = std::mem::replace(&mut pending.bytes, vec![0; block::HEAD_BYTES]);
        let (label, cells) = (pending.label, std::mem::take(&mut pending.cells));
        pending.label.records = 0;
        pending.is_split = pending.cell == cells.last().copied();
        block::seal(&mut bytes, &label, page, seed, codec);
        self.page += (bytes.len() / PAGE_BYTES) as u64;
        self.sink.put(Part {
            offset: page * PAGE_BYTES as u64,
            bytes,
        });
        let entry = |cell| IndexEntry {
            cell,
            page,
            continues: label.continues && cell == label.cell,
        };
        if label.ahead {
            self.ahead_entries.extend(cells.into_iter().map(entry));
        } else {
            self.walked_entries.push(entry(label.cell));
        }
    }
}

/// What is written when all records are: the index, the tail, and the head last.
#[derive(Debug)]
pub struct Ending {
    meta: Meta,
    page: u64,
    walked: Vec<IndexEntry>,
    ahead: Vec<IndexEntry>,
    records: u64,
    keys: u64,
}

impl Ending {
    /// Gives it to `sink`. It sorts what was saved ahead: some tens of milliseconds, where that was
    /// millions of cells.
    pub fn write(mut self, sink: &mut impl Sink) -> Summary {
        self.ahead.sort_unstable();
        let entries = self.walked.iter().chain(&self.ahead);
        let index = index::encode(entries, self.page, self.meta.check_seed());
        let head = Head {
            meta: self.meta,
            records: self.records,
            keys: self.keys,
            index: self.page,
            walked: self.walked.len() as u64,
            ahead: self.ahead.len() as u64,
        };
        let bytes = head.file_bytes().expect("what was written has a length");
        let (page, tail) = head.encode();
        if !index.is_empty() {
            let offset = head.index * PAGE_BYTES as u64;
            let bytes = index;
            sink.put(Part { offset, bytes });
        }
        sink.put(Part {
            offset: bytes - tail.len() as u64,
            bytes: tail.to_vec(),
        });
        sink.put(Part {
            offset: 0,
            bytes: page.to_vec(),
        });
        Summary {
            keys: head.keys,
            bytes,
        }
    }
}

impl Meta {
    /// Seeds the checksums of blocks and of the index: what was left of another save, or is another shard's, has others.
    pub(super) fn check_seed(&self) -> u64 {
        let mut of = [0; 12];
        of[..8].copy_from_slice(&self.save.to_le_bytes());
        of[8..].copy_from_slice(&self.shard.to_le_bytes());
        xxh3_64_with_seed(&of, self.seed)
    }

    /// Where the cell that has `position` begins.
    pub(crate) fn cell_of(&self, position: u64) -> u64 {
        let inside = POSITION_MAX >> self.cell_bits;
        position & POSITION_MAX & !inside
    }
}
