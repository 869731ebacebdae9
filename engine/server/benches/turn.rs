//! What a command costs without the kernel: a worker whose network is an array of bytes.
//!
//! A worker serves 50 connections, each of which sends a block of commands a turn, over a million strings
//! of 100 bytes, in Redis's protocol or in Memcached's. What is measured is the thread's own processor time
//! for an op: reading commands, running them, writing replies, counting. Sending and receiving are not in it.
//!
//! ```text
//! cargo bench -p seawall-server --bench turn [-- [--keys N] [--ops N] [NAME...]]
//! valgrind --tool=callgrind target/release/deps/turn-… --keys 100000 --ops 1000000 get-16
//! ```

use std::cell::RefCell;
use std::io;
use std::net::TcpListener;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_server::config::{Live, Settings};
use seawall_server::connection::Language;
use seawall_server::net::{Entry, Event, Listener, Net, Opened, Token};
use seawall_server::server::Server;
use seawall_server::{Door, Network, Worker};
use seawall_store::{Store, StoreConfig};
use seawall_sys::usage::thread_cpu;

const CONNECTIONS: usize = 50;
const SEED: u64 = 7;
const VALUE: [u8; 100] = [b'v'; 100];
/// Blocks of commands that are made ahead; they come round.
const BLOCKS: usize = 4_096;

thread_local! {
    /// The network of the worker that begins next.
    static NEXT: RefCell<Option<Feed>> = const { RefCell::new(None) };
    /// What was measured: the time, and the bytes that were sent meanwhile.
    static TOOK: RefCell<Option<(Duration, u64)>> = const { RefCell::new(None) };
}

static ENTRY: Entry = Entry {
    name: "feed",
    about: "bytes that were there before",
    open: || {
        let feed = NEXT.with_borrow_mut(Option::take);
        let feed = feed.ok_or_else(|| io::Error::other("no feed"))?;
        Ok(Opened {
            net: Box::new(feed),
            notice: None,
        })
    },
};

/// A network that gives each connection a block a turn.
struct Feed {
    server: Arc<Server>,
    fill: std::vec::IntoIter<Vec<u8>>,
    blocks: Vec<Vec<u8>>,
    /// How many blocks are still to be given.
    left: usize,
    given: usize,
    opened: bool,
    begun: Option<Duration>,
    sent_bytes: u64,
    closed: Vec<Token>,
    open: usize,
}

impl Net for Feed {
    fn listen(&mut self, _: Listener) -> io::Result<usize> {
        Ok(0)
    }

    fn deafen(&mut self) {}

    fn keep_alive(&mut self, _: u32) -> io::Result<()> {
        Ok(())
    }

    fn turn(
        &mut self,
        _: Duration,
        _: BorrowedFd<'_>,
        each: &mut dyn FnMut(Event<'_>),
    ) -> io::Result<()> {
        for conn in self.closed.drain(..) {
            self.open -= 1;
            each(Event::Closed { conn });
        }
        if !self.opened {
            self.opened = true;
            self.open = CONNECTIONS;
            for conn in tokens() {
                let peer = "127.0.0.1:1".to_owned();
                let listener = 0;
                each(Event::Accepted {
                    conn,
                    listener,
                    peer,
                });
            }
        }
        let mut full = false;
        for (conn, bytes) in tokens().zip(&mut self.fill) {
            let bytes = &bytes;
            each(Event::Received { conn, bytes });
            full = true;
        }
        if full {
            return Ok(());
        }
        if self.begun.is_none() {
            self.begun = Some(thread_cpu());
            self.sent_bytes = 0;
        }
        if self.left == 0 {
            let took = thread_cpu().saturating_sub(self.begun.unwrap_or_default());
            if self.open > 0 {
                TOOK.with_borrow_mut(|told| {
                    told.get_or_insert((took, self.sent_bytes));
                });
                self.server.stop();
            }
            return Ok(());
        }
        for conn in tokens().take(self.left) {
            let bytes = &self.blocks[self.given % self.blocks.len()];
            self.given += 1;
            self.left -= 1;
            each(Event::Received { conn, bytes });
        }
        Ok(())
    }

    fn send(&mut self, _: Token, bytes: &[u8]) {
        self.sent_bytes += bytes.len() as u64;
    }

    fn queued(&self, _: Token) -> usize {
        0
    }

    fn pause(&mut self, _: Token, _: bool) {}

    fn close(&mut self, conn: Token) {
        self.closed.push(conn);
    }

    fn close_after_sending(&mut self, conn: Token) {
        self.closed.push(conn);
    }

    fn connections(&self) -> usize {
        self.open
    }
}

fn tokens() -> impl Iterator<Item = Token> {
    (0..CONNECTIONS as u64).map(Token::from_bits)
}

/// A command of a case: its words, the name first.
type Words = Vec<Vec<u8>>;

struct Case {
    name: &'static str,
    /// What its connections speak, and what the strings were set in.
    language: Language,
    /// What fills the store, for each of as many numbers as there are keys.
    fill: fn(u64) -> Words,
    /// A command about the key of this number.
    words: fn(&mut Xoshiro256PlusPlus, u64) -> Words,
}

fn key(n: u64) -> Vec<u8> {
    format!("key:{n:012}").into_bytes()
}

/// A collection of its own among a thousand.
fn of_few(kind: &str, n: u64) -> Vec<u8> {
    format!("{kind}:{:08}", n % 1_000).into_bytes()
}

/// One of all members that a thousand collections have together.
fn one_of_all(n: u64) -> Vec<u8> {
    format!("member:{:09}", n / 1_000).into_bytes()
}

fn member(random: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    format!("member:{:09}", random.random_range(0..100_u32)).into_bytes()
}

static CASES: &[Case] = &[
    Case {
        name: "get",
        language: Language::Resp,
        fill: set,
        words: |_, n| vec![b"GET".to_vec(), key(n)],
    },
    Case {
        name: "set",
        language: Language::Resp,
        fill: set,
        words: |_, n| set(n),
    },
    Case {
        name: "incr",
        language: Language::Resp,
        fill: set,
        words: |_, n| vec![b"INCR".to_vec(), of_few("counter", n)],
    },
    Case {
        name: "lpush",
        language: Language::Resp,
        fill: set,
        words: |_, n| vec![b"LPUSH".to_vec(), of_few("list", n), VALUE[..16].to_vec()],
    },
    Case {
        name: "sadd",
        language: Language::Resp,
        fill: set,
        words: |random, n| vec![b"SADD".to_vec(), of_few("set", n), member(random)],
    },
    Case {
        name: "hset",
        language: Language::Resp,
        fill: set,
        words: |random, n| {
            let value = VALUE[..16].to_vec();
            vec![b"HSET".to_vec(), of_few("hash", n), member(random), value]
        },
    },
    Case {
        name: "zadd",
        language: Language::Resp,
        fill: set,
        words: |random, n| {
            let score = random.random_range(0..1_000_000_u32).to_string();
            let (key, score) = (of_few("sorted", n), score.into_bytes());
            vec![b"ZADD".to_vec(), key, score, member(random)]
        },
    },
    // A thousand collections have all the keys for members: a half of the set's is there at first.
    Case {
        name: "large-sadd",
        language: Language::Resp,
        fill: |n| vec![b"SADD".to_vec(), of_few("set", n), one_of_all(n)],
        words: |random, n| {
            let n = n * 2 + random.random_range(0..2);
            vec![b"SADD".to_vec(), of_few("set", n), one_of_all(n)]
        },
    },
    Case {
        name: "large-hset",
        language: Language::Resp,
        fill: |n| {
            let value = VALUE[..16].to_vec();
            vec![b"HSET".to_vec(), of_few("hash", n), one_of_all(n), value]
        },
        words: |_, n| {
            let value = VALUE[..16].to_vec();
            vec![b"HSET".to_vec(), of_few("hash", n), one_of_all(n), value]
        },
    },
    Case {
        name: "large-zadd",
        language: Language::Resp,
        fill: |n| {
            let score = n.to_string().into_bytes();
            vec![b"ZADD".to_vec(), of_few("sorted", n), score, one_of_all(n)]
        },
        words: |random, n| {
            let score = random.random_range(0..1_000_000_u32).to_string();
            let score = score.into_bytes();
            vec![b"ZADD".to_vec(), of_few("sorted", n), score, one_of_all(n)]
        },
    },
    Case {
        name: "mset",
        language: Language::Resp,
        fill: set,
        words: |random, n| {
            let keys = random.random_range(0..=u64::MAX / 2);
            let pairs = (0..10).map(|at| key((n + keys % 97 * at) % 1_000_000));
            let words = pairs.flat_map(|key| [key, VALUE.to_vec()]);
            std::iter::once(b"MSET".to_vec()).chain(words).collect()
        },
    },
    Case {
        name: "memcached-get",
        language: Language::Memcached,
        fill: stored,
        words: |_, n| vec![b"get".to_vec(), key(n)],
    },
    Case {
        name: "memcached-get10",
        language: Language::Memcached,
        fill: stored,
        words: |random, n| {
            let keys = random.random_range(0..=u64::MAX / 2);
            let keys = (0..10).map(|at| key((n + keys % 97 * at) % 1_000_000));
            std::iter::once(b"get".to_vec()).chain(keys).collect()
        },
    },
    Case {
        name: "memcached-mg",
        language: Language::Memcached,
        fill: stored,
        words: |_, n| vec![b"mg".to_vec(), key(n), b"v".to_vec()],
    },
    Case {
        name: "memcached-set",
        language: Language::Memcached,
        fill: stored,
        words: |_, n| stored(n),
    },
    Case {
        name: "memcached-ms",
        language: Language::Memcached,
        fill: stored,
        words: |_, n| vec![b"ms".to_vec(), key(n), block(&VALUE)],
    },
    Case {
        name: "memcached-delete",
        language: Language::Memcached,
        fill: stored,
        words: |_, n| vec![b"delete".to_vec(), key(n)],
    },
];

/// The last word of a line of Memcached's that stores `value`: its length, and behind the line the value.
fn block(value: &[u8]) -> Vec<u8> {
    [format!("{}\r\n", value.len()).as_bytes(), value].concat()
}

/// Memcached's `set` of the key of this number.
fn stored(n: u64) -> Words {
    let (name, flags, exptime) = (b"set".to_vec(), b"0".to_vec(), b"0".to_vec());
    vec![name, key(n), flags, exptime, block(&VALUE)]
}

/// `SET` of the key of this number.
fn set(n: u64) -> Words {
    vec![b"SET".to_vec(), key(n), VALUE.to_vec()]
}

fn encode(language: Language, to: &mut Vec<u8>, words: &Words) {
    if language == Language::Memcached {
        to.extend_from_slice(&words.join(&b' '));
        to.extend_from_slice(b"\r\n");
        return;
    }
    to.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        to.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        to.extend_from_slice(word);
        to.extend_from_slice(b"\r\n");
    }
}

/// Nanoseconds of the thread's time for an op, and bytes of a reply.
fn run(case: &Case, depth: usize, keys: u64, ops: usize) -> (f64, f64) {
    let config = StoreConfig {
        shards: 1,
        seed: SEED,
        ..StoreConfig::default()
    };
    let store = Store::open(config).expect("a store in memory opens");
    store.follow_clock();
    let live = Live::new(Settings::default(), None);
    let server = Arc::new(Server::new(store, live, "0".repeat(40)));
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let numbers: Vec<u64> = (0..keys).collect();
    let fill = numbers.chunks(64).map(|some| {
        let mut bytes = Vec::new();
        for &n in some {
            encode(case.language, &mut bytes, &(case.fill)(n));
        }
        bytes
    });
    let fill: Vec<Vec<u8>> = fill.collect();
    let blocks = (0..BLOCKS).map(|_| {
        let mut bytes = Vec::new();
        for _ in 0..depth {
            let n = random.random_range(0..keys);
            encode(case.language, &mut bytes, &(case.words)(&mut random, n));
        }
        bytes
    });
    let blocks: Vec<Vec<u8>> = blocks.collect();
    let left = ops / depth;
    NEXT.with_borrow_mut(|next| {
        *next = Some(Feed {
            server: Arc::clone(&server),
            fill: fill.into_iter(),
            blocks,
            left,
            given: 0,
            opened: false,
            begun: None,
            sent_bytes: 0,
            closed: Vec::new(),
            open: 0,
        });
    });
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let network = Network {
        kind: &ENTRY,
        keep_alive_s: 0,
        doors: vec![Door {
            listener: listener.into(),
            address: "127.0.0.1:1".to_owned(),
            language: case.language,
        }],
    };
    let (worker, _) = Worker::begin(&server, &network).expect("the worker begins");
    worker.serve().expect("it ends well");
    let (took, bytes) = TOOK.with_borrow_mut(Option::take).expect("it was measured");
    let ops = (left * depth) as f64;
    (took.as_nanos() as f64 / ops, bytes as f64 / ops)
}

fn main() {
    let mut keys = 1_000_000;
    let mut ops = 2_000_000;
    let mut names = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse().ok());
        match arg.as_str() {
            "--keys" => keys = number().expect("--keys takes a number"),
            "--ops" => ops = number().expect("--ops takes a number") as usize,
            // Cargo's own.
            "--bench" => {}
            "--test" => (keys, ops) = (1_000, 10_000),
            name => names.push(name.to_owned()),
        }
    }
    println!("{:<20} {:>12} {:>14}", "case", "CPU ns/op", "reply bytes");
    for case in CASES {
        for depth in [1, 16, 64] {
            let name = format!("{}-{depth}", case.name);
            let is_meant = |wanted: &String| name.starts_with(wanted.as_str());
            if !names.is_empty() && !names.iter().any(is_meant) {
                continue;
            }
            let (ns, bytes) = run(case, depth, keys, ops);
            println!("{name:<20} {ns:>12.0} {bytes:>14.1}");
        }
    }
}
