//! A connection that writes at keys of its own, many commands under way at a time, and remembers what it sent and what
//! was acknowledged.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::Reply;

use crate::model::{Keys, Op, What, Write};
use crate::wire::Wire;

/// The key that all connections count at.
pub const SHARED: &str = "shared";

/// One in so many of what is sent asks for a snapshot.
const SAVES: u32 = 400;

/// How many keys of each kind a connection has.
const KEYS: u64 = 6;

/// What connections tell whoever ends the server.
#[derive(Default)]
pub struct Tally {
    /// Ops that were acknowledged.
    pub acknowledged: AtomicU64,
    /// Whether the end has begun: what goes wrong from then on is no wonder.
    pub is_ending: AtomicBool,
}

/// What a connection did since its keys were last looked at.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// What its keys held.
    pub before: Keys,
    /// What it sent.
    pub ops: Vec<Op>,
    /// How many of those were acknowledged: all before the last of them are.
    pub acknowledged: usize,
    /// When each of them was.
    pub heard: Vec<Instant>,
    /// The highest number that it heard of [`SHARED`], and how often it asked.
    pub shared: i64,
    pub shared_sent: i64,
}

pub struct Writer {
    name: String,
    random: Xoshiro256PlusPlus,
    /// Numbers ops, over all rounds.
    number: u64,
    pub journal: Journal,
    /// What its keys hold if all that it sent is done.
    now: Keys,
    /// How long it rests between what it sends together.
    pub pause: Duration,
    /// What went wrong.
    pub complaint: Option<String>,
}

/// What is under way.
enum Sent {
    Shared,
    /// A snapshot, from which logs go on; one may be under way already.
    Save,
    Op(Vec<Reply>),
}

impl Writer {
    pub fn new(number: u64, seed: u64) -> Writer {
        let seed = seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Writer {
            name: format!("w{number}"),
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            number: 0,
            journal: Journal::default(),
            now: Keys::new(),
            pause: Duration::ZERO,
            complaint: None,
        }
    }

    /// Goes on from what its keys hold now.
    pub fn begin(&mut self, keys: Keys) {
        self.now.clone_from(&keys);
        self.journal = Journal {
            before: keys,
            ..Journal::default()
        };
    }

    /// Whether `key` is one of its own.
    pub fn owns(&self, key: &str) -> bool {
        key.strip_prefix(&self.name)
            .is_some_and(|rest| rest.starts_with(':'))
    }

    /// Writes until the server is gone, or something is wrong.
    pub fn work(mut self, address: SocketAddr, tally: &Tally) -> Writer {
        let mut wire = match Wire::connect(address) {
            Ok(wire) => wire,
            Err(error) => {
                self.complain(tally, &format!("it cannot connect: {error}"));
                return self;
            }
        };
        loop {
            let mut sent = Vec::new();
            for _ in 0..self.random.random_range(1..=16) {
                sent.push(self.put(&mut wire));
            }
            if let Err(error) = wire.send() {
                self.cut_off(tally, &error);
                return self;
            }
            for sent in sent {
                if !self.hear(&mut wire, sent, tally) {
                    return self;
                }
            }
            thread::sleep(self.pause);
        }
    }

    /// Hears the replies to one op; whether there may be more.
    fn hear(&mut self, wire: &mut Wire, sent: Sent, tally: &Tally) -> bool {
        let expected = match sent {
            Sent::Op(expected) => expected,
            Sent::Save => match wire.reply() {
                Ok(_) => return true,
                Err(error) => return self.cut_off(tally, &error),
            },
            Sent::Shared => match wire.reply() {
                Ok(Reply::Int(number)) if number > self.journal.shared => {
                    self.journal.shared = number;
                    return true;
                }
                Ok(other) => return self.complain(tally, &format!("INCR {SHARED} gave {other:?}")),
                Err(error) => return self.cut_off(tally, &error),
            },
        };
        for expected in expected {
            match wire.reply() {
                Ok(reply) if reply == expected => {}
                Ok(reply) => {
                    let op = &self.journal.ops[self.journal.acknowledged];
                    let text = format!("{op:?} gave {reply:?}, not {expected:?}");
                    return self.complain(tally, &text);
                }
                Err(error) => return self.cut_off(tally, &error),
            }
        }
        self.journal.acknowledged += 1;
        self.journal.heard.push(Instant::now());
        // Relaxed: a moment is drawn by it, and nothing hangs on which.
        tally.acknowledged.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// The connection is gone, as it has to be when the server was ended, and not before.
    fn cut_off(&mut self, tally: &Tally, error: &io::Error) -> bool {
        self.complain(
            tally,
            &format!("the connection ended before the server did: {error}"),
        )
    }

    fn complain(&mut self, tally: &Tally, text: &str) -> bool {
        // Acquire: pairs with the release of whoever ends the server.
        if !tally.is_ending.load(Ordering::Acquire) {
            self.complaint = Some(format!("{}: {text}", self.name));
        }
        false
    }

    /// Puts something drawn at random on the wire.
    fn put(&mut self, wire: &mut Wire) -> Sent {
        if self.random.random_ratio(1, 20) {
            wire.put(&[b"INCR", SHARED.as_bytes()]);
            self.journal.shared_sent += 1;
            return Sent::Shared;
        }
        // Who is in no hurry is there to see how late a log is by itself, and a snapshot makes it durable.
        if self.pause.is_zero() && self.random.random_ratio(1, SAVES) {
            let name: &[u8] = if self.random.random() {
                b"BGREWRITEAOF"
            } else {
                b"BGSAVE"
            };
            wire.put(&[name]);
            return Sent::Save;
        }
        self.number += 1;
        let op = self.draw();
        for command in op.commands() {
            wire.put(&command);
        }
        let expected = op.apply(&mut self.now);
        self.journal.ops.push(op);
        Sent::Op(expected)
    }

    fn draw(&mut self) -> Op {
        match self.random.random_range(0..10) {
            0..7 => Op::One(self.write()),
            7..9 => {
                let first = self.random.random_range(0..KEYS);
                let count = self.random.random_range(2..=5);
                let set = |at| self.set((first + at) % KEYS);
                Op::Several((0..count).map(set).collect())
            }
            _ => {
                let count = self.random.random_range(2..=5);
                Op::Transaction((0..count).map(|_| self.write()).collect())
            }
        }
    }

    fn write(&mut self) -> Write {
        let at = self.random.random_range(0..KEYS);
        let named = |kind: &str| format!("{}:{kind}{at}", self.name);
        match self.random.random_range(0..6) {
            0 => Write {
                key: named("counter"),
                what: What::Increase,
            },
            1 => Write {
                key: named("list"),
                what: What::Push(format!("{}", self.number).into_bytes()),
            },
            2 => Write {
                key: named("hash"),
                what: What::Field(
                    format!("field{}", self.random.random_range(0..4)).into_bytes(),
                    format!("{}", self.number).into_bytes(),
                ),
            },
            _ => self.set(at),
        }
    }

    /// A string, now and then one of many pages.
    fn set(&mut self, at: u64) -> Write {
        let len = match self.random.random_range(0..100) {
            0 => self.random.random_range(5_000..70_000),
            1..10 => self.random.random_range(300..3_000),
            _ => self.random.random_range(0..100),
        };
        let mut value = format!("{}:", self.number).into_bytes();
        value.resize(value.len() + len, b'a' + (self.number % 26) as u8);
        Write {
            key: format!("{}:string{at}", self.name),
            what: What::Set(value),
        }
    }
}
