//! Clients that wait for keys.

use std::time::{Duration, Instant};

use crate::client::Server;

#[test]
fn who_waits_is_served_in_order_of_arrival() {
    let server = Server::start(4, &[]);
    let (mut first, mut second, mut other) = (server.connect(), server.connect(), server.connect());
    first.send("BLPOP a b 0\r\nPING\r\n");
    wait_until_blocked(&server, 1);
    second.send("BLPOP b 0\r\n");
    wait_until_blocked(&server, 2);
    other.talk(&[("RPUSH b 1 2", ":2"), ("LLEN b", ":0")]);
    assert_eq!(first.reply(), "*2\r\n$1\r\nb\r\n$1\r\n1\r\n");
    // What the client sent behind runs when it is served.
    assert_eq!(first.reply(), "+PONG\r\n");
    assert_eq!(second.reply(), "*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    wait_until_blocked(&server, 0);
}

#[test]
fn waiting_ends_when_its_time_is_up() {
    let server = Server::start(2, &[]);
    let mut client = server.connect();
    for (line, nothing) in [
        ("BLPOP a b c 0.05", "*-1"),
        ("BLMOVE a b LEFT LEFT 0.05", "*-1"),
        ("BLMPOP 0.05 2 a b LEFT", "*-1"),
    ] {
        let begin = Instant::now();
        client.talk(&[(line, nothing)]);
        let took = begin.elapsed();
        let bounds = Duration::from_millis(50)..Duration::from_secs(5);
        assert!(bounds.contains(&took), "{line} took {took:?}");
    }
    client.ask("HELLO 3");
    client.talk(&[("BLPOP a 0.01", "_"), ("BRPOPLPUSH a b 0.01", "_")]);
    client.talk(&[
        ("BLPOP a -1", "-ERR timeout is negative"),
        ("MULTI", "+OK"),
        ("BLPOP a 0", "+QUEUED"),
        ("EXEC", "*1 _"),
    ]);
}

#[test]
fn who_goes_while_it_waits_takes_nothing_with_it() {
    let server = Server::start(2, &[]);
    let mut other = server.connect();
    for end in [true, false] {
        let mut gone = server.connect();
        gone.send("BLPOP a 0\r\n");
        wait_until_blocked(&server, 1);
        if end {
            gone.finish();
        }
        drop(gone);
        wait_until_blocked(&server, 0);
        other.talk(&[("RPUSH a 1", ":1"), ("LPOP a", "$1 1")]);
    }
}

#[test]
fn unblock_ends_the_waiting() {
    let server = Server::start(2, &[]);
    let (mut client, mut other) = (server.connect(), server.connect());
    let id = client.ask("CLIENT ID");
    let id = id.trim_start_matches(':').trim_end();
    for (how, told) in [
        ("", "*-1\r\n"),
        ("TIMEOUT", "*-1\r\n"),
        (
            "ERROR",
            "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n",
        ),
    ] {
        client.send("BLPOP a 0\r\n");
        wait_until_blocked(&server, 1);
        assert_eq!(other.ask(&format!("CLIENT UNBLOCK {id} {how}")), ":1\r\n");
        assert_eq!(client.reply(), told);
        assert_eq!(other.ask(&format!("CLIENT UNBLOCK {id}")), ":0\r\n");
    }
}

#[test]
fn what_was_sent_behind_a_wait_runs_after_it() {
    let server = Server::start(2, &[]);
    let (mut client, mut other) = (server.connect(), server.connect());
    let id = client.ask("CLIENT ID");
    let id = id.trim_start_matches(':').trim_end();
    client.send("WAIT 1 50\r\nSET a 1\r\n");
    assert_eq!(client.reply(), ":0\r\n");
    assert_eq!(client.reply(), "+OK\r\n");
    client.send("WAIT 1 0\r\nGET a\r\n");
    wait_until_blocked(&server, 1);
    assert_eq!(other.ask(&format!("CLIENT UNBLOCK {id}")), ":1\r\n");
    assert_eq!(client.reply(), ":0\r\n");
    assert_eq!(client.reply(), "$1\r\n1\r\n");
}

#[test]
fn replies_can_be_refused() {
    let server = Server::start(2, &[]);
    let mut client = server.connect();
    client.talk(&[("CLIENT REPLY ON", "+OK")]);
    client.send("CLIENT REPLY SKIP\r\nSET a 1\r\nGET a\r\n");
    assert_eq!(client.reply(), "$1\r\n1\r\n");
    client.send("CLIENT REPLY OFF\r\nSET a 2\r\nnosuch\r\nPING\r\nMGET a b c d\r\n");
    client.hears_nothing();
    client.talk(&[("CLIENT REPLY ON", "+OK"), ("GET a", "$1 2")]);
}

/// Waits until so many clients wait for keys.
#[track_caller]
pub fn wait_until_blocked(server: &Server, count: usize) {
    let clients = &server.running().server().clients;
    for _ in 0..1_000 {
        let blocked = clients
            .all()
            .into_iter()
            .filter(|card| card.blocked.load(std::sync::atomic::Ordering::Relaxed));
        if blocked.count() == count {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("not {count} clients wait");
}

#[test]
fn time_goes_on_while_a_worker_sleeps() {
    let server = Server::start(2, &[]);
    let mut client = server.connect();
    for (n, idle_ms) in [90, 45, 70, 20, 80, 60, 35, 95].into_iter().enumerate() {
        // Whoever counted from when it fell asleep would have lost the key at once.
        std::thread::sleep(Duration::from_millis(idle_ms));
        client.talk(&[
            (&format!("SET key:{n} value PX 40"), "+OK"),
            (&format!("STRLEN key:{n}"), ":5"),
        ]);
    }
}
