//! Saves: what a store is opened from, what is asked meanwhile, and what of its folder cannot be.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{config, op, text};
use crate::log::device::DeviceKind;
use crate::reply::Reply;
use crate::store::{Pace, Session, Store, StoreConfig, StoreError};

pub(super) fn saved_in(folder: &Path, shards: usize) -> StoreConfig {
    StoreConfig {
        dir: Some(folder.to_owned()),
        ..config(shards)
    }
}

pub(super) fn logged_in(folder: &Path, shards: usize) -> StoreConfig {
    StoreConfig {
        appendonly: true,
        device: DeviceKind::File,
        segment_bytes: 2_000,
        ..saved_in(folder, shards)
    }
}

/// Opens a store and shows it to `act`.
pub(super) fn within<R>(config: &StoreConfig, act: impl FnOnce(&mut Session) -> R) -> R {
    let store = Store::open(config.clone()).unwrap();
    let _workers = store.spawn().unwrap();
    act(&mut store.session())
}

pub(super) fn run(session: &mut Session, all: &[&str]) {
    for words in all {
        let reply = session.execute(&op(words));
        assert!(!matches!(reply, Reply::Error(_)), "{words}: {reply:?}");
    }
}

pub(super) fn refusal(config: &StoreConfig) -> String {
    Store::open(config.clone()).err().unwrap().to_string()
}

/// Files of a folder by the end of their names.
pub(super) fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = all.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_str().unwrap().ends_with(end));
    files.sort();
    files
}

const READS: [&str; 4] = [
    "mget a b c",
    "hgetall h",
    "zrange z 0 -1 withscores",
    "pexpiretime b",
];

pub(super) fn read(session: &mut Session) -> [Reply; 4] {
    READS.map(|words| session.execute(&op(words)))
}

pub(super) const WRITES: [&str; 5] = [
    "mset a 1 b 2 c 3",
    "pexpireat b 99999999999999",
    "hset h f v g w",
    "zadd z 1.5 m 2 n",
    "set gone x pxat 1",
];

#[test]
fn what_was_saved_is_loaded_and_logs_go_on_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, logging) = (saved_in(folder.path(), 3), logged_in(folder.path(), 3));
    let before = within(&plain, |session| {
        run(session, &WRITES);
        session.save().unwrap();
        let before = read(session);
        run(session, &["set a after", "del h"]);
        before
    });
    assert_eq!(files(folder.path(), ".snapshot").len(), 3);
    // Without logs; with ones that have nothing yet; with those.
    for config in [&plain, &logging, &logging] {
        assert_eq!(within(config, read), before);
    }
    // They go on from it: what it has is in none of them, and without it they are not all.
    let after = within(&logging, |session| {
        run(session, &["set a 2", "rpush l x y"]);
        read(session)
    });
    assert_ne!(after, before);
    assert_eq!(within(&logging, read), after);
    for saves in 1..4 {
        within(&logging, |session| {
            for n in 0..200 {
                run(session, &[&format!("set k{n} {saves}")]);
            }
            let segments = files(folder.path(), ".log").len();
            session.save().unwrap();
            run(session, &["set k7 later"]);
            // The segments that it covers go.
            let until = Instant::now() + Duration::from_secs(20);
            while files(folder.path(), ".log").len() >= segments {
                assert!(Instant::now() < until, "{segments} segments stay");
                std::thread::sleep(Duration::from_millis(5));
            }
            assert_eq!(files(folder.path(), ".snapshot").len(), 3);
        });
        within(&logging, |session| {
            assert_eq!(read(session), after);
            assert_eq!(session.execute(&op("get k7")), text("later"));
            assert_eq!(session.execute(&op("get k8")), text(&saves.to_string()));
        });
    }
    // A save that knows no logs leaves them what they go on from.
    within(&plain, |session| {
        run(session, &["set a plain"]);
        session.save().unwrap();
    });
    assert_eq!(files(folder.path(), ".snapshot").len(), 6);
    within(&plain, |session| {
        assert_eq!(session.execute(&op("get a")), text("plain"));
    });
    assert_eq!(within(&logging, read), after);
}

/// What a snapshot has is in no log when it counts, the segment that is written to among them.
#[test]
fn nothing_of_what_was_saved_stays_in_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let logging = StoreConfig {
        segment_bytes: 100_000,
        ..logged_in(folder.path(), 2)
    };
    within(&logging, |session| {
        for saves in 0..3 {
            for n in 0..100 {
                run(session, &[&format!("set k{n} {saves}{}", "x".repeat(500))]);
            }
            let before = files(folder.path(), ".log");
            assert_eq!(before.len(), 2, "no segment is full");
            session.save().unwrap();
            run(session, &["set k7 later"]);
            let until = Instant::now() + Duration::from_secs(20);
            while before.iter().any(|path| path.exists()) {
                assert!(Instant::now() < until, "{before:?} stay");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    });
    within(&logging, |session| {
        assert_eq!(session.execute(&op("get k7")), text("later"));
        let read = session.execute(&op("strlen k8"));
        assert_eq!(read, Reply::Int(501));
    });
}

#[test]
fn a_folder_that_is_not_whole_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, logging) = (saved_in(folder.path(), 2), logged_in(folder.path(), 2));
    within(&logging, |session| {
        run(session, &WRITES);
        session.save().unwrap();
        run(session, &["set a 2"]);
    });
    let before = within(&logging, read);
    let path = |name: &str| folder.path().join(name);
    let aside = path("aside");
    let mut refused = Vec::new();
    let mut without = |file: &Path, configs: &[&StoreConfig]| {
        std::fs::rename(file, &aside).unwrap();
        refused.extend(configs.iter().map(|config| refusal(config)));
        std::fs::rename(&aside, file).unwrap();
    };
    let snapshots = files(folder.path(), ".snapshot");
    assert_eq!(snapshots.len(), 2);
    without(&snapshots[1], &[&plain, &logging]);
    assert!(
        refused[0].contains("snapshot is missing, or not the one"),
        "{}",
        refused[0]
    );
    assert_eq!(refused[0], refused[1]);
    let logs = files(folder.path(), ".log");
    let of_second = |path: &&PathBuf| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("00001-")
    };
    let of_second: Vec<_> = logs.iter().filter(of_second).collect();
    let away = |path: &Path| path.with_extension("away");
    for path in &of_second {
        std::fs::rename(path, away(path)).unwrap();
    }
    let why = refusal(&logging);
    assert!(why.contains("shard 1 has no log in"), "{why}");
    for path in &of_second {
        std::fs::rename(away(path), path).unwrap();
    }
    // The file of another shard in its place; a manifest of nothing.
    std::fs::copy(&snapshots[1], &aside).unwrap();
    std::fs::copy(&snapshots[0], &snapshots[1]).unwrap();
    assert!(refusal(&plain).contains("not the one"));
    std::fs::rename(&aside, &snapshots[1]).unwrap();
    let manifest = path("snapshots.manifest");
    let whole = std::fs::read(&manifest).unwrap();
    std::fs::write(&manifest, &whole[..whole.len() - 1]).unwrap();
    assert!(refusal(&plain).contains("snapshots.manifest is not"));
    std::fs::write(&manifest, &whole).unwrap();
    for file in &snapshots {
        std::fs::rename(file, away(file)).unwrap();
    }
    assert!(refusal(&plain).contains("snapshot is missing"));
    for file in &snapshots {
        std::fs::rename(away(file), file).unwrap();
    }
    let other = saved_in(folder.path(), 3);
    assert!(refusal(&other).contains("of 2; the store has 3"));
    // All of that changed nothing, and what no manifest names goes.
    let left = path("00000-00000000000000000000.snapshot");
    std::fs::write(&left, "half of one").unwrap();
    assert_eq!(within(&logging, read), before);
    assert!(!left.exists());
    let error = within(&config(1), Session::save).unwrap_err();
    assert!(matches!(error, StoreError::NoFolderToSave));
}

/// Others write while saves are made, and each save is of one moment: what several shards did together is in it on all
/// of them or on none.
#[test]
fn writers_do_not_wait_and_a_save_is_of_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let plain = saved_in(folder.path(), 3);
    for round in 0..3 {
        within(&plain, |session| {
            let fill = "x".repeat(100);
            for n in 0..3_000 {
                session.submit(&op(&format!("set filler{n} {fill}")));
            }
            session.complete(|reply| assert!(reply.is_ok()));
            run(session, &["mset a 0 b 0 c 0 d 0"]);
            let store = session.caller_store();
            let is_over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let writer = scope.spawn(|| {
                    let mut session = store.session();
                    let mut written = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        written += 1;
                        let words = format!("mset a {written} b {written} c {written} d {written}");
                        run(&mut session, &[&words, &format!("set filler{written} w")]);
                    }
                    written
                });
                for _ in 0..4 {
                    let pace = Pace {
                        bytes_per_s: [0, 4 << 20][round % 2],
                        is_hasty: round == 2,
                    };
                    session.save_at(pace).unwrap();
                }
                let one = std::thread::scope(|scope| {
                    let second = scope.spawn(|| store.session().save());
                    let first = session.save();
                    [first, second.join().unwrap()]
                });
                // One at a time: the second is refused, or comes later.
                for done in one {
                    assert!(matches!(done, Ok(()) | Err(StoreError::SaveGoesOn)));
                }
                is_over.store(true, Ordering::Relaxed);
                assert!(writer.join().unwrap() > 0);
            });
        });
        within(&plain, |session| {
            let Reply::Array(all) = session.execute(&op("mget a b c d")) else {
                panic!("an array");
            };
            assert!(all.iter().all(|value| *value == all[0]), "{all:?}");
            assert_eq!(
                session.execute(&op("exists filler0 filler2999")),
                Reply::Int(2)
            );
        });
    }
}

#[test]
fn who_removes_all_keys_gives_a_save_up() {
    let folder = tempfile::tempdir().unwrap();
    let plain = saved_in(folder.path(), 2);
    within(&plain, |session| {
        run(session, &["set kept 1"]);
        session.save().unwrap();
        let fill = "x".repeat(1_000);
        for n in 0..4_000 {
            session.submit(&op(&format!("set {n} {fill}")));
        }
        session.complete(|reply| assert!(reply.is_ok()));
        let store = session.caller_store();
        std::thread::scope(|scope| {
            let slow = Pace {
                bytes_per_s: 200_000,
                ..Pace::default()
            };
            let saver = {
                let store = &store;
                scope.spawn(move || store.session().save_at(slow))
            };
            while store.save_progress().keys < 4_000 {
                std::thread::sleep(Duration::from_millis(1));
            }
            run(session, &["flushall", "set after 1"]);
            let given_up = saver.join().unwrap();
            assert!(
                matches!(given_up, Err(StoreError::SaveGivenUp)),
                "{given_up:?}"
            );
        });
    });
    within(&plain, |session| {
        assert_eq!(session.execute(&op("dbsize")), Reply::Int(1));
        assert_eq!(session.execute(&op("get kept")), text("1"));
        session.save().unwrap();
    });
    assert_eq!(files(folder.path(), ".snapshot").len(), 2);
}

/// A log that has anything makes the logs what all shards are opened from: a snapshot of another time is
/// not mixed in where a log happens to be empty.
#[test]
fn logs_and_snapshots_are_not_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let plain = StoreConfig {
        dir: Some(folder.path().to_owned()),
        ..config(2)
    };
    let logging = StoreConfig {
        appendonly: true,
        device: DeviceKind::File,
        ..plain.clone()
    };
    let run = |config: &StoreConfig, words: &[&str]| {
        let store = Store::open(config.clone()).unwrap();
        assert_ne!(store.shard_of(b"a"), store.shard_of(b"b"));
        let _workers = store.spawn().unwrap();
        let mut session = store.session();
        let last = words.iter().map(|words| session.execute(&op(words))).last();
        if config.appendonly {
            return last;
        }
        session.save().unwrap();
        last
    };
    run(&logging, &["set a logged"]);
    run(&plain, &["mset a saved b saved"]);
    let read = run(&logging, &["mget a b"]);
    assert_eq!(read, Some(Reply::Array(vec![text("logged"), Reply::Nil])));
    let read = run(&plain, &["mget a b"]);
    assert_eq!(read, Some(Reply::Array(vec![text("saved"), text("saved")])));
}

/// A slow save of `keys` keys, and what `meanwhile` does when all of them are shown.
fn saved_while(
    session: &mut Session,
    keys: u64,
    bytes_per_s: u64,
    meanwhile: impl FnOnce(&mut Session),
) -> Result<(), StoreError> {
    let store = session.caller_store();
    std::thread::scope(|scope| {
        let pace = Pace {
            bytes_per_s,
            ..Pace::default()
        };
        let saver = {
            let store = &store;
            scope.spawn(move || store.session().save_at(pace))
        };
        while store.save_progress().keys_done < keys {
            std::thread::sleep(Duration::from_millis(1));
        }
        meanwhile(session);
        saver.join().unwrap()
    })
}

fn fill(session: &mut Session, keys: u64) {
    let fill = "x".repeat(1_000);
    for n in 0..keys {
        session.submit(&op(&format!("set {n} {fill}")));
    }
    session.complete(|reply| assert!(reply.is_ok()));
}

#[test]
fn flushdb_after_the_last_key_was_shown_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let plain = saved_in(folder.path(), 2);
    within(&plain, |session| {
        fill(session, 400);
        let done = saved_while(session, 400, 400_000, |session| {
            run(session, &["flushdb", "set after 1"]);
        });
        done.unwrap();
        assert_eq!(session.execute(&op("dbsize")), Reply::Int(1));
    });
    within(&plain, |session| {
        assert_eq!(session.execute(&op("dbsize")), Reply::Int(400));
    });
}

#[test]
fn a_save_that_nobody_wants_ends_soon() {
    let folder = tempfile::tempdir().unwrap();
    let plain = saved_in(folder.path(), 2);
    within(&plain, |session| {
        fill(session, 1_000);
        // It would take more than a quarter of an hour.
        let begun = Instant::now();
        let store = session.caller_store();
        let done = saved_while(session, 1_000, 1_000, |_| store.give_up_save());
        assert!(matches!(done, Err(StoreError::SaveGivenUp)), "{done:?}");
        assert!(begun.elapsed() < Duration::from_mins(1));
        session.save().unwrap();
        store.give_up_save();
    });
    assert_eq!(files(folder.path(), ".snapshot").len(), 2);
    within(&plain, |session| {
        assert_eq!(session.execute(&op("dbsize")), Reply::Int(1_000));
    });
}
