//! The end of a server: what it has acknowledged is there afterwards, and it never serves the half.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use seawall_server::ServeError;
use seawall_server::ending::{EndError, Phase, Wish};

use crate::client::{Client, Server};

const FAILED: &str = "-ERR Errors trying to SHUTDOWN. Check logs.";

/// Writes one key after the other until the server is gone; how many writes were acknowledged.
fn write_on(client: &mut Client, name: usize, stop: &AtomicBool) -> usize {
    for number in 0.. {
        let key = format!("{name}:{number}");
        if stop.load(Ordering::Relaxed) || client.try_call(&["SET", &key, "x"]) != "+OK\r\n" {
            return number;
        }
    }
    0
}

/// With save points the end makes a snapshot, and in it is everything that was acknowledged.
#[test]
fn what_was_acknowledged_is_in_the_last_snapshot() {
    for by_command in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = format!("dir={}", folder.path().display());
        let server = Server::start(2, &[&dir, "save=3600 1"]);
        let stop = &AtomicBool::new(false);
        let mut writers: Vec<Client> = (0..4).map(|_| server.connect()).collect();
        let acknowledged: Vec<usize> = thread::scope(|scope| {
            let writing: Vec<_> = writers
                .iter_mut()
                .enumerate()
                .map(|(name, client)| scope.spawn(move || write_on(client, name, stop)))
                .collect();
            thread::sleep(Duration::from_millis(200));
            if by_command {
                let mut client = server.connect();
                client.send("SHUTDOWN\r\n");
                assert_eq!(client.reply(), "");
            } else {
                let shared = server.running().server();
                let refused = |error| panic!("{error}");
                shared
                    .shut_down(Wish::default(), refused)
                    .expect("it serves");
                let again = shared.shut_down(Wish::default(), refused);
                assert!(matches!(again, Err(EndError::Already)));
            }
            server.outcome().expect("it ends well");
            stop.store(true, Ordering::Relaxed);
            let counts = writing.into_iter().map(thread::ScopedJoinHandle::join);
            counts.map(|count| count.expect("a count")).collect()
        });
        let server = Server::start(2, &[&dir]);
        let mut client = server.connect();
        for (name, count) in acknowledged.iter().enumerate() {
            assert!(*count > 0, "nothing was written");
            for number in [0, count / 2, count - 1] {
                assert_eq!(client.ask(&format!("GET {name}:{number}")), "$1\r\nx\r\n");
            }
        }
    }
}

/// A snapshot that is held back by its rate is given up for the last one.
#[test]
fn the_end_does_not_wait_for_a_slow_snapshot() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = format!("dir={}", folder.path().display());
    let server = Server::start(2, &[&dir, "save-rate-limit=1000"]);
    let mut client = server.connect();
    let value = "x".repeat(10_000);
    for number in 0..100 {
        client.talk(&[(&format!("SET {number} {value}"), "+OK")]);
    }
    // A quarter of an hour and more.
    client.talk(&[("BGSAVE", "+Background saving started")]);
    let begun = Instant::now();
    client.send("SHUTDOWN SAVE\r\n");
    assert_eq!(client.reply(), "");
    server.outcome().expect("it ends well");
    assert!(begun.elapsed() < Duration::from_mins(1));
    let server = Server::start(2, &[&dir]);
    server.connect().talk(&[("DBSIZE", ":100")]);
}

/// Where nothing can be saved the server goes on, and says so; unless it is told not to mind.
#[test]
fn it_goes_on_where_the_last_snapshot_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let dir = format!("dir={}", data.display());
    let server = Server::start(2, &[&dir, "save=3600 1"]);
    let mut client = server.connect();
    client.talk(&[("SET key value", "+OK")]);
    std::fs::remove_dir_all(&data).expect("it is there");
    std::fs::write(&data, "no folder").expect("its name is free");
    let mut other = server.connect();
    for _ in 0..2 {
        client.talk(&[("SHUTDOWN", FAILED), ("SET key other", "+OK")]);
        other.talk(&[("SHUTDOWN SAVE", FAILED), ("GET key", "$5 other")]);
    }
    client.talk(&[("SAVE", &client_error(&mut other)), ("PING", "+PONG")]);
    assert_eq!(server.running().server().phase(), Phase::Serving);
    client.send("SHUTDOWN FORCE\r\n");
    assert_eq!(client.reply(), "");
    server.outcome().expect("it ends well");
}

/// What `SAVE` says now.
fn client_error(client: &mut Client) -> String {
    let told = client.ask("SAVE");
    assert!(told.starts_with("-ERR "), "{told}");
    told.trim_end().to_owned()
}

/// A worker that panics ends the server, soon and loudly.
#[test]
fn it_does_not_serve_on_without_a_worker() {
    let server = Server::start(2, &["enable-debug-command=yes", "save=3600 1"]);
    let workers = server.running().server().store.workers();
    let (mut stays, _) = server.connect_at(workers - 1);
    let (mut panics, _) = server.connect_at(0);
    stays.talk(&[("SET key value", "+OK")]);
    let begin = Instant::now();
    panics.send("DEBUG PANIC\r\n");
    assert_eq!(panics.reply(), "");
    assert_eq!(stays.reply(), "");
    assert!(matches!(server.outcome(), Err(ServeError::Panicked)));
    assert!(begin.elapsed() < Duration::from_secs(5));
}
