//! A server's files, as they look from outside: whether a snapshot is being written, what they weigh, and what the
//! disk that they are on can do.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{Advice, fadvise};

use super::process::OUTPUT;

/// What says which of Seawall's snapshots counts, and how many bytes it has where it names none.
const MANIFEST: &str = "snapshots.manifest";
const MANIFEST_OF_NONE: u64 = 32;

/// How files of snapshots end.
const SNAPSHOTS: &[&str] = &[".snapshot", ".rdb"];

/// What the disk is asked to write at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Whether a snapshot is being written in `folder`, or a log anew.
pub(super) fn is_saving(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let names = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name().into_string().ok()?;
        // As long as a first save is being made its manifest names none.
        let is_of_none = name == MANIFEST && entry.metadata().ok()?.len() <= MANIFEST_OF_NONE;
        (!is_of_none).then_some(name)
    });
    tell_a_save(&names.collect::<Vec<_>>())
}

/// Whether these files tell of a snapshot that is being written. Redis gives such a file its name last; Seawall
/// numbers them by save, and names the one that counts in a manifest.
fn tell_a_save(names: &[String]) -> bool {
    let save = |name: &String| {
        let (_shard, save) = name.strip_suffix(".snapshot")?.split_once('-')?;
        Some(save.to_owned())
    };
    let saves: BTreeSet<String> = names.iter().filter_map(save).collect();
    let has_manifest = names.iter().any(|name| name == MANIFEST);
    saves.len() > usize::from(has_manifest) || names.iter().any(|name| name.starts_with("temp-"))
}

/// The bytes of all files in `folder`, but what was printed.
pub(super) fn kept_bytes(folder: &Path) -> u64 {
    let mut bytes = 0;
    each_file(folder, &mut |path| {
        if path.file_name().is_none_or(|name| name != OUTPUT) {
            bytes += path.metadata().map_or(0, |meta| meta.len());
        }
    });
    bytes
}

/// The bytes of snapshots in `folder`.
pub(super) fn snapshot_bytes(folder: &Path) -> u64 {
    let mut bytes = 0;
    each_file(folder, &mut |path| {
        let name = path.to_string_lossy();
        if SNAPSHOTS.iter().any(|end| name.ends_with(end)) {
            bytes += path.metadata().map_or(0, |meta| meta.len());
        }
    });
    bytes
}

/// Makes the system forget what it has in memory of the files in `folder`, which nobody has open.
///
/// # Errors
/// A file cannot be opened, or synced.
pub(super) fn forget_cached(folder: &Path) -> io::Result<()> {
    let mut done = Ok(());
    each_file(folder, &mut |path| {
        let forget = || {
            let file = File::open(path)?;
            // What is not on the disk yet cannot be forgotten.
            file.sync_all()?;
            Ok(fadvise(&file, 0, None, Advice::DontNeed)?)
        };
        if done.is_ok() {
            done = forget();
        }
    });
    done
}

/// How long the disk of `folder` takes for so many bytes, one after another in one new file, and a sync.
///
/// # Errors
/// It does not take them.
pub(super) fn write_time(folder: &Path, bytes: u64) -> io::Result<Duration> {
    let path = folder.join("sequential");
    // Not zeroes: some disks keep none of these.
    let piece: Vec<u8> = (0..PIECE_BYTES).map(|at| (at % 251) as u8).collect();
    let mut file = File::create(&path)?;
    let begin = Instant::now();
    let mut left = bytes;
    while left > 0 {
        let now = left.min(PIECE_BYTES as u64);
        file.write_all(&piece[..now as usize])?;
        left -= now;
    }
    file.sync_all()?;
    let time = begin.elapsed();
    std::fs::remove_file(&path)?;
    Ok(time)
}

/// Shows each file in `folder` and the folders in it. Some may go meanwhile.
fn each_file(folder: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            each_file(&path, each);
        } else {
            each(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_that_a_snapshot_is_being_written() {
        let save = |shard, save| format!("{shard:05}-{save:020}.snapshot");
        let manifest = || MANIFEST.to_owned();
        let first = vec![save(0, 1), save(1, 1)];
        let counts = [first.clone(), vec![manifest()]].concat();
        let next = [counts.clone(), vec![save(0, 2)]].concat();
        let redis = vec!["dump.rdb".to_owned(), "temp-71.rdb".to_owned()];
        for (names, is) in [
            (first, true),
            (counts, false),
            (next, true),
            (redis[..1].to_vec(), false),
            (redis, true),
            (Vec::new(), false),
        ] {
            assert_eq!(tell_a_save(&names), is, "{names:?}");
        }
    }

    #[test]
    fn files_are_weighed_by_what_they_are() {
        let here = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(here.path().join("appendonlydir")).expect("a folder");
        for (name, bytes) in [
            ("00000-00000000000000000001.snapshot", 70),
            ("appendonlydir/appendonly.aof.1.base.rdb", 500),
            ("00000-00000000000000000001.log", 3_000),
            (OUTPUT, 90_000),
        ] {
            std::fs::write(here.path().join(name), vec![b'x'; bytes]).expect("room");
        }
        assert_eq!(snapshot_bytes(here.path()), 570);
        assert_eq!(kept_bytes(here.path()), 3_570);
        forget_cached(here.path()).expect("files that can be opened");
        let time = write_time(here.path(), 3 << 20).expect("room");
        assert!(time > Duration::ZERO);
        assert_eq!(kept_bytes(here.path()), 3_570, "nothing is left of it");
    }
}
