//! Clients that promise, hoard and do not read: the process grows by what they sent, at most, and by no
//! more than their limits.

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use seawall_sys::usage::resident_bytes;

use crate::client::Server;
use crate::{alone, connect, say};

const MB: u64 = 1 << 20;

/// How many bytes the process has grown by since `before`.
fn grown(before: u64) -> u64 {
    resident_bytes().unwrap().saturating_sub(before)
}

/// A server that has served already, and what the process holds.
fn begin(settings: &[&str]) -> (Server, u64) {
    let server = Server::start(2, settings);
    assert_eq!(say(&server, b"SET a 1\r\nGET a\r\n"), b"+OK\r\n$1\r\n1\r\n");
    (server, resident_bytes().unwrap())
}

fn still_serves(server: &Server) {
    assert_eq!(say(server, b"PING\r\n"), b"+PONG\r\n");
}

/// What is announced takes no memory before it comes.
#[test]
fn promises_cost_nothing() {
    let _alone = alone();
    let (server, before) = begin(&[]);
    let promises: [&[u8]; 4] = [
        b"*2\r\n$4\r\nECHO\r\n$536870912\r\nbegun",
        b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n",
        b"*2147483647\r\n$3\r\nDEL\r\n$1\r\na\r\n",
        b"*2147483647\r\n$6\r\nnosuch\r\n$536870912\r\n",
    ];
    let clients: Vec<_> = (0..100)
        .map(|i| {
            let mut stream = connect(&server);
            stream.write_all(promises[i % promises.len()]).unwrap();
            stream
        })
        .collect();
    still_serves(&server);
    let grown = grown(before);
    assert!(
        grown < 64 * MB,
        "{grown} bytes for {} promises",
        clients.len()
    );
}

/// Sends `piece` again and again until the server closes; how many bytes it took.
fn flood(server: &Server, begin: &[u8], piece: &[u8], at_most: u64) -> u64 {
    let mut stream = connect(server);
    stream.write_all(begin).unwrap();
    let mut sent = 0;
    while sent < at_most && stream.write_all(piece).is_ok() {
        sent += piece.len() as u64;
    }
    sent
}

/// One command without end is cut off at the query limit, whatever it consists of.
#[test]
fn a_command_without_end_is_cut_off() {
    let _alone = alone();
    let (server, before) = begin(&["client-query-buffer-limit=4mb"]);
    let begins: [&[u8]; 3] = [
        b"*2147483647\r\n$3\r\nDEL\r\n",
        b"*2147483647\r\n$6\r\nnosuch\r\n",
        b"*2147483647\r\n$6\r\nCONFIG\r\n",
    ];
    let words: [Vec<u8>; 3] = [
        b"$0\r\n\r\n".repeat(10_000),
        b"$1\r\nx\r\n".repeat(10_000),
        [b"$1000\r\n".as_slice(), &[b'x'; 1000], b"\r\n"]
            .concat()
            .repeat(60),
    ];
    for begin in begins {
        for word in &words {
            let sent = flood(&server, begin, word, 400 * MB);
            assert!(sent < 100 * MB, "{sent} bytes of one command were taken");
        }
    }
    still_serves(&server);
    let grown = grown(before);
    assert!(grown < 64 * MB, "{grown} bytes");
}

/// A line without end is cut off at Redis's 64 KiB.
#[test]
fn a_line_without_end_is_cut_off() {
    let _alone = alone();
    let (server, before) = begin(&[]);
    for begin in [b"".as_slice(), b"*", b"*1\r\n$"] {
        let sent = flood(&server, begin, &[b'1'; 10_000], 400 * MB);
        assert!(sent < 100 * MB, "{sent} bytes of one line were taken");
    }
    still_serves(&server);
    assert!(grown(before) < 64 * MB);
}

/// A client that asks for 500 MB and does not read them is not served ahead; then it reads, and
/// gets everything.
#[test]
fn replies_are_not_made_ahead_of_who_reads() {
    for net in ["net=uring", "net=epoll"] {
        not_made_ahead(net);
    }
}

fn not_made_ahead(net: &str) {
    const VALUE_BYTES: usize = 1_000_000;
    const REPLIES: usize = 500;
    let _alone = alone();
    let (server, before) = begin(&[net]);
    let mut client = server.connect();
    let value = "x".repeat(VALUE_BYTES);
    assert_eq!(client.call(&["SET", "big", &value]), "+OK\r\n");
    let mut asking = connect(&server);
    asking.write_all(&b"GET big\r\n".repeat(REPLIES)).unwrap();
    let begin = Instant::now();
    let mut most = 0;
    while begin.elapsed() < Duration::from_secs(2) {
        most = grown(before).max(most);
        thread::sleep(Duration::from_millis(10));
    }
    println!(
        "{net}: {} MB held for a client that does not read",
        most / MB
    );
    assert!(most < 200 * MB, "{most} bytes are held");
    still_serves(&server);
    let begin = Instant::now();
    let mut left = REPLIES * (VALUE_BYTES + b"$1000000\r\n\r\n".len());
    let mut part = vec![0; 1 << 20];
    while left > 0 {
        let read = asking.read(&mut part).unwrap();
        assert!(read > 0, "{left} bytes are missing");
        left -= read;
    }
    let took = begin.elapsed();
    println!("{net}: all of it read in {took:?}");
}

/// A listener that does not read, whether it has ended its own side or not, costs what its limit says,
/// however much is published; and so it does when its worker does not come to sending it.
#[test]
fn what_is_published_is_not_hoarded() {
    const MESSAGE_BYTES: usize = 1_000_000;
    const MESSAGES: usize = 400;
    let _alone = alone();
    let (server, before) = begin(&[
        "client-output-buffer-limit=pubsub 8mb 4mb 60",
        "enable-debug-command=yes",
    ]);
    let other_worker = server.running().server().store.workers() - 1;
    let (mut publisher, _) = server.connect_at(other_worker);
    let (mut reads, _) = server.connect_at(0);
    let (mut half, _) = server.connect_at(0);
    let (mut sleeper, _) = server.connect_at(0);
    for listener in [&mut reads, &mut half] {
        assert!(listener.ask("SUBSCRIBE news").contains("subscribe"));
    }
    half.finish();
    let message = "x".repeat(MESSAGE_BYTES);
    let mut most = 0;
    for sleeps in [false, true] {
        if sleeps {
            sleeper.send("DEBUG STALL 1\r\n");
        }
        for _ in 0..MESSAGES {
            assert!(
                publisher
                    .call(&["PUBLISH", "news", &message])
                    .starts_with(':')
            );
            most = grown(before).max(most);
        }
        if sleeps {
            assert_eq!(sleeper.reply(), "+OK\r\n");
        } else {
            (reads, _) = server.connect_at(0);
            assert!(reads.ask("SUBSCRIBE news").contains("subscribe"));
        }
    }
    println!("{} MB held for listeners that do not read", most / MB);
    assert!(most < 160 * MB, "{most} bytes are held");
    still_serves(&server);
}

/// Commands that are not answered, since the owner of their key does not come to them, are bounded in
/// bytes; then they are answered, all of them.
#[test]
fn what_is_asked_ahead_is_bounded() {
    const VALUE_BYTES: usize = 1_000_000;
    const COMMANDS: usize = 400;
    let _alone = alone();
    let (server, before) = begin(&["enable-debug-command=yes", "slowlog-log-slower-than=-1"]);
    let store = &server.running().server().store;
    let far = store.workers() - 1;
    let owner = |key: &String| store.placement()[store.shard_of(key.as_bytes())].worker;
    let key = (0..1_000)
        .map(|n| n.to_string())
        .find(|key| owner(key) == far);
    let key = key.expect("each worker owns some of them");
    let (mut asks, _) = server.connect_at(0);
    let (mut sleeper, _) = server.connect_at(far);
    sleeper.send("DEBUG STALL 1.5\r\n");
    thread::sleep(Duration::from_millis(50));
    let mut sender = asks.sender();
    let value = "x".repeat(VALUE_BYTES);
    let set = format!(
        "*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${VALUE_BYTES}\r\n{value}\r\n",
        key.len()
    );
    let sending = thread::spawn(move || {
        for _ in 0..COMMANDS {
            sender.send(&set);
        }
    });
    let begin = Instant::now();
    let mut most = 0;
    while begin.elapsed() < Duration::from_millis(1_200) {
        most = grown(before).max(most);
        thread::sleep(Duration::from_millis(10));
    }
    println!("{} MB held of what is asked ahead", most / MB);
    assert!(most < 160 * MB, "{most} bytes are held");
    for _ in 0..COMMANDS {
        assert_eq!(asks.reply(), "+OK\r\n");
    }
    sending.join().unwrap();
    assert_eq!(sleeper.reply(), "+OK\r\n");
}

/// One line of Memcached's asks for more than anybody could hold.
#[test]
fn a_retrieval_is_not_made_ahead_of_who_reads() {
    let _alone = alone();
    let memcached = seawall_sys::port::free().unwrap();
    let (server, before) = begin(&[&format!("memcached-port={memcached}")]);
    let mut client = server.connect();
    assert_eq!(
        client.call(&["SET", "k", &"x".repeat(1_000_000)]),
        "+OK\r\n"
    );
    let mut asking = crate::connect_to(server.running().memcached_addresses()[0]);
    let line = format!("get{}\r\n", " k".repeat(500));
    asking.write_all(line.as_bytes()).unwrap();
    let begin = Instant::now();
    let mut most = 0;
    while begin.elapsed() < Duration::from_secs(1) {
        most = grown(before).max(most);
        thread::sleep(Duration::from_millis(10));
    }
    println!("{} MB held for one line", most / MB);
    assert!(most < 200 * MB, "{most} bytes are held");
    still_serves(&server);
    let expected = 500 * ("VALUE k 0 1000000\r\n\r\n".len() + 1_000_000) + "END\r\n".len();
    let (mut heard, mut part) = (0, vec![0; 1 << 20]);
    while heard < expected {
        let read = asking.read(&mut part).unwrap();
        assert!(read > 0, "{heard} of {expected} bytes");
        heard += read;
    }
    assert!(part.windows(5).any(|end| end == b"END\r\n"));
}
