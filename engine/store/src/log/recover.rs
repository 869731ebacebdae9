//! Recovery: reading a shard's log back, and deciding what its end is.
//!
//! Only the last segment may end badly, since a segment gets its name when all before it is sealed.
//! There, what breaks the row of records is a *torn tail*, cut off and told, unless a mark behind it
//! says that the broken place had been durable: that is *damage*, and nothing is thrown away.

use std::io::{self, Read};

use super::frame::{Frames, Kind, Next, highest_mark};
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
    /// How many bytes it had.
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

/// Reads the log of `owner` in `disk`, giving each record's effects to `apply`; begins one where
/// there is none. All that was read is durable afterwards.
pub fn recover<D: Disk>(
    disk: &D,
    owner: Owner,
    apply: &mut Apply<'_>,
) -> Result<Recovered<D>, LogError> {
    let folder = |doing| move |source| LogError::io(disk, doing, "", source);
    disk.prepare().map_err(folder("make the folder"))?;
    let lock_name = format!("{}log.lock", segment::prefix(owner.shard));
    let lock = disk
        .lock(&lock_name)
        .map_err(|source| LogError::io(disk, "lock", &lock_name, source))?;
    let mut firsts = Vec::new();
    for name in disk.list().map_err(folder("list the folder"))? {
        let unfinished = name
            .strip_suffix(TEMPORARY)
            .and_then(|name| segment::first_of(name, owner.shard));
        if unfinished.is_some() {
            let failed = |source| LogError::io(disk, "remove", &name, source);
            disk.remove(&name).map_err(failed)?;
        }
        firsts.extend(segment::first_of(&name, owner.shard));
    }
    firsts.sort_unstable();
    let Some((&last, sealed)) = firsts.split_last() else {
        return begin(disk, owner, owner.covered + 1, lock, Recovery::default());
    };
    let mut reading = Reading {
        disk,
        owner,
        next: 1,
        recovery: Recovery::default(),
        apply,
    };
    for &first in sealed {
        let segment = reading.segment(first)?;
        if let Some(why) = segment.broken {
            return Err(LogError::damaged(disk, &segment.name, segment.end, why));
        }
    }
    let segment = reading.segment(last)?;
    let (next, mut recovery) = (reading.next, reading.recovery);
    if let Some(why) = segment.broken {
        recovery.torn = Some(reading_tail(disk, &segment, next, why)?);
    }
    if next <= owner.covered {
        // The snapshot outlived the log's end, and covers all of it: a new log begins behind it. It
        // has its name before the old segments lose theirs, so that a crash between does no harm.
        let begun = begin(disk, owner, owner.covered + 1, lock, recovery)?;
        for first in firsts {
            let name = Head::new(owner.shard, owner.shards, first, owner.seed).name();
            disk.remove(&name)
                .map_err(|source| LogError::io(disk, "remove", &name, source))?;
        }
        disk.sync_folder().map_err(folder("sync the folder"))?;
        return Ok(begun);
    }
    recovery.segments = firsts.len();
    let failed = |doing| {
        let name = segment.name.clone();
        move |source| LogError::io(disk, doing, &name, source)
    };
    let file = disk.open(&segment.name).map_err(failed("open"))?;
    if recovery.torn.is_some() {
        file.set_len(segment.end)
            .map_err(failed("cut the torn tail off"))?;
    }
    // The program may have crashed without the machine: what was read, and the name of what was read,
    // may not be durable yet.
    file.sync().map_err(failed("sync"))?;
    disk.sync_folder().map_err(folder("sync the folder"))?;
    Ok(Recovered {
        head: segment.head,
        len: segment.end,
        file,
        next,
        sealed: sealed.to_vec(),
        lock,
        recovery,
    })
}

/// Begins a log with the record `first`.
fn begin<D: Disk>(
    disk: &D,
    owner: Owner,
    first: u64,
    lock: D::Lock,
    recovery: Recovery,
) -> Result<Recovered<D>, LogError> {
    let head = Head::new(owner.shard, owner.shards, first, owner.seed);
    let name = head.name();
    let file = publish(disk, &name, |file| file.write_at(&head.encode(), 0))
        .map_err(|source| LogError::io(disk, "create", &name, source))?;
    let recovery = Recovery {
        segments: 1,
        ..recovery
    };
    Ok(Recovered {
        head,
        len: HEAD_BYTES as u64,
        file,
        next: head.first,
        sealed: Vec::new(),
        lock,
        recovery,
    })
}

/// A segment that was read.
struct Segment {
    name: String,
    head: Head,
    /// Where its whole records end.
    end: u64,
    /// The file's length.
    len: u64,
    /// Why no more were read.
    broken: Option<&'static str>,
}

struct Reading<'a, 'b, D> {
    disk: &'a D,
    owner: Owner,
    next: u64,
    recovery: Recovery,
    apply: &'a mut Apply<'b>,
}

impl<D: Disk> Reading<'_, '_, D> {
    fn segment(&mut self, first: u64) -> Result<Segment, LogError> {
        let disk = self.disk;
        let name = Head {
            shard: self.owner.shard,
            shards: 0,
            first,
            salt: 0,
        }
        .name();
        let failed = |source| LogError::io(disk, "read", &name, source);
        if first > self.next && first <= self.owner.covered + 1 {
            // What is missing is in the snapshot, and was trimmed.
            self.next = first;
        }
        if first != self.next {
            return Err(LogError::Missing {
                file: disk.show(&name),
                expected: self.next,
            });
        }
        let len = disk.size(&name).map_err(failed)?;
        let mut from = io::BufReader::with_capacity(1 << 16, disk.read(&name, 0).map_err(failed)?);
        let mut head = [0; HEAD_BYTES];
        if len < HEAD_BYTES as u64 {
            return Err(LogError::damaged(
                disk,
                &name,
                len,
                "the file ends inside its head",
            ));
        }
        from.read_exact(&mut head).map_err(failed)?;
        let strange = |what| LogError::Head {
            file: disk.show(&name),
            what,
        };
        let head = Head::decode(&head).map_err(strange)?;
        self.check(&head, first).map_err(strange)?;
        let mut frames = Frames::new(from, HEAD_BYTES as u64, len, head.salt);
        loop {
            let offset = frames.offset();
            let damaged = |why: &str| Err(LogError::damaged(disk, &name, offset, why));
            let broken = match frames.read().map_err(failed)? {
                Next::Frame(frame) if frame.kind == Kind::Mark => {
                    if frame.sequence >= self.next {
                        return damaged("it says that records were durable that are not here");
                    }
                    continue;
                }
                Next::Frame(frame) => {
                    if frame.sequence != self.next {
                        return damaged("a record is out of order");
                    }
                    self.next += 1;
                    if frame.sequence <= self.owner.covered {
                        continue;
                    }
                    (self.apply)(frame.payload).map_err(|source| LogError::Apply {
                        file: disk.show(&name),
                        offset,
                        source,
                    })?;
                    self.recovery.records += 1;
                    self.recovery.bytes += frame.payload.len() as u64;
                    continue;
                }
                Next::Unknown(kind) => {
                    return damaged(&format!("record kind {kind} is of a newer version"));
                }
                Next::End => None,
                Next::Broken(why) => Some(why),
            };
            return Ok(Segment {
                name,
                head,
                end: offset,
                len,
                broken,
            });
        }
    }

    fn check(&self, head: &Head, first: u64) -> Result<(), String> {
        let Owner { shard, shards, .. } = self.owner;
        if head.shard != shard || head.first != first {
            return Err(format!(
                "its head says shard {} from record {}: it was renamed",
                head.shard, head.first
            ));
        }
        if head.shards != shards {
            return Err(format!(
                "it was written by a store of {} shards, and this one has {shards}",
                head.shards
            ));
        }
        Ok(())
    }
}

/// Decides what broke the last segment before record `next`: a torn tail, or damage.
fn reading_tail<D: Disk>(
    disk: &D,
    segment: &Segment,
    next: u64,
    why: &'static str,
) -> Result<Torn, LogError> {
    let failed = |source| LogError::io(disk, "read", &segment.name, source);
    let tail = disk.read(&segment.name, segment.end).map_err(failed)?;
    let mark = highest_mark(tail, segment.head.salt).map_err(failed)?;
    if mark.is_some_and(|durable| durable >= next) {
        let why = format!("{why}, in a record that had been durable");
        return Err(LogError::damaged(disk, &segment.name, segment.end, &why));
    }
    Ok(Torn {
        file: disk.show(&segment.name),
        offset: segment.end,
        bytes: segment.len - segment.end,
        why,
    })
}
