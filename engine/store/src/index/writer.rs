//! The index's writer: insert, replace, remove, and growth by one bucket at a time.

use std::io;
use std::sync::Arc;

use super::table::{Entries, LineId, Near, SLOTS, Table, bucket_of, tag_of};
use crate::mem::{Edge, ItemId, Line, Populator};

/// Entries per bucket at which the next bucket is split: as many as a line holds. A sixth of all entries is in
/// overflow then, and an entry takes 6.7 to 7.1 bytes.
const FILL: usize = if cfg!(loom) { 1 } else { SLOTS };
const BUCKETS_FIRST: usize = if cfg!(loom) { 1 } else { 16 };
/// From so many lines on (2 MiB) huge pages pay: one is full, and the next fills as fast.
const HUGE_FROM: usize = 1 << 15;
/// From so many halves of lines on (16 MiB): they are a tenth as many, and rarely read.
const HUGE_FROM_HALVES: u32 = 1 << 19;

const LINE_BYTES: usize = size_of::<Line>();

/// Where the writer found an entry; good until its next insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    line: LineId,
    slot: usize,
}

/// The index, as its one writer has it.
#[derive(Debug)]
pub struct Index {
    table: Arc<Table>,
    buckets: usize,
    len: usize,
    /// Halves of lines ever used; half 0 means none.
    overflow_used: u32,
    overflow_free: Vec<u32>,
    /// How far the lines are in use, and the halves.
    edge: Edge,
    overflow_edge: Edge,
}

impl Index {
    /// An empty index.
    ///
    /// # Errors
    /// The system grants no address space.
    pub fn new() -> io::Result<Index> {
        Ok(Index {
            table: Arc::new(Table::new(BUCKETS_FIRST)?),
            buckets: BUCKETS_FIRST,
            len: 0,
            overflow_used: 0,
            overflow_free: Vec::new(),
            edge: Edge::new(HUGE_FROM * LINE_BYTES),
            overflow_edge: Edge::new(HUGE_FROM_HALVES as usize * LINE_BYTES / 2),
        })
    }

    /// Asks `populator` for the pages of lines that are next, from now on.
    pub fn populate_by(&mut self, populator: &Populator) {
        self.edge.populate_by(populator.clone());
        self.overflow_edge.populate_by(populator.clone());
    }

    /// The index does not grow now: gives back what was asked for ahead.
    pub fn rest(&mut self) {
        let Table {
            primary, overflow, ..
        } = &*self.table;
        let (lines, halves) = (self.buckets, self.overflow_used as usize + 1);
        (self.edge).rest(lines * LINE_BYTES, |part| primary.give_back(part));
        (self.overflow_edge).rest(halves * LINE_BYTES / 2, |part| overflow.give_back(part));
    }

    /// What readers need.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// How many buckets there are.
    pub fn buckets(&self) -> usize {
        self.buckets
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The bytes of the lines in use.
    pub fn bytes(&self) -> usize {
        let halves = self.overflow_used as usize;
        (self.buckets * 2 + halves) * (LINE_BYTES / 2)
    }

    /// The entry with `hash` that `matches` accepts, and its place.
    #[inline]
    pub fn find(
        &self,
        hash: u64,
        mut matches: impl FnMut(ItemId) -> bool,
    ) -> Option<(Place, ItemId)> {
        let bucket = bucket_of(hash, self.buckets);
        let (line, slot, id) = self.table.search(bucket, tag_of(hash), &mut matches)?;
        Some((Place { line, slot }, id))
    }

    /// The entries under the tag of `hash` in the first line of its bucket: nearly always what is sought is among
    /// them, and otherwise it is [beyond](Index::find_beyond).
    #[inline]
    pub fn near(&self, hash: u64) -> Near<'_> {
        self.table.near(hash, self.buckets)
    }

    /// The entry with `hash` that `matches` accepts, behind the first line of its bucket, which leads there.
    pub fn find_beyond(
        &self,
        link: u32,
        hash: u64,
        mut matches: impl FnMut(ItemId) -> bool,
    ) -> Option<ItemId> {
        let found = (self.table).search_beyond(link, tag_of(hash), &mut matches);
        found.map(|(.., id)| id)
    }

    /// The first entry under the tag of `hash`, and its place, unverified: what most likely is sought.
    #[inline]
    pub fn hint(&self, hash: u64) -> Option<(Place, ItemId)> {
        self.find(hash, |_| true)
    }

    /// Whether `id` is the entry at `place`, which may be of any time.
    #[inline]
    pub fn holds(&self, place: Place, id: ItemId) -> bool {
        self.table.line(place.line).id(place.slot) == Some(id)
    }

    /// Publishes another item in the place of the one there; the hash is the same.
    pub fn replace(&mut self, place: Place, id: ItemId) {
        self.table.line(place.line).set_id(place.slot, Some(id));
    }

    /// Takes the entry at `place` out.
    pub fn remove(&mut self, place: Place) {
        self.table.line(place.line).clear(place.slot);
        self.len -= 1;
    }

    /// Publishes an item whose key is not there; `hash_of` gives the hashes of items that are, for a
    /// split. `false`: the lines are used up, and nothing changed.
    pub fn insert(&mut self, hash: u64, id: ItemId, hash_of: impl Fn(ItemId) -> u64) -> bool {
        if !self.publish(bucket_of(hash, self.buckets), tag_of(hash), id) {
            return false;
        }
        self.len += 1;
        if self.len > self.buckets * FILL && self.buckets < self.table.primary.all().len() {
            self.split(hash_of);
        }
        true
    }

    /// Shows every entry.
    pub fn for_each(&self, mut each: impl FnMut(ItemId)) {
        for bucket in 0..self.buckets {
            self.for_chain(bucket, |_, _, id| each(id));
        }
    }

    /// Takes every entry out. Buckets stay.
    pub fn clear(&mut self) {
        for bucket in 0..self.buckets {
            self.for_lines(bucket, |_, line| {
                line.taken().for_each(|slot| line.clear(slot));
            });
        }
        self.len = 0;
        // A reader on a half that is used anew must notice.
        self.table.reshape(self.buckets);
        for bucket in 0..self.buckets {
            self.trim(bucket);
        }
    }

    pub(super) fn for_chain(&self, bucket: usize, mut each: impl FnMut(LineId, usize, ItemId)) {
        self.for_lines(bucket, |at, line| {
            for slot in line.taken() {
                let id = line.id(slot).expect("a slot with a tag has an id");
                each(at, slot, id);
            }
        });
    }

    fn for_lines(&self, bucket: usize, mut each: impl FnMut(LineId, Entries<'_>)) {
        let mut at = LineId::primary(bucket);
        loop {
            let line = self.table.line(at);
            each(at, line);
            match line.link() {
                0 => return,
                next => at = LineId::overflow(next),
            }
        }
    }

    /// Puts an entry into the first vacant slot of `bucket`'s chain.
    fn publish(&mut self, bucket: usize, tag: u8, id: ItemId) -> bool {
        let mut at = LineId::primary(bucket);
        loop {
            let line = self.table.line(at);
            if let Some(slot) = line.vacant().next() {
                line.fill(slot, tag, id);
                return true;
            }
            match line.link() {
                0 => break,
                next => at = LineId::overflow(next),
            }
        }
        let Some(link) = self.overflow_free.pop().or_else(|| {
            let link = self.overflow_used + 1;
            ((link as usize) < self.table.links()).then(|| {
                self.overflow_used = link;
                self.overflow_edge
                    .reach(link as usize * LINE_BYTES / 2, || {
                        let table = Arc::clone(&self.table);
                        Box::new(move |part, huge| table.overflow.populate(part, huge))
                    });
                link
            })
        }) else {
            return false;
        };
        // Filled before it is linked.
        self.table.line(LineId::overflow(link)).fill(0, tag, id);
        self.table.line(at).set_link(link);
        true
    }

    /// Splits the next bucket in turn: moves what belongs to the new one.
    fn split(&mut self, hash_of: impl Fn(ItemId) -> u64) {
        let new = self.buckets;
        let old = new - (new.next_power_of_two() >> usize::from(!new.is_power_of_two()));
        let after = new + 1;
        let mut moved = Vec::with_capacity(SLOTS);
        let mut whole = true;
        self.for_chain(old, |line, slot, id| {
            let hash = hash_of(id);
            if bucket_of(hash, after) == new {
                moved.push((line, slot, tag_of(hash), id));
            }
        });
        for &(.., tag, id) in &moved {
            whole &= self.publish(new, tag, id);
        }
        if !whole {
            // No half is left: the new bucket is not counted yet, so nobody looks there.
            let mut lines = Vec::new();
            self.for_chain(new, |line, slot, _| lines.push((line, slot)));
            for (line, slot) in lines {
                self.table.line(line).clear(slot);
            }
            self.trim(new);
            return;
        }
        self.buckets = after;
        self.table.reshape(after);
        for &(line, slot, ..) in &moved {
            self.table.line(line).clear(slot);
        }
        self.compact(old);
        self.edge.reach(after * LINE_BYTES, || {
            let table = Arc::clone(&self.table);
            Box::new(move |part, huge| table.primary.populate(part, huge))
        });
    }

    /// Moves the last entries of `bucket`'s chain to vacant slots before them, and frees the halves that
    /// become empty.
    fn compact(&mut self, bucket: usize) {
        if self.table.line(LineId::primary(bucket)).link() == 0 {
            return;
        }
        let (mut taken, mut vacant) = (Vec::new(), Vec::new());
        self.for_lines(bucket, |at, line| {
            taken.extend(line.taken().map(|slot| (at, slot)));
            vacant.extend(line.vacant().map(|slot| (taken.len(), at, slot)));
        });
        // A vacant slot serves the last entry that is left, while that comes after it in the chain.
        let mut moved = Vec::new();
        for (before, to, to_slot) in vacant {
            let last = taken.len() - moved.len();
            if last <= before {
                break;
            }
            let (from, slot) = taken[last - 1];
            let line = self.table.line(from);
            let id = line.id(slot).expect("a slot with a tag has an id");
            self.table.line(to).fill(to_slot, line.tag(slot), id);
            moved.push((from, slot));
        }
        self.table.reshape(self.buckets);
        for (line, slot) in moved {
            self.table.line(line).clear(slot);
        }
        self.trim(bucket);
    }

    /// Unlinks the empty halves at the end of `bucket`'s chain.
    fn trim(&mut self, bucket: usize) {
        loop {
            let (mut before, mut last) = (None, LineId::primary(bucket));
            while let link @ 1.. = self.table.line(last).link() {
                before = Some(last);
                last = LineId::overflow(link);
            }
            let (Some(before), Some(link)) = (before, last.link()) else {
                return;
            };
            if self.table.line(last).taken().next().is_some() {
                return;
            }
            self.table.line(before).set_link(0);
            // A reader may still stand on the half when it is used anew: it must notice.
            self.table.reshape(self.buckets);
            self.overflow_free.push(link);
        }
    }
}
