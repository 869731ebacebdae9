//! Clients that go, or are made to go: whatever they have not heard or read, they hold nothing back.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, Server};
use crate::waiting::wait_until_blocked;

/// Asks for more than the kernel takes for a client that does not read.
fn ask_for_much(client: &mut Client) {
    assert_eq!(
        client.call(&["SET", "big", &"x".repeat(1_000_000)]),
        "+OK\r\n"
    );
    client.send("GET big\r\n".repeat(50));
}

/// Waits until so many clients are left.
#[track_caller]
fn wait_until_left(server: &Server, count: usize) {
    let clients = &server.running().server().clients;
    let until = Instant::now() + Duration::from_secs(10);
    while clients.count() != count {
        assert!(
            Instant::now() < until,
            "{} clients are left, not {count}",
            clients.count()
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until bytes for this client wait to be sent.
fn wait_until_stuck(server: &Server, id: u64) {
    let card = server.running().server().clients.find(id);
    let card = card.expect("it is connected");
    while card.output_bytes.get() == 0 {
        thread::sleep(Duration::from_millis(5));
    }
}

/// Ends the server, which is to take no longer than it waits for those who do not read.
fn ends_in_time(server: Server) {
    let (told, ended) = mpsc::channel();
    thread::spawn(move || {
        server.stop();
        told.send(()).expect("the test waits");
    });
    let ended = ended.recv_timeout(Duration::from_secs(5));
    assert!(ended.is_ok(), "the server does not end");
}

#[test]
fn the_end_does_not_wait_for_who_does_not_read() {
    for net in ["net=uring", "net=epoll"] {
        let server = Server::start(2, &[net]);
        let (mut slow, id) = server.connect_at(0);
        let (mut quits, quitter) = server.connect_at(0);
        ask_for_much(&mut slow);
        ask_for_much(&mut quits);
        quits.send("QUIT\r\n");
        wait_until_stuck(&server, id);
        wait_until_stuck(&server, quitter);
        ends_in_time(server);
    }
}

#[test]
fn who_takes_its_leave_and_does_not_read_can_be_killed() {
    for goodbye in ["QUIT\r\n", "*x\r\n", ""] {
        let server = Server::start(1, &[]);
        let (mut slow, id) = server.connect_at(0);
        let mut other = server.connect();
        ask_for_much(&mut slow);
        slow.send(goodbye);
        if goodbye.is_empty() {
            slow.finish();
        }
        wait_until_stuck(&server, id);
        assert_eq!(other.ask(&format!("CLIENT KILL ID {id}")), ":1\r\n");
        let heard = slow.rest();
        assert!(heard < 50_000_000, "{heard} bytes after {goodbye:?}");
    }
}

/// It is gone before anybody knows that it would wait: no element is given to it, and nothing waits for
/// it at the end.
#[test]
fn who_goes_before_it_waits_takes_nothing_with_it() {
    let server = Server::start(2, &["enable-debug-command=yes"]);
    let store = &server.running().server().store;
    let far = store.workers() - 1;
    let owner = |key: &str| store.placement()[store.shard_of(key.as_bytes())].worker;
    let key = (0..).map(|n| format!("list:{n}"));
    let key = key
        .into_iter()
        .find(|key| owner(key) == far)
        .expect("endless");
    for keys in [key.clone(), format!("{key} elsewhere:1 elsewhere:2")] {
        let (mut goes, id) = server.connect_at(0);
        let (mut other, _) = server.connect_at(0);
        let (mut sleeper, _) = server.connect_at(far);
        // The owner of the key does not come to it before the client is gone.
        sleeper.send("DEBUG STALL 0.3\r\n");
        thread::sleep(Duration::from_millis(50));
        goes.send(format!("BLPOP {keys} 0\r\n"));
        thread::sleep(Duration::from_millis(50));
        other.send(format!("CLIENT KILL ID {id}\r\n"));
        assert_eq!(sleeper.reply(), "+OK\r\n");
        assert_eq!(other.reply(), ":1\r\n");
        wait_until_left(&server, 2);
        wait_until_blocked(&server, 0);
        let push = format!("RPUSH {key} element");
        let pop = format!("LPOP {key}");
        other.talk(&[(&push, ":1"), (&pop, "$7 element")]);
        drop((other, sleeper));
        wait_until_left(&server, 0);
    }
    ends_in_time(server);
}
