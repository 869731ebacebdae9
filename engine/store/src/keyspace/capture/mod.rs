//! A capture: what the shard held at one moment, shown in slices while it goes on changing.
//!
//! ```text
//!  begin ─► slice ─► slice ─► … ─► end          the walk: cell after cell, in the order of the index
//!             ▲        a change of a cell that the walk has not come to: the whole cell is saved first
//! ```
//!
//! The one idea: before anything in a [cell](cells) changes that is not saved yet, the owner saves the cell
//! *ahead*. So each key is shown once, as it was at the beginning, nothing is copied that does not change, and
//! nobody waits but for the dozen neighbours of a key that is written for the first time. Where no snapshot is
//! being taken a change costs a look at a pointer.
//!
//! A key that had expired at the beginning is not shown: nobody could have read it. One that expires later is shown
//! with its expiry, as it was. `SWAPDB` changes names alone, so the names of the beginning are kept. Who has every
//! key removed (`FLUSHALL`) gives the snapshot up with them.
//!
//! It knows no file: what it shows goes to [`Records`].

mod cells;
#[cfg(test)]
mod tests;

use super::databases::DATABASES_MAX;
use super::{Entry, Keyspace};
use crate::mem::ItemId;
use crate::snapshot::{PART_ELEMENTS, elements};
use crate::time::Millis;
use cells::Cells;

/// How much a slice does at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// Keys that it looks for, and those of the cell with the last of them.
    pub(crate) keys: usize,
    /// Bytes that it shows, and the key that passes that.
    pub(crate) bytes: usize,
    /// Cells that it looks at, in which there may be nothing, and words of 64 that it passes since they were saved ahead.
    pub(crate) cells: usize,
}

impl Most {
    /// Some tens of microseconds of a turn.
    pub(crate) const TURN: Most = Most {
        keys: 256,
        bytes: 64 << 10,
        cells: 64,
    };

    /// Where somebody waits for the end: some hundred microseconds.
    pub(crate) const HASTY: Most = Most {
        keys: 1_024,
        bytes: 256 << 10,
        cells: 256,
    };
}

/// Where a capture's records go.
pub(crate) trait Records: Send {
    /// The keys that follow are those of the cell that begins at `position`, to which the walk has come: cells come in
    /// order.
    fn walked(&mut self, position: u64);
    /// The keys that follow are those of the cell that begins at `position`, which is saved ahead of the walk.
    fn ahead(&mut self, position: u64);
    /// A key of that cell, or a part of one: of its collection the elements from number `from` on, `most` of them, or
    /// fewer, and one at least. Where the next part begins: the number of elements at the end, 1 for a string. The
    /// parts of a key come in order, and nothing else of its cell between them.
    fn part(&mut self, entry: &Entry<'_>, from: usize, most: usize) -> usize;
    /// All keys were shown. One that is dropped without this was given up.
    fn finish(self: Box<Self>);
}

/// What of a key is about to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A key that was not there comes.
    Add,
    /// Its item is replaced.
    Replace,
    /// It goes.
    Remove,
    /// When it expires.
    Expiry,
    /// Its collection, in its place.
    Update,
    /// Its collection, which is taken out before it goes.
    Take,
    /// It gets a tag.
    Tag,
    /// Where its item lies, and nothing of what is saved.
    Place,
}

/// A capture that is going on.
pub(super) struct Capture {
    cells: Cells,
    /// When it began.
    since: Millis,
    /// For each place, the number that its database had.
    numbers: [u8; DATABASES_MAX],
    records: Box<dyn Records>,
    walk: Walk,
    /// What a build that is broken on purpose forgets to save ahead.
    #[cfg(test)]
    pub(super) forgets: Option<Change>,
}

/// Keys that the walk has found and not shown yet, with their cells: all are found first, so that the waits for their
/// memory overlap, and what is large is shown in other slices.
#[derive(Default)]
struct Walk {
    found: Vec<ItemId>,
    cells: Vec<Found>,
    /// Which of the cells it is at, and whether that is begun.
    at: usize,
    is_begun: bool,
    /// Which key of all comes next, and with which element of its collection.
    next: usize,
    element: usize,
}

/// A cell that the walk has found.
#[derive(Clone, Copy)]
struct Found {
    cell: u64,
    /// Where its keys begin and end.
    begin: usize,
    end: usize,
    /// Whether it was shown ahead of the walk.
    is_ahead: bool,
}

/// What a slice came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slice {
    /// Keys that it came to.
    pub(crate) keys: u64,
    /// Whether every cell is saved.
    pub(crate) is_last: bool,
}

impl Keyspace {
    /// Begins to show what there is at the time of [`Keyspace::begin`]; one that went on is given up.
    pub(crate) fn capture(&mut self, records: Box<dyn Records>) {
        self.capture = Some(Box::new(Capture {
            cells: Cells::new(self.index.buckets()),
            since: self.now,
            numbers: *self.databases.numbers(),
            records,
            walk: Walk::default(),
            #[cfg(test)]
            forgets: None,
        }));
    }

    /// Whether one goes on, which [`Keyspace::clear`] may have ended.
    pub(crate) fn is_captured(&self) -> bool {
        self.capture.is_some()
    }

    /// How often everything was removed at once ([`Keyspace::clear`]) so far: whoever saves what there was before need not go on.
    pub(crate) fn clears(&self) -> u64 {
        self.clears
    }

    /// The bytes that it takes here.
    pub(crate) fn capture_bytes(&self) -> usize {
        (self.capture.as_ref()).map_or(0, |capture| capture.cells.bytes())
    }

    /// Shows some more of it, where one goes on; it ends with its last slice.
    pub(crate) fn capture_slice(&mut self, most: Most) -> Slice {
        let mut slice = Slice::default();
        if let Some(mut capture) = self.capture.take() {
            slice = capture.slice(self, most);
            if slice.is_last {
                capture.records.finish();
            } else {
                self.capture = Some(capture);
            }
        }
        slice
    }

    /// Gives it up, where one goes on.
    pub(crate) fn give_up_capture(&mut self) {
        self.capture = None;
    }

    /// The key with `hash` is about to change, or to come: where its cell is not saved yet, it is, whole; where the walk
    /// has found it and not shown it yet, it is shown.
    #[cold]
    #[inline(never)]
    pub(super) fn save_ahead(&mut self, change: Change, hash: u64) {
        if let Some(mut capture) = self.capture.take() {
            capture.save_ahead(self, change, hash);
            self.capture = Some(capture);
        }
    }
}

impl Capture {
    fn save_ahead(&mut self, keyspace: &Keyspace, change: Change, hash: u64) {
        #[cfg(test)]
        if self.forgets == Some(change) {
            return;
        }
        let cell = self.cells.of(hash);
        if change != Change::Place && self.cells.take_ahead(cell) {
            let mut found = Vec::new();
            keyspace
                .index
                .cell(cell, self.cells.bits(), |id| found.push(id));
            self.show_ahead(keyspace, cell, &found);
        } else if let Some(at) = self.walk.position_of(cell) {
            self.hasten(keyspace, at);
        }
    }

    /// Shows what is left of a cell that the walk has found.
    #[cold]
    fn hasten(&mut self, keyspace: &Keyspace, at: usize) {
        if at == self.walk.at && self.walk.is_begun {
            self.show_cell(keyspace, usize::MAX);
            return;
        }
        let found = std::mem::take(&mut self.walk.found);
        let Found {
            cell, begin, end, ..
        } = self.walk.cells[at];
        self.show_ahead(keyspace, cell, &found[begin..end]);
        self.walk.cells[at].is_ahead = true;
        self.walk.found = found;
    }

    fn show_ahead(&mut self, keyspace: &Keyspace, cell: u64, found: &[ItemId]) {
        for &id in found {
            keyspace.arena.prefetch_whole(id);
        }
        self.records.ahead(self.cells.begin(cell));
        for &id in found {
            let mut from = Some(0);
            while let Some(part) = from {
                (from, _) = self.show(keyspace, id, part);
            }
        }
    }

    fn slice(&mut self, keyspace: &Keyspace, most: Most) -> Slice {
        if self.walk.is_over() {
            self.look(keyspace, most);
        }
        let (mut bytes, before) = (0, self.walk.next);
        while !self.walk.is_over() && bytes < most.bytes {
            bytes += self.show_cell(keyspace, most.bytes - bytes);
        }
        let keys = (self.walk.next - before) as u64;
        let is_last = self.walk.is_over() && self.cells.is_over();
        Slice { keys, is_last }
    }

    /// Finds the cells that come next.
    fn look(&mut self, keyspace: &Keyspace, most: Most) {
        let walk = &mut self.walk;
        walk.found.clear();
        walk.cells.clear();
        (walk.at, walk.next, walk.element, walk.is_begun) = (0, 0, 0, false);
        let mut looks = most.cells;
        while walk.found.len() < most.keys {
            let Some(cell) = self.cells.take_next(&mut looks) else {
                break;
            };
            let begin = walk.found.len();
            let found = &mut walk.found;
            keyspace.index.cell(cell, self.cells.bits(), |id| {
                keyspace.arena.prefetch_whole(id);
                found.push(id);
            });
            walk.cells.push(Found {
                cell,
                begin,
                end: walk.found.len(),
                is_ahead: false,
            });
        }
    }

    /// Shows keys of the cell that the walk is at, up to so many bytes and the one that passes that; how many bytes.
    fn show_cell(&mut self, keyspace: &Keyspace, most: usize) -> usize {
        let Found {
            cell,
            end,
            is_ahead,
            ..
        } = self.walk.cells[self.walk.at];
        let mut bytes = 0;
        if is_ahead {
            (self.walk.next, self.walk.element) = (end, 0);
        } else {
            // Others may have been shown since it began.
            self.records.walked(self.cells.begin(cell));
            self.walk.is_begun = true;
        }
        while self.walk.next < end && bytes < most {
            let id = self.walk.found[self.walk.next];
            let (next, shown) = self.show(keyspace, id, self.walk.element);
            bytes += shown;
            self.walk.element = next.unwrap_or(0);
            self.walk.next += usize::from(next.is_none());
        }
        if self.walk.next == end {
            self.walk.at += 1;
            self.walk.is_begun = false;
        }
        bytes
    }

    /// Shows a part of a key, from this element on, unless it had expired: with which the next part begins, if there is
    /// one, and how many bytes of work that was.
    fn show(&mut self, keyspace: &Keyspace, id: ItemId, from: usize) -> (Option<usize>, usize) {
        let item = keyspace.arena.own(id);
        let expires = item.expires();
        if expires.is_some_and(|at| self.since > at) {
            return (None, 0);
        }
        let value = keyspace.value(id);
        let entry = Entry {
            database: self.numbers[usize::from(item.database())],
            key: item.key(),
            value,
            expires,
            tag: item.tag(),
        };
        let next = self.records.part(&entry, from, PART_ELEMENTS);
        let len = elements(value);
        let beyond = keyspace.number(id);
        let beyond = beyond.map_or(0, |number| keyspace.collections.get(number).bytes());
        let shown = item.bytes() + beyond / len.max(1) * (next - from);
        ((next < len).then_some(next), shown)
    }
}

impl Walk {
    /// Whether everything that was found is shown.
    fn is_over(&self) -> bool {
        self.at == self.cells.len()
    }

    /// Which of the cells that are not shown yet this is.
    fn position_of(&self, cell: u64) -> Option<usize> {
        let left = &self.cells[self.at..];
        let found = left.iter().position(|it| it.cell == cell && !it.is_ahead)?;
        Some(self.at + found)
    }
}
