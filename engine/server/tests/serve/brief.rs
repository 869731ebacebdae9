//! Commands that are run where they lie, without an op, beside the same commands typed, which are not.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::client::{Client, Server, array};

const VALUES: &[&str] = &[
    "0",
    "-1",
    "7",
    "007",
    "-0",
    "1.5",
    "inf",
    "nan",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999999",
    "nx",
    "word",
    "another",
    "a-word-of-more-than-sixty-four-letters-is-not-kept-in-the-short-forms-of-values",
];

/// A command of which most are brief; some are written in other letters, have too few words or too many, and some
/// end what allows to be brief, or allow it again.
fn command(random: &mut Xoshiro256PlusPlus) -> Vec<String> {
    let key = format!("k{}", random.random_range(0..12));
    let (a, b) = (
        VALUES.choose(random).unwrap(),
        VALUES.choose(random).unwrap(),
    );
    let member = format!("m{}", random.random_range(0..300));
    let words: &[&str] = match random.random_range(0..44) {
        0..4 => &["SET", &key, a],
        4..7 => &["INCR", &key],
        7 => &["DECR", &key],
        8 => &["INCRBY", &key, a],
        9 => &["DECRBY", &key, a],
        10..13 => &["LPUSH", &key, a],
        13 => &["RPUSH", &key, a],
        14..19 => &["SADD", &key, &member],
        19..23 => &["HSET", &key, &member, a],
        23..26 => &["ZADD", &key, a, &member],
        26 => &["INCR", &key, a],
        27 => &["LPUSH", &key, a, b],
        28 => &["SADD", &key, a, b],
        29 => &["HSET", &key, a],
        30 => &["ZADD", &key, "CH", a, &member],
        31 => &["GET", &key],
        32 => &["DEL", &key],
        33 => &["PEXPIREAT", &key, "1"],
        34 => &["DUMP", &key],
        35 => &["MULTI"],
        36 => &["EXEC"],
        37 => &["WATCH", &key],
        38 => &["SELECT", ["0", "9"].choose(random).unwrap()],
        39 => &[
            "CONFIG",
            "SET",
            "notify-keyspace-events",
            ["KEA", ""].choose(random).unwrap(),
        ],
        40 => &[
            "CONFIG",
            "SET",
            "maxmemory",
            ["0", "0", "1", "100mb"].choose(random).unwrap(),
        ],
        41 => &["HELLO", ["2", "3"].choose(random).unwrap()],
        42 => &["TYPE", &key],
        _ => &["SISMEMBER", &key, &member],
    };
    let mut words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    if random.random_ratio(1, 8) {
        words[0].make_ascii_lowercase();
    }
    words
}

/// Typed words, which the server reads as a line.
fn typed(words: &[String]) -> String {
    let quoted = words.iter().map(|word| format!("\"{word}\""));
    quoted.collect::<Vec<String>>().join(" ") + "\r\n"
}

/// The counts of calls, by command: those that ran, failed and were rejected.
fn counted(client: &mut Client) -> Vec<String> {
    let said = client.ask("INFO commandstats");
    let lines = said.lines().filter(|line| line.starts_with("cmdstat_"));
    let counts = lines.map(|line| {
        let parts = line.split(',').filter(|part| !part.starts_with("usec"));
        parts.collect::<Vec<&str>>().join(",")
    });
    counts.collect()
}

fn compare(shards: usize, seed: u64) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let servers = [Server::start(shards, &[]), Server::start(shards, &[])];
    let [mut brief, mut long] = [servers[0].connect(), servers[1].connect()];
    for round in 0..60 {
        let commands: Vec<Vec<String>> = (0..random.random_range(1..120))
            .map(|_| command(&mut random))
            .collect();
        let bytes: Vec<u8> = commands.iter().flat_map(|words| array(words)).collect();
        let mut sender = brief.sender();
        let mut rest = &bytes[..];
        let most = *[40, 400, 4_000, 100_000].choose(&mut random).unwrap();
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(random.random_range(1..=most).min(rest.len()));
            sender.send(piece);
            rest = left;
        }
        for (at, words) in commands.iter().enumerate() {
            let expected = long.send(typed(words)).reply();
            let said = brief.reply();
            let place = format!("{shards} shards, seed {seed}, round {round}, command {at}");
            assert_eq!(said, expected, "{place}: {words:?}");
        }
    }
    assert_eq!(counted(&mut brief), counted(&mut long), "seed {seed}");
}

#[test]
fn what_runs_where_it_lies_is_what_runs_as_an_op() {
    for (shards, seed) in [(1, 1), (1, 2), (2, 3)] {
        compare(shards, seed);
    }
}

/// Another's transaction sees what is written where it lies, and who waits has it.
#[test]
fn others_hear_of_what_runs_where_it_lies() {
    let server = Server::start(1, &[]);
    let [mut writer, mut other] = [server.connect(), server.connect()];
    for (words, changes) in [
        (&["INCR", "n"][..], true),
        (&["LPUSH", "l", "v"], true),
        (&["SADD", "s", "m"], true),
        (&["SADD", "s", "m"], false),
        (&["HSET", "h", "f", "v"], true),
        (&["HSET", "h", "f", "v"], true),
        (&["ZADD", "z", "1", "m"], true),
        (&["ZADD", "z", "1", "m"], false),
        (&["SET", "n", "v"], true),
        (&["INCR", "n"], false),
    ] {
        other.call(&["WATCH", words[1]]);
        writer.call(words);
        other.call(&["MULTI"]);
        let kept = other.call(&["EXEC"]);
        assert_eq!(kept == "*-1\r\n", changes, "{words:?}: {kept:?}");
    }
    other.send(array(&["BLPOP", "queue", "0"]));
    while !writer.ask("INFO clients").contains("blocked_clients:1") {}
    let pushes = [
        array(&["LPUSH", "queue", "a"]),
        array(&["LPUSH", "queue", "b"]),
    ];
    writer.send(pushes.concat());
    assert_eq!(writer.reply(), ":1\r\n");
    assert_eq!(writer.reply(), ":1\r\n");
    assert_eq!(other.reply(), "*2\r\n$5\r\nqueue\r\n$1\r\na\r\n");
}
