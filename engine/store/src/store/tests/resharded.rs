//! Folders with logs that are opened with another number of shards.

use std::path::Path;

use super::saves::{WRITES, files, logged_in, read, refusal, run, saved_in, within};
use super::{op, text};
use crate::disk::{Disk, Fault, MemoryDisk, TEMPORARY};
use crate::log::device::DeviceKind;
use crate::reply::Reply;
use crate::store::{Store, StoreConfig};

/// What names of segments end with.
const SEGMENT: &str = ".log";

/// How many shards the files of a folder are of whose names end so.
fn shards_in(folder: &Path, end: &str) -> usize {
    let shard = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.split_once('-').unwrap().0.to_owned()
    };
    let mut shards: Vec<_> = files(folder, end).iter().map(shard).collect();
    shards.dedup();
    shards.len()
}

#[test]
fn what_logs_and_their_snapshot_have_is_taken_over() {
    for is_saved in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let logged = |shards| logged_in(folder.path(), shards);
        let mut before = within(&logged(2), |session| {
            run(session, &WRITES);
            run(session, &["swapdb 1 2"]);
            if is_saved {
                session.save().unwrap();
            }
            run(session, &["set a later", "zadd z 3 o", "del c"]);
            for number in 0..300 {
                run(session, &[&format!("set k{number} {number}")]);
            }
            read(session)
        });
        for shards in [3, 1, 1, 5, 2] {
            let store = Store::open(logged(shards)).unwrap();
            let is_new = store.resharded().map(|it| (it.to, it.keys > 300));
            assert!(is_new.is_none_or(|new| new == (shards, true)), "{is_new:?}");
            let workers = store.spawn().unwrap();
            let mut session = store.session();
            assert_eq!(read(&mut session), before, "{shards} shards");
            for number in (0..300).step_by(7) {
                let value = session.execute(&op(&format!("get k{number}")));
                assert_eq!(value, text(&number.to_string()));
            }
            for end in [".log", ".snapshot"] {
                assert_eq!(shards_in(folder.path(), end), shards, "{end}");
            }
            assert!(files(folder.path(), TEMPORARY).is_empty());
            // What is written now goes to logs of the new number.
            run(&mut session, &[&format!("set a {shards}"), "rpush l x"]);
            before = read(&mut session);
            drop((session, workers, store));
        }
        assert_eq!(within(&logged(2), read), before);
    }
}

#[test]
fn logs_go_on_from_a_snapshot_of_another_number() {
    for had_logs in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        if had_logs {
            within(&logged_in(folder.path(), 4), |_| ());
        }
        let before = within(&saved_in(folder.path(), 2), |session| {
            run(session, &WRITES);
            session.save().unwrap();
            read(session)
        });
        for shards in [4, 2] {
            let found = within(&logged_in(folder.path(), shards), |session| {
                run(session, &["incr counted"]);
                read(session)
            });
            assert_eq!(found, before);
        }
        within(&logged_in(folder.path(), 2), |session| {
            assert_eq!(session.execute(&op("get counted")), text("2"));
        });
    }
}

#[test]
fn a_snapshot_beside_the_logs_is_not_given_up_for_them() {
    for is_saved in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let logged = |shards| logged_in(folder.path(), shards);
        within(&logged(2), |session| {
            run(session, &["set a logged"]);
            if is_saved {
                session.save().unwrap();
            }
        });
        within(&saved_in(folder.path(), 2), |session| {
            run(session, &["set a plain"]);
            session.save().unwrap();
        });
        let why = refusal(&logged(3));
        assert!(why.contains("made without the folder's logs"), "{why}");
        assert!(why.contains("Open it with 2 shards"), "{why}");
        within(&saved_in(folder.path(), 2), |session| {
            assert_eq!(session.execute(&op("get a")), text("plain"));
        });
        within(&logged(2), |session| session.save().unwrap());
        within(&logged(3), |session| {
            assert_eq!(session.execute(&op("get a")), text("logged"));
        });
    }
}

#[test]
fn logs_that_are_lost_are_missed_whoever_had_them_before() {
    let folder = tempfile::tempdir().unwrap();
    let logged = |shards| logged_in(folder.path(), shards);
    within(&logged(2), |session| run(session, &WRITES));
    let old = files(folder.path(), ".log");
    let kept: Vec<_> = old
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    let before = within(&logged(3), read);
    // What was left of before, as by a crash, is none of the logs.
    for (path, bytes) in old.iter().zip(kept) {
        std::fs::write(path, bytes).unwrap();
    }
    let new = files(folder.path(), ".log");
    let new: Vec<_> = new.iter().filter(|path| !old.contains(path)).collect();
    let away = |path: &Path| path.with_extension("away");
    for path in &new {
        std::fs::rename(path, away(path)).unwrap();
    }
    for shards in [3, 2, 4] {
        let why = refusal(&logged(shards));
        assert!(why.contains("shard 0 has no log in"), "{shards}: {why}");
        assert!(old.iter().all(|path| path.exists()), "nothing is changed");
    }
    for path in &new {
        std::fs::rename(away(path), path).unwrap();
    }
    assert_eq!(within(&logged(3), read), before);
    assert!(old.iter().all(|path| !path.exists()));
}

#[test]
fn a_damaged_folder_is_not_re_sharded() {
    let folder = tempfile::tempdir().unwrap();
    let logged = |shards| logged_in(folder.path(), shards);
    within(&logged(2), |session| {
        for number in 0..100 {
            run(
                session,
                &[&format!("mset a{number} 1 b{number} 2 c{number} 3")],
            );
        }
    });
    let log = &files(folder.path(), ".log")[0];
    let whole = std::fs::read(log).unwrap();
    let mut bytes = whole.clone();
    bytes[600] ^= 1;
    std::fs::write(log, bytes).unwrap();
    let names = || files(folder.path(), "");
    let before = names();
    for shards in [1, 3] {
        assert!(refusal(&logged(shards)).contains("is damaged at byte"));
        assert_eq!(names(), before);
    }
    std::fs::write(log, whole).unwrap();
    within(&logged(3), |session| {
        assert_eq!(session.execute(&op("dbsize")), Reply::Int(300));
    });
}

/// Whatever step fails, what was there is there, and nothing is left of what was not made.
#[test]
fn a_full_disk_at_every_step() {
    const FULL: i32 = 28;
    let of = |disk: &MemoryDisk, shards| StoreConfig {
        appendonly: true,
        device: DeviceKind::Memory(disk.clone()),
        ..super::config(shards)
    };
    let whole = MemoryDisk::new();
    let before = within(&of(&whole, 2), |session| {
        run(session, &WRITES);
        session.save().unwrap();
        run(session, &["set a later"]);
        read(session)
    });
    let mut failures = 0;
    for step in 1.. {
        let disk = whole.fork();
        let at = disk.steps() + step;
        disk.fail_at(at, Fault::Error(FULL));
        let opened = Store::open(of(&disk, 3)).map(drop);
        let is_reached = disk.steps() >= at;
        if let Err(error) = opened {
            failures += 1;
            assert!(error.to_string().contains("os error 28"), "{error}");
        } else if !is_reached {
            break;
        }
        disk.fail_at(u64::MAX, Fault::PowerOff);
        for shards in [2, 3] {
            assert_eq!(within(&of(&disk, shards), read), before, "step {step}");
            let mut names = disk.list().unwrap();
            names.retain(|name| !name.ends_with(SEGMENT));
            assert_eq!(names.len(), shards + 1, "step {step}: {names:?}");
        }
    }
    assert!(failures > 20, "{failures} steps failed");
}

#[test]
fn behind_the_last_record_that_there_can_be_no_log_is_laid() {
    let disk = MemoryDisk::new();
    let config = |shards| StoreConfig {
        appendonly: true,
        device: DeviceKind::Memory(disk.clone()),
        ..super::config(shards)
    };
    within(&config(2), |session| run(session, &["set a 1"]));
    disk.create("00009-18446744073709551614.log").unwrap();
    let why = refusal(&config(3));
    assert!(why.contains("18446744073709551614.log"), "{why}");
    disk.remove("00009-18446744073709551614.log").unwrap();
    within(&config(3), |session| {
        assert_eq!(session.execute(&op("get a")), text("1"));
    });
}
