//! Random commands from a grammar: what the tests of commands feed to shards and servers.
//!
//! A line of [`RULES`] is the form of a command: `$name` is drawn from a pool of values, `[a|b]` is one
//! of them or nothing, `(a b)+` is one to four of it. A few commands are then damaged, so that errors
//! are compared too.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The forms of all commands.
const RULES: &[&str] = &[
    "get $str",
    "set $str $value",
    "set $str $value [nx|xx] [get] [ex $s|px $ms|exat $at|pxat $atms|keepttl]",
    "setnx $str $value",
    "setex $str $s $value",
    "psetex $str $ms $value",
    "getset $str $value",
    "getdel $str",
    "getex $str [ex $s|px $ms|exat $at|pxat $atms|persist]",
    "mget ($str)+",
    "mset ($str $value)+",
    "msetnx ($str $value)+",
    "strlen $str",
    "append $str $value",
    "getrange $str $index $index",
    "substr $str $index $index",
    "setrange $str $offset $value",
    "incr $str",
    "decr $str",
    "incrby $str $int",
    "decrby $str $int",
    "set $str $int",
    "set $str $float",
    "incrbyfloat $str $float",
    "expire $key $s [nx|xx|gt|lt|xx gt|lt xx]",
    "pexpire $key $ms [nx|xx|gt|lt]",
    "expireat $key $at [nx|xx|gt|lt]",
    "pexpireat $key $atms [nx|xx|gt|lt]",
    "expire $key $passed [nx|xx|gt|lt]",
    "pexpireat $key $passed",
    "ttl $key",
    "pttl $key",
    "expiretime $key",
    "pexpiretime $key",
    "persist $key",
    "del ($key)+",
    "unlink $key",
    "exists ($key)+",
    "touch ($key)+",
    "type $key",
    "dbsize",
    "ping [$value]",
    "echo $value",
    "nosuch ($value)+",
    "hset $hash ($field $value)+",
    "hset $hash $manyfield $value $manyfield $int $manyfield $value",
    "hmset $hash ($field $value)+",
    "hsetnx $hash $field $value",
    "hget $hash $field",
    "hmget $hash ($field)+",
    "hgetall $hash",
    "hkeys $hash",
    "hvals $hash",
    "hdel $hash ($field)+",
    "hdel $hash ($manyfield)+",
    "hexists $hash $field",
    "hlen $hash",
    "hstrlen $hash $field",
    "hset $hash $field $int",
    "hincrby $hash $field $int",
    "hset $hash $field $float",
    "hincrbyfloat $hash $field $float",
    "hscan $hash 0 [match $pattern] count 100000",
    "hrandfield $hash",
    "hrandfield $hash 0",
    "hrandfield $hash 1000",
    "zadd $zset [nx|xx|nx xx] [gt|lt] [ch] [incr] $score $member",
    "zadd $zset [nx|xx] [gt|lt] [ch] ($score $member)+",
    "zadd $zset $score $member $score $manymember $score $manymember",
    "zincrby $zset $score $member",
    "zscore $zset $member",
    "zmscore $zset ($member)+",
    "zcard $zset",
    "zcount $zset $from $to",
    "zrank $zset $member",
    "zrevrank $zset $member",
    "zrange $zset $index $index [rev] [withscores]",
    "zrange $zset $from $to byscore [rev] [limit $index $index] [withscores]",
    "zrange $zset $index $index limit 0 -1",
    "zrevrange $zset $index $index [withscores]",
    "zrangebyscore $zset $from $to [withscores] [limit $index $index]",
    "zrevrangebyscore $zset $to $from [withscores] [limit $index $index]",
    "zrem $zset ($member)+",
    "zrem $zset ($manymember)+",
    "zremrangebyrank $zset $index $index",
    "zremrangebyscore $zset $from $to",
    "zpopmin $zset [$few]",
    "zpopmax $zset [$few]",
    "zadd $lex 0 $member 0 $member 0 $manymember",
    "zrange $lex $lexfrom $lexto bylex [rev] [limit $index $index]",
    "zrangebylex $lex $lexfrom $lexto [limit $index $index]",
    "zrevrangebylex $lex $lexto $lexfrom [limit $index $index]",
    "zlexcount $lex $lexfrom $lexto",
    "zremrangebylex $lex $lexfrom $lexfrom",
    "geoadd $geo [nx|xx] [ch] $lon $lat $member",
    "geoadd $geo [ch] $lon $lat $manymember $lon $lat $manymember $lon $lat $manymember",
    "geodist $geo $member $member [$unit]",
    "geohash $geo ($member)+",
    "geopos $geo ($member)+",
    "geosearch $geo frommember $member byradius $length $unit [asc|desc] [withcoord] [withdist] [withhash]",
    "geosearch $geo fromlonlat $lon $lat byradius $length $unit [asc|desc] [count $few|count $few any] [withdist]",
    "geosearch $geo fromlonlat $lon $lat bybox $length $length $unit [asc|desc] [count $few] [withdist]",
    "geosearch $geo bybox $length $length $unit frommember $member [any] [withhash]",
];

/// Words that stand in the place of others in damaged commands.
const GARBAGE: &[&str] = &[
    "",
    "abc",
    "-1",
    "0",
    "-0",
    "nan",
    "-nan",
    "inf",
    "-Infinity",
    "1e400",
    "1e-400",
    "(5",
    "(inf",
    "[a",
    "(",
    "[",
    "-",
    "+",
    " 1",
    "1 ",
    "+1",
    "0x10",
    "0x1p-3",
    "1.5",
    ".5",
    "5.",
    "01",
    "1e3",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "nx",
    "xx",
    "gt",
    "get",
    "limit",
    "count",
    "km",
    "frommember",
    "withscores",
    "bylex",
    "keepttl",
];

/// A stream of commands.
pub struct Grammar {
    rng: Xoshiro256PlusPlus,
    /// The time from which times of expiry count, in milliseconds.
    pub epoch_ms: u64,
}

impl Grammar {
    pub fn new(seed: u64, epoch_ms: u64) -> Grammar {
        Grammar {
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            epoch_ms,
        }
    }

    /// The next command, its name first.
    pub fn next(&mut self) -> Vec<Vec<u8>> {
        let rule = *RULES.choose(&mut self.rng).expect("there are rules");
        let mut words = Vec::new();
        self.expand(rule, &mut words);
        // A damaged score would put members of unequal scores where ranges of members are asked for.
        let fragile = words[0] == b"zadd" && words[1].starts_with(b"lex");
        if self.rng.random_ratio(1, 25) && !fragile {
            self.damage(&mut words);
        }
        if self.rng.random_ratio(1, 10) {
            words[0].make_ascii_uppercase();
        }
        words
    }

    fn damage(&mut self, words: &mut Vec<Vec<u8>>) {
        let garbage = || GARBAGE.iter().map(|word| word.as_bytes().to_vec());
        let i = self.rng.random_range(0..words.len());
        let word = garbage().nth(self.rng.random_range(0..GARBAGE.len()));
        let word = word.expect("in range");
        match self.rng.random_range(0..4) {
            0 if i > 0 => drop(words.remove(i)),
            1 => words.insert(i + 1, word),
            2 => words.push(word),
            _ if i > 0 => words[i] = word,
            _ => {}
        }
    }

    fn expand(&mut self, mut rule: &str, words: &mut Vec<Vec<u8>>) {
        while !rule.is_empty() {
            rule = rule.trim_start();
            if let Some(rest) = rule.strip_prefix('[') {
                let (inner, after) = rest.split_once(']').expect("closed");
                let choices: Vec<&str> = inner.split('|').collect();
                let pick = self.rng.random_range(0..=2 * choices.len());
                if let Some(choice) = choices.get(pick) {
                    self.expand(choice, words);
                }
                rule = after;
            } else if let Some(rest) = rule.strip_prefix('(') {
                let (inner, after) = rest.split_once(")+").expect("closed");
                for _ in 0..self.rng.random_range(1..=4) {
                    self.expand(inner, words);
                }
                rule = after;
            } else {
                let (word, after) = rule.split_once(' ').unwrap_or((rule, ""));
                let word = match word.strip_prefix('$') {
                    Some(name) => self.draw(name),
                    None if self.rng.random_ratio(1, 8) && !words.is_empty() => word.to_uppercase(),
                    None => word.to_owned(),
                };
                words.push(word.into_bytes());
                rule = after;
            }
        }
    }

    fn draw(&mut self, name: &str) -> String {
        let rng = &mut self.rng;
        let mut key = |kind: &str, count: u32| {
            // Now and then a key of another kind, so that `WRONGTYPE` is seen.
            // Sorted sets keep apart: ranges of members are defined only where all scores are equal,
            // places only where all scores are geohashes.
            let kinds = match kind {
                "str" | "hash" => ["str", "hash", "zset", "lex", "geo"].as_slice(),
                "lex" => &["lex"],
                _ => &["str", "hash"],
            };
            let kind = if rng.random_ratio(1, 12) {
                kinds.choose(rng).expect("not empty")
            } else {
                kind
            };
            format!("{kind}:{}", rng.random_range(0..count))
        };
        match name {
            "str" => key("str", 6),
            "hash" => key("hash", 3),
            "zset" => key("zset", 3),
            "lex" => key("lex", 2),
            "geo" => key("geo", 2),
            "key" => {
                let kind = *["str", "hash", "zset"].choose(rng).expect("not empty");
                format!("{kind}:{}", rng.random_range(0..7))
            }
            "value" => match rng.random_range(0..8) {
                0 => String::new(),
                1 => "v".repeat(rng.random_range(60..70)),
                2 => self.draw("int"),
                3 => self.draw("float"),
                n => format!("value {n}\r\n\0{}", rng.random::<u16>()),
            },
            "field" => format!("f{}", rng.random_range(0..12)),
            "manyfield" => format!("f{}", rng.random_range(0..400)),
            "member" => format!("m{}", rng.random_range(0..20)),
            "manymember" => match rng.random_range(0..40) {
                0 => format!("m{}", "x".repeat(rng.random_range(60..70))),
                _ => format!("m{}", rng.random_range(0..400)),
            },
            "int" => match rng.random_range(0..8) {
                0 => i64::MAX.to_string(),
                1 => i64::MIN.to_string(),
                2 => rng.random::<i64>().to_string(),
                _ => rng.random_range(-20..20).to_string(),
            },
            "float" | "score" => match rng.random_range(0..12) {
                0 => "inf".to_owned(),
                1 => "-inf".to_owned(),
                2 => format!("{:e}", f64::from_bits(rng.random::<u64>() >> 2)),
                3 => format!("{:?}", rng.random_range(-1e20..1e20)),
                4 => format!("0.{}", rng.random_range(0..1_000_000)),
                5 => format!("{:.1}", rng.random_range(-50.0..50.0)),
                6 => format!("{:?}", rng.random_range(-1.0..1.0)),
                _ => rng.random_range(-20..20).to_string(),
            },
            "from" | "to" => {
                let open = if rng.random_ratio(1, 4) { "(" } else { "" };
                let end = match rng.random_range(0..8) {
                    0 => "inf".to_owned(),
                    1 => "-inf".to_owned(),
                    2 => self.draw("float"),
                    _ if name == "from" => rng.random_range(-20..10).to_string(),
                    _ => rng.random_range(-10..30).to_string(),
                };
                format!("{open}{end}")
            }
            "lexfrom" | "lexto" => match rng.random_range(0..6) {
                0 => "-".to_owned(),
                1 => "+".to_owned(),
                2 => format!("({}", self.draw("member")),
                3 => "[".to_owned(),
                _ => format!("[{}", self.draw("manymember")),
            },
            "index" => match rng.random_range(0..10) {
                0 => i64::MIN.to_string(),
                1 => i64::MAX.to_string(),
                2 => rng.random_range(-300..300).to_string(),
                _ => rng.random_range(-8..12).to_string(),
            },
            "offset" => match rng.random_range(0..12) {
                0 => "-1".to_owned(),
                1 => "536870912".to_owned(),
                _ => rng.random_range(0..100).to_string(),
            },
            "few" => rng.random_range(0..5).to_string(),
            "pattern" => {
                let patterns = [
                    "*", "f1*", "f?", "f[1-3]*", "f[^1]", "*2", "\\f1", "[", "x*",
                ];
                (*patterns.choose(rng).expect("not empty")).to_owned()
            }
            "s" => rng.random_range(100_000..9_000_000).to_string(),
            "ms" => rng.random_range(100_000_000_u64..9_000_000_000).to_string(),
            "at" => (self.epoch_ms / 1000 + rng.random_range(100_000..9_000_000)).to_string(),
            "atms" => (self.epoch_ms + rng.random_range(100_000_000..9_000_000_000)).to_string(),
            "passed" => rng.random_range(-1000..=0).to_string(),
            "lon" => match rng.random_range(0..10) {
                0 => format!("{:?}", rng.random_range(-200.0..200.0)),
                1 => format!("{:?}", rng.random_range(179.9..180.0)),
                _ => format!("{:?}", rng.random_range(-10.0..20.0)),
            },
            "lat" => match rng.random_range(0..10) {
                0 => format!("{:?}", rng.random_range(-90.0..90.0)),
                1 => format!("{:?}", rng.random_range(80.0..85.0)),
                _ => format!("{:?}", rng.random_range(30.0..50.0)),
            },
            "length" => match rng.random_range(0..8) {
                0 => "0".to_owned(),
                1 => "20000".to_owned(),
                2 => "5000000".to_owned(),
                3 => format!("{:?}", rng.random_range(0.0..10_000_000.0)),
                _ => format!("{:?}", rng.random_range(0.0..3000.0)),
            },
            "unit" => {
                let units = ["m", "km", "km", "KM", "ft", "mi", "yd"];
                (*units.choose(rng).expect("not empty")).to_owned()
            }
            _ => panic!("${name} has no pool"),
        }
    }
}
