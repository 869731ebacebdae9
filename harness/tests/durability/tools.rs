//! `seawall check` and `seawall log dump` on folders that a server filled and somebody damaged.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::filled::{KEYS, SETUP, change, contents, filled, seawall, segments};
use crate::process::{Server, Setup};
use crate::wire::Wire;

/// What `seawall check` says, with `more` arguments, and its exit status.
fn check(folder: &Path, more: &[&str]) -> (Option<i32>, Value, String) {
    let arguments = [&["check", "DIR", "--json"], more].concat();
    let output = seawall(&arguments, folder);
    let told = String::from_utf8_lossy(&output.stdout);
    let object = serde_json::from_str(&told).unwrap_or_default();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), object, err)
}

/// What it says to people.
fn said(folder: &Path) -> String {
    let output = seawall(&["check", "DIR"], folder);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn keys(folder: &Path) -> Result<i64, String> {
    let server = Server::start(folder, &SETUP)?;
    let mut wire = Wire::connect(server.address).expect("it accepts");
    match wire.ask(&[b"DBSIZE"]) {
        Ok(seawall_store::Reply::Int(keys)) => Ok(keys),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn a_whole_folder_is_whole_and_stays_as_it_is() {
    let folder = filled();
    let before = contents(folder.path());
    let (status, told, err) = check(folder.path(), &[]);
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(
        (&told["damaged"], &told["in_use"]),
        (&Value::from(false), &Value::from(false))
    );
    let logs = told["logs"].as_array().expect("logs");
    assert_eq!(logs.len(), 2);
    for log in logs {
        assert!(
            log["records"].as_u64() > Some(0) && log["parts"].as_u64() > Some(0),
            "{log}"
        );
        assert!(
            log["durable"].as_u64() > Some(0) && log["durable"].as_u64() <= log["last"].as_u64()
        );
        assert!(log["cut"].is_null() && log["findings"].as_array().is_some_and(Vec::is_empty));
    }
    assert!(said(folder.path()).ends_with(": whole\n"));
    assert_eq!(contents(folder.path()), before);
    assert_eq!(keys(folder.path()), Ok(KEYS as i64));
}

#[test]
fn a_folder_that_is_in_use_is_read_and_not_cut() {
    let folder = filled();
    let server = Server::start(folder.path(), &SETUP).expect("it starts");
    let (status, told, err) = check(folder.path(), &[]);
    assert_eq!(
        (status, &told["in_use"]),
        (Some(0), &Value::from(true)),
        "{err}"
    );
    let (status, _, err) = check(folder.path(), &["--truncate"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("in use by another process"), "{err}");
    let mut wire = Wire::connect(server.address).expect("it accepts");
    assert!(wire.ask(&[b"SET", b"a", b"1"]).expect("a reply").is_ok());
}

#[test]
fn a_torn_end_is_told_and_cut_and_kept() {
    let folder = filled();
    let last = segments(folder.path(), 1).pop().expect("a segment");
    change(&last, |bytes| {
        // Behind the last record there is room, which ends where the half of one does.
        let end = bytes.iter().rposition(|&byte| byte != 0);
        bytes.truncate(end.map_or(0, |last| last + 1));
        bytes.extend_from_slice(b"half of what was to come");
    });
    let before = contents(folder.path());
    let (status, told, _) = check(folder.path(), &[]);
    assert_eq!((status, &told["damaged"]), (Some(0), &Value::from(false)));
    let cut = &told["logs"][1]["cut"];
    let name = last
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a name");
    assert_eq!(
        (cut["bytes"].as_u64(), cut["file"].as_str()),
        (Some(24), Some(name))
    );
    assert_eq!(contents(folder.path()), before);
    let (status, told, err) = check(folder.path(), &["--truncate"]);
    assert_eq!(status, Some(0), "{err}");
    let kept = told["truncated"][0]["kept"][0].as_str().expect("a file");
    let kept = std::fs::read(folder.path().join(kept)).expect("it is there");
    assert_eq!(kept, b"half of what was to come");
    let (_, told, _) = check(folder.path(), &[]);
    assert!(told["logs"][1]["cut"].is_null());
    assert_eq!(keys(folder.path()), Ok(KEYS as i64));
}

#[test]
fn damage_is_told_and_cut_on_demand_and_nothing_is_thrown_away() {
    let folder = filled();
    let all = segments(folder.path(), 0);
    change(&all[1], |bytes| bytes[5_000] ^= 1);
    let before = contents(folder.path());
    let (status, told, err) = check(folder.path(), &[]);
    assert_eq!(
        (status, &told["damaged"]),
        (Some(1), &Value::from(true)),
        "{err}"
    );
    assert!(err.contains("--truncate"), "{err}");
    assert_eq!(contents(folder.path()), before);
    let cut = &told["logs"][0]["cut"];
    let lost = cut["records_at_least"].as_u64().expect("a number");
    assert!(cut["offset"].as_u64() <= Some(5_000) && lost > 50, "{cut}");
    // The other shard had its parts in what is lost here.
    assert_eq!(told["logs"][1]["cut"]["damage"], Value::from(true));
    let said = said(folder.path());
    for word in ["DAMAGED", "LOST", &format!("at least {lost} whole records")] {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
    let refused = keys(folder.path()).expect_err("it is damaged");
    assert!(refused.contains("is damaged at byte"), "{refused}");
    let (status, told, err) = check(folder.path(), &["--truncate"]);
    assert_eq!(status, Some(0), "{err}");
    let there: u64 = contents(folder.path())
        .values()
        .map(|it| it.len() as u64)
        .sum();
    let was: u64 = before.values().map(|it| it.len() as u64).sum();
    assert_eq!(there, was, "every byte is there: {told}");
    assert_eq!(check(folder.path(), &[]).0, Some(0));
    let left = keys(folder.path()).expect("it opens");
    assert!((1..KEYS as i64).contains(&left), "{left}");
}

#[test]
fn what_is_no_data_folder_is_told() {
    let empty = tempfile::tempdir().expect("a folder");
    let missing = empty.path().join("missing");
    for folder in [empty.path(), &missing] {
        for verb in [&["check", "DIR"][..], &["log", "dump", "DIR"]] {
            let output = seawall(verb, folder);
            assert_eq!(output.status.code(), Some(2), "{verb:?}");
            let err = String::from_utf8_lossy(&output.stderr);
            assert!(err.contains(folder.to_str().expect("a name")), "{err}");
        }
    }
}

#[test]
fn records_are_dumped_as_redis_cli_reads_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path(), &SETUP).expect("it starts");
    let mut wire = Wire::connect(server.address).expect("it accepts");
    for words in [
        &[b"SET" as &[u8], b"a", b"\"\n\xff"][..],
        &[b"INCR", b"n"],
        &[b"MSET", b"a", b"1", b"b", b"2", b"c", b"3"],
    ] {
        wire.ask(words).expect("a reply");
    }
    server.kill();
    let before = contents(folder.path());
    let dump = |more: &[&str]| {
        let output = seawall(&[&["log", "dump", "DIR"], more].concat(), folder.path());
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).expect("text")
    };
    let text = dump(&[]);
    let line = r#"    "set" "a" "\"\n\xff""#;
    assert!(text.to_lowercase().contains(line), "{text}");
    assert!(text.contains(" part of joint 1 of shards "), "{text}");
    let mut records = 0;
    for line in dump(&["--json"]).lines() {
        let object: Value = serde_json::from_str(line).expect("JSON");
        let shard = object["shard"].as_u64().expect("a shard").to_string();
        let sequence = object["sequence"].as_u64().expect("a sequence").to_string();
        if object["kind"] == "mark" {
            continue;
        }
        records += 1;
        assert!(
            object["commands"]
                .as_array()
                .is_some_and(|it| !it.is_empty())
        );
        let one = dump(&["--json", "--shard", &shard, "--from", &sequence]);
        assert_eq!(one.lines().next(), Some(line));
    }
    assert_eq!(records, 4);
    assert_eq!(contents(folder.path()), before);
    let output = seawall(&["log", "dump", "DIR", "--shard", "2"], folder.path());
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_dump_ends_at_damage_and_says_so() {
    let folder = filled();
    let all = segments(folder.path(), 0);
    change(&all[1], |bytes| bytes[5_000] ^= 1);
    let output = seawall(&["log", "dump", "DIR", "--shard", "0"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("record 1 at"));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("is damaged at byte"), "{err}");
}

/// While a server goes on writing to all shards at once, what one of their logs has before another is not damage.
#[test]
fn a_folder_under_load_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = Setup {
        appendfsync: "everysec",
        ..SETUP
    };
    let server = Server::start(folder.path(), &setup).expect("it starts");
    let address = server.address;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut wire = Wire::connect(address).expect("it accepts");
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..50 {
                    wire.put(&[
                        b"MSET",
                        b"a",
                        &[b'v'; 100],
                        b"b",
                        b"1",
                        b"c",
                        b"2",
                        b"d",
                        b"3",
                    ]);
                }
                wire.send().expect("it reads");
                for _ in 0..50 {
                    assert!(wire.reply().expect("a reply").is_ok());
                }
                rounds += 1;
                if rounds % 100 == 0 {
                    // Segments go while they are read.
                    wire.ask(&[b"BGREWRITEAOF"]).expect("a reply");
                }
            }
            rounds
        });
        for _ in 0..12 {
            let (status, told, err) = check(folder.path(), &[]);
            let seen = (status, &told["in_use"], &told["damaged"]);
            let whole = (Some(0), &Value::from(true), &Value::from(false));
            if seen != whole {
                stop.store(true, Ordering::Relaxed);
            }
            assert_eq!(seen, whole, "{err}\n{told}");
        }
        stop.store(true, Ordering::Relaxed);
        assert!(load.join().expect("the load ends well") > 0);
    });
}

/// What --truncate cannot mend is told after it: a store would refuse the folder.
#[test]
fn what_a_cut_does_not_mend_is_told() {
    let folder = filled();
    let first = segments(folder.path(), 0).remove(0);
    std::fs::remove_file(first).expect("it is there");
    let second = segments(folder.path(), 0).remove(0);
    change(&second, |bytes| bytes[20] ^= 1);
    let (status, told, err) = check(folder.path(), &["--truncate"]);
    let refused = keys(folder.path()).expect_err("its first records are missing");
    assert_eq!(
        (status, &told["damaged"]),
        (Some(1), &Value::from(true)),
        "{err}, and {refused}"
    );
    assert!(err.contains("still damaged"), "{err}");
    assert_eq!(check(folder.path(), &[]).0, Some(1));
}

/// A log that begins anew is the one that its snapshot goes on with, and a store takes it.
#[test]
fn a_log_that_was_cut_away_is_taken_by_a_store() {
    let folder = filled();
    for segment in segments(folder.path(), 0) {
        change(&segment, |bytes| bytes[20] ^= 1);
    }
    assert_eq!(check(folder.path(), &[]).0, Some(1));
    let (status, told, err) = check(folder.path(), &["--truncate"]);
    assert_eq!(
        (status, &told["damaged"]),
        (Some(0), &Value::from(false)),
        "{err}"
    );
    assert!(keys(folder.path()).is_ok());
}

#[test]
fn what_is_no_file_is_passed_by() {
    let folder = filled();
    for name in [
        "00000-99999999999999999999.log",
        "00000-00000000000000900000.log",
        "x.lock",
    ] {
        let made = std::process::Command::new("mkfifo")
            .arg(folder.path().join(name))
            .status();
        assert!(made.expect("it runs").success());
    }
    let (status, _, err) = check(folder.path(), &[]);
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(keys(folder.path()), Ok(KEYS as i64));
}
