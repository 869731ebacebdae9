//! Replies come in the order of the commands, however many are under way.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::client::{Server, array};

#[test]
fn a_pipeline_of_any_depth_is_answered_in_order() {
    let server = Server::start(4, &[]);
    let mut client = server.connect();
    let mut sent: Vec<String> = Vec::new();
    let mut expected = Vec::new();
    for number in 0..20_000 {
        match number % 7 {
            0 => {
                sent.push(format!("SET key:{number} {number}\r\n"));
                expected.push("+OK\r\n".to_owned());
            }
            1 => {
                sent.push(format!("GET key:{}\r\n", number - 1));
                let value = (number - 1).to_string();
                expected.push(format!("${}\r\n{value}\r\n", value.len()));
            }
            2 => {
                sent.push(format!("ECHO {number}\r\n"));
                let text = number.to_string();
                expected.push(format!("${}\r\n{text}\r\n", text.len()));
            }
            3 => {
                sent.push("nosuch\r\n".to_owned());
                expected.push(
                    "-ERR unknown command 'nosuch', with args beginning with: \r\n".to_owned(),
                );
            }
            // Over several shards: everything before it is done, nothing after it has begun.
            4 => {
                sent.push(format!("MSET a{number} x b{number} y c{number} z\r\n"));
                expected.push("+OK\r\n".to_owned());
            }
            5 => {
                let before = number - 1;
                sent.push(format!(
                    "MGET a{before} b{before} c{before} key:{}\r\n",
                    number - 5
                ));
                let value = (number - 5).to_string();
                let value = format!("${}\r\n{value}\r\n", value.len());
                expected.push(format!("*4\r\n$1\r\nx\r\n$1\r\ny\r\n$1\r\nz\r\n{value}"));
            }
            _ => {
                sent.push("PING\r\n".to_owned());
                expected.push("+PONG\r\n".to_owned());
            }
        }
    }
    let mut sender = client.sender();
    let thread = std::thread::spawn(move || {
        sender.send(sent.concat());
    });
    for (number, expected) in expected.into_iter().enumerate() {
        assert_eq!(client.reply(), expected, "command {number}");
    }
    thread.join().unwrap();
}

#[test]
fn who_sends_no_more_is_still_answered() {
    let server = Server::start(2, &[]);
    let mut client = server.connect();
    client
        .send("SET a 1\r\nGET a\r\nMGET a b\r\nPING\r\n")
        .finish();
    for expected in [
        "+OK\r\n",
        "$1\r\n1\r\n",
        "*2\r\n$1\r\n1\r\n$-1\r\n",
        "+PONG\r\n",
        "",
    ] {
        assert_eq!(client.reply(), expected);
    }
}

#[test]
fn quit_answers_and_closes() {
    let server = Server::start(1, &[]);
    let mut client = server.connect();
    client.send("GET a\r\nQUIT\r\nSET a 1\r\n");
    for expected in ["$-1\r\n", "+OK\r\n", ""] {
        assert_eq!(client.reply(), expected);
    }
    assert_eq!(server.connect().ask("GET a"), "$-1\r\n");
}

#[test]
fn the_end_of_the_server_finishes_what_was_asked() {
    let server = Server::start(2, &[]);
    let mut clients: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.ask("PING"), "+PONG\r\n");
        client.send(format!("SET k{number} v\r\nGET k{number}\r\n"));
        assert_eq!(client.reply(), "+OK\r\n");
    }
    server.stop();
    for client in &mut clients {
        assert_eq!(client.reply(), "$1\r\nv\r\n");
        assert_eq!(client.reply(), "");
    }
}

/// Others never see a later write of a client without an earlier one, on whatever shards the two are.
#[test]
fn writes_of_one_client_are_seen_in_their_order() {
    let server = Server::start(2, &["enable-debug-command=yes"]);
    let store = &server.running().server().store;
    if store.workers() == 1 {
        // One worker applies what it reads as it reads it.
        return;
    }
    let owner = |key: &String| store.placement()[store.shard_of(key.as_bytes())].worker;
    let key_of = |worker: usize, round: usize| {
        let mut keys = (0..).map(|n| format!("{round}:{n}"));
        keys.find(|key| owner(key) == worker).expect("endless")
    };
    let (mut writer, _) = server.connect_at(0);
    let (mut reader, _) = server.connect_at(0);
    let (mut sleeper, _) = server.connect_at(1);
    // Typed, and as programs send it.
    for (round, later, typed) in [(0, 0, true), (1, 1, true), (4, 0, false), (5, 1, false)] {
        let (far, last) = (key_of(1, round), key_of(later, round + 2));
        // The owner of the first key does not come to it for a while.
        sleeper.send("DEBUG STALL 0.3\r\n");
        std::thread::sleep(Duration::from_millis(50));
        let words = [
            vec!["SET", &far, "1"],
            vec!["SET", &last, "1"],
            vec!["GET", &last],
        ];
        for words in words {
            writer.send(if typed {
                format!("{}\r\n", words.join(" ")).into_bytes()
            } else {
                array(&words)
            });
        }
        let until = Instant::now() + Duration::from_secs(10);
        let seen = loop {
            let seen = reader.ask(&format!("GET {last}"));
            if seen != "$-1\r\n" || Instant::now() > until {
                break seen;
            }
        };
        assert_eq!(seen, "$1\r\n1\r\n");
        assert_eq!(reader.ask(&format!("GET {far}")), "$1\r\n1\r\n");
        for expected in ["+OK\r\n", "+OK\r\n", "$1\r\n1\r\n"] {
            assert_eq!(writer.reply(), expected);
        }
        assert_eq!(sleeper.reply(), "+OK\r\n");
    }
}

/// What goes to several shards in one go is answered as one shard answers it.
#[test]
fn a_pipeline_over_several_shards_is_answered_as_by_one() {
    let seed = 11;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let servers = [1, 2, 3].map(|shards| Server::start(shards, &[]));
    for round in 0..20 {
        let commands: Vec<Vec<String>> = (0..random.random_range(1..400))
            .map(|number| {
                let key = format!("{}", random.random_range(0..12));
                let other = format!("{}", random.random_range(0..12));
                let words: &[&str] = match random.random_range(0..14) {
                    0..3 => &["SET", &key, &format!("{number}")],
                    3..5 => &["GET", &key],
                    5..7 => &["INCR", &key],
                    7 => &["LPUSH", &key, "a"],
                    8 => &["HSET", &key, "field", "1"],
                    9 => &["HGET", &key, "field"],
                    10 => &["DEL", &key],
                    11 => &["MSET", &key, "1", &other, "2"],
                    12 => &["SET", &key, "1", "NX", "GET"],
                    _ => &["STRLEN", &key],
                };
                words.iter().map(|&word| word.to_owned()).collect()
            })
            .collect();
        let mut bytes = Vec::new();
        for words in &commands {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            bytes.extend(array(&words));
        }
        let mut clients: Vec<_> = servers.iter().map(Server::connect).collect();
        for client in &mut clients {
            client.send(&bytes);
        }
        for words in &commands {
            let expected = clients[0].reply();
            for (shards, client) in (1..).zip(&mut clients).skip(1) {
                let said = client.reply();
                assert_eq!(
                    said, expected,
                    "{words:?}, {shards} shards, seed {seed}, round {round}"
                );
            }
        }
    }
    let calls = servers.map(|server| {
        let mut client = server.connect();
        let said = client.ask("INFO commandstats");
        let counts = said.lines().filter(|line| line.starts_with("cmdstat_"));
        let counts = counts.filter(|line| !line.starts_with("cmdstat_info"));
        let called = counts.map(|line| line.split(",usec").next().unwrap_or_default().to_owned());
        let failed = said
            .lines()
            .filter_map(|line| line.split("failed_calls=").nth(1));
        (
            called.collect::<Vec<_>>(),
            failed.map(str::to_owned).collect::<Vec<_>>(),
        )
    });
    assert_eq!(calls[0], calls[1]);
    assert_eq!(calls[0], calls[2]);
}

/// Replies that wait behind one that is late are no more than may be kept for a client.
#[test]
fn what_waits_behind_a_late_reply_is_bounded() {
    const VALUE_BYTES: usize = 8 << 20;
    let server = Server::start(2, &["enable-debug-command=yes"]);
    let store = &server.running().server().store;
    if store.workers() < 2 {
        return;
    }
    let key_of = |worker: usize| {
        let mut keys = (0..100).map(|n| n.to_string());
        let owner = |key: &String| store.placement()[store.shard_of(key.as_bytes())].worker;
        keys.find(|key| owner(key) == worker)
            .expect("each has some")
    };
    let (near, far) = (key_of(0), key_of(1));
    let (mut client, id) = server.connect_at(0);
    let (mut other, _) = server.connect_at(0);
    let (mut sleeper, _) = server.connect_at(1);
    client.send(array(&["SET", &near, &"v".repeat(VALUE_BYTES)]));
    assert_eq!(client.reply(), "+OK\r\n");
    sleeper.send("DEBUG STALL 1\r\n");
    std::thread::sleep(Duration::from_millis(100));
    let count = 30;
    let mut bytes = array(&["SET", &far, "1"]);
    (0..count).for_each(|_| bytes.extend(array(&["GETRANGE", &near, "0", "-1"])));
    client.send(bytes);
    std::thread::sleep(Duration::from_millis(300));
    let list = other.ask(&format!("CLIENT LIST ID {id}"));
    let kept = list
        .split("omem=")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let kept: usize = kept.expect("it is told").parse().expect("a number");
    assert!((1..=96 << 20).contains(&kept), "{kept} bytes wait: {list}");
    assert_eq!(client.reply(), "+OK\r\n");
    for _ in 0..count {
        assert!(client.reply().len() > VALUE_BYTES);
    }
    assert_eq!(sleeper.reply(), "+OK\r\n");
}

/// Who asks for figures waits for the shards, and nobody else of its worker does.
#[test]
fn figures_that_are_late_hold_up_their_client_alone() {
    let server = Server::start(2, &["enable-debug-command=yes"]);
    if server.running().server().store.workers() < 2 {
        return;
    }
    let (mut sleeper, _) = server.connect_at(1);
    let (mut asks, _) = server.connect_at(0);
    let (mut other, _) = server.connect_at(0);
    other.talk(&[("SET a 1", "+OK"), ("SET b 1", "+OK")]);
    let begin = Instant::now();
    sleeper.send("DEBUG STALL 1\r\n");
    // It sleeps when it no longer answers others.
    std::thread::sleep(Duration::from_millis(100));
    asks.send(
        "INFO keyspace\r\nMULTI\r\nINFO keyspace\r\nMEMORY STATS\r\nPING\r\nEXEC\r\nPING\r\n",
    );
    std::thread::sleep(Duration::from_millis(100));
    other.talk(&[("PING", "+PONG"), ("ECHO served", "$6 served")]);
    let waited = begin.elapsed();
    assert!(waited < Duration::from_millis(900), "after {waited:?}");
    assert!(asks.reply().contains("db0:keys=2,"));
    assert!(begin.elapsed() >= Duration::from_secs(1), "nobody slept");
    for _ in 0..4 {
        asks.reply();
    }
    let told = asks.reply();
    assert!(told.starts_with("*3\r\n$"), "{told}");
    assert!(told.contains("db0:keys=2,") && told.contains("dataset.bytes"));
    assert!(told.ends_with("+PONG\r\n"), "{told}");
    assert_eq!(asks.reply(), "+PONG\r\n");
    let counted = asks.ask("INFO commandstats");
    assert!(counted.contains("cmdstat_info:calls=2,"), "{counted}");
}

/// One client's many commands, which wait behind one that waits for a key, let others have their turn.
#[test]
fn who_has_much_answered_at_once_lets_others_in() {
    let server = Server::start(1, &[]);
    let (mut client, mut other) = (server.connect(), server.connect());
    client.talk(&[("SET key value", "+OK")]);
    let mut bytes = array(&["BLPOP", "list", "0"]);
    let count = 20_000;
    for number in 0..count {
        match number % 3 {
            0 => bytes.extend(array(&["GET", "key"])),
            1 => bytes.extend(array(&["INCR", "counter"])),
            _ => bytes.extend(array(&["Set", "key", "value"])),
        }
    }
    client.send(bytes);
    while !other.ask("CLIENT LIST").contains("cmd=blpop") {
        std::thread::sleep(Duration::from_millis(1));
    }
    other.talk(&[("RPUSH list element", ":1")]);
    assert_eq!(client.reply(), "*2\r\n$4\r\nlist\r\n$7\r\nelement\r\n");
    for number in 0..count {
        let expected = match number % 3 {
            0 => "$5\r\nvalue\r\n".to_owned(),
            1 => format!(":{}\r\n", number / 3 + 1),
            _ => "+OK\r\n".to_owned(),
        };
        assert_eq!(client.reply(), expected, "{number}");
    }
}
