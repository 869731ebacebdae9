//! A command happens when it comes, however long its worker slept before.

use std::time::{Duration, Instant};

use crate::client::{Client, Server};

const LIFE_MS: u64 = 60;
/// Times are told in whole milliseconds: either end may be rounded.
const ROUNDED_MS: u64 = 2;

fn number(reply: &str) -> i64 {
    let digits = reply.trim().strip_prefix(':').expect("an integer");
    digits.parse().expect("an integer")
}

/// Long enough asleep for the time before to be another.
fn rest(client: &mut Client, number: u64) {
    std::thread::sleep(Duration::from_millis(70 + number * 3));
    assert!(client.ask("PING").starts_with('+'), "it is there");
    std::thread::sleep(Duration::from_millis(70));
}

/// Keys of every shard: some of the connection's own worker, some of the other.
#[test]
fn a_key_lives_as_long_as_it_was_given() {
    let server = Server::start(2, &[]);
    let mut client = server.connect();
    for number_of_key in 0..8 {
        let key = format!("key:{number_of_key}");
        rest(&mut client, number_of_key);
        let before = Instant::now();
        client.ask(&format!("SET {key} v PX {LIFE_MS}"));
        let left = number(&client.ask(&format!("PTTL {key}")));
        let passed = before.elapsed().as_millis() as u64;
        let told = u64::try_from(left).unwrap_or(0);
        assert!(
            told + passed + ROUNDED_MS >= LIFE_MS,
            "{key}: {left} ms are left after {passed}"
        );
    }
    server.stop();
}

#[test]
fn a_key_is_gone_when_its_time_is_over() {
    let server = Server::start(2, &["enable-debug-command=yes"]);
    let mut client = server.connect();
    client.ask("DEBUG SET-ACTIVE-EXPIRE 0");
    for number_of_key in 0..8 {
        let key = format!("key:{number_of_key}");
        client.ask(&format!("SET {key} v PX {LIFE_MS}"));
        std::thread::sleep(Duration::from_millis(LIFE_MS + ROUNDED_MS));
        assert_eq!(client.ask(&format!("GET {key}")), "$-1\r\n", "{key}");
        assert_eq!(client.ask(&format!("EXISTS {key}")), ":0\r\n", "{key}");
    }
    server.stop();
}

#[test]
fn all_workers_sleep_where_redis_would() {
    let server = Server::start(2, &["enable-debug-command=yes"]);
    let (mut sleeper, _) = server.connect_at(0);
    let (mut other, _) = server.connect_at(1);
    let begin = Instant::now();
    sleeper.send("DEBUG SLEEP 0.4\r\n");
    // The other worker does not know before it looks; from then on it answers nobody.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(other.ask("PING"), "+PONG\r\n");
    assert!(begin.elapsed() >= Duration::from_millis(350));
    assert_eq!(sleeper.reply(), "+OK\r\n");
    server.stop();
}
