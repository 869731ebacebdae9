//! The saves that a folder has, looked at without opening it: what `seawall check` is made of.
//!
//! Nothing is locked, and nothing changed.

use std::path::Path;

use super::files;
use super::manifest::Manifest;
use crate::disk::{Disk, Folder, RealDisk};
use crate::snapshot::{Reader, SnapshotError};
use crate::store::StoreError;
use crate::time::Millis;

/// The saves that a folder has.
#[derive(Clone, Debug, Default)]
pub struct SavesFound {
    /// Those that count, the newest first.
    pub saves: Vec<SaveFound>,
    /// Files of saves that do not count: they go when a store is opened.
    pub others: Vec<String>,
}

/// A save that counts.
#[derive(Clone, Debug)]
pub struct SaveFound {
    /// Its number.
    pub number: u64,
    /// When it was begun.
    pub taken: Millis,
    /// Whether logs go on from it.
    pub is_base: bool,
    /// Its files, in the order of shards.
    pub files: Vec<SaveFile>,
}

/// A shard's file of a save.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveFile {
    /// Its name.
    pub name: String,
    /// The shard.
    pub shard: u32,
    /// How many shards there are.
    pub shards: u32,
    /// The last record of the shard's log that it holds.
    pub sequence: u64,
    /// What tells that log from others; 0: there was none.
    pub log: u64,
    /// How many keys it has.
    pub keys: u64,
    /// Its length.
    pub bytes: u64,
    save: u64,
}

impl SavesFound {
    /// The saves in the folder at `dir`.
    ///
    /// # Errors
    /// The folder or its manifest cannot be read.
    pub fn find(dir: &Path) -> Result<SavesFound, SnapshotError> {
        let folder = Folder::Real(RealDisk::new(dir));
        let manifest = files::read_manifest(&folder)?.unwrap_or_default();
        let means = files::meant(&manifest);
        let failed = |source| SnapshotError::Io {
            doing: "list the folder",
            file: folder.show(""),
            source,
        };
        let mut others = folder.list().map_err(failed)?;
        others.retain(|name| files::save_of(name).is_some() && !means.contains(name));
        others.sort_unstable();
        Ok(SavesFound {
            saves: saves_of(&manifest),
            others,
        })
    }
}

fn saves_of(manifest: &Manifest) -> Vec<SaveFound> {
    let base = manifest.base().map(|saved| saved.number);
    let mut saves = Vec::new();
    for saved in &manifest.saves {
        let shards = saved.shards.len() as u32;
        let files = saved.shards.iter().zip(0..);
        let files = files.map(|(written, shard)| SaveFile {
            name: files::name(shard as usize, saved.number),
            shard,
            shards,
            sequence: written.sequence,
            log: written.log,
            keys: written.keys,
            bytes: written.bytes,
            save: saved.number,
        });
        saves.push(SaveFound {
            number: saved.number,
            taken: saved.taken,
            is_base: base == Some(saved.number),
            files: files.collect(),
        });
    }
    saves
}

impl SaveFile {
    /// Reads all of it, in the folder at `dir`; how many keys it has.
    ///
    /// # Errors
    /// It is missing, damaged, or not the file that the manifest means.
    pub fn verify(&self, dir: &Path) -> Result<u64, StoreError> {
        let path = dir.join(&self.name);
        let mixed = || StoreError::Mixed {
            file: path.display().to_string(),
        };
        if !path.exists() {
            return Err(mixed());
        }
        let reader = Reader::open(&path)?;
        let meta = reader.meta();
        // Logs that were begun later go on from what knew none.
        let is_of_log = (meta.sequence, meta.log) == (self.sequence, self.log) || meta.log == 0;
        let is_meant = (meta.shard, meta.shards, meta.save) == (self.shard, self.shards, self.save);
        if !(is_of_log && is_meant) {
            return Err(mixed());
        }
        let bytes = std::fs::metadata(&path).map(|file| file.len()).ok();
        if (reader.len(), bytes) != (self.keys, Some(self.bytes)) {
            return Err(mixed());
        }
        reader.for_each(|_| {})?;
        Ok(reader.len())
    }
}
