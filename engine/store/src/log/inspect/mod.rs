//! Looking at the logs of a folder without opening them: what `seawall check` and `seawall log dump` are made of.
//!
//! The one idea: what recovery would do is told instead of done. [`Logs::survey`] reads every log with the reader
//! that recovery uses, compares their joints as recovery does, and says where each log ends and why;
//! [`Logs::dump`] gives records one by one; [`Logs::mend`] cuts a log where a survey says that it ends, and
//! loses no byte over it.
//!
//! Nothing is locked here and, but for `mend`, nothing changed. A reader holds one record of its log,
//! and at most one of each log is read at once; a survey keeps besides what it finds, and the names of segments.

mod mend;
mod salvage;
mod survey;

use std::ops::ControlFlow;

use super::LogError;
use super::frame::Kind;
use super::joint::Part;
use super::layout;
use super::read::Reader;
use super::recover::Owner;
use super::segment::{self, HEAD_BYTES, Head};
use crate::disk::{Disk, TEMPORARY};
use crate::reply::{parse_command, quoted};

/// The most shards that a store has.
const SHARDS_MAX: u32 = crate::store::SHARDS_MAX as u32;

pub use mend::Mended;
pub use survey::{Base, Cause, Cut, Finding, Segment, ShardSurvey, Survey};

/// The logs that a folder holds.
#[derive(Clone, Debug)]
pub struct Logs<D> {
    disk: D,
    shards: u32,
    /// For each shard the first sequences of its segments, rising.
    firsts: Vec<Vec<u64>>,
    /// What each log goes on from, where a snapshot is.
    bases: Vec<Base>,
    /// Logs that were laid and have no names yet: their shards, and what they are called until then.
    laid: Vec<(u32, String)>,
    unfinished: Vec<String>,
    strays: Vec<String>,
}

/// The files of logs in a folder.
#[derive(Default)]
struct Listed {
    /// Segments, by shard and first sequence.
    segments: Vec<(u32, u64)>,
    unfinished: Vec<String>,
    strays: Vec<String>,
}

/// A record or a mark, as it lies in a log.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The shard whose log it is in.
    pub shard: u32,
    /// Its sequence; a mark's: up to where all was durable.
    pub sequence: u64,
    /// The name of its segment.
    pub file: &'a str,
    /// Where it begins in its segment.
    pub offset: u64,
    /// What it is.
    pub kind: Kind,
    /// For a part: the number of what several shards did together, and those shards.
    pub joint: Option<(u64, Vec<u32>)>,
    effects: &'a [u8],
}

impl Entry<'_> {
    /// Its commands, one after another, as `redis-cli` reads them: words in quotes, with escapes.
    pub fn commands(&self) -> impl Iterator<Item = String> {
        let mut rest = self.effects;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let Some((words, used)) = parse_command(rest) else {
                let text = format!("(no command: {} bytes)", rest.len());
                rest = &[];
                return Some(text);
            };
            rest = &rest[used..];
            let words: Vec<String> = words.into_iter().map(quoted).collect();
            Some(words.join(" "))
        })
    }
}

impl<D: Disk> Logs<D> {
    /// The logs in `disk`; `None` where it holds no segment of any. `bases` says for each shard what its log goes on
    /// from, where a snapshot is.
    ///
    /// # Errors
    /// The folder cannot be listed, or a segment cannot be read.
    pub fn find(disk: D, bases: &[Base]) -> Result<Option<Logs<D>>, LogError> {
        let Listed {
            segments,
            mut unfinished,
            strays,
        } = Listed::find(&disk, bases)?;
        let named = segments.iter().find_map(|&(shard, first)| {
            let mut bytes = [0; HEAD_BYTES];
            let mut from = disk.read(&name_of(shard, first), 0).ok()?;
            from.read_exact(&mut bytes).ok()?;
            Some(Head::decode(&bytes).ok()?.shards)
        });
        let behind = segments.last().map_or(0, |&(last, _)| last + 1);
        let known = named.filter(|_| bases.is_empty());
        let shards = known.unwrap_or(bases.len() as u32).max(behind);
        // What a head counts is believed as far as there can be so many.
        let mut firsts = vec![Vec::new(); shards.min(SHARDS_MAX) as usize];
        for (shard, first) in segments {
            firsts[shard as usize].push(first);
        }
        let mut laid = Vec::new();
        for (shard, _) in (0..).zip(&firsts).filter(|(_, firsts)| firsts.is_empty()) {
            let owner = owner(bases, shard);
            let prefix = segment::prefix(shard);
            for name in unfinished.iter().filter(|name| name.starts_with(&prefix)) {
                if layout::laid(&disk, owner, name)?.is_some() {
                    laid.push((shard, name.clone()));
                }
            }
        }
        unfinished.retain(|name| !laid.iter().any(|(_, laid)| laid == name));
        if behind == 0 && strays.is_empty() && laid.is_empty() {
            return Ok(None);
        }
        Ok(Some(Logs {
            disk,
            shards,
            firsts,
            bases: bases.to_vec(),
            laid,
            unfinished,
            strays,
        }))
    }

    /// How many shards the store has whose logs these are.
    pub fn shards(&self) -> u32 {
        self.firsts.len() as u32
    }

    /// How many segments there are, of all shards.
    pub fn segments(&self) -> usize {
        self.firsts.iter().map(Vec::len).sum()
    }

    /// Segments that a crash left before they had their names: they hold nothing, and go when the store is opened.
    pub fn unfinished(&self) -> &[String] {
        &self.unfinished
    }

    /// Logs that were laid for the number of shards that the folder has now, and get their names when the store is opened.
    pub fn laid(&self) -> impl Iterator<Item = &str> {
        self.laid.iter().map(|(_, name)| name.as_str())
    }

    /// Segments of the number of shards that the folder had before: all of them is in its snapshot, and they go when the
    /// store is opened.
    pub fn strays(&self) -> &[String] {
        &self.strays
    }

    /// Gives `each` the records and marks of `shard` from sequence `from` on, until it breaks, or to the end of the
    /// log; what comes behind that, where anything does and it was not broken off.
    ///
    /// # Errors
    /// The log cannot be read or is damaged; `each` had what is before.
    pub fn dump<B>(
        &self,
        shard: u32,
        from: u64,
        mut each: impl FnMut(Entry<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B, Option<Finding>>, LogError> {
        let Some(firsts) = self.firsts.get(shard as usize) else {
            return Ok(ControlFlow::Continue(None));
        };
        // Segments that end before it are not looked at.
        let skipped = firsts.partition_point(|&first| first <= from);
        let firsts = &firsts[skipped.saturating_sub(1)..];
        let mut reader = self.reader_of(shard, firsts, 0);
        let mut file = String::new();
        let mut number = None;
        while let Some(met) = reader.next_met()? {
            if met.sequence < from {
                continue;
            }
            if let Some(place) = reader.place()
                && number != Some(place.number)
            {
                number = Some(place.number);
                file = place.head.name();
            }
            let payload = reader.payload();
            let part = (met.kind == Kind::Part)
                .then(|| Part::decode(met.sequence, payload))
                .flatten();
            let (joint, effects) = match part {
                Some((part, effects)) => (Some((part.joint, part.shards.to_vec())), effects),
                None => (None, payload),
            };
            let entry = Entry {
                shard,
                sequence: met.sequence,
                file: &file,
                offset: met.offset,
                kind: met.kind,
                joint,
                effects,
            };
            if let ControlFlow::Break(value) = each(entry) {
                return Ok(ControlFlow::Break(value));
            }
        }
        let torn = reader.tail().and_then(|tail| {
            Some(Finding {
                shard,
                file: tail.place.head.name(),
                offset: tail.end,
                cause: Cause::Torn(tail.torn?),
            })
        });
        Ok(ControlFlow::Continue(torn))
    }

    /// A reader of a shard's segments, from the first that there is on, whose records count above `covered`.
    fn reader(&self, shard: u32, covered: u64) -> Reader<D> {
        self.reader_of(shard, &self.firsts[shard as usize], covered)
    }

    fn reader_of(&self, shard: u32, firsts: &[u64], covered: u64) -> Reader<D> {
        let before = firsts.first().map_or(0, |first| first.saturating_sub(1));
        let owner = Owner {
            shard,
            shards: self.shards,
            // Wherever the log begins: what is missing before it is for the survey to say.
            covered: before.max(covered),
            known: 0,
            log: 0,
            seed: 0,
        };
        Reader::new(self.disk.clone(), owner, firsts.to_vec())
    }

    fn name(&self, shard: u32, segment: usize) -> Option<String> {
        let first = *self.firsts.get(shard as usize)?.get(segment)?;
        Some(name_of(shard, first))
    }
}

impl Listed {
    fn find<D: Disk>(disk: &D, bases: &[Base]) -> Result<Listed, LogError> {
        let failed = |source| LogError::io(disk, "list", "", source);
        let mut listed = Listed::default();
        for name in disk.list().map_err(failed)? {
            let begun = name.strip_suffix(TEMPORARY);
            let place = segment::place_of(begun.unwrap_or(&name));
            // Of more shards than there can be, it is none of ours.
            let Some((shard, first)) = place.filter(|&(shard, _)| shard < SHARDS_MAX) else {
                continue;
            };
            if begun.is_some() {
                listed.unfinished.push(name);
            } else if layout::is_stray(disk, owner(bases, shard), &name, first)? {
                listed.strays.push(name);
            } else {
                listed.segments.push((shard, first));
            }
        }
        listed.segments.sort_unstable();
        listed.unfinished.sort_unstable();
        listed.strays.sort_unstable();
        Ok(listed)
    }
}

/// Whose the log of `shard` is, where a snapshot knows it; of shards that there are not, what is behind the last one.
fn owner(bases: &[Base], shard: u32) -> Owner {
    let base = bases.get(shard as usize).or(bases.last());
    let base = base.copied().unwrap_or_default();
    Owner {
        shard,
        shards: bases.len() as u32,
        covered: base.sequence,
        known: base.log,
        log: 0,
        seed: 0,
    }
}

fn name_of(shard: u32, first: u64) -> String {
    Head {
        shard,
        shards: 0,
        first,
        salt: 0,
        log: 0,
    }
    .name()
}

#[cfg(test)]
mod tests;
