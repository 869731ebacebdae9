//! Memcached's clients over TCP, beside Redis's on the same keys.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::client::Server;

/// A server with a port for Memcached's clients, and one of them.
fn start(settings: &[&str]) -> (Server, TcpStream) {
    let port = seawall_sys::port::free().expect("a free port");
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
fn who_says_no_more_hears_all_that_was_asked_before() {
    // More than a client may have answered in a turn, and in all rounds of one.
    const REQUESTS: usize = 30_000;
    for net in ["net=uring", "net=epoll"] {
        let (server, mut memcached) = start(&[net]);
        let asked = "get nobody\r\n".repeat(REQUESTS);
        memcached.write_all(asked.as_bytes()).expect("it reads");
        memcached.shutdown(Shutdown::Write).expect("a socket");
        let mut heard = String::new();
        memcached.read_to_string(&mut heard).expect("it answers");
        assert_eq!(heard.matches("END\r\n").count(), REQUESTS, "{net}");

        let mut redis = server.connect();
        let asked = "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n".repeat(REQUESTS);
        redis.send(asked).finish();
        let mut replies = 0;
        while !redis.reply().is_empty() {
            replies += 1;
        }
        assert_eq!(replies, REQUESTS, "{net}");
    }
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
fn a_password_is_given_by_a_first_set() {
    let (_server, mut memcached) = start(&["requirepass=secret"]);
    let stranger = "CLIENT_ERROR unauthenticated|";
    talk(&mut memcached, "get a|", stranger);
    talk(
        &mut memcached,
        "set a 0 0 13|default wrong|",
        "CLIENT_ERROR authentication failure|",
    );
    talk(
        &mut memcached,
        "set a 0 0 5|alone|",
        "CLIENT_ERROR bad authentication token format|",
    );
    let large = format!("set a 0 0 3000|{}|", "x".repeat(3000));
    talk(&mut memcached, &large, stranger);
    talk(&mut memcached, "set a 0 0 14|default secret|", "STORED|");
    talk(&mut memcached, "get a|", "END|");
    let told = stats(&mut memcached);
    assert_eq!(
        (told["auth_cmds"].as_str(), told["auth_errors"].as_str()),
        ("3", "2")
    );
}

/// What `stats` tells.
fn stats(stream: &mut TcpStream) -> HashMap<String, String> {
    stream.write_all(b"stats\r\n").expect("it reads");
    let mut heard = Vec::new();
    while !heard.ends_with(b"END\r\n") {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).expect("it answers");
        heard.extend_from_slice(&part[..count]);
    }
    let text = String::from_utf8(heard).expect("text");
    let told = text
        .lines()
        .filter_map(|line| line.strip_prefix("STAT ")?.split_once(' '));
    told.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn what_requests_came_to_is_counted() {
    let (_server, mut memcached) = start(&["memcached-item-size-max=1024"]);
    talk(
        &mut memcached,
        "set a 0 0 1|1|get a b|mg a|mg b|",
        "STORED|VALUE a 0 1|1|END|HD|EN|",
    );
    talk(
        &mut memcached,
        "delete b|delete b noreply|incr a 1|decr b 1|",
        "NOT_FOUND|2|NOT_FOUND|",
    );
    talk(
        &mut memcached,
        "cas a 0 0 1 1|x|cas b 0 0 1 1|x|",
        "EXISTS|NOT_FOUND|",
    );
    talk(
        &mut memcached,
        "touch a 9|gat 9 b|mg a T9|add a 0 0 1|x|",
        "TOUCHED|END|HD|NOT_STORED|",
    );
    let large = format!("set a 0 0 1000|{}|get a|", "x".repeat(1000));
    talk(
        &mut memcached,
        &large,
        "SERVER_ERROR object too large for cache|END|",
    );
    let told = stats(&mut memcached);
    for (name, value) in [
        ("cmd_get", "5"),
        ("get_hits", "2"),
        ("get_misses", "3"),
        ("cmd_set", "4"),
        ("delete_misses", "2"),
        ("delete_hits", "1"),
        ("incr_hits", "1"),
        ("decr_misses", "1"),
        ("cas_badval", "1"),
        ("cas_misses", "1"),
        ("cmd_touch", "3"),
        ("touch_hits", "2"),
        ("touch_misses", "1"),
        ("store_too_large", "1"),
        ("total_items", "1"),
        ("curr_items", "0"),
    ] {
        assert_eq!(told.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn requests_are_shown_kept_and_held_like_those_of_redis() {
    let (server, mut memcached) = start(&["slowlog-log-slower-than=0"]);
    let mut monitor = server.connect();
    monitor.send("MONITOR\r\n");
    assert_eq!(monitor.reply(), "+OK\r\n");
    talk(&mut memcached, "set fish 0 0 4|tuna|", "STORED|");
    let shown = monitor.reply();
    let words = "\"memcached.set\" \"fish\" \"tuna\" \"0\" \"0\"\r\n";
    assert!(shown.ends_with(words), "{shown:?}");
    let mut redis = server.connect();
    redis.send("SLOWLOG GET\r\nINFO commandstats\r\n");
    let slow = redis.reply();
    assert!(
        slow.contains("memcached.set") && slow.contains("tuna"),
        "{slow:?}"
    );
    let counts = redis.reply();
    assert!(
        counts.contains("cmdstat_memcached.set:calls=1,"),
        "{counts:?}"
    );
    redis.send("CLIENT PAUSE 10000 WRITE\r\n").reply();
    talk(&mut memcached, "get fish|", "VALUE fish 0 4|tuna|END|");
    memcached
        .write_all(b"set fish 0 0 1 noreply\r\nx\r\nget fish\r\n")
        .expect("it reads");
    memcached
        .set_read_timeout(Some(Duration::from_millis(300)))
        .expect("a socket");
    memcached.read(&mut [0]).expect_err("it is held");
    memcached
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a socket");
    redis.send("CLIENT UNPAUSE\r\n").reply();
    talk(&mut memcached, "", "VALUE fish 0 1|x|END|");
}

#[test]
fn what_is_answered_where_it_was_read_is_kept_with_its_words() {
    let (server, mut memcached) = start(&["slowlog-log-slower-than=0", "shards=1"]);
    talk(&mut memcached, "set fish 0 0 4|tuna|", "STORED|");
    talk(
        &mut memcached,
        "mg fish v Oab|get fish bird|",
        "VA 4 Oab|tuna|VALUE fish 0 4|tuna|END|",
    );
    let mut redis = server.connect();
    let slow = redis.send("SLOWLOG GET\r\n").reply();
    for words in [
        ["memcached.get", "fish"].as_slice(),
        &["memcached.get", "bird"],
        &["memcached.mg", "fish", "v", "Oab"],
    ] {
        let shown = words
            .iter()
            .map(|word| format!("${}\r\n{word}\r\n", word.len()));
        let shown = format!("*{}\r\n{}", words.len(), shown.collect::<Vec<_>>().concat());
        assert!(slow.contains(&shown), "{shown:?} is not in {slow:?}");
    }
}

#[test]
fn one_too_many_is_told_so() {
    let (server, mut memcached) = start(&["maxclients=1"]);
    talk(&mut memcached, "mn|", "MN|");
    let address = server.running().memcached_addresses()[0];
    let mut second = TcpStream::connect(address).expect("it listens");
    talk(&mut second, "", "ERROR Too many open connections|");
    assert_eq!(second.read(&mut [0; 16]).expect("it hangs up"), 0);
}

#[test]
fn one_line_may_name_as_many_keys_as_many_lines() {
    let (_server, mut memcached) = start(&[]);
    let value = "v".repeat(10_000);
    talk(
        &mut memcached,
        &format!("set k 0 0 10000|{value}|"),
        "STORED|",
    );
    // Two hundred megabytes of answers, which nobody reads at first.
    let asked = format!("get{}|", " k".repeat(20_000));
    let answer = format!("VALUE k 0 10000|{value}|").repeat(20_000) + "END|";
    talk(&mut memcached, &asked, &answer);
}

#[test]
fn the_memory_limit_is_redis_maxmemory() {
    let (server, mut memcached) = start(&[]);
    talk(&mut memcached, "cache_memlimit 64|", "OK|");
    let mut redis = server.connect();
    let told = redis.send("CONFIG GET maxmemory\r\n").reply();
    assert!(told.contains("67108864"), "{told:?}");
}

#[test]
fn there_are_no_slab_classes_to_dump() {
    let (server, mut memcached) = start(&[]);
    let no_line = "CLIENT_ERROR bad command line|";
    let no_format = "CLIENT_ERROR bad command line format|";
    talk(&mut memcached, "set a 0 0 1|a|", "STORED|");
    for (asked, answer) in [
        ("1 100", "END|"),
        ("63 0 more", "END|"),
        ("", no_line),
        ("1", no_line),
        ("a 1", no_format),
        ("1 -1", no_format),
        ("64 1", "CLIENT_ERROR Illegal slab id|"),
    ] {
        talk(&mut memcached, &format!("stats cachedump {asked}|"), answer);
    }
    talk(&mut memcached, "stats cachedumped 1 1|", "ERROR|");
    talk(&mut memcached, "stats items all|", "END|");
    server.stop();
}

/// Figures come when every shard has told, in their place among other replies.
#[test]
fn stats_wait_for_the_shards_and_for_nobody_else() {
    let (server, mut memcached) = start(&["enable-debug-command=yes"]);
    if server.running().server().store.workers() < 2 {
        return;
    }
    let worker = |client: std::net::SocketAddr| {
        let all = server.running().server().clients.all();
        let card = all.into_iter().find(|card| card.peer == client.to_string());
        card.expect("it is connected").worker
    };
    talk(&mut memcached, "set a 0 0 1|x|", "STORED|");
    let own = worker(memcached.local_addr().expect("an address"));
    let (mut sleeper, _) = server.connect_at(1 - own);
    let (mut other, _) = server.connect_at(own);
    let begin = std::time::Instant::now();
    sleeper.send("DEBUG STALL 1\r\n");
    std::thread::sleep(Duration::from_millis(100));
    memcached
        .write_all(b"stats\r\nversion\r\n")
        .expect("it reads");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(other.ask("PING"), "+PONG\r\n");
    assert!(begin.elapsed() < Duration::from_millis(900));
    let mut heard = Vec::new();
    while !heard.ends_with(b"VERSION 1.6.18\r\n") {
        let mut part = [0; 4096];
        let len = memcached.read(&mut part).expect("it answers");
        assert!(len > 0, "it closed");
        heard.extend_from_slice(&part[..len]);
    }
    let text = String::from_utf8_lossy(&heard);
    assert!(text.contains("STAT curr_items 1\r\n"), "{text}");
    assert!(text.contains("END\r\nVERSION"), "{text}");
}
