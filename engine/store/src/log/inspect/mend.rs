//! Cutting a log where it ends, keeping what is cut.
//!
//! The last segment is dealt with first and the one that the log ends in last, so that a crash between leaves a log
//! that ends in the same place. What is cut stays in the folder, under names that are none of a log's.

use std::io;

use super::{Logs, Survey};
use crate::disk::{Disk, DiskFile, publish};
use crate::log::LogError;
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
            let mut kept = Vec::new();
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
                let log = match held.base.log {
                    0 => seed | 1,
                    log => log,
                };
                let head = Head::new(held.shard, self.shards, cut.next, seed, log);
                let name = head.name();
                publish(&self.disk, &name, |file| file.write_at(&head.encode(), 0))
                    .map_err(|source| LogError::io(&self.disk, "create", &name, source))?;
            }
            mended.push(Mended {
                shard: held.shard,
                kept,
                bytes: cut.bytes,
            });
        }
        Ok(mended)
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
