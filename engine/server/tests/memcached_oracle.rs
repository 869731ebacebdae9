//! Random requests to Memcached's protocol here and to a real memcached: the answers must be equal.
//!
//! Skipped, with a line that says so, where no `memcached` is on the path. What may differ is taken out
//! before comparing: `cas` numbers; the spaces that memcached pads a number with that became shorter (so a
//! key is set anew after it was decremented, and none begins as a zero); and who is told to fetch an item
//! (`W`, `Z`), which memcached forgets where a number changes that it is just sending. Not asked for here:
//! whether an item was read (`h`) and stale items, which the parser's script has.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_server::memcached::{Parser, Request};
use seawall_store::{Millis, Out, Shard, ShardConfig};

const REQUESTS: usize = 20_000;
const MARK: &[u8] = b"MN\r\n";

struct Real {
    child: Child,
    stream: TcpStream,
}

impl Real {
    fn start() -> Option<Real> {
        let port = TcpListener::bind("127.0.0.1:0")
            .ok()?
            .local_addr()
            .ok()?
            .port();
        let mut command = Command::new("memcached");
        let command = command.args(["-l", "127.0.0.1", "-u", "nobody", "-p", &port.to_string()]);
        let child = command.stderr(Stdio::null()).spawn().ok()?;
        let mut real = (0..100).find_map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        let stream = real.take().expect("memcached listens within two seconds");
        stream.set_nodelay(true).expect("a socket");
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .expect("a socket");
        Some(Real { child, stream })
    }

    /// What is answered to `request`, up to the answer to a `mn` after it.
    fn ask(&mut self, request: &str) -> Vec<u8> {
        let all = format!("{request}mn\r\n");
        self.stream.write_all(all.as_bytes()).expect("it listens");
        let mut heard = Vec::new();
        let mut part = [0; 4096];
        while !heard.ends_with(MARK) {
            let count = self.stream.read(&mut part).expect("it answers");
            assert!(count > 0, "it hung up after {request:?}");
            heard.extend_from_slice(&part[..count]);
        }
        heard.truncate(heard.len() - MARK.len());
        heard
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ours(shard: &mut Shard, parser: &mut Parser, now: Millis, request: &str) -> Vec<u8> {
    let mut out = Out::default();
    let mut at = 0;
    while at < request.len() {
        let (used, read) = parser.next(&request.as_bytes()[at..], 1 << 20);
        at += used;
        let before = out.reply.len();
        match read {
            None => assert!(used > 0, "{request:?} is not whole"),
            Some(Request::Nothing) => {}
            Some(Request::Op { op, quiet }) => {
                shard.apply(now, &op, &mut out);
                if quiet {
                    out.reply.truncate(before);
                }
            }
            Some(Request::Reply(line)) => out.reply.encoded(line),
            Some(other) => panic!("{request:?} gave {other:?}"),
        }
    }
    out.reply.as_bytes().to_vec()
}

/// Without what may differ.
fn comparable(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer).into_owned();
    let line = |line: &str| {
        let words: Vec<String> = (line.split(' ').enumerate())
            .filter(|(_, word)| !["W", "Z"].contains(word))
            .map(|(i, word)| {
                let number =
                    |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                let is_cas = word.strip_prefix('c').is_some_and(number)
                    || i == 4 && line.starts_with("VALUE ") && number(word);
                let left = word
                    .strip_prefix('t')
                    .and_then(|left| left.parse::<u64>().ok());
                if let Some(left) = left {
                    // A second may have gone by for one of them.
                    format!("t~{}", (left + 5) / 10)
                } else if is_cas {
                    "c#".to_owned()
                } else {
                    word.to_owned()
                }
            })
            .collect();
        words.join(" ")
    };
    text.split("\r\n").map(line).collect::<Vec<_>>().join("|")
}

fn pick<'a>(random: &mut impl Rng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

/// Letters of meta commands, right ones and wrong ones.
fn letters(random: &mut impl Rng) -> String {
    let all = [
        "v",
        "f",
        "s",
        "k",
        "O1",
        "q",
        "t",
        "T100",
        "N50",
        "MS",
        "MI",
        "ME",
        "MA",
        "Mx",
        "MXY",
        "D5",
        "J13",
        "Dx",
        "Jx",
        "F3",
        "Fx",
        "C0",
        "Cx",
        "C18446744073709551615",
        "Tx",
        "Nx",
        "P1",
        "Lx",
        "v",
        "?",
        "k",
        "b",
    ];
    let count = random.random_range(0..5);
    let chosen: Vec<&str> = (0..count).map(|_| pick(random, &all)).collect();
    chosen.join(" ")
}

fn request(random: &mut impl Rng) -> String {
    let key = pick(random, &["a", "b", "c", "d"]);
    let value = pick(
        random,
        &["", "x", "hello", "7", "9223372036854775807", "12345"],
    );
    let len = value.len();
    let time = pick(random, &["0", "0", "1000", "-1", "99999"]);
    let noreply = pick(random, &["", "", "", " noreply"]);
    let flags = pick(random, &["0", "5", "4294967295", "x", "-1"]);
    match random.random_range(0..26) {
        22 => {
            let name = pick(random, &["mg", "md", "ma"]);
            let mut letters = letters(random);
            if name == "ma" {
                // Memcached forgets the time of a number that grows.
                letters = letters.replace("N50", "P1").replace("T100", "L1");
            }
            format!("{name} {key} {letters}\r\n")
        }
        23 => {
            // Later versions tell the length, and create what is added to.
            let letters = letters(random).replace('s', "k").replace("N50", "P1");
            format!("ms {key} {len} {letters}\r\n{value}\r\n")
        }
        24 => {
            let line = pick(
                random,
                &[
                    "delete K 10",
                    "delete K 0",
                    "delete K 0 0",
                    "incr K",
                    "decr K -1",
                    "touch K",
                    "touch K x",
                    "incr K 99999999999999999999",
                    "set K 0 0 -1",
                    "set K 0 0 x",
                    "set K x 0 1",
                    "set K 0 x 1",
                    "cas K 0 0 1 x",
                    "cas K 0 0 1",
                    "verbosity x",
                    "verbosity",
                    "flush_all x",
                    "flush_all x 1 2",
                    "me",
                    "gat x K",
                    "gat 10",
                    "gats",
                    "slabs automove x",
                    "slabs",
                    "lru_crawler",
                    "lru_crawler sleep x",
                    "cache_memlimit x",
                    "cache_memlimit 1",
                    "cache_memlimit",
                    "shutdown",
                    "bget K",
                ],
            );
            format!("{}{noreply}\r\n", line.replace('K', key))
        }
        25 => {
            let name = pick(random, &["set", "add", "append"]);
            // A wrong length: what is left over is read as requests.
            format!("{name} {key} 0 0 3{noreply}\r\nab\r\nmn\r\n")
        }
        0..=3 => {
            let name = pick(random, &["set", "add", "replace", "append", "prepend"]);
            let flags = pick(random, &["0", "5", "4294967295"]);
            format!("{name} {key} {flags} {time} {len}{noreply}\r\n{value}\r\n")
        }
        4 => format!("cas {key} 0 {time} {len} 18446744073709551615{noreply}\r\n{value}\r\n"),
        5 => format!("get {key} {} nobody {key}\r\n", pick(random, &["a", "b"])),
        6 => format!("gets {key}\r\n"),
        7 => format!("{} {time} {key} a\r\n", pick(random, &["gat", "gats"])),
        8 => format!("delete {key}{noreply}\r\n"),
        9 => format!(
            "incr {key} {}\r\n",
            pick(random, &["1", "100", "0", "x", "-1"])
        ),
        10 => format!(
            "decr {key} {}\r\nset {key} 0 0 1\r\n3\r\n",
            pick(random, &["1", "100"])
        ),
        11 => format!("touch {key} {time}{noreply}\r\n"),
        12..=14 => {
            let mut letters = vec![
                "v", "f", "s", "k", "Oabc", "q", "t", "c", "R10", "N50", "T500",
            ];
            letters.retain(|_| random.random_bool(0.4));
            format!("mg {key} {}\r\n", letters.join(" "))
        }
        15..=17 => {
            let mut letters = vec!["c", "k", "O1", "q", "F7", "T100"];
            letters.retain(|_| random.random_bool(0.3));
            letters.push(pick(random, &["MS", "ME", "MA", "MP", "MR", "Mx", "Mset"]));
            format!("ms {key} {len} {}\r\n{value}\r\n", letters.join(" "))
        }
        18 => {
            let mut letters = vec!["k", "O1", "q"];
            letters.retain(|_| random.random_bool(0.4));
            format!("md {key} {}\r\n", letters.join(" "))
        }
        19 => {
            let mut letters = vec!["v", "k", "O1", "q", "N0", "J13", "D5", "t"];
            letters.retain(|_| random.random_bool(0.4));
            if !letters.contains(&"J13") {
                letters.retain(|letter| *letter != "N0");
            }
            format!("ma {key} {}\r\n", letters.join(" "))
        }
        20 => pick(
            random,
            &[
                "bogus\r\n",
                "get\r\n",
                "set a\r\n",
                "mg\r\n",
                "me nobody\r\n",
                "delete\r\n",
            ],
        )
        .to_owned(),
        _ => {
            // Well formed, and of no time that may be over by chance while this runs.
            let flags = if flags.parse::<u32>().is_ok() {
                flags
            } else {
                "1"
            };
            let time = if time == "-1" { "100" } else { time };
            format!("set {key} {flags} {time} {len}\r\n{value}\r\n")
        }
    }
}

#[test]
fn answers_equal_memcacheds() {
    let Some(mut real) = Real::start() else {
        // Past the test harness, which keeps to itself what a test prints that passes.
        let skipped = "skipped: no `memcached` on the path to compare with";
        writeln!(std::io::stderr(), "{skipped}").expect("standard error is open");
        return;
    };
    let seed: u64 = std::env::var("SEAWALL_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut shard = Shard::new(&ShardConfig::default());
    let mut parser = Parser::default();
    let mut history = Vec::new();
    for number in 0..REQUESTS {
        let request = request(&mut random);
        history.push(request.clone());
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        let now = Millis(now.as_millis() as u64);
        let theirs = comparable(&real.ask(&request));
        let ours = comparable(&ours(&mut shard, &mut parser, now, &request));
        assert_eq!(
            ours,
            theirs,
            "ours, then memcached's, to request {number} after {:?}; repeat by SEAWALL_SEED={seed}",
            &history[history.len().saturating_sub(20)..]
        );
    }
}
