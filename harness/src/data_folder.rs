//! A data folder as tools look at it: its logs, its snapshots, and whether a store has it open.
//!
//! It is read without changing anything in it; only who mends it needs it alone.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use seawall_store::disk::RealDisk;
use seawall_store::log::inspect::{Base, Logs};
use seawall_store::snapshot::SnapshotError;
use seawall_store::store::{SaveFile, SavesFound};

use crate::status::{Failure, Outcome};

/// What names of snapshots have in them, and that of what says which count.
const SNAPSHOT: &str = "snapshot";

/// What names of locks end with.
const LOCK: &str = ".lock";

/// A folder that holds logs, snapshots or both.
pub(crate) struct DataFolder {
    pub(crate) path: PathBuf,
    pub(crate) logs: Option<Logs<RealDisk>>,
    /// Its snapshots; why they cannot be told.
    pub(crate) saves: Result<SavesFound, SnapshotError>,
    /// The bytes of all files.
    pub(crate) bytes: u64,
    locks: Vec<PathBuf>,
}

/// Who has a folder while it is looked at.
pub(crate) enum Holding {
    /// The tool: a store that is opened meanwhile is refused.
    Ours(#[expect(dead_code, reason = "held until the tool is done")] Vec<File>),
    /// A store.
    InUse,
}

impl DataFolder {
    /// The folder at `path`.
    ///
    /// # Errors
    /// It cannot be read, or is no data folder.
    pub(crate) fn find(path: &Path) -> Outcome<DataFolder> {
        let unreadable = |error: io::Error| Failure::usage(format!("{}: {error}", path.display()));
        let mut found = DataFolder {
            path: path.to_owned(),
            logs: None,
            saves: SavesFound::find(path),
            bytes: 0,
            locks: Vec::new(),
        };
        let mut has_snapshot = false;
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            // A name that is not UTF-8 is none of a store's.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            // What a running store removes meanwhile is there no more; what is no file is none of a store's.
            let Ok(file) = fs::metadata(entry.path()) else {
                continue;
            };
            if !file.is_file() {
                continue;
            }
            found.bytes += file.len();
            if name.ends_with(LOCK) {
                found.locks.push(entry.path());
            }
            has_snapshot |= name.contains(SNAPSHOT);
        }
        let bases = found.saves.as_ref().map_or(Vec::new(), bases);
        found.logs = Logs::find(RealDisk::new(path), &bases).map_err(Failure::usage)?;
        if found.logs.is_none() && !has_snapshot && found.locks.is_empty() {
            return Err(Failure::usage(format!(
                "{} is no data folder: it has no segment of a log (00000-….log) and no snapshot",
                path.display()
            )));
        }
        Ok(found)
    }

    /// Takes the folder as the only one (`alone`) or as one of several readers, where no store has it open.
    ///
    /// # Errors
    /// A lock cannot be opened.
    pub(crate) fn hold(&self, alone: bool) -> Outcome<Holding> {
        let mut held = Vec::new();
        for path in &self.locks {
            let failed = |error: io::Error| {
                Failure::work(format!("cannot lock {}: {error}", path.display()))
            };
            let file = File::open(path).map_err(failed)?;
            let locked = if alone {
                file.try_lock()
            } else {
                file.try_lock_shared()
            };
            match locked {
                Ok(()) => held.push(file),
                Err(TryLockError::WouldBlock) => return Ok(Holding::InUse),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Ok(Holding::Ours(held))
    }
}

/// What each log goes on from, where a snapshot is.
fn bases(saves: &SavesFound) -> Vec<Base> {
    let base = saves.saves.iter().find(|save| save.is_base);
    let files = base.iter().flat_map(|save| &save.files);
    let of_file = |file: &SaveFile| Base {
        sequence: file.sequence,
        log: file.log,
    };
    files.map(of_file).collect()
}
