//! Cutting a log where it ends, keeping what is cut.
//!
//! The last segment is dealt with first and the one that the log ends in last, so that a crash between leaves a log
//! that ends in the same place. What is cut stays in the folder, under names that are none of a log's.

use std::io::{self, BufReader, Read};

use super::{Logs, ShardSurvey, Survey};
use crate::disk::{Disk, DiskFile, publish};
use crate::log::LogError;
use crate::log::frame::{Frames, Kind, Next, is_blank};
use crate::log::segment::{HEAD_BYTES, Head};

/// The end of the names of what was cut.
const CUT: &str = ".cut";

/// A log that was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// The shard.
    pub shard: u32,
    /// The files that hold what was cut, what came first last.
    pub kept: Vec<String>,
    /// How many bytes that are.
    pub bytes: u64,
}

impl<D: Disk> Logs<D> {
    /// Cuts every log where `survey` says that it ends. The folder has to be this caller's alone. A log of which
    /// nothing is left begins anew; `seed` is secret, and the salt of its records' checks comes of it.
    ///
    /// # Errors
    /// A file cannot be read, written or renamed: what was cut before stays cut, and nothing is lost.
    pub fn mend(&self, survey: &Survey, seed: u64) -> Result<Vec<Mended>, LogError> {
        let mut mended = Vec::new();
        for held in &survey.shards {
            let Some(cut) = &held.cut else {
                continue;
            };
            // Read before its segments are put aside.
            let log = match held.base.log {
                0 => self.log_of(held.shard).unwrap_or(seed | 1),
                log => log,
            };
            let mut kept = Vec::new();
            let mut bytes = cut.bytes;
            if cut.offset < HEAD_BYTES as u64
                && let Some((stale, cut)) = self.cut_stale(held, cut.segment)?
            {
                kept.push(stale);
                bytes += cut;
            }
            for (number, segment) in held.segments.iter().enumerate().skip(cut.segment).rev() {
                let name = &segment.name;
                let failed = |source: io::Error| LogError::io(&self.disk, "cut", name, source);
                let is_inside = number == cut.segment && cut.offset >= HEAD_BYTES as u64;
                let beside = if is_inside {
                    self.cut_inside(name, cut.offset).map_err(failed)?
                } else {
                    self.put_aside(name).map_err(failed)?
                };
                kept.push(beside);
            }
            if cut.segment == 0 && cut.offset < HEAD_BYTES as u64 {
                let head = Head::new(held.shard, self.shards, cut.next, seed, log);
                let name = head.name();
                publish(&self.disk, &name, |file| file.write_at(&head.encode(), 0))
                    .map_err(|source| LogError::io(&self.disk, "create", &name, source))?;
            }
            mended.push(Mended {
                shard: held.shard,
                kept,
                bytes,
            });
        }
        Ok(mended)
    }

    /// What tells the log of `shard` from others, by the heads of its segments, or of other shards': all are begun
    /// together.
    fn log_of(&self, shard: u32) -> Option<u64> {
        let others = (0..self.shards()).filter(|&other| other != shard);
        let mut names = std::iter::once(shard).chain(others).flat_map(|shard| {
            let segments = 0..self.firsts[shard as usize].len();
            segments.filter_map(move |segment| self.name(shard, segment))
        });
        names.find_map(|name| {
            let mut bytes = [0; HEAD_BYTES];
            let mut from = self.disk.read(&name, 0).ok()?;
            from.read_exact(&mut bytes).ok()?;
            Some(Head::decode(&bytes).ok()?.log)
        })
    }

    /// Cuts the segment before `segment` where that one began, since it is the last one when `segment` is put aside:
    /// where that was written anew, its records lie there too, as they were. Before `segment` goes, so that a crash
    /// between brings nothing back. Where what was cut is kept, and how many bytes that are.
    fn cut_stale(
        &self,
        held: &ShardSurvey,
        segment: usize,
    ) -> Result<Option<(String, u64)>, LogError> {
        let firsts = &self.firsts[held.shard as usize];
        let before = segment
            .checked_sub(1)
            .and_then(|before| held.segments.get(before));
        let (Some(before), Some(&next)) = (before, firsts.get(segment)) else {
            return Ok(None);
        };
        let name = &before.name;
        let cut = || {
            let Some(end) = self.end_before(name, next)? else {
                return Ok(None);
            };
            if is_blank(self.disk.read(name, end)?)? {
                return Ok(None);
            }
            let bytes = self.disk.size(name)?.saturating_sub(end);
            Ok(Some((self.cut_inside(name, end)?, bytes)))
        };
        cut().map_err(|source| LogError::io(&self.disk, "cut", name, source))
    }

    /// Where the record before `next` ends in a segment; `None` where it is not there.
    fn end_before(&self, name: &str, next: u64) -> io::Result<Option<u64>> {
        let mut head = [0; HEAD_BYTES];
        let mut from = BufReader::new(self.disk.read(name, 0)?);
        let len = self.disk.size(name)?;
        if len < HEAD_BYTES as u64 {
            return Ok(None);
        }
        from.read_exact(&mut head)?;
        let Ok(head) = Head::decode(&head) else {
            return Ok(None);
        };
        let mut frames = Frames::new(from, HEAD_BYTES as u64, len, head.salt);
        while let Next::Frame(frame) = frames.read()? {
            if frame.kind != Kind::Mark && frame.sequence.checked_add(1) == Some(next) {
                return Ok(Some(frames.offset()));
            }
        }
        Ok(None)
    }

    /// Copies what is behind `offset` beside the segment, and then cuts it off.
    fn cut_inside(&self, name: &str, offset: u64) -> io::Result<String> {
        let beside = self.free_name(&format!("{name}.{offset}"))?;
        publish(&self.disk, &beside, |file| {
            let mut from = self.disk.read(name, offset)?;
            let (mut buffer, mut at) = (vec![0; 1 << 16], 0);
            loop {
                let read = from.read(&mut buffer)?;
                if read == 0 {
                    return Ok(());
                }
                file.write_at(&buffer[..read], at)?;
                at += read as u64;
            }
        })?;
        let file = self.disk.open(name)?;
        file.set_len(offset)?;
        file.sync()?;
        Ok(beside)
    }

    /// Gives a segment a name that is none of a log's.
    fn put_aside(&self, name: &str) -> io::Result<String> {
        let beside = self.free_name(name)?;
        self.disk.rename(name, &beside)?;
        self.disk.sync_folder()?;
        Ok(beside)
    }

    /// A name that nothing has: what was cut before is not lost by another cut.
    fn free_name(&self, stem: &str) -> io::Result<String> {
        let taken = self.disk.list()?;
        let is_free = |name: &String| !taken.contains(name);
        let first = format!("{stem}{CUT}");
        let others = (2u32..).map(|number| format!("{stem}.{number}{CUT}"));
        std::iter::once(first)
            .chain(others)
            .find(is_free)
            .ok_or_else(|| io::Error::other("every name is taken"))
    }
}
