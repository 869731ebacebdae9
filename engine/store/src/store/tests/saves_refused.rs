//! Saves that fail, and folders that are not what their manifest says: told in words, and nothing is lost by it.

use std::io::Read;
use std::sync::Arc;

use super::saves::{WRITES, files, logged_in, read, refusal, run, saved_in, within};
use super::{config, op, text};
use crate::disk::{Disk, DiskFile, Fault, MemoryDisk, PowerLoss};
use crate::keyspace::Records;
use crate::log::device::DeviceKind;
use crate::reply::Reply;
use crate::snapshot::{Meta, SnapshotError};
use crate::store::ring::Sleeper;
use crate::store::save::{Saves, SavesFound, Slip};
use crate::store::{Pace, Session, Store, StoreConfig, StoreError};
use crate::time::Millis;

#[test]
fn a_file_that_was_given_up_is_never_said_to_be_whole() {
    let config = StoreConfig {
        device: DeviceKind::Memory(MemoryDisk::new()),
        ..config(1)
    };
    let saves = Saves::find(&config).unwrap().unwrap();
    let sleeper = Sleeper::with_bell().unwrap();
    for given_up in [false, true] {
        let course = saves.begin(Millis(1), 0, Pace::default()).unwrap();
        let slip = Slip::new(sleeper.waker());
        let meta = Meta {
            shards: 1,
            save: course.number,
            ..Meta::default()
        };
        let pen = saves.pen(&course, &meta, Arc::clone(&slip));
        if given_up {
            course.give_up();
        }
        Box::new(pen).finish();
        let done = slip.take().unwrap();
        let is_given_up = matches!(done, Err(StoreError::SaveGivenUp));
        assert_eq!((done.is_ok(), is_given_up), (!given_up, given_up));
    }
}

/// Whatever step of a save fails, the first error is what came of it, what counted before still does, and the next
/// save leaves nothing else. Whatever step the power goes at, the store opens.
#[test]
fn a_disk_that_fails_is_told_of() {
    const FULL: i32 = 28;
    for (has_saved, fault) in [false, true]
        .into_iter()
        .flat_map(|has_saved| [Fault::Error(FULL), Fault::PowerOff].map(|it| (has_saved, it)))
    {
        let (mut failures, mut later) = (0, 0);
        for step in 1.. {
            let disk = MemoryDisk::new();
            let plain = StoreConfig {
                device: DeviceKind::Memory(disk.clone()),
                ..config(2)
            };
            let (done, is_reached) = within(&plain, |session| {
                run(session, &["mset a 1 b 2 c 3 d 4"]);
                if has_saved {
                    session.save().unwrap();
                }
                run(session, &["mset a 5 b 6"]);
                let at = disk.steps() + step;
                disk.fail_at(at, fault);
                let done = session.save();
                let is_reached = disk.steps() >= at;
                if fault == Fault::Error(FULL) {
                    let snapshots = disk.list().unwrap();
                    let count = snapshots
                        .iter()
                        .filter(|name| name.ends_with("shot"))
                        .count();
                    if let Err(error) = &done {
                        assert!(
                            matches!(error, StoreError::Snapshot(SnapshotError::Io { source, .. })
                                if source.raw_os_error() == Some(FULL)),
                            "step {step}: {error}"
                        );
                        // Where the manifest is there, only its folder's sync was missing.
                        later += usize::from(count != 2 * usize::from(has_saved));
                    }
                    disk.fail_at(u64::MAX, fault);
                    session.save().unwrap();
                    let names = disk.list().unwrap();
                    assert_eq!(names.len(), 3, "step {step}: {names:?}");
                }
                (done, is_reached)
            });
            failures += usize::from(done.is_err());
            if fault == Fault::PowerOff {
                disk.lose_power(PowerLoss::Torn, step);
                let read = within(&plain, |session| session.execute(&op("mget a d")));
                let (before, after) = (["1", "4"].map(text), ["5", "4"].map(text));
                let nothing = Reply::Array(vec![Reply::Nil, Reply::Nil]);
                let is_after = read == Reply::Array(after.to_vec());
                let is_before = read
                    == if has_saved {
                        Reply::Array(before.to_vec())
                    } else {
                        nothing
                    };
                assert!(
                    is_after || is_before && done.is_err(),
                    "step {step}: {read:?}"
                );
                let names = disk.list().unwrap();
                assert!(names.len() == 3 || is_before && !has_saved, "{names:?}");
            }
            if !is_reached {
                done.unwrap();
                break;
            }
        }
        assert!(failures > 10, "{failures} steps failed");
        assert!(later <= 1, "{later} failed saves left files");
    }
}

#[test]
fn snapshots_without_their_manifest_are_no_empty_store() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, logging) = (saved_in(folder.path(), 2), logged_in(folder.path(), 2));
    within(&plain, |session| {
        run(session, &WRITES);
        session.save().unwrap();
    });
    let before = within(&plain, read);
    let snapshots = files(folder.path(), ".snapshot");
    let manifest = folder.path().join("snapshots.manifest");
    let aside = folder.path().join("aside");
    std::fs::rename(&manifest, &aside).unwrap();
    for config in [&plain, &logging, &saved_in(folder.path(), 3)] {
        let why = refusal(config);
        assert!(why.contains("snapshots.manifest is missing"), "{why}");
        assert!(why.contains("00000-00000000000000000001.snapshot"), "{why}");
        assert_eq!(files(folder.path(), ".snapshot"), snapshots);
        assert!(files(folder.path(), ".log").is_empty());
    }
    std::fs::rename(&aside, &manifest).unwrap();
    assert_eq!(within(&plain, read), before);
}

#[test]
fn logs_of_other_shards_are_not_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, logging) = (saved_in(folder.path(), 2), logged_in(folder.path(), 2));
    within(&logging, |session| {
        run(session, &["set a logged"]);
        session.save().unwrap();
    });
    within(&plain, |session| {
        run(session, &["set a plain"]);
        session.save().unwrap();
    });
    let why = refusal(&saved_in(folder.path(), 3));
    assert!(why.contains("the folder's logs go on from"), "{why}");
    assert!(why.ends_with("open it with 2 shards"), "{why}");
    for (config, is) in [(&plain, "plain"), (&logging, "logged")] {
        within(config, |session| {
            assert_eq!(session.execute(&op("get a")), text(is));
        });
    }
    // Once logs go on from what is newest, nothing is of before.
    let without = tempfile::tempdir().unwrap();
    for shards in [2, 3, 1] {
        within(&saved_in(without.path(), shards), |session| {
            run(session, &[&format!("set {shards} 1")]);
            session.save().unwrap();
        });
    }
    within(&saved_in(without.path(), 2), |session| {
        assert_eq!(session.execute(&op("dbsize")), Reply::Int(3));
    });
}

/// A manifest that was changed, with the check of what it says now.
fn checked(mut manifest: Vec<u8>) -> Vec<u8> {
    let end = manifest.len() - 8;
    let check = xxhash_rust::xxh3::xxh3_64(&manifest[..end]);
    manifest[end..].copy_from_slice(&check.to_le_bytes());
    manifest
}

#[test]
fn after_the_last_number_nothing_is_saved() {
    let disk = MemoryDisk::new();
    let config = StoreConfig {
        device: DeviceKind::Memory(disk.clone()),
        ..config(1)
    };
    within(&config, |session| {
        run(session, &["set a 1"]);
        session.save().unwrap();
    });
    let mut manifest = Vec::new();
    let mut from = disk.read("snapshots.manifest", 0).unwrap();
    from.read_to_end(&mut manifest).unwrap();
    manifest[24..32].fill(0xff);
    let file = disk.create("snapshots.manifest").unwrap();
    file.write_at(&checked(manifest), 0).unwrap();
    let saves = Saves::find(&config).unwrap().unwrap();
    for _ in 0..2 {
        let begun = saves.begin(Millis(1), 0, Pace::default());
        let why = begun.err().unwrap().to_string();
        assert!(why.contains("snapshots.manifest"), "{why}");
        assert!(why.contains(&u64::MAX.to_string()), "{why}");
    }
}

#[test]
fn the_manifest_tells_what_files_have() {
    let folder = tempfile::tempdir().unwrap();
    let plain = saved_in(folder.path(), 1);
    within(&plain, |session| {
        run(session, &["mset a 1 b 2 c 3"]);
        session.save().unwrap();
    });
    let found = SavesFound::find(folder.path()).unwrap();
    let file = &found.saves[0].files[0];
    let bytes = std::fs::metadata(folder.path().join(&file.name)).unwrap();
    assert_eq!((file.keys, file.bytes), (3, bytes.len()));
    assert_eq!(file.verify(folder.path()).unwrap(), 3);
    let manifest = folder.path().join("snapshots.manifest");
    let whole = std::fs::read(&manifest).unwrap();
    // Keys, and the length of the file.
    for at in [24 + 24 + 16, 24 + 24 + 24] {
        let mut other = whole.clone();
        other[at] ^= 1;
        std::fs::write(&manifest, checked(other)).unwrap();
        assert!(refusal(&plain).contains("not the one"));
        let found = SavesFound::find(folder.path()).unwrap();
        assert!(found.saves[0].files[0].verify(folder.path()).is_err());
    }
    std::fs::write(&manifest, &whole).unwrap();
    within(&plain, read);
}

/// A lock is of whoever opened it: this process is kept out as another one would be.
#[test]
fn a_folder_without_logs_is_one_stores_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = saved_in(folder.path(), 2);
    let first = Store::open(config.clone()).unwrap();
    let why = refusal(&config);
    let lock = folder.path().join("snapshots.lock");
    let words = format!("cannot lock {}: another store has it open", lock.display());
    assert_eq!(why, words);
    drop(first);
    within(&config, Session::save).unwrap();

    // Nothing is made where nothing is saved; who saves first has it then.
    let made = saved_in(&folder.path().join("made"), 1);
    let (first, second) = (Store::open(made.clone()), Store::open(made.clone()));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(!folder.path().join("made").exists());
    let (workers, others) = (first.spawn().unwrap(), second.spawn().unwrap());
    run(&mut first.session(), &["set a first"]);
    first.session().save().unwrap();
    run(&mut second.session(), &["set a second"]);
    let refused = second.session().save().unwrap_err().to_string();
    assert!(refused.ends_with("another store has it open"), "{refused}");
    drop((workers, first));
    // Nor does it take the place of what it never saw.
    let refused = second.session().save().unwrap_err().to_string();
    assert!(
        refused.contains("another store has saved there"),
        "{refused}"
    );
    drop((others, second));
    within(&made, |session| {
        assert_eq!(session.execute(&op("get a")), text("first"));
    });
}
