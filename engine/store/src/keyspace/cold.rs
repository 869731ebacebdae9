//! Cold: keys that a snapshot has and memory does not yet.
//!
//! ```text
//!  op on a key ─► position ─► blocks of its cell ─► those that are cold are loaded, whole ─► the op
//!  tick ────────► the next cold block in the file's order, until there is none
//! ```
//!
//! The one idea: a snapshot of the same layout is sorted by what this shard hashes to, so the shard serves at
//! once, and whoever looks for a key lets the block with it be loaded first. One bit a page tells which blocks
//! are in memory; what is there is newer than the file from then on. While nothing is cold a lookup costs a
//! look at a pointer.
//!
//! The parts of a large collection may stand in several blocks. Whoever looks for it has all of them loaded, in
//! order; in the background they come one by one, and a part whose beginning is gone again was evicted with
//! it. A block that is damaged, or that the disk cannot read, ends it: from then on the shard answers with nothing but
//! what is wrong.
//!
//! It knows no other layout: whoever hashes otherwise loads record by record.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use smallvec::SmallVec;

use super::lookup::hash;
use super::{Expire, Keyspace, record_ops};
use crate::command::{Call, CommandError, Keys};
use crate::effect::Effects;
use crate::index::position;
use crate::mem::{Asked, Populator};
use crate::op::Op;
use crate::shard::{Out, ShardConfig};
use crate::snapshot::{Body, Reader, Record, Records, SnapshotError};
use crate::time::Millis;

/// A slice loads blocks until it has had so many bytes of the file: about a hundred microseconds of work.
const SLICE_BYTES: u64 = 32 << 10;

/// How far ahead of the slices the file is read, by a thread that may wait for the disk.
const AHEAD_PAGES: u64 = (8 << 20) / PAGE_BYTES;

const PAGE_BYTES: u64 = crate::snapshot::PAGE_BYTES as u64;

/// What a shard has in memory of the snapshot that it was opened from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loading {
    /// The bytes of the snapshot.
    pub bytes: u64,
    /// How many of them were loaded.
    pub loaded_bytes: u64,
}

/// Who may ask for all keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A client: it is told to come again.
    Client,
    /// A log: it goes on when they are there.
    Log,
}

/// A snapshot that is not yet wholly in memory.
pub(super) struct Cold {
    reader: Arc<Reader>,
    populator: Option<Populator>,
    /// One bit a page: the block that begins there is in memory.
    warm: Vec<u64>,
    /// The block that the slices go on with.
    next: u64,
    /// Pages from here on were asked for last, up to there.
    asked_from: u64,
    asked_to: u64,
    asked: Option<Asked>,
    loaded_bytes: u64,
    /// Records and keys of the blocks that were loaded.
    records: u64,
    keys: u64,
    damage: Option<CommandError>,
    out: Out,
}

impl Cold {
    fn new(reader: Arc<Reader>, populator: Option<Populator>) -> Cold {
        let words = (reader.pages().end as usize).div_ceil(u64::BITS as usize);
        let first = reader.pages().start;
        let mut cold = Cold {
            reader,
            populator,
            warm: vec![0; words],
            next: first,
            asked_from: first,
            asked_to: first,
            asked: None,
            loaded_bytes: 0,
            records: 0,
            keys: 0,
            damage: None,
            out: Out {
                effects: Effects::unread(),
                ..Out::default()
            },
        };
        cold.ask_ahead();
        cold
    }

    fn is_warm(&self, page: u64) -> bool {
        self.warm[page as usize / u64::BITS as usize] & bit(page) != 0
    }

    /// Loads the block at `page`, which is cold; its pages.
    fn load(&mut self, keyspace: &mut Keyspace, page: u64) -> Result<Range<u64>, CommandError> {
        self.warm[page as usize / u64::BITS as usize] |= bit(page);
        let reader = Arc::clone(&self.reader);
        let block = reader.block(page);
        let block = block.map_err(|error| self.note_damage(&error))?;
        let pages = block.pages();
        self.loaded_bytes += (pages.end - pages.start) * PAGE_BYTES;
        let taken = keyspace.take_in(&block, &reader, &mut self.out);
        let (records, keys) = taken.inspect_err(|error| self.damage = Some(error.clone()))?;
        self.records += records;
        self.keys += keys;
        Ok(pages)
    }

    fn note_damage(&mut self, error: &SnapshotError) -> CommandError {
        let error = CommandError::new(format!("ERR {error}"));
        self.damage = Some(error.clone());
        error
    }

    /// Loads the next cold block; the bytes that were passed, `None` where there is none left.
    fn load_next(&mut self, keyspace: &mut Keyspace) -> Result<Option<u64>, CommandError> {
        if self.next >= self.reader.pages().end {
            let counted = self.reader.check_counts(self.records, self.keys);
            counted.map_err(|error| self.note_damage(&error))?;
            return Ok(None);
        }
        let page = self.next;
        let passed = if self.is_warm(page) {
            let extent = self.reader.extent(page);
            self.next = extent.map_err(|error| self.note_damage(&error))?.end;
            // What was warm costs a look.
            1
        } else {
            self.next = self.load(keyspace, page)?.end;
            self.next - page
        };
        Ok(Some(passed * PAGE_BYTES))
    }

    /// Whether the next block was read ahead, as far as that can be known, or nobody does.
    fn is_near(&self) -> bool {
        let asked = self.asked.as_ref();
        self.next < self.asked_from || asked.is_none_or(Asked::is_done)
    }

    /// Lets somebody else read what comes next.
    fn ask_ahead(&mut self) {
        let end = self.reader.pages().end;
        let is_due = self.asked_to < end
            && self.next + AHEAD_PAGES / 2 >= self.asked_to
            && self.asked.as_ref().is_none_or(Asked::is_done);
        let Some(populator) = self.populator.as_ref().filter(|_| is_due) else {
            return;
        };
        let pages =
            self.asked_to.max(self.next)..(self.asked_to.max(self.next) + AHEAD_PAGES).min(end);
        let reader = Arc::clone(&self.reader);
        let (from, to) = (pages.start, pages.end);
        self.asked = populator.ask(move || reader.populate(&pages));
        (self.asked_from, self.asked_to) = (from, to);
    }

    /// Lets go of the file: by somebody else, since to unmap it takes milliseconds.
    fn leave(self) {
        let Cold {
            reader, populator, ..
        } = self;
        if let Some(populator) = populator {
            let _ = populator.ask(move || drop(reader));
        }
    }
}

fn bit(page: u64) -> u64 {
    1 << (page % u64::from(u64::BITS))
}

impl Keyspace {
    /// Lets the keys of `reader` be this shard's, which has none, though they are not in memory yet.
    ///
    /// # Errors
    /// The reader, where this shard hashes otherwise: by another seed, or other databases.
    pub(crate) fn open_cold(&mut self, reader: Reader) -> Result<(), Box<Reader>> {
        debug_assert!(self.is_empty(), "a shard that has keys has others");
        let meta = reader.meta();
        let seed = ShardConfig::seed_of(meta.seed, meta.shard as usize);
        if seed != self.seed || !self.databases.arrange(|number| meta.places.of(number)) {
            return Err(Box::new(reader));
        }
        // Release: pairs with the acquire in `KeyReader::search`.
        self.whole.store(false, Ordering::Release);
        let cold = Cold::new(Arc::new(reader), self.populator.clone());
        self.cold = Some(Box::new(cold));
        Ok(())
    }

    /// Whether there are keys that are not in memory.
    #[inline]
    pub(crate) fn is_cold(&self) -> bool {
        self.cold.is_some()
    }

    /// How much of them was loaded; `None` where all are there.
    pub(crate) fn loading(&self) -> Option<Loading> {
        self.cold.as_ref().map(|cold| Loading {
            bytes: cold.reader.file_bytes(),
            loaded_bytes: cold.loaded_bytes,
        })
    }

    /// Why nothing can be said of the keys that are not in memory, where that is so.
    pub(crate) fn damage(&self) -> Option<&CommandError> {
        self.cold.as_ref()?.damage.as_ref()
    }

    /// Loads what `op` is about.
    ///
    /// # Errors
    /// `LOADING` for a client that asks for all keys; what is damaged.
    #[cold]
    pub(crate) fn warm_for(&mut self, op: &Op, asker: Asker) -> Result<(), CommandError> {
        if op.command().keys == Keys::Every {
            return match (self.damage(), asker) {
                (Some(damage), _) => Err(damage.clone()),
                (None, Asker::Client) => Err(CommandError::LOADING),
                (None, Asker::Log) => self.load_rest(),
            };
        }
        op.keys().try_for_each(|key| self.warm(key))
    }

    /// Loads `key` of the database, where a block that may have it is cold.
    ///
    /// # Errors
    /// The block is damaged, or another was found to be.
    #[cold]
    #[inline(never)]
    pub(super) fn warm(&mut self, key: &[u8]) -> Result<(), CommandError> {
        // Not there while a block is loaded: its own lookups load nothing.
        let Some(mut cold) = self.cold.take() else {
            return Ok(());
        };
        let mut loaded = cold.damage.clone().map_or(Ok(()), Err);
        if loaded.is_ok() {
            let position = position(hash(self.place, key, &self.secrets));
            let blocks = cold.reader.blocks_of(position);
            let pages: SmallVec<[u64; 4]> = blocks.filter(|&page| !cold.is_warm(page)).collect();
            loaded = (pages.into_iter()).try_for_each(|page| cold.load(self, page).map(drop));
        }
        self.cold = Some(cold);
        loaded
    }

    /// Loads some of what is cold; whether more is to be done soon. While keys are evicted, nothing.
    pub(crate) fn load_slice(&mut self) -> bool {
        let Some(mut cold) = self.cold.take() else {
            return false;
        };
        cold.ask_ahead();
        let waits = cold.damage.is_some() || !cold.is_near();
        let mut bytes = if waits || self.is_giving_way() {
            SLICE_BYTES
        } else {
            0
        };
        while bytes < SLICE_BYTES {
            match cold.load_next(self) {
                Ok(Some(passed)) => bytes += passed,
                Ok(None) => {
                    self.all_warm(*cold);
                    return false;
                }
                Err(_) => break,
            }
        }
        let more = !waits && cold.damage.is_none();
        self.cold = Some(cold);
        more
    }

    /// Loads all that is cold.
    ///
    /// # Errors
    /// Something is damaged.
    pub(crate) fn load_rest(&mut self) -> Result<(), CommandError> {
        let Some(mut cold) = self.cold.take() else {
            return Ok(());
        };
        loop {
            let next = match &cold.damage {
                Some(damage) => Err(damage.clone()),
                None => cold.load_next(self),
            };
            match next {
                Ok(Some(_)) => cold.ask_ahead(),
                Ok(None) => {
                    self.all_warm(*cold);
                    return Ok(());
                }
                Err(error) => {
                    self.cold = Some(cold);
                    return Err(error);
                }
            }
        }
    }

    /// Nothing is cold any more: all was loaded, or is dropped with everything else.
    pub(super) fn forget_cold(&mut self) {
        if let Some(cold) = self.cold.take() {
            self.all_warm(*cold);
        }
    }

    fn all_warm(&mut self, cold: Cold) {
        // Release: pairs with the acquire in `KeyReader::search`. Whoever sees it sees the last keys.
        self.whole.store(true, Ordering::Release);
        cold.leave();
    }

    /// Puts the records of a block into memory, as effects of the past; how many records and keys there were.
    fn take_in(
        &mut self,
        block: &Records<'_>,
        reader: &Reader,
        out: &mut Out,
    ) -> Result<(u64, u64), CommandError> {
        let (now, reads, place) = (self.now, self.reads, self.place);
        let (classes, foreseen) = (self.mute(), std::mem::take(&mut self.foreseen));
        (self.now, self.reads) = (Millis(0), false);
        let (mut taken, mut misplaced) = (Ok(()), None);
        let (mut records, mut keys, mut cell) = (0, 0, None);
        let page = block.pages().start;
        let read = block.for_each(|record| {
            if taken.is_err() || misplaced.is_some() {
                return;
            }
            self.place = reader.meta().places.of(record.database);
            let here = reader.cell_of(position(hash(self.place, record.key, &self.secrets)));
            if cell != Some(here) && !reader.blocks_of(here).any(|block| block == page) {
                misplaced = Some("it has a key that would be looked for in another block");
            } else if record.is_first && self.find(record.key).is_some() {
                misplaced = Some("it has a key that another record has");
            } else {
                records += 1;
                keys += u64::from(record.is_first);
                cell = Some(here);
                taken = self.take_record(&record, out);
            }
        });
        (self.now, self.reads, self.place) = (now, reads, place);
        self.foreseen = foreseen;
        self.set_notify(classes);
        let read = misplaced.map_or(read, |what| Err(reader.damaged(page, 0, what)));
        read.map_err(|error| CommandError::new(format!("ERR {error}")))?;
        taken.map_err(|error| {
            let file = reader.name();
            CommandError::new(format!(
                "ERR a key of {file}, in the block at byte {}, is refused: {error}",
                page * PAGE_BYTES
            ))
        })?;
        Ok((records, keys))
    }

    fn take_record(&mut self, record: &Record<'_>, out: &mut Out) -> Result<(), CommandError> {
        if usize::from(self.place) >= self.databases() {
            return Err(CommandError::NO_SUCH_DATABASE);
        }
        if !record.is_first && self.find(record.key).is_none() {
            // It was evicted since its beginning was loaded; otherwise that was not, and what follows would be lost.
            // It cannot have expired: its expiry comes with its last part. The policy may be another by now.
            let is_evicted = self.stats.evicted > 0;
            let lost = CommandError::fixed("ERR a part of it is there without its beginning");
            return is_evicted.then_some(()).ok_or(lost);
        }
        if let (Body::String(bytes), None) = (&record.body, record.tag) {
            let expire = record.expiry.map_or(Expire::Never, Expire::At);
            return self.set_string(record.key, bytes, expire);
        }
        let mut done = Ok(());
        record_ops(record, &mut |op| {
            if done.is_ok() {
                out.clear();
                done = (op.command().run)(&mut Call {
                    keyspace: &mut *self,
                    now: Millis(0),
                    op,
                    may_park: false,
                    ready: None,
                    out,
                });
            }
        });
        done
    }

    /// Whether keys are being evicted, since there are more than the bound allows.
    fn is_giving_way(&self) -> bool {
        self.eviction.evicts() && self.is_above() && !self.full
    }
}
