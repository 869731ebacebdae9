//! Many requests at once, cut anywhere, to a whole server; the same one by one to a shard alone: answers and
//! counts must be equal. So what is answered where it was read meets what takes the long way, in any mixture.
//!
//! The comparison is proved by sides that are wrong on purpose: each makes a mistake that a short way might.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_server::command::of_memcached;
use seawall_server::config::Settings;
use seawall_server::{Running, serve};
use seawall_store::Op;
use seawall_store::command::list::push::RPUSH;
use seawall_store::command::memcached;
use seawall_store::command::set::SET;

use super::alone::{Alone, Tally};
use super::requests::{comparable, pick, request};

/// The most requests of one pipeline.
const DEPTH_MAX: usize = 64;
const KEYS: [&str; 10] = [
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "key:000000000001",
    "plain",
    "list",
    "none",
];

/// How many reads of another core's strings a worker may not have told of.
const READS_UNTOLD_MAX: u64 = 64;

/// Whoever is asked.
trait Side {
    /// What is answered to `requests`, which come in pieces cut by `random`.
    fn ask(&mut self, requests: &[String], random: &mut dyn Rng) -> Vec<u8>;
}

/// A server with one client of Memcached's and one of Redis's.
struct Whole {
    running: Option<Running>,
    stream: TcpStream,
    redis: TcpStream,
}

impl Whole {
    fn start(shards: usize) -> Whole {
        let port = seawall_sys::port::free().expect("a free port");
        let mut settings = Settings::default();
        let (shards, port) = (format!("shards={shards}"), format!("memcached-port={port}"));
        for assignment in ["port=0", "bind=127.0.0.1", "pin=no", &shards, &port] {
            settings.assign(assignment).expect("a setting");
        }
        let running = serve(settings, None).expect("a server starts");
        let connect = |address| {
            let stream = TcpStream::connect(address).expect("it listens");
            stream.set_nodelay(true).expect("a socket");
            let timeout = Some(Duration::from_secs(10));
            stream.set_read_timeout(timeout).expect("a socket");
            stream
        };
        Whole {
            stream: connect(running.memcached_addresses()[0]),
            redis: connect(running.addresses()[0]),
            running: Some(running),
        }
    }

    /// What is answered to a command of Redis's, up to `end`.
    fn redis(&mut self, command: &str, end: &str) -> String {
        self.redis.write_all(command.as_bytes()).expect("it reads");
        hear(&mut self.redis, end)
    }

    fn tally(&self, command: &'static seawall_store::Command) -> Tally {
        let entry = of_memcached(command).expect("it stands in the table");
        let server = self.running.as_ref().expect("it runs").server();
        let count = server.calls.count(entry.number);
        Tally {
            calls: count.calls,
            missed: count.missed,
            conflicting: count.conflicting,
        }
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
            let _ = running.wait();
        }
    }
}

fn hear(stream: &mut TcpStream, end: &str) -> String {
    let mut heard = Vec::new();
    let mut part = [0; 16 << 10];
    while !heard.ends_with(end.as_bytes()) {
        let told = || String::from_utf8_lossy(&heard).into_owned();
        match stream.read(&mut part) {
            Ok(len @ 1..) => heard.extend_from_slice(&part[..len]),
            other => panic!("{other:?} after {:?}, before {end:?}", told()),
        }
    }
    String::from_utf8_lossy(&heard).into_owned()
}

impl Side for Whole {
    fn ask(&mut self, requests: &[String], random: &mut dyn Rng) -> Vec<u8> {
        let bytes = requests.concat().into_bytes();
        let pieces_max = *[1, 1, 2, 8].get(random.random_range(0..4)).unwrap_or(&1);
        let mut rest = bytes.as_slice();
        for _ in 1..pieces_max {
            let (first, second) = rest.split_at(random.random_range(0..=rest.len()));
            self.stream.write_all(first).expect("it reads");
            rest = second;
            // Long enough for most of it to be read before the rest comes; wherever it is cut, the answers
            // are the same.
            std::thread::sleep(Duration::from_micros(200));
        }
        self.stream.write_all(rest).expect("it reads");
        // The last request is the mark, and answered by its own key.
        let mark = requests.last().and_then(|mark| mark.split(' ').nth(1));
        let end = format!("EN k{}\r\n", mark.expect("a mark"));
        hear(&mut self.stream, &end).into_bytes()
    }
}

/// A mistake: what is asked instead.
type Mistake = fn(&mut Vec<String>);

/// One who makes a mistake.
struct Wrong {
    alone: Alone,
    mistake: Mistake,
}

impl Side for Wrong {
    fn ask(&mut self, requests: &[String], _: &mut dyn Rng) -> Vec<u8> {
        let mut requests = requests.to_vec();
        (self.mistake)(&mut requests);
        self.alone.ask(&requests.concat())
    }
}

fn is_read(request: &str) -> bool {
    request.starts_with("get ") || request.starts_with("mg ")
}

static MISTAKES: &[(&str, Mistake)] = &[
    ("nothing is wrong", |_| ()),
    (
        "a line with more keys than are read ahead ends early",
        |all| {
            for request in all.iter_mut().filter(|request| request.starts_with("get ")) {
                let places: Vec<usize> = request.match_indices(' ').map(|(at, _)| at).collect();
                if let Some(&at) = places.get(32) {
                    request.replace_range(at..=at, "\r\nget ");
                }
            }
        },
    ),
    ("a read is not noted", |all| {
        for request in all.iter_mut().filter(|request| request.starts_with("mg ")) {
            if !request.contains(" u") && !request.contains('b') {
                *request = request.replace("\r\n", " u\r\n");
            }
        }
    }),
    ("a miss is told though nobody wants to know", |all| {
        for request in all.iter_mut().filter(|request| request.starts_with("mg ")) {
            *request = request.replacen(" q", "", 1);
        }
    }),
    ("the flags are left out", |all| {
        for request in all.iter_mut().filter(|request| request.starts_with("mg ")) {
            *request = request.replacen(" f", "", 1);
        }
    }),
    ("a read overtakes a write without an answer", |all| {
        for at in 1..all.len() {
            if all[at - 1].contains("noreply") && is_read(&all[at]) {
                all.swap(at - 1, at);
            }
        }
    }),
    ("what is there is stored anew", |all| {
        for request in all.iter_mut() {
            if let Some(rest) = request.strip_prefix("add ") {
                *request = format!("set {rest}");
            }
        }
    }),
    ("an expired value is stored", |all| {
        for request in all.iter_mut() {
            *request = request.replacen(" -1 ", " 0 ", 1);
        }
    }),
    ("what stands last is not asked", |all| {
        if let [.., last, _] = all.as_mut_slice()
            && is_read(last)
        {
            last.clear();
        }
    }),
];

/// One that is written as most clients write it, so that the short way may have it.
fn plain(random: &mut impl Rng) -> String {
    let key = pick(random, &KEYS);
    match random.random_range(0..10) {
        0..=1 => format!("get {key}\r\n"),
        2 => {
            let count = random.random_range(2..80);
            let keys: Vec<&str> = (0..count).map(|_| pick(random, &KEYS)).collect();
            let name = pick(random, &["get", "get", "gets"]);
            let space = pick(random, &[" ", " ", " ", "  "]);
            let end = pick(random, &["\r\n", "\r\n", "\n", " \r\n"]);
            format!("{name} {}{end}", keys.join(" ").replacen(' ', space, 1))
        }
        3..=5 => {
            let mut letters = vec!["v", "f", "s", "k", "Oab", "q", "t", "c", "h"];
            letters.retain(|_| random.random_bool(0.4));
            letters.insert(0, "");
            let letters = letters.join(" ");
            format!("mg {key}{letters}\r\n")
        }
        6 => format!("gets {key}\r\n"),
        7..=8 => {
            let name = pick(random, &["set", "set", "add", "replace"]);
            let (flags, time) = (
                pick(random, &["0", "7"]),
                pick(random, &["0", "1000", "-1"]),
            );
            let (noreply, value) = (
                pick(random, &["", " noreply"]),
                pick(random, &["", "value"]),
            );
            let len = value.len();
            format!("{name} {key} {flags} {time} {len}{noreply}\r\n{value}\r\n")
        }
        _ => {
            let mut letters = vec!["T90", "F5", "k", "q", "Ox", "c", "s", "I"];
            letters.retain(|_| random.random_bool(0.2));
            letters.insert(0, "");
            let letters = letters.join(" ");
            format!("ms {key} 3{letters}\r\nabc\r\n")
        }
    }
}

fn pipeline(random: &mut impl Rng, number: usize) -> Vec<String> {
    let depth = random.random_range(1..=DEPTH_MAX);
    let mut requests: Vec<String> = (0..depth)
        .map(|_| match random.random_range(0..10) {
            0..=7 => plain(random),
            _ => request(random),
        })
        .collect();
    requests.push(format!("mg mark{number} k\r\n"));
    requests
}

/// The first pipeline that `side` answers otherwise than one who is asked one by one; that one.
fn compare(side: &mut dyn Side, seed: u64, pipelines: usize) -> (Option<String>, Alone) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut alone = Alone::default();
    prepare(&mut alone);
    for number in 0..pipelines {
        let requests = pipeline(&mut random, number);
        let expected: Vec<Vec<u8>> = requests.iter().map(|one| alone.ask(one)).collect();
        let told = comparable(&side.ask(&requests, &mut random));
        let expected = comparable(&expected.concat());
        if told != expected {
            let difference = format!("{requests:?}\n gives {told}\n   not {expected}");
            return (Some(difference), alone);
        }
    }
    (None, alone)
}

/// Keys that are Redis's.
fn prepare(alone: &mut Alone) {
    alone.apply(&Op::new(&RPUSH).arg("list").arg("x"));
    alone.apply(&Op::new(&SET).arg("plain").arg("text"));
}

fn answers_are_those_of_one_by_one(shards: usize) {
    let seed: u64 = std::env::var("SEAWALL_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let mut whole = Whole::start(shards);
    whole.redis("RPUSH list x\r\nSET plain text\r\n", "+OK\r\n");
    let (difference, alone) = compare(&mut whole, seed, 300);
    if let Some(difference) = difference {
        panic!("{difference}\n repeat by SEAWALL_SEED={seed}");
    }
    for command in memcached::COMMANDS {
        let expected = alone.tallies.get(command.name).copied().unwrap_or_default();
        assert_eq!(whole.tally(command), expected, "{}", command.name);
    }
    let told = whole.redis("INFO stats\r\nECHO end\r\n", "$3\r\nend\r\n");
    let stats = alone.shard.stats();
    for (name, expected) in [("hits", stats.hits), ("misses", stats.misses)] {
        let line = told.split(&format!("keyspace_{name}:")).nth(1);
        let count = line.and_then(|line| line.split("\r\n").next());
        let count: u64 = count.expect(name).parse().expect("a number");
        // Of strings that another core owns, a worker tells when it has read many.
        let untold = if shards > 1 { READS_UNTOLD_MAX } else { 0 };
        let expected = expected.saturating_sub(untold)..=expected;
        assert!(
            expected.contains(&count),
            "{count} {name}, not {expected:?}"
        );
    }
}

#[test]
fn answers_to_pipelines_are_those_of_one_by_one() {
    answers_are_those_of_one_by_one(1);
}

#[test]
fn answers_to_pipelines_from_two_shards_are_those_of_one_by_one() {
    answers_are_those_of_one_by_one(2);
}

#[test]
fn mistakes_are_found() {
    for (at, (name, mistake)) in MISTAKES.iter().enumerate() {
        let mut alone = Alone::default();
        prepare(&mut alone);
        let mistake = *mistake;
        let (difference, _) = compare(&mut Wrong { alone, mistake }, 1, 300);
        assert_eq!(difference.is_some(), at > 0, "{name}: {difference:?}");
    }
}
