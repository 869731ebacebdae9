//! The files of saves: their names, which of them count, and what is left of others.

use std::io::{self, Read};

use super::manifest::{self, Manifest};
use crate::disk::{Disk, Folder, TEMPORARY};
use crate::snapshot::{Reader, SnapshotError};

const SUFFIX: &str = ".snapshot";

/// The name of the file of a shard in the save of this number.
pub(super) fn name(shard: usize, save: u64) -> String {
    format!("{shard:05}-{save:020}{SUFFIX}")
}

/// The number of the save that a file is of, where it is of one.
pub(super) fn save_of(name: &str) -> Option<u64> {
    let (shard, save) = name.strip_suffix(SUFFIX)?.split_once('-')?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = shard.len() == 5 && save.len() == 20 && is_number(shard) && is_number(save);
    is_name.then(|| save.parse().ok())?
}

/// The names of the files that a manifest means.
pub(super) fn meant(manifest: &Manifest) -> Vec<String> {
    let of_save = |saved: &manifest::Saved| {
        let number = saved.number;
        (0..saved.shards.len()).map(move |shard| name(shard, number))
    };
    manifest.saves.iter().flat_map(of_save).collect()
}

/// Removes what was written of saves that do not count, when the manifest is durable that does not name them: a store that
/// was killed may have left that to the system.
pub(super) fn remove_others(folder: &Folder, means: &[String]) {
    let half = format!("{}{TEMPORARY}", manifest::NAME);
    let mut others = folder.list().unwrap_or_default();
    others.retain(|name| *name == half || save_of(name).is_some() && !means.contains(name));
    if others.is_empty() || folder.sync_folder().is_err() {
        return;
    }
    for name in others {
        // What cannot be removed now is in nobody's way, and is tried again when the next save counts.
        let _ = folder.remove(&name);
    }
}

/// The highest number of a save that left a file.
pub(super) fn last_number(folder: &Folder) -> io::Result<u64> {
    let names = folder.list()?;
    Ok(names
        .iter()
        .filter_map(|name| save_of(name))
        .max()
        .unwrap_or(0))
}

/// Whether the folder's manifest is another than this one, or there is none; what cannot be read may be this one.
pub(super) fn is_other_manifest(folder: &Folder, manifest: &[u8]) -> bool {
    let Ok(names) = folder.list() else {
        return false;
    };
    if !names.iter().any(|name| name == manifest::NAME) {
        return true;
    }
    let bytes = manifest_bytes(folder);
    bytes.is_ok_and(|bytes| bytes != manifest)
}

fn manifest_bytes(folder: &Folder) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = manifest::BYTES_MAX as u64 + 1;
    let from = folder.read(manifest::NAME, 0)?;
    from.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads the manifest, where there is one.
///
/// # Errors
/// It cannot be read, or it is missing where there are files that it should tell of: they may be all that is left of
/// the data, so nobody may go on as if there were nothing.
pub(super) fn read_manifest(folder: &Folder) -> Result<Option<Manifest>, SnapshotError> {
    let failed = |source| SnapshotError::Io {
        doing: "read",
        file: folder.show(manifest::NAME),
        source,
    };
    let names = folder.list().map_err(failed)?;
    if !names.iter().any(|name| name == manifest::NAME) {
        let mut files = names.iter().filter(|name| save_of(name).is_some());
        let Some(first) = files.next() else {
            return Ok(None);
        };
        let first = files.fold(first, |first, name| first.min(name));
        return Err(SnapshotError::Unnamed {
            manifest: folder.show(manifest::NAME),
            file: first.clone(),
        });
    }
    let bytes = manifest_bytes(folder).map_err(failed)?;
    let manifest = Manifest::decode(&bytes);
    manifest.map(Some).map_err(|what| SnapshotError::Foreign {
        file: folder.show(manifest::NAME),
        what,
    })
}

/// Opens a snapshot.
pub(super) fn open(folder: &Folder, name: &str) -> Result<Reader, SnapshotError> {
    match folder {
        Folder::Real(disk) => Reader::open(&disk.path(name)),
        Folder::Memory(disk) => {
            let failed = |source| SnapshotError::Io {
                doing: "read",
                file: folder.show(name),
                source,
            };
            let mut bytes = Vec::new();
            let mut from = disk.read(name, 0).map_err(failed)?;
            from.read_to_end(&mut bytes).map_err(failed)?;
            Reader::from_bytes(&folder.show(name), bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        let file = name(3, 12);
        assert_eq!(file, "00003-00000000000000000012.snapshot");
        assert_eq!(save_of(&file), Some(12));
        for stranger in [
            "00003-12.snapshot",
            "00003-00000000000000000012.log",
            "00003-0000000000000000001x.snapshot",
            "shard-0001.snapshot",
            ".snapshot",
            "",
        ] {
            assert_eq!(save_of(stranger), None, "{stranger}");
        }
    }
}
