//! Reading a log: its records in order over all its segments, and what its end is. Nothing is changed.
//!
//! A segment ends where the next one begins, whatever stands behind that: it was written anew
//! ([`anew`](super::anew)). Only the last one may end badly, since a segment gets its name when all before it is
//! durable. There, zeroes up to the file's end are room that was not
//! written to; anything else that breaks the row of records is a *torn tail*, unless a mark behind it says that the broken
//! place had been durable: that is *damage*.

use std::io::{BufReader, Read};

use super::LogError;
use super::frame::{Frames, Kind, Next, highest_mark, is_blank};
use super::joint::{Part, Parts};
use super::recover::Owner;
use super::segment::{HEAD_BYTES, Head};
use crate::disk::Disk;

/// A record that was met; [`Reader::payload`] has its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Met {
    /// Where it begins in its segment.
    pub offset: u64,
    /// Its sequence.
    pub sequence: u64,
    /// Effects, a part, or a mark.
    pub kind: Kind,
}

/// A segment, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which of the log's segments.
    pub number: usize,
    /// Its head.
    pub head: Head,
    /// The file's length.
    pub len: u64,
}

/// How a log ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The last segment.
    pub place: Place,
    /// Where its whole records end.
    pub end: u64,
    /// Why no more were read, where more is there.
    pub torn: Option<&'static str>,
}

type Source = BufReader<Box<dyn Read>>;

/// Reads the log of one shard.
pub struct Reader<D> {
    disk: D,
    owner: Owner,
    /// First sequences of the segments.
    firsts: Vec<u64>,
    reading: Option<(Place, Frames<Source>)>,
    /// The sequence of the next record.
    next: u64,
    /// The highest sequence that a mark told of.
    marked: u64,
    /// The number of the last joint.
    joint: u64,
    tail: Option<Tail>,
}

impl<D: Disk> Reader<D> {
    /// Reads the log of `owner` in `disk`, whose segments begin with the sequences `firsts`, rising.
    pub fn new(disk: D, owner: Owner, firsts: Vec<u64>) -> Reader<D> {
        Reader {
            disk,
            owner,
            firsts,
            reading: None,
            next: 1,
            marked: 0,
            joint: 0,
            tail: None,
        }
    }

    /// The next record above those that a snapshot covers; `None` at the end, which is then
    /// [known](Reader::tail).
    ///
    /// # Errors
    /// The log cannot be read, is not this shard's, or is damaged.
    pub fn next_record(&mut self) -> Result<Option<Met>, LogError> {
        while let Some(met) = self.next_met()? {
            if met.kind != Kind::Mark && met.sequence > self.owner.covered {
                return Ok(Some(met));
            }
        }
        Ok(None)
    }

    /// As [`next_record`](Reader::next_record), and marks and what a snapshot covers, too.
    ///
    /// # Errors
    /// As there.
    pub fn next_met(&mut self) -> Result<Option<Met>, LogError> {
        while self.tail.is_none() {
            let Some((place, frames)) = &mut self.reading else {
                let Some(reading) = self.open(0)? else {
                    return Ok(None);
                };
                self.reading = Some(reading);
                continue;
            };
            let offset = frames.offset();
            if self.firsts.get(place.number + 1) == Some(&self.next) {
                self.end_segment(offset, None)?;
                continue;
            }
            let name = || place.head.name();
            let failed = |source| LogError::io(&self.disk, "read", &name(), source);
            let damaged = |why: &str| Err(LogError::damaged(&self.disk, &name(), offset, why));
            let (kind, sequence) = match frames.read().map_err(failed)? {
                Next::Frame(frame) => (frame.kind, frame.sequence),
                Next::Unknown(kind) => {
                    return damaged(&format!("record kind {kind} is of a newer version"));
                }
                Next::End => {
                    self.end_segment(offset, None)?;
                    continue;
                }
                Next::Broken(why) => {
                    self.end_segment(offset, Some(why))?;
                    continue;
                }
            };
            if kind == Kind::Mark {
                if sequence >= self.next {
                    return damaged("it says that records were durable that are not here");
                }
                self.marked = self.marked.max(sequence);
                return Ok(Some(Met {
                    offset,
                    sequence,
                    kind,
                }));
            }
            if sequence != self.next {
                return damaged("a record is out of order");
            }
            if kind == Kind::Part {
                let Some((part, _)) = Part::decode(sequence, frames.payload()) else {
                    return damaged("a part does not say what it is a part of");
                };
                if part.joint <= self.joint {
                    return damaged("a part is out of order");
                }
                self.joint = part.joint;
            }
            self.next += 1;
            return Ok(Some(Met {
                offset,
                sequence,
                kind,
            }));
        }
        Ok(None)
    }

    /// The bytes of the record that was met last.
    pub fn payload(&self) -> &[u8] {
        let reading = self.reading.as_ref();
        reading.map_or(&[], |(_, frames)| frames.payload())
    }

    /// The highest sequence that a mark told of, by what was read so far.
    pub fn marked(&self) -> u64 {
        self.marked
    }

    /// The segment of the record that was met last.
    pub fn place(&self) -> Option<&Place> {
        self.reading.as_ref().map(|(place, _)| place)
    }

    /// How the log ends, once all was read; `None` where there is no segment, too.
    pub fn tail(&self) -> Option<&Tail> {
        self.tail.as_ref()
    }

    /// The sequence of the next record.
    pub fn next_sequence(&self) -> u64 {
        self.next
    }

    /// A segment was read as far as it goes: on to the next one, or to the tail.
    fn end_segment(&mut self, end: u64, broken: Option<&'static str>) -> Result<(), LogError> {
        let Some((place, _)) = self.reading.take() else {
            return Ok(());
        };
        let name = place.head.name();
        if let Some(&next) = self.firsts.get(place.number + 1) {
            // What is missing may be in the snapshot that a log was begun anew behind.
            let is_covered = next <= self.owner.covered + 1;
            if let Some(why) = broken.filter(|_| !is_covered) {
                return Err(LogError::damaged(&self.disk, &name, end, why));
            }
            self.reading = self.open(place.number + 1)?;
            return Ok(());
        }
        let mut broken = broken;
        if let Some(why) = broken {
            let failed = |source| LogError::io(&self.disk, "read", &name, source);
            let tail = || self.disk.read(&name, end).map_err(failed);
            if is_blank(tail()?).map_err(failed)? {
                // Room that was never written to.
                broken = None;
            }
            let tail = tail()?;
            let mark = highest_mark(tail, place.head.salt).map_err(failed)?;
            if mark.is_some_and(|durable| durable >= self.next) {
                let why = format!("{why}, in a record that had been durable");
                return Err(LogError::damaged(&self.disk, &name, end, &why));
            }
        }
        self.tail = Some(Tail {
            place,
            end,
            torn: broken,
        });
        Ok(())
    }

    /// Opens a segment, where there is one.
    fn open(&mut self, number: usize) -> Result<Option<(Place, Frames<Source>)>, LogError> {
        let (disk, owner) = (&self.disk, self.owner);
        let Some(&first) = self.firsts.get(number) else {
            return Ok(None);
        };
        let name = Head {
            shard: owner.shard,
            shards: 0,
            first,
            salt: 0,
            log: 0,
        }
        .name();
        let failed = |source| LogError::io(disk, "read", &name, source);
        if first > self.next && first <= owner.covered + 1 {
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
        let mut from = BufReader::with_capacity(1 << 16, disk.read(&name, 0).map_err(failed)?);
        let mut head = [0; HEAD_BYTES];
        if len < HEAD_BYTES as u64 {
            let why = "the file ends inside its head";
            return Err(LogError::damaged(disk, &name, len, why));
        }
        from.read_exact(&mut head).map_err(failed)?;
        let strange = |what| LogError::Head {
            file: disk.show(&name),
            what,
        };
        let head = Head::decode(&head).map_err(strange)?;
        check(&head, owner, first).map_err(strange)?;
        let frames = Frames::new(from, HEAD_BYTES as u64, len, head.salt);
        Ok(Some((Place { number, head, len }, frames)))
    }
}

impl<D: Disk> Parts for Reader<D> {
    fn next_part(&mut self) -> Result<Option<Part>, LogError> {
        while let Some(met) = self.next_record()? {
            if met.kind == Kind::Part {
                let part = Part::decode(met.sequence, self.payload());
                return Ok(part.map(|(part, _)| part));
            }
        }
        Ok(None)
    }

    fn marked(&self) -> u64 {
        self.marked
    }

    fn lost(&self, part: &Part) -> LogError {
        let others = part.shards.iter().filter(|&&it| it != self.owner.shard);
        let others: Vec<String> = others.map(u32::to_string).collect();
        LogError::Lost {
            folder: self.disk.show(""),
            shard: self.owner.shard,
            sequence: part.sequence,
            others: others.join(", "),
        }
    }
}

fn check(head: &Head, owner: Owner, first: u64) -> Result<(), String> {
    let Owner {
        shard,
        shards,
        known,
        ..
    } = owner;
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
    if known != 0 && head.log != known {
        return Err(format!(
            "it is of log {:016x}, and the snapshot goes on with log {known:016x}",
            head.log
        ));
    }
    Ok(())
}
