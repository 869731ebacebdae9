//! Folders that a server with another number of shards is started on: it says so, all is there, and whenever it is killed on
//! the way, all is there for the next one.

use std::path::Path;
use std::time::Duration;

use crate::filled::{KEYS, SETUP, contents, fill, filled, seawall};
use crate::process::{Server, Setup};
use crate::wire::Wire;

/// What names of segments end with.
const LOG: &str = ".log";

/// How late a server is killed that re-shards, each time later.
const STEP: Duration = Duration::from_millis(3);

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

#[track_caller]
fn must_be_whole(folder: &Path) {
    let output = seawall(&["check", "DIR"], folder);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
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
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
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
    for round in 1..=12u32 {
        let shards = [3, 2][round as usize % 2];
        Server::kill_in_start(folder.path(), &setup(shards), STEP * round).expect("it starts");
        must_be_whole(folder.path());
    }
    let server = Server::start(folder.path(), &setup(4)).expect("it starts");
    let mut wire = Wire::connect(server.address).expect("it accepts");
    assert_eq!(keys(&mut wire), KEYS);
    server.kill();
    assert_eq!(shards_in(folder.path()), 4);
}
