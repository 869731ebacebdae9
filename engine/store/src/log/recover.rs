//! Recovery: what a shard's log holds is applied, and its end made such that more can be appended.
//!
//! A log is first *found*: locked, and nothing of it changed. What it holds is read once to compare it with the
//! logs of other shards ([`joint`](super::joint)), and once more to apply it; then a torn tail is cut off, and
//! what is a part of something that other shards lost.

use std::io;

use super::frame::Kind;
use super::joint::Part;
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
    /// The tail that was cut off.
    pub torn: Option<Torn>,
    /// What an operator should know: that another device is used than the one asked for.
    pub notice: Option<String>,
}

/// A tail that was not whole, and not durable: cut off.
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
    /// Secret, for salts.
    pub seed: u64,
}

/// A log that was found, and is locked.
pub struct Found<D: Disk> {
    disk: D,
    owner: Owner,
    /// First sequences of its segments, rising.
    firsts: Vec<u64>,
    /// Segments that were begun and have no name yet.
    unfinished: Vec<String>,
    lock: D::Lock,
}

/// A log as it was found, its last segment open to be appended to.
pub struct Recovered<D: Disk> {
    /// The last segment's head.
    pub head: Head,
    /// Its length, the torn tail cut off.
    pub len: u64,
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
    let (mut firsts, mut unfinished) = (Vec::new(), Vec::new());
    for name in disk.list().map_err(folder("list the folder"))? {
        firsts.extend(segment::first_of(&name, owner.shard));
        let begun = name.strip_suffix(TEMPORARY);
        if begun.is_some_and(|name| segment::first_of(name, owner.shard).is_some()) {
            unfinished.push(name);
        }
    }
    firsts.sort_unstable();
    Ok(Found {
        disk,
        owner,
        firsts,
        unfinished,
        lock,
    })
}

impl<D: Disk> Found<D> {
    /// Whether there is no segment.
    pub fn is_absent(&self) -> bool {
        self.firsts.is_empty()
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
        let name = Head::new(shard, shards, first, 0).name();
        let size = self.disk.size(&name);
        let size = size.map_err(|source| LogError::io(&self.disk, "read", &name, source))?;
        Ok(first > 1 || size > HEAD_BYTES as u64)
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

    /// Gives each record's effects to `apply`, up to the one of sequence `cut`, which other shards lost and which
    /// goes with all behind it; begins a log where there is none. All that was read is durable afterwards.
    pub fn open(self, cut: Option<u64>, apply: &mut Apply<'_>) -> Result<Recovered<D>, LogError> {
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
        for name in &self.unfinished {
            self.remove(name)?;
        }
        if let Some((place, offset)) = cut_at {
            let next = cut.expect("it was met");
            recovery.torn = Some(self.drop_behind(&place, offset)?);
            return self.append_to(&place, offset, next, recovery);
        }
        let (next, Some(tail)) = (reader.next_sequence(), reader.tail()) else {
            return self.begin(Recovery::default());
        };
        recovery.torn = tail.torn.map(|why| self.torn(tail, why));
        if next <= self.owner.covered {
            return self.begin_anew(recovery);
        }
        self.append_to(&tail.place, tail.end, next, recovery)
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

    /// Opens the segment at `place` to be appended to at `end`, with the record `next`.
    fn append_to(
        self,
        place: &Place,
        end: u64,
        next: u64,
        mut recovery: Recovery,
    ) -> Result<Recovered<D>, LogError> {
        let name = place.head.name();
        let failed = |doing| {
            let (disk, name) = (&self.disk, &name);
            move |source| LogError::io(disk, doing, name, source)
        };
        let file = self.disk.open(&name).map_err(failed("open"))?;
        if recovery.torn.is_some() {
            let cut = file.set_len(end);
            cut.map_err(failed("cut the torn tail off"))?;
        }
        // The program may have crashed without the machine: what was read, and the name of what was
        // read, may not be durable yet.
        file.sync().map_err(failed("sync"))?;
        self.sync_folder()?;
        recovery.segments = place.number + 1;
        Ok(Recovered {
            head: place.head,
            len: end,
            file,
            next,
            sealed: self.firsts[..place.number].to_vec(),
            lock: self.lock,
            recovery,
        })
    }

    /// Begins a log behind what the snapshot covers.
    fn begin(self, recovery: Recovery) -> Result<Recovered<D>, LogError> {
        let Owner {
            shard,
            shards,
            covered,
            seed,
        } = self.owner;
        let head = Head::new(shard, shards, covered + 1, seed);
        let name = head.name();
        let file = publish(&self.disk, &name, |file| file.write_at(&head.encode(), 0))
            .map_err(|source| LogError::io(&self.disk, "create", &name, source))?;
        Ok(Recovered {
            head,
            len: HEAD_BYTES as u64,
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

    /// The snapshot outlived the log's end, and covers all of it: a new log begins behind it. It has its name
    /// before the old segments lose theirs, so that a crash between does no harm.
    fn begin_anew(self, recovery: Recovery) -> Result<Recovered<D>, LogError> {
        let (disk, owner, firsts) = (self.disk.clone(), self.owner, self.firsts.clone());
        let begun = self.begin(recovery)?;
        for first in firsts {
            let name = Head::new(owner.shard, owner.shards, first, owner.seed).name();
            let removed = disk.remove(&name);
            removed.map_err(|source| LogError::io(&disk, "remove", &name, source))?;
        }
        let synced = disk.sync_folder();
        synced.map_err(|source| LogError::io(&disk, "sync the folder", "", source))?;
        Ok(begun)
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
