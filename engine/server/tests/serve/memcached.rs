//! Memcached's clients over TCP, beside Redis's on the same keys.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::client::Server;

/// A server with a port for Memcached's clients, and one of them.
fn start(settings: &[&str]) -> (Server, TcpStream) {
    // A port that is free now; another process may take it before the server does.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let port = format!("memcached-port={port}");
    let server = Server::start(2, &[settings, &[port.as_str()]].concat());
    let address = server.running().memcached_addresses()[0];
    let stream = TcpStream::connect(address).expect("it listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a socket");
    (server, stream)
}

/// Says `asked`, and holds what is answered to `answer`; `|` ends a line.
fn talk(stream: &mut TcpStream, asked: &str, answer: &str) {
    let lines = |text: &str| text.replace('|', "\r\n");
    stream.write_all(lines(asked).as_bytes()).expect("it reads");
    let mut heard = vec![0; lines(answer).len()];
    stream.read_exact(&mut heard).expect("it answers");
    assert_eq!(String::from_utf8_lossy(&heard), lines(answer), "{asked:?}");
}

#[test]
fn both_protocols_see_one_keyspace() {
    let (server, mut memcached) = start(&[]);
    let mut redis = server.connect();
    talk(&mut memcached, "set fish 7 0 4|tuna|", "STORED|");
    redis.send("APPEND fish !\r\nSET bird gull EX 100\r\nRPUSH list a\r\n");
    for _ in 0..3 {
        redis.reply();
    }
    talk(&mut memcached, "get fish|", "VALUE fish 7 5|tuna!|END|");
    talk(&mut memcached, "mg bird v f|", "VA 4 f0|gull|");
    talk(
        &mut memcached,
        "get list|add list 0 0 1|x|",
        "END|NOT_STORED|",
    );
    talk(&mut memcached, "flush_all|get fish|", "OK|END|");
}

#[test]
fn pipelines_are_answered_in_order_from_every_shard() {
    let (_server, mut memcached) = start(&[]);
    let asked =
        |i: usize| format!("set key:{i} {i} 0 1|x|get key:{i}|set key:{i} 0 0 1 noreply|y|");
    let answer = |i: usize| format!("STORED|VALUE key:{i} {i} 1|x|END|");
    let all = |each: &dyn Fn(usize) -> String| (0..500).map(each).collect::<Vec<_>>().concat();
    let (asked, answer) = (all(&asked), all(&answer));
    talk(&mut memcached, &asked, &answer);
    talk(
        &mut memcached,
        "get nobody key:1 key:2|",
        "VALUE key:1 0 1|y|VALUE key:2 0 1|y|END|",
    );
}

#[test]
fn a_flush_may_wait() {
    let (_server, mut memcached) = start(&[]);
    let asked = "set a 0 0 1|x|flush_all 1|get a|";
    talk(&mut memcached, asked, "STORED|OK|VALUE a 0 1|x|END|");
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(50));
        memcached.write_all(b"mg a\r\n").expect("it reads");
        let mut heard = [0; 4];
        memcached.read_exact(&mut heard).expect("it answers");
        if &heard == b"EN\r\n" {
            return;
        }
    }
    panic!("it was never flushed");
}

#[test]
fn a_password_keeps_everybody_out() {
    let (_server, mut memcached) = start(&["requirepass=secret"]);
    talk(&mut memcached, "get a|", "CLIENT_ERROR unauthenticated|");
    let closed = memcached.read(&mut [0; 16]).expect("it hangs up");
    assert_eq!(closed, 0);
}
