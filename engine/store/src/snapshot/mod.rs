//! Snapshots: a shard's keys in a file that is *mapped*.
//!
//! ```text
//!  page 0      1                       index          index + pages   end
//!  ┌──────┬───────────────────────────┬──────────────────────────┬─────┐
//!  │ head │ blocks of records         │ hash index               │ tail│   pages of 4 KiB
//!  └──────┴───────────────────────────┴──────────────────────────┴─────┘
//! ```
//!
//! The one idea: opening reads the head and the tail, whatever the size. [`Reader::get`] hashes the
//! key, looks into one page of the index and one block, and checks each against its own checksum when
//! it is first touched; which were checked is marked outside the mapping. [`Reader::for_each`] goes
//! through the blocks in order, to load all. A checksum covers where its page stands as well as what
//! is in it, so that pages that changed places are seen.
//!
//! A snapshot is written to a temporary name, synced, renamed, folder synced ([`publish`]), and never
//! changed afterwards. It is neither compressed nor encrypted: those are loaded, not mapped.

mod block;
mod head;
mod index;
mod reader;
mod record;
mod writer;

#[cfg(test)]
mod tests;

pub use head::Meta;
pub use reader::Reader;
pub use record::{Body, Elements, Fields, Members, Record};
pub use writer::{Summary, Writer};

use std::io;
use std::path::Path;

use crate::disk::{Disk, RealDisk, publish};

/// The size of a page, which head, blocks and index are made of.
pub(crate) const PAGE_BYTES: usize = 4096;

/// What is wrong with a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file cannot be read or written.
    #[error("cannot {doing} {file}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no snapshot, or one of another format.
    #[error("{file} is not a snapshot that this program reads: {what}")]
    Foreign {
        /// The file.
        file: String,
        /// What it is instead.
        what: String,
    },
    /// The file is damaged.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The file.
        file: String,
        /// Where.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
}

/// Writes a snapshot to `path`; `fill` pushes every record, each key once. A crash at any step leaves
/// what was at `path` before, or the new snapshot whole.
///
/// # Errors
/// Where the folder or file cannot be written: nothing is left under a final name then.
pub fn write(
    path: &Path,
    meta: &Meta,
    fill: impl FnOnce(&mut Writer<'_>),
) -> Result<Summary, SnapshotError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let failed = |source| SnapshotError::Io {
        doing: "write",
        file: path.display().to_string(),
        source,
    };
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        let why = "a file name in UTF-8 is accepted";
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, why)));
    };
    let disk = RealDisk::new(folder);
    disk.prepare().map_err(failed)?;
    write_to(&disk, name, meta, fill)
}

/// As [`write()`], to `name` in `disk`.
///
/// # Errors
/// As [`write()`].
pub fn write_to<D: Disk>(
    disk: &D,
    name: &str,
    meta: &Meta,
    fill: impl FnOnce(&mut Writer<'_>),
) -> Result<Summary, SnapshotError> {
    let mut summary = Summary::default();
    let written = publish(disk, name, |file| {
        let mut writer = Writer::new(file, meta);
        fill(&mut writer);
        summary = writer.finish()?;
        Ok(())
    });
    written
        .map(|_| summary)
        .map_err(|source| SnapshotError::Io {
            doing: "write",
            file: disk.show(name),
            source,
        })
}
