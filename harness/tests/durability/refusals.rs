//! Folders that a server cannot be started on: it says what is wrong, where, and what to do; ends with status 2; and
//! leaves every byte as it was.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::filled::{SETUP, change, command, contents, fill, filled, seawall, segments};
use crate::process::{Server, Setup};
use crate::say_skipped;
use crate::wire::Wire;

/// A server must refuse `folder`, in these words.
#[track_caller]
fn must_refuse(folder: &Path, more: &[&str], words: &[&str]) {
    let is_folder = folder.is_dir();
    let before = is_folder.then(|| contents(folder));
    let start = ["serve", "--port", "0", "--dir", "DIR", "--set", "pin=no"];
    let logged = ["--set", "appendonly=yes", "--set", "appendfsync=always"];
    let mut child = command(&[&start[..], &logged, more].concat(), folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    let out = child.stdout.take().expect("a pipe");
    BufReader::new(out).read_line(&mut line).expect("text");
    if !line.is_empty() {
        child.kill().expect("a process of ours");
    }
    let output = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(line, "", "it was not refused: {err}");
    assert_eq!(output.status.code(), Some(2), "{err}");
    let name = folder.to_str().expect("a name");
    for word in words.iter().chain(&[name]) {
        assert!(err.contains(word), "no {word:?} in: {err}");
    }
    assert!(
        err.starts_with("error: ") && !err.contains("panicked"),
        "{err}"
    );
    if let Some(before) = before {
        assert!(contents(folder) == before, "it was changed: {err}");
    }
}

const TWO: [&str; 2] = ["--shards", "2"];

/// What to do about a folder whose files are wrong.
const CHECK: &str = "seawall check";

/// Runs a program; why it did not do what it was asked for.
fn system(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// A mount that goes with the test.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    fn new(at: &'a Path, options: &[&str]) -> Result<Mount<'a>, String> {
        let point = at.to_str().expect("a name");
        system("mount", &[options, &[point]].concat())?;
        Ok(Mount(at))
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = system("umount", &[self.0.to_str().expect("a name")]);
    }
}

#[test]
fn a_file_is_no_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, b"something").expect("a file");
    must_refuse(&file, &TWO, &["cannot be used as the data folder"]);
    assert_eq!(std::fs::read(&file).expect("a file"), b"something");
    must_refuse(
        &file.join("below"),
        &TWO,
        &["cannot be used as the data folder"],
    );
}

#[test]
fn a_folder_that_cannot_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = folder.path().to_str().expect("a name");
    // Modes do not hold root up; that a folder is immutable does.
    system("chmod", &["0555", name]).expect("it is ours");
    let made = std::fs::write(folder.path().join("probe"), b"");
    let is_immutable = made.is_ok() && {
        std::fs::remove_file(folder.path().join("probe")).expect("it is there");
        match system("chattr", &["+i", name]) {
            Ok(()) => true,
            Err(why) => return say_skipped("a folder that cannot be written", &why),
        }
    };
    let refused = std::panic::catch_unwind(|| {
        must_refuse(
            folder.path(),
            &TWO,
            &["cannot be used as the data folder", "dir"],
        );
    });
    if is_immutable {
        system("chattr", &["-i", name]).expect("it was made so");
    }
    system("chmod", &["0755", name]).expect("it is ours");
    if let Err(panic) = refused {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_disk_that_is_read_only() {
    let folder = filled();
    let name = folder.path().to_str().expect("a name");
    let mount = Mount::new(folder.path(), &["--bind", name]);
    let read_only = mount.and_then(|mount| {
        system("mount", &["-o", "remount,bind,ro", name])?;
        Ok(mount)
    });
    let _mount = match read_only {
        Ok(mount) => mount,
        Err(why) => return say_skipped("a read-only disk", &why),
    };
    must_refuse(
        folder.path(),
        &TWO,
        &["cannot be used as the data folder", "Read-only"],
    );
    // Who only reads needs no more.
    let output = seawall(&["check", "DIR"], folder.path());
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_full_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let mount = Mount::new(folder.path(), &["-t", "tmpfs", "-o", "size=64k", "tmpfs"]);
    let _mount = match mount {
        Ok(mount) => mount,
        Err(why) => return say_skipped("a full disk", &why),
    };
    let filler = std::fs::write(folder.path().join("filler"), vec![0; 1 << 20]);
    assert!(filler.is_err(), "the disk is small");
    must_refuse(folder.path(), &TWO, &["No space left", "cannot create"]);
}

#[test]
fn a_log_of_another_version() {
    let folder = filled();
    change(&segments(folder.path(), 1)[1], |bytes| bytes[8] = 9);
    must_refuse(folder.path(), &TWO, &["format version 9", "reads ", CHECK]);
}

#[test]
fn a_segment_that_is_missing() {
    for segment in [0, 1] {
        let folder = filled();
        std::fs::remove_file(&segments(folder.path(), 0)[segment]).expect("it is there");
        must_refuse(folder.path(), &TWO, &["a segment is missing", CHECK]);
    }
}

#[test]
fn a_log_that_is_missing() {
    let folder = filled();
    for segment in segments(folder.path(), 1) {
        std::fs::remove_file(segment).expect("it is there");
    }
    must_refuse(folder.path(), &TWO, &["shard 1", CHECK]);
}

#[test]
fn an_empty_file() {
    for shard in [0, 1] {
        let count = segments(filled().path(), shard).len();
        for segment in [0, count - 1] {
            let folder = filled();
            let all = segments(folder.path(), shard);
            change(&all[segment], Vec::clear);
            must_refuse(folder.path(), &TWO, &["ends inside its head", CHECK]);
        }
    }
}

#[test]
fn a_damaged_record() {
    let folder = filled();
    change(&segments(folder.path(), 0)[1], |bytes| bytes[5_000] ^= 0x10);
    must_refuse(folder.path(), &TWO, &["is damaged at byte", CHECK]);
}

#[test]
fn a_damaged_snapshot() {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = Setup {
        appendonly: false,
        ..SETUP
    };
    let server = Server::start(folder.path(), &setup).expect("it starts");
    let mut wire = Wire::connect(server.address).expect("it accepts");
    for number in 0..200 {
        wire.ask(&[b"SET", format!("key:{number}").as_bytes(), b"value"])
            .expect("a reply");
    }
    assert!(wire.ask(&[b"SAVE"]).expect("a reply").is_ok());
    server.kill();
    let mut snapshots = contents(folder.path()).into_keys();
    let snapshot = snapshots.find(|name| name.ends_with("1.snapshot"));
    let snapshot = folder.path().join(snapshot.expect("a snapshot"));
    // A block is read when one of its keys is asked for; who checks reads all.
    let middle = std::fs::metadata(&snapshot).expect("a file").len() as usize / 3;
    change(&snapshot, |bytes| bytes[middle] ^= 1);
    must_be_damaged(folder.path(), "is damaged at byte");
    change(&snapshot, |bytes| bytes[40] ^= 1);
    must_refuse(
        folder.path(),
        &[&TWO[..], &["--set", "appendonly=no"]].concat(),
        &["is damaged at byte", CHECK],
    );
}

/// A folder whose logs go on from a snapshot.
fn saved() -> tempfile::TempDir {
    let folder = filled();
    let server = Server::start(folder.path(), &SETUP).expect("it starts");
    let mut wire = Wire::connect(server.address).expect("it accepts");
    assert!(wire.ask(&[b"SAVE"]).expect("a reply").is_ok());
    assert!(
        wire.ask(&[b"SET", b"later", b"1"])
            .expect("a reply")
            .is_ok()
    );
    server.kill();
    let output = seawall(&["check", "DIR"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    folder
}

#[track_caller]
fn must_be_damaged(folder: &Path, word: &str) {
    let output = seawall(&["check", "DIR"], folder);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(word), "no {word:?} in: {said}");
}

/// The logs of `folder` become those that were in another, or in itself before.
fn replace_logs(folder: &Path, by: BTreeMap<String, Vec<u8>>) {
    let is_log = |name: &String| name.ends_with(LOG);
    for name in contents(folder).into_keys().filter(is_log) {
        std::fs::remove_file(folder.join(name)).expect("it is there");
    }
    for (name, bytes) in by.into_iter().filter(|(name, _)| is_log(name)) {
        std::fs::write(folder.join(name), bytes).expect("it is written");
    }
}

#[test]
fn a_snapshot_newer_than_its_log() {
    let folder = filled();
    let before = contents(folder.path());
    fill(folder.path(), &SETUP);
    let server = Server::start(folder.path(), &SETUP).expect("it starts");
    let mut wire = Wire::connect(server.address).expect("it accepts");
    assert!(wire.ask(&[b"SAVE"]).expect("a reply").is_ok());
    server.kill();
    replace_logs(folder.path(), before);
    must_refuse(folder.path(), &TWO, &["snapshot", CHECK]);
    must_be_damaged(folder.path(), "the snapshot goes on from record");
}

#[test]
fn a_log_that_is_not_the_one_of_the_snapshot() {
    let folder = saved();
    replace_logs(folder.path(), contents(filled().path()));
    must_refuse(folder.path(), &TWO, &["it is of log", CHECK]);
    must_be_damaged(folder.path(), "it is of log");
}

#[test]
fn a_snapshot_that_is_missing() {
    let folder = saved();
    let mut names = contents(folder.path()).into_keys();
    let name = names.find(|name| name.ends_with(".snapshot"));
    let name = name.expect("a snapshot");
    std::fs::remove_file(folder.path().join(&name)).expect("it is there");
    must_refuse(folder.path(), &TWO, &["is missing", CHECK]);
    must_be_damaged(folder.path(), "is missing");
}

#[test]
fn a_damaged_manifest() {
    for (at, told) in [(8, "format version"), (30, "checksum")] {
        let folder = saved();
        let manifest = folder.path().join("snapshots.manifest");
        change(&manifest, |bytes| bytes[at] ^= 0x40);
        must_refuse(folder.path(), &TWO, &[told, CHECK]);
        must_be_damaged(folder.path(), told);
    }
}

/// What names of segments end with.
const LOG: &str = ".log";

#[test]
fn a_folder_that_another_process_has() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), &SETUP);
    let server = Server::start(folder.path(), &SETUP).expect("it starts");
    must_refuse(folder.path(), &TWO, &["in use by another process"]);
    let mut wire = Wire::connect(server.address).expect("it accepts");
    assert!(wire.ask(&[b"SET", b"a", b"1"]).expect("a reply").is_ok());
}
