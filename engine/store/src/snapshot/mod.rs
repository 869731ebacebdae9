//! Snapshots: a shard's keys in a file that is *mapped*, and loaded block by block as they are asked for.
//!
//! ```text
//!  page 0      1                                     index                      end
//!  ┌──────┬─────────────────────────────────────────┬──────────────────────────┬─────┐
//!  │ head │ blocks: walked, ahead, walked, walked … │ which block has which    │ tail│   pages of 4 KiB
//!  │      │                                         │ cells                    │     │
//!  └──────┴─────────────────────────────────────────┴──────────────────────────┴─────┘
//! ```
//!
//! The one idea: the file is sorted as the shard's index walks. A key's *position* is its
//! hash's bits read backwards, and a *cell* is an interval of positions, 2^b of which make up the whole. The
//! owner walks the cells in order and saves those ahead that are about to change, so a record is written
//! once, as it was at the start; blocks of the walk are in ascending order by themselves, and the index
//! needs an entry for a block and for a cell saved ahead, not for a key.
//!
//! Opening reads head, tail and index. [`Reader::blocks_of`] names the blocks of a position, and
//! [`Reader::block`] asks the system for its pages, which may fail, and checks it against its checksum when it is first
//! touched; which were checked is marked outside the mapping. [`Reader::for_each`] goes through all blocks. A checksum covers where its
//! page stands, in which save and of which shard as well as what is in it, so that pages that changed places
//! are seen, and those that are left of other files.
//!
//! Who writes one chooses its name, and when it counts ([`store::save`](crate::store)); it is never changed
//! afterwards. Its blocks may be compressed; the head has room for a cipher and its key.

mod block;
mod head;
mod index;
mod reader;
mod record;
mod writer;

#[cfg(test)]
mod tests;

pub use head::{Codec, Meta, Places};
pub use reader::{Reader, Records};
pub(crate) use record::elements;
pub use record::{Body, Elements, Fields, Members, Record};
pub use writer::{Ending, PART_ELEMENTS, Part, Sink, Summary, Writer};

use std::io;

use crate::disk::{Disk, DiskFile as _, publish};

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
    /// A part of the file cannot be read.
    #[error("{file} cannot be read at byte {offset}: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// Where.
        offset: u64,
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
    /// The manifest is missing that tells which snapshots count, and there are some.
    #[error(
        "{manifest} is missing, which says what snapshots count, and {file} and perhaps others are there: put it back, \
         or move them away to begin with nothing; nothing was changed"
    )]
    Unnamed {
        /// The manifest.
        manifest: String,
        /// One of the snapshots.
        file: String,
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

/// Writes a snapshot to `name` in `disk`; `fill` pushes every key once, as of its cell. A crash at any step leaves what
/// had the name before, or the new snapshot whole.
///
/// # Errors
/// Where the file cannot be written: nothing is left under its final name then.
pub fn write_to<D: Disk>(
    disk: &D,
    name: &str,
    meta: &Meta,
    fill: impl FnOnce(&mut Writer<&mut dyn FnMut(Part)>),
) -> Result<Summary, SnapshotError> {
    let mut summary = Summary::default();
    let written = publish(disk, name, |file| {
        let mut written = Ok(());
        let mut sink = |part: Part| {
            if written.is_ok() {
                written = file.write_at(&part.bytes, part.offset);
            }
        };
        let mut writer = Writer::new(&mut sink as &mut dyn FnMut(Part), meta);
        fill(&mut writer);
        let (mut sink, ending) = writer.close()?;
        summary = ending.write(&mut sink);
        written
    });
    written
        .map(|_| summary)
        .map_err(|source| SnapshotError::Io {
            doing: "write",
            file: disk.show(name),
            source,
        })
}
