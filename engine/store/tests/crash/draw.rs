//! What is asked: ops of every type of value, of one key and of several, and transactions.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::Op;

/// How many keys there are of each kind.
const KEYS: u64 = 5;

/// Kinds of keys: strings, lists, sets, hashes, sorted sets, places, counts of distinct things.
const KINDS: [char; 7] = ['s', 'l', 't', 'h', 'z', 'g', 'p'];

/// Ops of one key. A letter in braces is a key of that kind, `{v}` a value that no other op has, `{m}` one of few
/// members, `{n}` a small number, `{at}` a time soon.
const OF_ONE: &[&str] = &[
    "set {s} {v}",
    "set {s} {v}",
    "set {s} {v} pxat {at}",
    "append {s} {v}",
    "incrby {s} {n}",
    "setrange {s} {n} {v}",
    "setbit {s} {n} 1",
    "getdel {s}",
    "getex {s} persist",
    "rpush {l} {v} {m}",
    "lpush {l} {v}",
    "lpop {l}",
    "lset {l} 0 {v}",
    "ltrim {l} 0 6",
    "linsert {l} before {m} {v}",
    "sadd {t} {m} {v}",
    "srem {t} {m}",
    "spop {t}",
    "hset {h} {m} {v}",
    "hset {h} {v} {m} {m} {v}",
    "hincrby {h} count {n}",
    "hdel {h} {m}",
    "zadd {z} {n} {m}",
    "zadd {z} {n} {v} {n} {m}",
    "zincrby {z} {n} {m}",
    "zpopmin {z}",
    "zremrangebyrank {z} 5 -1",
    "geoadd {g} {n} {n} {m}",
    "pfadd {p} {v}",
    "del {h}",
    "unlink {l}",
    "persist {s}",
    "pexpireat {z} {at}",
    "pexpireat {t} {at}",
];

/// Ops of several keys.
const OF_SEVERAL: &[&str] = &[
    "mset {s} {v} {s} {v} {s} {v}",
    "mset {s} {v} {s} {v}",
    "msetnx {s} {v} {s} {v}",
    "del {s} {l} {t}",
    "rename {s} {s}",
    "rename {z} {h}",
    "copy {h} {h} replace",
    "lmove {l} {l} left right",
    "smove {t} {t} {m}",
    "sunionstore {t} {t} {t}",
    "sdiffstore {t} {t} {t}",
    "zunionstore {z} 2 {z} {t}",
    "zrangestore {z} {z} 0 3",
    "bitop or {s} {s} {s}",
    "pfmerge {p} {p} {p}",
    "sort {t} alpha store {l}",
    "geosearchstore {g} {g} fromlonlat 3 3 byradius 3000 km",
];

/// Ops that concern whole databases, seldom.
const OF_ALL: &[&str] = &["flushdb", "swapdb 0 1"];

/// What a client asks at once.
pub enum Asked {
    /// One op.
    Op(Op),
    /// All of these, together.
    Transaction(Vec<Op>),
}

/// Draws what is asked.
pub struct Draw<'a> {
    pub random: &'a mut Xoshiro256PlusPlus,
    /// Tells values apart.
    pub number: u64,
    /// The time.
    pub now: u64,
}

impl Draw<'_> {
    /// What is asked next, and whether it may change several shards, or any key.
    pub fn next(&mut self) -> (Asked, bool) {
        match self.random.random_range(0..100) {
            0..65 => (Asked::Op(self.op(OF_ONE)), false),
            65..86 => (Asked::Op(self.op(OF_SEVERAL)), true),
            86..99 => {
                let count = self.random.random_range(1..6);
                let ops = (0..count).map(|_| {
                    let several = self.random.random_bool(0.3);
                    self.op(if several { OF_SEVERAL } else { OF_ONE })
                });
                (Asked::Transaction(ops.collect()), true)
            }
            _ => (Asked::Op(self.op(OF_ALL)), true),
        }
    }

    fn op(&mut self, from: &[&str]) -> Op {
        let words = from[self.random.random_range(0..from.len())];
        let parts: Vec<String> = words.split(' ').map(|word| self.part(word)).collect();
        let op = Op::parse(parts.iter().map(String::as_bytes));
        let op = op.unwrap_or_else(|error| panic!("{words}: {error}"));
        // Now and then in another database.
        op.within(u8::from(self.random.random_ratio(1, 8)))
    }

    fn part(&mut self, word: &str) -> String {
        let Some(name) = word.strip_prefix('{').and_then(|it| it.strip_suffix('}')) else {
            return word.to_owned();
        };
        match name {
            "v" => {
                self.number += 1;
                // A few are longer than a sector, so that they can be torn.
                let long = self.random.random_ratio(1, 12);
                let fill = if long {
                    self.random.random_range(400..1_500)
                } else {
                    0
                };
                format!("v{}{}", self.number, "x".repeat(fill))
            }
            "m" => format!("m{}", self.random.random_range(0..6)),
            "n" => self.random.random_range(1..40).to_string(),
            "at" => (self.now + self.random.random_range(1..3_000)).to_string(),
            kind => format!("{kind}{}", self.random.random_range(0..KEYS)),
        }
    }
}

/// Every key that is ever asked for.
pub fn keys() -> Vec<String> {
    let of = |kind| (0..KEYS).map(move |number| format!("{kind}{number}"));
    KINDS.into_iter().flat_map(of).collect()
}
