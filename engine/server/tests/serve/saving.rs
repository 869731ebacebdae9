//! Snapshots that are asked for, and those that a save point asks for.

use std::time::{Duration, Instant};

use crate::client::{Client, Server};

/// Waits until `INFO persistence` says so.
fn wait_for(client: &mut Client, field: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let text = client.ask("INFO persistence");
        if text.contains(field) {
            return;
        }
        assert!(Instant::now() < until, "{field} is not in {text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn snapshots_are_made_when_asked_and_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = format!("dir={}", folder.path().display());
    let server = Server::start(2, &[&dir]);
    let mut client = server.connect();
    client.talk(&[("SET key value", "+OK"), ("SAVE", "+OK")]);
    wait_for(&mut client, "rdb_saves:1\r\n");
    wait_for(&mut client, "rdb_changes_since_last_save:0\r\n");
    client.talk(&[
        ("SET other value", "+OK"),
        ("BGSAVE", "+Background saving started"),
    ]);
    wait_for(&mut client, "rdb_saves:2\r\n");
    client.talk(&[
        ("CONFIG SET save \"1 2\"", "+OK"),
        ("SET third value", "+OK"),
    ]);
    wait_for(&mut client, "rdb_changes_since_last_save:1\r\n");
    client.talk(&[("DEL other", ":1")]);
    wait_for(&mut client, "rdb_saves:3\r\n");
    drop(client);
    server.stop();

    let server = Server::start(2, &[&dir]);
    let mut client = server.connect();
    client.talk(&[
        ("GET key", "$5 value"),
        ("GET other", "$-1"),
        ("GET third", "$5 value"),
    ]);
}
