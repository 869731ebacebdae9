//! What the logs of a folder hold, where they end, and why there.

use std::fmt;

use super::Logs;
use super::salvage::whole_records;
use crate::disk::Disk;
use crate::log::LogError;
use crate::log::frame::Kind;
use crate::log::joint::{Part, Parts, cuts};
use crate::log::read::Reader;
use crate::log::segment::{HEAD_BYTES, Head};

/// What a log goes on from: a snapshot that holds all of it up to a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// The sequence of that record; 0: none.
    pub sequence: u64,
    /// What tells the log from others; 0: any.
    pub log: u64,
}

/// What the logs of a folder hold.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Each shard's log.
    pub shards: Vec<ShardSurvey>,
}

/// What a shard's log holds, up to where it ends.
#[derive(Clone, Debug, Default)]
pub struct ShardSurvey {
    /// The shard.
    pub shard: u32,
    /// What it goes on from.
    pub base: Base,
    /// Its files, in order.
    pub segments: Vec<Segment>,
    /// The bytes of them.
    pub bytes: u64,
    /// The sequence of the first record that it may hold; those before are covered by a snapshot.
    pub first: u64,
    /// The sequence of the last record that counts; one less than `first` where there is none.
    pub last: u64,
    /// How many of its records are parts of what several shards did together.
    pub parts: u64,
    /// The highest sequence that a mark in it says was durable.
    pub marked: u64,
    /// What is wrong with it, or was cut short by a crash.
    pub findings: Vec<Finding>,
    /// Where it ends before its files do.
    pub cut: Option<Cut>,
    /// Whether a segment is of another log than the one that the snapshot goes on with: no cut mends that.
    pub is_strange: bool,
}

/// A file of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Something that is not as in a log that was closed.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The shard.
    pub shard: u32,
    /// The file.
    pub file: String,
    /// Where in it.
    pub offset: u64,
    /// What.
    pub cause: Cause,
}

/// Why a log ends where it does.
#[derive(Clone, Debug)]
pub enum Cause {
    /// The last write was cut short before it was durable: nothing that was promised.
    Torn(&'static str),
    /// The record is a part of what other shards, these, have lost; nothing that was promised.
    Apart {
        /// The number of the joint.
        joint: u64,
        /// The shards whose logs lack it.
        lacking: Vec<u32>,
    },
    /// The same, and a mark says that it had been durable on all of them.
    Lost {
        /// The number of the joint.
        joint: u64,
        /// The shards whose logs lack it.
        lacking: Vec<u32>,
    },
    /// What stands there is not what was written, though it had been durable; in words.
    Damage(String),
}

impl Cause {
    /// Whether something was lost that had been promised.
    pub fn is_damage(&self) -> bool {
        matches!(self, Cause::Damage(_) | Cause::Lost { .. })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |shards: &[u32]| {
            let shards: Vec<String> = shards.iter().map(u32::to_string).collect();
            shards.join(", ")
        };
        match self {
            Cause::Torn(why) => write!(f, "the end was not written whole: {why}"),
            Cause::Apart { joint, lacking } => write!(
                f,
                "a part of joint {joint}, which shard {} has not",
                list(lacking)
            ),
            Cause::Lost { joint, lacking } => write!(
                f,
                "a part of joint {joint}, which had been durable and which shard {} has not",
                list(lacking)
            ),
            Cause::Damage(what) => f.write_str(what),
        }
    }
}

/// Where a log ends before its files do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment.
    pub segment: usize,
    /// Where in it. Below its head's length the whole segment goes.
    pub offset: u64,
    /// The sequence of the first record that is not there any more.
    pub next: u64,
    /// How many bytes are behind it, in this and all later segments.
    pub bytes: u64,
    /// How many whole records are behind it, at least.
    pub records: u64,
    /// Whether anything of it had been durable.
    pub is_damage: bool,
}

impl Survey {
    /// Whether anything is missing that had been durable.
    pub fn is_damaged(&self) -> bool {
        let mut findings = self.shards.iter().flat_map(|shard| &shard.findings);
        findings.any(|finding| finding.cause.is_damage())
    }

    /// Whether a log ends before its files do.
    pub fn is_cut(&self) -> bool {
        self.shards.iter().any(|shard| shard.cut.is_some())
    }
}

impl<D: Disk> Logs<D> {
    /// Reads all logs; `watch` hears of every segment that is read, and its length. Where they are `growing`, a store goes on writing: that a log lacks a part which another
    /// does not say was durable is then no finding, but on its way.
    ///
    /// # Errors
    /// A file cannot be read; of growing logs one may have been removed since they were found.
    pub fn survey(
        &self,
        growing: bool,
        watch: &mut dyn FnMut(&str, u64),
    ) -> Result<Survey, LogError> {
        let mut shards = Vec::new();
        for shard in 0..self.shards() {
            let base = self.bases.get(shard as usize).copied().unwrap_or_default();
            shards.push(self.survey_shard(shard, base, watch)?);
        }
        let has_records = shards.iter().any(|shard| shard.last >= shard.first);
        for shard in &mut shards {
            let is_missed = has_records || shard.base.log != 0;
            let is_laid = self.laid.iter().any(|(laid, _)| *laid == shard.shard);
            if shard.segments.is_empty() && is_missed && !is_laid {
                let what = "it has no segment, and other shards have records, or a snapshot goes on with it";
                shard.end_at(0, 0, Cause::Damage(what.to_owned()));
            }
        }
        self.compare(&mut shards, growing)?;
        for shard in &mut shards {
            shard.reach_base();
            self.count_lost(shard)?;
        }
        Ok(Survey { shards })
    }

    fn survey_shard(
        &self,
        shard: u32,
        base: Base,
        watch: &mut dyn FnMut(&str, u64),
    ) -> Result<ShardSurvey, LogError> {
        let firsts = &self.firsts[shard as usize];
        let mut held = ShardSurvey {
            shard,
            base,
            first: firsts
                .first()
                .copied()
                .unwrap_or(base.sequence.saturating_add(1)),
            ..ShardSurvey::default()
        };
        held.last = held.first - 1;
        for segment in 0..firsts.len() {
            let name = self.name(shard, segment).unwrap_or_default();
            let size = self.disk.size(&name);
            let bytes = size.map_err(|source| LogError::io(&self.disk, "read", &name, source))?;
            held.bytes += bytes;
            held.segments.push(Segment { name, bytes });
        }
        if held.first > base.sequence.saturating_add(1) {
            let (from, to) = (base.sequence.saturating_add(1), held.first - 1);
            let what = format!("records {from} to {to} are missing");
            held.find(0, 0, Cause::Damage(what));
        }
        let mut reader = self.reader(shard, 0);
        let mut reading = 0;
        let ended = loop {
            match reader.next_met() {
                Ok(Some(met)) => {
                    held.parts += u64::from(met.kind == Kind::Part);
                    held.last = reader.next_sequence() - 1;
                    let (number, log) =
                        (reader.place()).map_or((0, 0), |place| (place.number, place.head.log));
                    if base.log != 0 && log != base.log && !held.is_strange {
                        held.is_strange = true;
                        let (is, wanted) = (log, base.log);
                        let what = format!(
                            "it is of log {is:016x}, and the snapshot goes on with log {wanted:016x}"
                        );
                        held.find(number, 0, Cause::Damage(what));
                    }
                    for segment in &held.segments[reading..number] {
                        watch(&segment.name, segment.bytes);
                    }
                    reading = number;
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        for segment in &held.segments[reading..] {
            watch(&segment.name, segment.bytes);
        }
        held.marked = reader.marked();
        match ended {
            Ok(()) => {
                if let Some((tail, why)) = reader.tail().and_then(|tail| Some((tail, tail.torn?))) {
                    held.end_at(tail.place.number, tail.end, Cause::Torn(why));
                }
            }
            Err(error @ (LogError::Io { .. } | LogError::Lost { .. })) => return Err(error),
            Err(error) => {
                let (segment, offset) = self.place_of(&held, &error);
                held.end_at(segment, offset, Cause::Damage(error.to_string()));
            }
        }
        Ok(held)
    }

    /// Where an error says that a log is broken.
    fn place_of(&self, held: &ShardSurvey, error: &LogError) -> (usize, u64) {
        let (file, offset) = match error {
            LogError::Damaged { file, offset, .. } => (file, *offset),
            LogError::Head { file, .. } | LogError::Missing { file, .. } => (file, 0),
            _ => return (held.segments.len().saturating_sub(1), 0),
        };
        let is_it = |segment: &Segment| &self.disk.show(&segment.name) == file;
        let segment = held.segments.iter().position(is_it);
        (segment.unwrap_or(0), offset)
    }

    /// Ends each log before the first part that others lack, as recovery does.
    ///
    /// The ends of all logs were fixed one after another. What one of them says was durable everywhere is looked for in
    /// the others as they are from then on, and so it is there, however much they grew meanwhile.
    fn compare(&self, shards: &mut [ShardSurvey], growing: bool) -> Result<(), LogError> {
        let grown = if growing {
            Logs::find(self.disk.clone(), &self.bases)?
                .filter(|grown| grown.firsts.len() == shards.len())
        } else {
            None
        };
        let logs = grown.as_ref().unwrap_or(self);
        let mut parts: Vec<Box<dyn Parts>> = Vec::new();
        for held in &*shards {
            let is_damaged = held.cut.as_ref().is_some_and(|cut| cut.is_damage);
            parts.push(Box::new(Readable {
                reader: logs.reader(held.shard, held.base.sequence),
                end: match (growing && !is_damaged, held.last < held.first) {
                    (true, _) => u64::MAX,
                    // Not even where it begins may be readable.
                    (false, true) => 0,
                    (false, false) => held.last + 1,
                },
            }));
        }
        let found = cuts(&mut parts)?;
        drop(parts);
        for (held, at) in shards.iter_mut().zip(found.at.clone()) {
            let Some(at) = at.filter(|&at| at <= held.last) else {
                continue;
            };
            if growing && held.marked < at {
                continue;
            }
            let mut reader = self.reader(held.shard, held.base.sequence);
            while let Some(met) = reader.next_record()? {
                if met.sequence != at {
                    continue;
                }
                let segment = reader.place().map_or(0, |place| place.number);
                let part = Part::decode(at, reader.payload());
                let (joint, members) = part.map_or((0, Vec::new()), |(part, _)| {
                    (part.joint, part.shards.to_vec())
                });
                let others = members.into_iter().filter(|&other| other != held.shard);
                let lacking = others.collect();
                let cause = if held.marked >= at {
                    Cause::Lost { joint, lacking }
                } else {
                    Cause::Apart { joint, lacking }
                };
                held.last = at - 1;
                held.end_at(segment, met.offset, cause);
                break;
            }
        }
        Ok(())
    }

    /// Says how much is behind where a log ends.
    fn count_lost(&self, survey: &mut ShardSurvey) -> Result<(), LogError> {
        let Some(cut) = &mut survey.cut else {
            return Ok(());
        };
        let mut next = cut.next;
        for (number, segment) in survey.segments.iter().enumerate().skip(cut.segment) {
            let failed = |source| LogError::io(&self.disk, "read", &segment.name, source);
            let start = if number == cut.segment { cut.offset } else { 0 };
            cut.bytes += segment.bytes.saturating_sub(start);
            let mut bytes = [0; HEAD_BYTES];
            let mut from = self.disk.read(&segment.name, 0).map_err(failed)?;
            let head = from.read_exact(&mut bytes).is_ok().then_some(&bytes);
            let Some(head) = head.and_then(|bytes| Head::decode(bytes).ok()) else {
                continue;
            };
            let start = start.max(HEAD_BYTES as u64);
            let from = self.disk.read(&segment.name, start).map_err(failed)?;
            let (records, after) = whole_records(from, head.salt, next).map_err(failed)?;
            cut.records += records;
            next = after;
        }
        Ok(())
    }
}

impl ShardSurvey {
    fn find(&mut self, segment: usize, offset: u64, cause: Cause) {
        let file = self.segments.get(segment).map(|it| it.name.clone());
        self.findings.push(Finding {
            shard: self.shard,
            file: file.unwrap_or_default(),
            offset,
            cause,
        });
    }

    /// A log that ends before what its snapshot holds does not go on from it: all of it goes.
    fn reach_base(&mut self) {
        let covered = self.base.sequence;
        if self.last >= covered {
            return;
        }
        let last = self.last;
        let what =
            format!("it ends with record {last}, and the snapshot goes on from record {covered}");
        self.last = covered;
        self.first = covered + 1;
        self.end_at(0, 0, Cause::Damage(what));
    }

    /// The log ends here, behind its last record.
    fn end_at(&mut self, segment: usize, offset: u64, cause: Cause) {
        let was_damage = self.cut.as_ref().is_some_and(|cut| cut.is_damage);
        self.cut = Some(Cut {
            segment,
            offset,
            next: self.last + 1,
            bytes: 0,
            records: 0,
            is_damage: was_damage || cause.is_damage(),
        });
        self.find(segment, offset, cause);
    }
}

/// The parts of a log up to where it is readable, whatever marks say.
struct Readable<D> {
    reader: Reader<D>,
    /// The sequence of the first record that does not count.
    end: u64,
}

impl<D: Disk> Parts for Readable<D> {
    fn next_part(&mut self) -> Result<Option<Part>, LogError> {
        // Behind its last record a log may be damaged, which is known.
        if self.reader.next_sequence() >= self.end {
            return Ok(None);
        }
        while let Some(met) = self.reader.next_record()? {
            if met.kind == Kind::Part {
                let part = Part::decode(met.sequence, self.reader.payload());
                return Ok(part.map(|(part, _)| part));
            }
            if met.sequence + 1 >= self.end {
                break;
            }
        }
        Ok(None)
    }

    fn marked(&self) -> u64 {
        0
    }

    fn lost(&self, part: &Part) -> LogError {
        self.reader.lost(part)
    }
}
