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
    unfinished: Vec<String>,
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
    /// The logs in `disk`; `None` where it holds no segment of any.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn find(disk: D) -> Result<Option<Logs<D>>, LogError> {
        let failed = |source| LogError::io(&disk, "list", "", source);
        let mut found: Vec<(u32, u64)> = Vec::new();
        let mut unfinished = Vec::new();
        for name in disk.list().map_err(failed)? {
            // Of more shards than there can be, it is none of ours.
            let place = |name| segment::place_of(name).filter(|&(shard, _)| shard < SHARDS_MAX);
            if let Some(whole) = name.strip_suffix(TEMPORARY) {
                if place(whole).is_some() {
                    unfinished.push(name);
                }
            } else {
                found.extend(place(&name));
            }
        }
        found.sort_unstable();
        unfinished.sort_unstable();
        let Some(&(last, _)) = found.last() else {
            return Ok(None);
        };
        let named = found.iter().find_map(|&(shard, first)| {
            let mut bytes = [0; HEAD_BYTES];
            let mut from = disk.read(&name_of(shard, first), 0).ok()?;
            from.read_exact(&mut bytes).ok()?;
            Some(Head::decode(&bytes).ok()?.shards)
        });
        let shards = named.filter(|&shards| shards > last).unwrap_or(last + 1);
        // What a head counts is believed as far as there can be so many.
        let listed = shards.min(SHARDS_MAX);
        let mut firsts = vec![Vec::new(); listed as usize];
        for (shard, first) in found {
            firsts[shard as usize].push(first);
        }
        Ok(Some(Logs {
            disk,
            shards,
            firsts,
            unfinished,
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
