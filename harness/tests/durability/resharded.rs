//! Folders that a server with another number of shards is started on: it says so, all is there, and whenever it is killed on
//! the way, all is there for the next one.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::filled::{KEYS, SETUP, contents, fill, filled, seawall};
use crate::process::{Server, Setup};
use crate::wire::Wire;

/// What names of segments end with.
const LOG: &str = ".log";

/// By how much later a server is killed that re-shards than the one before it, which had not got there.
const STEP: Duration = Duration::from_millis(3);

/// How many are killed at least, and at most until some were killed on the way and some behind it.
const KILLS: (u32, u32) = (12, 300);

fn setup(shards: usize) -> Setup {
    Setup { shards, ..SETUP }
}

/// What `wire` says how many keys there are.
fn keys(wire: &mut Wire) -> usize {
    let reply = wire.ask(&[b"DBSIZE"]).expect("a reply");
    let seawall_store::Reply::Int(keys) = reply else {
        panic!("{reply:?}");
    };
    keys as usize
}

/// The numbers of shards whose logs a folder has.
fn shards_in(folder: &Path) -> usize {
    let mut shards: Vec<String> = contents(folder)
        .into_keys()
        .filter(|name| name.ends_with(LOG))
        .map(|name| name[..5].to_owned())
        .collect();
    shards.dedup();
    shards.len()
}

/// What `seawall check` says of a folder that must be whole.
#[track_caller]
fn must_be_whole(folder: &Path) -> Value {
    let output = seawall(&["check", "DIR", "--json"], folder);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Of how many shards a folder is, where it has logs.
fn shards_told(told: &Value) -> usize {
    let logs = told["logs"].as_array().map_or(0, Vec::len);
    let switched = told["resharding"]["shards"].as_u64();
    switched.map_or(logs, |shards| shards as usize)
}

#[test]
fn logs_of_another_number_of_shards_are_taken_over() {
    let folder = filled();
    for shards in [3, 1, 2] {
        let server = Server::start(folder.path(), &setup(shards)).expect("it starts");
        let mut wire = Wire::connect(server.address).expect("it accepts");
        let name = format!("written by {shards}");
        let asked = wire.ask(&[b"SET", name.as_bytes(), b"1"]);
        assert!(asked.expect("a reply").is_ok());
        let told = server.kill_and_hear();
        let words = format!("is re-sharded to {shards}: ");
        assert!(told.contains(&words), "no {words:?} in: {told}");
        assert_eq!(shards_in(folder.path()), shards);
        must_be_whole(folder.path());
    }
    let server = Server::start(folder.path(), &SETUP).expect("it starts");
    let mut wire = Wire::connect(server.address).expect("it accepts");
    assert_eq!(keys(&mut wire), KEYS + 3);
    let told = server.kill_and_hear();
    assert!(!told.contains("re-sharded"), "{told}");
}

#[test]
fn a_folder_that_is_re_sharded_by_half_is_told_of() {
    let folder = filled();
    let before = contents(folder.path());
    Server::start(folder.path(), &setup(3))
        .expect("it starts")
        .kill();
    // As a crash leaves it right behind the switch.
    let path = |name: &str| folder.path().join(name);
    let is_log = |name: &&String| name.ends_with(LOG);
    for name in contents(folder.path()).keys().filter(is_log) {
        std::fs::rename(path(name), path(&format!("{name}.tmp"))).expect("it is there");
    }
    for (name, bytes) in before.iter().filter(|(name, _)| is_log(name)) {
        std::fs::write(path(name), bytes).expect("it is written");
    }
    let output = seawall(&["check", "DIR"], folder.path());
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("was re-sharded to 3 shards"), "{said}");
    let count = |words: &str| said.lines().filter(|line| line.ends_with(words)).count();
    assert_eq!(count("a log, which gets its name then"), 3, "{said}");
    let strays = before.keys().filter(is_log).count();
    assert_eq!(count("counts for nothing, and goes then"), strays, "{said}");
    let output = seawall(&["check", "DIR", "--json"], folder.path());
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(told["resharding"]["shards"], 3, "{told}");

    let server = Server::start(folder.path(), &setup(3)).expect("it starts");
    let mut wire = Wire::connect(server.address).expect("it accepts");
    assert_eq!(keys(&mut wire), KEYS);
    server.kill();
    let left = contents(folder.path());
    assert!(
        before
            .keys()
            .filter(is_log)
            .all(|name| !left.contains_key(name))
    );
    let output = seawall(&["check", "DIR"], folder.path());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!said.contains("re-sharded"), "{said}");
}

#[test]
fn a_server_that_is_killed_while_it_re_shards_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), &SETUP);
    let (mut of, mut later) = (SETUP.shards, STEP);
    let (mut kills, mut midway, mut switched) = (0, 0, 0);
    while kills < KILLS.0 || kills < KILLS.1 && (midway == 0 || switched == 0) {
        let shards = if of == 2 { 3 } else { 2 };
        Server::kill_in_start(folder.path(), &setup(shards), later).expect("it starts");
        let told = must_be_whole(folder.path());
        kills += 1;
        let has_switched = shards_told(&told) == shards;
        // Before the switch a file that counts for nothing yet is one of the new number.
        let is_begun = !has_switched && told["leftovers"] != json!([]);
        midway += u32::from(is_begun || !told["resharding"].is_null());
        if has_switched {
            (of, switched) = (shards, switched + 1);
            later = later * 3 / 4;
        } else {
            assert_eq!(shards_told(&told), of, "{told}");
            later += STEP;
        }
    }
    assert!(
        midway > 0 && switched > 0,
        "of {kills} kills {midway} were in the midst of it and {switched} behind the switch: expected some of each"
    );
    let server = Server::start(folder.path(), &setup(4)).expect("it starts");
    let mut wire = Wire::connect(server.address).expect("it accepts");
    assert_eq!(keys(&mut wire), KEYS);
    server.kill();
    assert_eq!(shards_in(folder.path()), 4);
}
