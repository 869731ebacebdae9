//! Folders that a server cannot be started on: it says what is wrong, where, and what to do; ends with status 2; and
//! leaves every byte as it was.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use crate::filled::{SETUP, change, contents, fill, filled, seawall, segments};
use crate::process::{Server, Setup};
use crate::wire::Wire;

/// A server must refuse `folder`, in these words.
#[track_caller]
fn must_refuse(folder: &Path, more: &[&str], words: &[&str]) {
    let is_folder = folder.is_dir();
    let before = is_folder.then(|| contents(folder));
    let start = ["serve", "--port", "0", "--dir", "DIR", "--set", "pin=no"];
    let logged = ["--set", "appendonly=yes", "--set", "appendfsync=always"];
    let output = seawall(&[&start[..], &logged, more].concat(), folder);
    let err = String::from_utf8_lossy(&output.stderr);
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

/// Past the test harness, which keeps to itself what a test prints that passes.
fn say_skipped(what: &str, why: &str) {
    let _ = writeln!(io::stderr(), "skipped: {what}: {why}");
}

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
    must_refuse(folder.path(), &TWO, &["format version 9", "reads 1", CHECK]);
}

#[test]
fn logs_of_another_number_of_shards() {
    let folder = filled();
    for shards in ["1", "3"] {
        let told = format!("of 2 shards, and this one has {shards}");
        must_refuse(folder.path(), &["--shards", shards], &[&told]);
    }
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
    let snapshot = snapshots.find(|name| name.contains(".snapshot"));
    let snapshot = folder.path().join(snapshot.expect("a snapshot"));
    change(&snapshot, |bytes| {
        let middle = bytes.len() / 3;
        bytes[middle] ^= 1;
    });
    must_refuse(
        folder.path(),
        &[&TWO[..], &["--set", "appendonly=no"]].concat(),
        &["is damaged at byte", CHECK],
    );
    let output = seawall(&["check", "DIR"], folder.path());
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_folder_that_another_process_has() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), &SETUP);
    let server = Server::start(folder.path(), &SETUP).expect("it starts");
    must_refuse(folder.path(), &TWO, &["in use by another process"]);
    let mut wire = Wire::connect(server.address).expect("it accepts");
    assert!(wire.ask(&[b"SET", b"a", b"1"]).expect("a reply").is_ok());
}
