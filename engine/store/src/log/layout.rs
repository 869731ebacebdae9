//! Layout: which of a folder's segments are of how many shards, and how the logs of one number of shards take the place
//! of those of another.
//!
//! ```text
//!   00000-…01.log  00001-…01.log                        logs of two shards
//!   00000-…09.log.tmp  …1-…09.log.tmp  …2-…09.log.tmp   logs of three are laid, behind all that the two have
//!   snapshots.manifest                                  names a snapshot that the three go on from: the switch
//!   00000-…09.log  00001-…09.log  00002-…09.log         they get their names, and what is of two goes
//! ```
//!
//! The one idea: before the switch what is new is nobody's, and after it what is old is *stray*; each is seen by what the
//! manifest says, and neither by how far somebody had come. A log that the manifest knows counts from the switch on, and
//! so does its first segment while it is laid. A segment is stray where the snapshot that logs go on from is of a later
//! record, and it is of another log and another number of shards, or of no record at all: no store could go on
//! from it any more. What is less than that is not, lest a log that somebody put in the place of another is taken for it.

use std::io::{self, ErrorKind, Read};

use super::LogError;
use super::frame::is_blank;
use super::recover::Owner;
use super::segment::{self, HEAD_BYTES, Head};
use crate::disk::{Disk, DiskFile, TEMPORARY};

/// The head of the file `name`, and whether there is nothing behind it; `None` where it has none, or is gone: of a folder
/// that is in use it may.
///
/// # Errors
/// It cannot be read.
fn head_of<D: Disk>(disk: &D, name: &str) -> Result<Option<(Head, bool)>, LogError> {
    let read = || -> io::Result<_> {
        let mut bytes = [0; HEAD_BYTES];
        let mut from = disk.read(name, 0)?;
        from.read_exact(&mut bytes)?;
        let is_blank = is_blank(from)?;
        Ok(Head::decode(&bytes).ok().map(|head| (head, is_blank)))
    };
    match read() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => {
            Ok(None)
        }
        read => read.map_err(|source| LogError::io(disk, "read", name, source)),
    }
}

/// How many shards the logs in `disk` are of, which no snapshot knows, by the heads of those that have their first
/// record; where none can be read, as many as have a segment, which whoever reads them will tell of. `None`: there is
/// no segment.
///
/// # Errors
/// The folder or a segment cannot be read.
pub(super) fn shards<D: Disk>(disk: &D) -> Result<Option<u32>, LogError> {
    let mut names = match disk.list() {
        // It is made when there is something to put into it.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        names => names.map_err(|source| LogError::io(disk, "list the folder", "", source))?,
    };
    names.sort_unstable();
    let mut last = None;
    for name in &names {
        let Some((shard, first)) = segment::place_of(name) else {
            continue;
        };
        last = last.max(Some(shard));
        if first != 1 {
            continue;
        }
        if let Some((head, _)) = head_of(disk, name)? {
            return Ok(Some(head.shards));
        }
    }
    Ok(last.map(|last| last.saturating_add(1)))
}

/// The sequence behind which logs can be laid in `disk`: the highest that a segment begins with, of whatever shard, or
/// that one begins with that was laid.
///
/// # Errors
/// The folder cannot be read, or nothing comes behind a segment.
pub(super) fn covered<D: Disk>(disk: &D) -> Result<u64, LogError> {
    let names = disk.list();
    let names = names.map_err(|source| LogError::io(disk, "list the folder", "", source))?;
    let firsts = names.iter().filter_map(|name| {
        let segment = name.strip_suffix(TEMPORARY).unwrap_or(name);
        Some((segment::place_of(segment)?.1, name))
    });
    let Some((first, name)) = firsts.max() else {
        return Ok(0);
    };
    // The last sequence has no next.
    if first >= u64::MAX - 2 {
        return Err(LogError::Head {
            file: disk.show(name),
            what: "no log can begin behind it".to_owned(),
        });
    }
    Ok(first)
}

/// Whether the segment `name`, which begins with the record `first`, is stray where the logs are `owner`'s.
///
/// # Errors
/// It cannot be read.
pub(super) fn is_stray<D: Disk>(
    disk: &D,
    owner: Owner,
    name: &str,
    first: u64,
) -> Result<bool, LogError> {
    if owner.known == 0 || first > owner.covered {
        return Ok(false);
    }
    // What cannot be told is not stray.
    let found = head_of(disk, name)?;
    Ok(found.is_some_and(|(head, is_blank)| {
        let is_other = head.shards != owner.shards || is_blank;
        is_other && head.log != owner.known && head.first == first
    }))
}

/// The head of the log of `owner` that was laid, where the snapshot knows it and it has no name yet.
///
/// # Errors
/// It cannot be read.
pub(super) fn laid<D: Disk>(disk: &D, owner: Owner, name: &str) -> Result<Option<Head>, LogError> {
    let is_meant = |head: &Head| {
        (head.shard, head.shards, head.log) == (owner.shard, owner.shards, owner.known)
            && owner.covered.checked_add(1) == Some(head.first)
            && laid_name(head) == name
    };
    // A log gets its name before anything is written behind its head.
    let found = head_of(disk, name)?.filter(|(_, is_blank)| *is_blank);
    Ok(found.map(|(head, _)| head).filter(is_meant))
}

/// The name of a log that is laid.
pub(super) fn laid_name(head: &Head) -> String {
    format!("{}{TEMPORARY}", head.name())
}

/// Lays a log that begins with `head`: durable, but for its name, and nobody's until a manifest knows it.
///
/// # Errors
/// It cannot be written.
pub(super) fn lay<D: Disk>(disk: &D, head: &Head) -> Result<(), LogError> {
    let name = laid_name(head);
    let lay = || {
        let file = disk.create(&name)?;
        file.write_at(&head.encode(), 0)?;
        file.sync()
    };
    lay().map_err(|source| LogError::io(disk, "create", &name, source))
}
