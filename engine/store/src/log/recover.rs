//! Recovery: what a shard's log holds is applied, and its end made such that more can be appended.
//!
//! A log is first *found*: locked, and nothing of it changed. What it holds is read once to compare it with the
//! logs of other shards ([`joint`](super::joint)), and once more to apply it. A torn tail does not count, nor does
//! what is a part of something that other shards lost. The log goes on in a new segment, with what of the last one
//! may be in memory alone ([`anew`]), so that all that was applied is durable before anyone hears of it. What another
//! number of shards left goes then ([`layout`]).

use std::io::{self, BufReader};

use super::anew;
use super::frame::{Frames, Kind};
use super::joint::Part;
use super::layout;
use super::read::{Place, Reader, Tail};
use super::segment::{self, HEAD_BYTES, Head};
use super::{Apply, LogError};
use crate::disk::{Disk, DiskFile, TEMPORARY, publish};

/// What opening a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Segments there are.
    pub segments: usize,
    /// Records that were applied.
    pub records: u64,
    /// Bytes of effects in them.
    pub bytes: u64,
    /// The tail that does not count.
    pub torn: Option<Torn>,
    /// What an operator should know: that another device is used than the one asked for.
    pub notice: Option<String>,
}

/// A tail that was not whole, and not durable: it does not count any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub file: String,
    /// Where the tail began.
    pub offset: u64,
    /// How many bytes it had, those of later segments among them.
    pub bytes: u64,
    /// What was wrong with it.
    pub why: &'static str,
}

/// Whose log it is.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The shard.
    pub shard: u32,
    /// How many shards there are.
    pub shards: u32,
    /// Records up to this one are in a snapshot: neither needed nor applied.
    pub covered: u64,
    /// What tells the log that the snapshot knows from others; 0: any.
    pub known: u64,
    /// What tells a log that is begun now from others.
    pub log: u64,
    /// Secret, for salts.
    pub seed: u64,
}

/// A log that was found, and is locked.
pub struct Found<D: Disk> {
    disk: D,
    owner: Owner,
    /// First sequences of its segments, rising.
    firsts: Vec<u64>,
    /// Its first segment, where the snapshot knows the log and it has no name yet.
    laid: Option<Head>,
    /// What means nothing any more: segments that have no name, or are of another number of shards.
    leftovers: Vec<String>,
    lock: D::Lock,
}

/// A log that was read to where it ends.
struct Replayed<D: Disk> {
    reader: Reader<D>,
    recovery: Recovery,
    /// Where the record lies that other shards lost, if that is where it ends.
    cut_at: Option<(Place, u64)>,
}

/// A log as it was found, its last segment open to be appended to.
pub struct Recovered<D: Disk> {
    /// The last segment's head.
    pub head: Head,
    /// How much is in it.
    pub len: u64,
    /// How long its file is.
    pub file_len: u64,
    /// The last segment.
    pub file: D::File,
    /// The sequence of the next record.
    pub next: u64,
    /// First sequences of the segments before it.
    pub sealed: Vec<u64>,
    /// Held while the log is open.
    pub lock: D::Lock,
    /// What to tell.
    pub recovery: Recovery,
}

/// Finds the log of `owner` in `disk`, and locks it.
pub fn find<D: Disk>(disk: D, owner: Owner) -> Result<Found<D>, LogError> {
    let folder = |doing| {
        let disk = &disk;
        move |source| LogError::io(disk, doing, "", source)
    };
    disk.prepare().map_err(folder("make the folder"))?;
    let lock_name = format!("{}log.lock", segment::prefix(owner.shard));
    let lock = disk
        .lock(&lock_name)
        .map_err(|source| LogError::io(&disk, "lock", &lock_name, source))?;
    let (mut firsts, mut leftovers) = (Vec::new(), Vec::new());
    let mut laid = None;
    for name in disk.list().map_err(folder("list the folder"))? {
        let begun = name.strip_suffix(TEMPORARY);
        let Some((shard, first)) = segment::place_of(begun.unwrap_or(&name)) else {
            continue;
        };
        // What is of shards that there are not is the last one's to remove.
        let is_behind = shard > owner.shard && owner.shard + 1 == owner.shards;
        if shard != owner.shard && !is_behind {
            continue;
        }
        if begun.is_some() {
            laid = layout::laid(&disk, owner, &name)?.or(laid);
            leftovers.push(name);
        } else if layout::is_stray(&disk, owner, &name, first)? {
            leftovers.push(name);
        } else if !is_behind {
            firsts.push(first);
        }
    }
    firsts.sort_unstable();
    // Where it has segments, this was to be the next of them.
    let laid = laid.filter(|_| firsts.is_empty());
    leftovers.retain(|name| laid.is_none_or(|head| layout::laid_name(&head) != *name));
    Ok(Found {
        disk,
        owner,
        firsts,
        laid,
        leftovers,
        lock,
    })
}

impl<D: Disk> Found<D> {
    /// Whether there is no segment.
    pub fn is_absent(&self) -> bool {
        self.firsts.is_empty() && self.laid.is_none()
    }

    /// Whether there is a record, or ever was.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub fn has_records(&self) -> Result<bool, LogError> {
        let &[first] = &self.firsts[..] else {
            return Ok(!self.firsts.is_empty());
        };
        let Owner { shard, shards, .. } = self.owner;
        let name = Head::new(shard, shards, first, 0, 0).name();
        let size = self.disk.size(&name);
        let size = size.map_err(|source| LogError::io(&self.disk, "read", &name, source))?;
        Ok(first > 1 || size > HEAD_BYTES as u64)
    }

    /// Whether a record counts, where those from `cut` on do not.
    ///
    /// # Errors
    /// It cannot be read, is not its owner's, or is damaged.
    pub fn counts(&self, cut: Option<u64>) -> Result<bool, LogError> {
        let first = self.reader().next_record()?;
        Ok(first.is_some_and(|met| Some(met.sequence) != cut))
    }

    /// The error that it is absent, and should not be.
    pub fn absent(&self) -> LogError {
        LogError::Absent {
            folder: self.disk.show(""),
            shard: self.owner.shard,
        }
    }

    /// Reads it from the beginning.
    pub fn reader(&self) -> Reader<D> {
        Reader::new(self.disk.clone(), self.owner, self.firsts.clone())
    }

    /// Gives each record's effects to `apply`, as [`open`](Found::open) does, and changes nothing.
    pub fn read(&self, cut: Option<u64>, apply: &mut Apply<'_>) -> Result<(), LogError> {
        self.replay(cut, apply).map(drop)
    }

    fn replay(&self, cut: Option<u64>, apply: &mut Apply<'_>) -> Result<Replayed<D>, LogError> {
        let mut reader = self.reader();
        let mut recovery = Recovery::default();
        let mut cut_at = None;
        while let Some(met) = reader.next_record()? {
            let place = reader.place().expect("a record lies in a segment");
            if Some(met.sequence) == cut {
                cut_at = Some((place.clone(), met.offset));
                break;
            }
            let payload = reader.payload();
            let effects = match met.kind {
                Kind::Part => Part::decode(met.sequence, payload).map_or(payload, |(_, it)| it),
                Kind::Effects | Kind::Mark => payload,
            };
            apply(effects).map_err(|source| LogError::Apply {
                file: self.disk.show(&place.head.name()),
                offset: met.offset,
                source,
            })?;
            recovery.records += 1;
            recovery.bytes += effects.len() as u64;
        }
        let next = reader.next_sequence();
        if let Some(tail) = reader.tail().filter(|_| next <= self.owner.covered) {
            // Before a snapshot counts, all that its log had is durable.
            return Err(LogError::Behind {
                file: self.disk.show(&tail.place.head.name()),
                last: next - 1,
                covered: self.owner.covered,
            });
        }
        Ok(Replayed {
            reader,
            recovery,
            cut_at,
        })
    }

    /// Removes what means nothing any more, durably: not before what makes it so is, which a store that was killed may have
    /// left to the system.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn remove_leftovers(&mut self) -> Result<(), LogError> {
        let leftovers = std::mem::take(&mut self.leftovers);
        if leftovers.is_empty() {
            return Ok(());
        }
        self.sync_folder()?;
        leftovers.iter().try_for_each(|name| self.remove(name))?;
        self.sync_folder()
    }

    /// Gives each record's effects to `apply`, up to the one of sequence `cut`, which other shards lost and which
    /// goes with all behind it; begins a log where there is none. All that was read is durable afterwards.
    pub fn open(
        mut self,
        cut: Option<u64>,
        apply: &mut Apply<'_>,
    ) -> Result<Recovered<D>, LogError> {
        let Replayed {
            reader,
            mut recovery,
            cut_at,
        } = self.replay(cut, apply)?;
        let next = reader.next_sequence();
        self.remove_leftovers()?;
        if let Some((place, offset)) = cut_at {
            let next = cut.expect("it was met");
            recovery.torn = Some(self.drop_behind(&place, offset)?);
            let is_sealed = place.number + 1 < self.firsts.len();
            let durable = if is_sealed { next - 1 } else { reader.marked() };
            return self.go_on(&place, (durable, next), (offset, false), recovery);
        }
        let Some(tail) = reader.tail() else {
            return self.begin(Recovery::default());
        };
        recovery.torn = tail.torn.map(|why| self.torn(tail, why));
        let is_blank = tail.end == HEAD_BYTES as u64 && tail.torn.is_none();
        let durable = reader.marked();
        self.go_on(&tail.place, (durable, next), (tail.end, is_blank), recovery)
    }

    fn torn(&self, tail: &Tail, why: &'static str) -> Torn {
        Torn {
            file: self.disk.show(&tail.place.head.name()),
            offset: tail.end,
            bytes: tail.place.len - tail.end,
            why,
        }
    }

    /// Removes the segments behind `place`, the last one first, each durably: what is left never has a gap.
    fn drop_behind(&self, place: &Place, offset: u64) -> Result<Torn, LogError> {
        let mut bytes = place.len - offset;
        for &first in self.firsts[place.number + 1..].iter().rev() {
            let name = Head {
                first,
                ..place.head
            }
            .name();
            let failed = |source| LogError::io(&self.disk, "read", &name, source);
            bytes += self.disk.size(&name).map_err(failed)?;
            self.remove(&name)?;
            self.sync_folder()?;
        }
        Ok(Torn {
            file: self.disk.show(&place.head.name()),
            offset,
            bytes,
            why: "a record is a part of what another shard lost",
        })
    }

    /// Goes on behind the segment at `place` with the record `next`, where the records up to `durable` are known to be
    /// so: those between are written anew. What counts of the segment ends at `end`; whether that is its head alone,
    /// with nothing behind it.
    fn go_on(
        self,
        place: &Place,
        (durable, next): (u64, u64),
        (end, is_blank): (u64, bool),
        mut recovery: Recovery,
    ) -> Result<Recovered<D>, LogError> {
        let (old, sealed) = (place.head, &self.firsts[..place.number]);
        recovery.segments = place.number + 1;
        if is_blank {
            // Nothing was ever written behind its head, which was durable before it had its name. That name may not
            // be: the program may have ended without the machine.
            let opened = self.disk.open(&old.name());
            let file =
                opened.map_err(|source| LogError::io(&self.disk, "open", &old.name(), source))?;
            self.sync_folder()?;
            return Ok(Recovered {
                head: old,
                len: end,
                file_len: place.len,
                file,
                next,
                sealed: sealed.to_vec(),
                lock: self.lock,
                recovery,
            });
        }
        // What is before the segment is sealed, and a mark of more than there is would be damage.
        let durable = durable.clamp(old.first - 1, next - 1);
        let Owner {
            shard,
            shards,
            seed,
            ..
        } = self.owner;
        let head = Head::new(shard, shards, durable + 1, seed, old.log);
        let failed =
            |source| LogError::io(&self.disk, "write anew the end of", &old.name(), source);
        let from = self
            .disk
            .read(&old.name(), HEAD_BYTES as u64)
            .map_err(failed)?;
        let from = BufReader::with_capacity(1 << 16, from);
        let from = Frames::new(from, HEAD_BYTES as u64, place.len, old.salt);
        let mut len = 0;
        let file = publish(&self.disk, &head.name(), |file| {
            len = anew::write(file, &head, next, from)?;
            Ok(())
        });
        let file = file.map_err(failed)?;
        let mut sealed = sealed.to_vec();
        if head.first != old.first {
            if place.len > end {
                // The room that nobody needs any more; and what is torn goes with it.
                let failed = |source| LogError::io(&self.disk, "cut", &old.name(), source);
                let old = self.disk.open(&old.name()).map_err(failed)?;
                old.set_len(end).map_err(failed)?;
            }
            sealed.push(old.first);
            recovery.segments += 1;
        }
        Ok(Recovered {
            head,
            len,
            file_len: len,
            file,
            next,
            sealed,
            lock: self.lock,
            recovery,
        })
    }

    /// Begins a log behind what the snapshot covers, or the one that was laid there.
    fn begin(self, recovery: Recovery) -> Result<Recovered<D>, LogError> {
        let Owner {
            shard,
            shards,
            covered,
            seed,
            log,
            ..
        } = self.owner;
        let new = || Head::new(shard, shards, covered + 1, seed, log);
        let head = self.laid.unwrap_or_else(new);
        let name = head.name();
        let file = if self.laid.is_some() {
            let named = self.disk.rename(&layout::laid_name(&head), &name);
            named
                .and_then(|()| self.disk.sync_folder())
                .and_then(|()| self.disk.open(&name))
        } else {
            publish(&self.disk, &name, |file| file.write_at(&head.encode(), 0))
        };
        let file = file.map_err(|source| LogError::io(&self.disk, "create", &name, source))?;
        Ok(Recovered {
            head,
            len: HEAD_BYTES as u64,
            file_len: HEAD_BYTES as u64,
            file,
            next: head.first,
            sealed: Vec::new(),
            lock: self.lock,
            recovery: Recovery {
                segments: 1,
                ..recovery
            },
        })
    }

    fn remove(&self, name: &str) -> Result<(), LogError> {
        let failed = |source: io::Error| LogError::io(&self.disk, "remove", name, source);
        self.disk.remove(name).map_err(failed)
    }

    fn sync_folder(&self) -> Result<(), LogError> {
        let failed = |source: io::Error| LogError::io(&self.disk, "sync the folder", "", source);
        self.disk.sync_folder().map_err(failed)
    }
}
