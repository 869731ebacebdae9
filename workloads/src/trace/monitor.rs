//! What `MONITOR` of a Redis server tells, as requests.
//!
//! ```text
//!   1339518083.107412 [0 127.0.0.1:60866] "set" "user:1" "a value" "EX" "60"
//! ```
//!
//! Keys become dense ids at once: none is kept but as a hash in memory, unless they are asked for. A key is another object in each
//! database. A size is that of the key and of the value that was last seen written to it; the server does not tell what it answered. Commands
//! that are not in the table below are counted and left out: they are no use of a key (`ttl`), or do nothing where it is absent
//! (`expire`, `hdel`, `lpop`), which a get or a set in a trace does not tell.

use std::collections::HashMap;

use super::builder::Builder;
use super::columns::{Columns, Op, Request, SIZE_NONE};

/// Where a command has its keys.
#[derive(Clone, Copy, PartialEq)]
enum Keys {
    First,
    All,
    /// Every second argument, each followed by its value.
    Pairs,
}

use Keys::{All, First, Pairs};

/// The commands that are understood, by what they ask for.
const COMMANDS: &[(&str, Op, Keys)] = &[
    ("get", Op::Get, First),
    ("getex", Op::Get, First),
    ("getrange", Op::Get, First),
    ("strlen", Op::Get, First),
    ("getbit", Op::Get, First),
    ("bitcount", Op::Get, First),
    ("bitpos", Op::Get, First),
    ("mget", Op::Get, All),
    ("exists", Op::Get, All),
    ("touch", Op::Get, All),
    ("hget", Op::Get, First),
    ("hmget", Op::Get, First),
    ("hgetall", Op::Get, First),
    ("hexists", Op::Get, First),
    ("hkeys", Op::Get, First),
    ("hlen", Op::Get, First),
    ("hrandfield", Op::Get, First),
    ("hscan", Op::Get, First),
    ("hstrlen", Op::Get, First),
    ("hvals", Op::Get, First),
    ("lindex", Op::Get, First),
    ("llen", Op::Get, First),
    ("lpos", Op::Get, First),
    ("lrange", Op::Get, First),
    ("scard", Op::Get, First),
    ("sismember", Op::Get, First),
    ("smembers", Op::Get, First),
    ("smismember", Op::Get, First),
    ("srandmember", Op::Get, First),
    ("sscan", Op::Get, First),
    ("sdiff", Op::Get, All),
    ("sinter", Op::Get, All),
    ("sunion", Op::Get, All),
    ("zcard", Op::Get, First),
    ("zcount", Op::Get, First),
    ("zlexcount", Op::Get, First),
    ("zmscore", Op::Get, First),
    ("zrandmember", Op::Get, First),
    ("zrange", Op::Get, First),
    ("zrangebylex", Op::Get, First),
    ("zrangebyscore", Op::Get, First),
    ("zrank", Op::Get, First),
    ("zrevrange", Op::Get, First),
    ("zrevrangebylex", Op::Get, First),
    ("zrevrangebyscore", Op::Get, First),
    ("zrevrank", Op::Get, First),
    ("zscan", Op::Get, First),
    ("zscore", Op::Get, First),
    ("geodist", Op::Get, First),
    ("geohash", Op::Get, First),
    ("geopos", Op::Get, First),
    ("geosearch", Op::Get, First),
    ("xlen", Op::Get, First),
    ("xrange", Op::Get, First),
    ("xrevrange", Op::Get, First),
    ("pfcount", Op::Get, All),
    ("set", Op::Set, First),
    ("setnx", Op::Set, First),
    ("setex", Op::Set, First),
    ("psetex", Op::Set, First),
    ("getset", Op::Set, First),
    ("append", Op::Set, First),
    ("incr", Op::Set, First),
    ("incrby", Op::Set, First),
    ("incrbyfloat", Op::Set, First),
    ("decr", Op::Set, First),
    ("decrby", Op::Set, First),
    ("setbit", Op::Set, First),
    ("setrange", Op::Set, First),
    ("mset", Op::Set, Pairs),
    ("msetnx", Op::Set, Pairs),
    ("hset", Op::Set, First),
    ("hsetnx", Op::Set, First),
    ("hmset", Op::Set, First),
    ("hincrby", Op::Set, First),
    ("hincrbyfloat", Op::Set, First),
    ("lpush", Op::Set, First),
    ("rpush", Op::Set, First),
    ("sadd", Op::Set, First),
    ("zadd", Op::Set, First),
    ("zincrby", Op::Set, First),
    ("geoadd", Op::Set, First),
    ("pfadd", Op::Set, First),
    ("xadd", Op::Set, First),
    ("del", Op::Delete, All),
    ("unlink", Op::Delete, All),
    ("getdel", Op::Delete, First),
];

/// Keeps the keys of databases apart: 2^64 over the golden ratio.
const APART: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a line tells.
struct Told {
    time_s: u32,
    database: u64,
    words: Vec<Vec<u8>>,
}

/// What a command tells of each of its keys.
#[derive(Clone, Copy)]
struct When {
    time_s: u32,
    database: u64,
    ttl_s: u32,
}

/// Collects what a server's monitor tells.
pub struct Monitor {
    builder: Builder,
    /// Key and value bytes of each key, by its hash.
    sizes: HashMap<u64, u32>,
    /// Keys in the order in which they were first seen, where they are asked for, until they are handed out.
    keys: Option<Vec<Vec<u8>>>,
    /// Whether the builder's requests were handed out.
    handed: bool,
    requests: u64,
    other: u64,
}

impl Default for Monitor {
    fn default() -> Monitor {
        Monitor {
            builder: Builder::new(),
            sizes: HashMap::new(),
            keys: None,
            handed: false,
            requests: 0,
            other: 0,
        }
    }
}

impl Monitor {
    /// Keeps keys for [`Monitor::new_keys`], too.
    #[must_use]
    pub fn with_keys(mut self) -> Monitor {
        self.keys = Some(Vec::new());
        self
    }

    /// The keys that were not seen before the last call, in the order of their objects' ids; none where they are not kept.
    pub fn new_keys(&mut self) -> Vec<Vec<u8>> {
        self.keys.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes a line, without its end.
    pub fn line(&mut self, line: &[u8]) {
        let Some(Told {
            time_s,
            database,
            words,
        }) = parse(line)
        else {
            self.other += 1;
            return;
        };
        let is = |name: &str| words[0].eq_ignore_ascii_case(name.as_bytes());
        let Some(&(name, op, keys)) = COMMANDS.iter().find(|(name, ..)| is(name)) else {
            self.other += 1;
            return;
        };
        let arguments = &words[1..];
        let when = When {
            time_s,
            database,
            ttl_s: ttl_s(name, arguments, time_s),
        };
        match keys {
            First => {
                let value = if op == Op::Set {
                    value(name, arguments)
                } else {
                    None
                };
                self.push(when, op, arguments.first(), value);
            }
            All => {
                for key in arguments {
                    self.push(when, op, Some(key), None);
                }
            }
            Pairs => {
                for pair in arguments.chunks_exact(2) {
                    self.push(when, op, Some(&pair[0]), Some(&pair[1]));
                }
            }
        }
    }

    fn push(&mut self, when: When, op: Op, key: Option<&Vec<u8>>, value: Option<&Vec<u8>>) {
        let Some(key) = key else {
            self.other += 1;
            return;
        };
        self.forget_handed();
        let number = self.builder.text_key(key) ^ when.database.wrapping_mul(APART);
        let size = self.sizes.entry(number).or_insert_with(|| {
            self.keys.iter_mut().for_each(|keys| keys.push(key.clone()));
            bounded(key.len())
        });
        if let Some(value) = value {
            *size = bounded(key.len() + value.len());
        }
        self.builder.push(Request {
            key: number,
            size: Some(*size),
            time_s: Some(when.time_s),
            op: Some(op),
            ttl_s: Some(when.ttl_s),
        });
        self.requests += 1;
    }

    fn forget_handed(&mut self) {
        if std::mem::take(&mut self.handed) {
            self.builder.clear();
        }
    }

    /// How many requests were taken.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// How many lines were none of the commands that are understood.
    pub fn other(&self) -> u64 {
        self.other
    }

    /// How many objects were asked for, of those requests that were handed out.
    pub fn objects(&self) -> u32 {
        self.builder.object_count()
    }

    /// Whether a block of requests waits.
    pub fn is_full(&self) -> bool {
        self.builder.is_full()
    }

    /// The requests since the last call.
    ///
    /// # Errors
    /// There are more objects than ids; in words.
    pub fn block(&mut self) -> Result<&Columns, String> {
        self.forget_handed();
        self.handed = true;
        self.builder.settle().map_err(|(what, _)| what)?;
        Ok(&self.builder.columns)
    }
}

fn bounded(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(SIZE_NONE).min(SIZE_NONE - 1)
}

/// What a command writes as a whole, where that can be told.
fn value<'a>(name: &str, arguments: &'a [Vec<u8>]) -> Option<&'a Vec<u8>> {
    match name {
        "set" | "setnx" | "getset" => arguments.get(1),
        "setex" | "psetex" => arguments.get(2),
        _ => None,
    }
}

/// The seconds that a command gives its key to live from `now_s` on, rounded up; 0 for none.
fn ttl_s(name: &str, arguments: &[Vec<u8>], now_s: u32) -> u32 {
    let number =
        |at: usize| -> Option<u64> { std::str::from_utf8(arguments.get(at)?).ok()?.parse().ok() };
    let option = |word: &str| {
        let at = |argument: &Vec<u8>| argument.eq_ignore_ascii_case(word.as_bytes());
        arguments
            .iter()
            .skip(2)
            .position(at)
            .and_then(|at| number(at + 3))
    };
    let seconds = match name {
        "setex" => number(1),
        "psetex" => number(1).map(|ms| ms.div_ceil(1000)),
        "set" => {
            let until_s = option("exat").or_else(|| option("pxat").map(|ms| ms.div_ceil(1000)));
            let left_s = until_s.map(|s| s.saturating_sub(now_s.into()).max(1));
            let px = || option("px").map(|ms| ms.div_ceil(1000));
            option("ex").or_else(px).or(left_s)
        }
        _ => None,
    };
    seconds.map_or(0, |seconds| u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// What a line tells; `None` where it is no command's.
fn parse(line: &[u8]) -> Option<Told> {
    let dot = memchr::memchr(b'.', line)?;
    let time_s = std::str::from_utf8(&line[..dot]).ok()?.parse().ok()?;
    let close = memchr::memmem::find(line, b"] \"")?;
    let open = memchr::memchr(b'[', &line[..close])? + 1;
    let number = line[open..close].split(|&byte| byte == b' ').next()?;
    let database = std::str::from_utf8(number).ok()?.parse().ok()?;
    let mut rest = &line[close + 2..];
    let mut words = Vec::new();
    while let Some(behind) = rest.strip_prefix(b"\"") {
        let (word, after) = unquoted(behind)?;
        words.push(word);
        rest = after.strip_prefix(b" ").unwrap_or(after);
    }
    (rest.is_empty() && !words.is_empty()).then_some(Told {
        time_s,
        database,
        words,
    })
}

/// The word up to its closing quote, and what follows.
fn unquoted(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        match text {
            [b'"', rest @ ..] => return Some((word, rest)),
            [b'\\', b'x', high, low, rest @ ..] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                word.push((digit(high)? * 16 + digit(low)?) as u8);
                text = rest;
            }
            [b'\\', escaped, rest @ ..] => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'a' => 0x07,
                    b'b' => 0x08,
                    other => *other,
                });
                text = rest;
            }
            [byte, rest @ ..] => {
                word.push(*byte);
                text = rest;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_requests() {
        let mut monitor = Monitor::default();
        for line in [
            &b"1700000000.107412 [0 127.0.0.1:60866] \"SET\" \"user:1\" \"a \\\"v\\\" \\x00\" \"EX\" \"60\""[..],
            b"1700000001.000001 [0 [::1]:60866] \"get\" \"user:1\"",
            b"1700000001.000002 [0 lua] \"mget\" \"a\" \"user:1\"",
            b"1700000002.000002 [0 unix:/run/redis] \"psetex\" \"a\" \"1500\" \"12345\"",
            b"1700000002.5 [0 127.0.0.1:1] \"del\" \"a\"",
            b"1700000002.6 [0 127.0.0.1:1] \"ping\"",
            b"1700000002.6 [0 127.0.0.1:1] \"get\"",
            b"OK",
            b"1700000002.6 [0 127.0.0.1:1] \"get\" \"cut",
            b"\xff\x00",
        ] {
            monitor.line(line);
        }
        assert_eq!((monitor.requests(), monitor.other()), (6, 5));
        let block = monitor.block().expect("few objects").clone();
        assert_eq!(block.objects(), [0, 0, 1, 0, 1, 1]);
        assert_eq!(block.sizes(), [13, 13, 1, 13, 6, 6]);
        assert_eq!(block.ttls_s(), [60, 0, 0, 0, 2, 0]);
        assert_eq!(block.ops()[3..], [Op::Get, Op::Set, Op::Delete]);
        assert_eq!(block.times_s()[0], 1_700_000_000);
        assert!(monitor.block().expect("few objects").is_empty());
        monitor.line(b"1700000003.5 [0 127.0.0.1:1] \"get\" \"b\"");
        let block = monitor.block().expect("few objects");
        assert_eq!((block.objects(), block.sizes()), (&[2][..], &[1][..]));
    }

    #[test]
    fn a_key_is_another_object_in_each_database() {
        let mut monitor = Monitor::default().with_keys();
        for line in [
            &b"1700000000.1 [0 127.0.0.1:1] \"set\" \"a\" \"v\" \"EXAT\" \"1700000090\""[..],
            b"1700000000.2 [5 127.0.0.1:1] \"set\" \"a\" \"value\" \"pxat\" \"1699999999000\"",
            b"1700000000.3 [0 127.0.0.1:1] \"get\" \"a\"",
            b"1700000000.4 [5 lua] \"hexists\" \"a\" \"f\"",
            b"1700000000.5 [x lua] \"get\" \"a\"",
        ] {
            monitor.line(line);
        }
        assert_eq!((monitor.requests(), monitor.other()), (4, 1));
        assert_eq!(monitor.new_keys(), [b"a", b"a"]);
        let block = monitor.block().expect("few objects");
        assert_eq!(block.objects(), [0, 1, 0, 1]);
        assert_eq!(block.sizes(), [2, 6, 2, 6]);
        assert_eq!(block.ttls_s(), [90, 1, 0, 0]);
    }

    #[test]
    fn no_command_stands_in_the_table_twice() {
        let mut names: Vec<_> = COMMANDS.iter().map(|(name, ..)| name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
