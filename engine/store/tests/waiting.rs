//! Ops that wait for a key: what parks, what serves, and what a transaction answers instead.

use seawall_store::reply::Protocol;
use seawall_store::{Effects, Millis, Op, Out, Parked, Shard, ShardConfig};

/// A reply, what log and replicas heard, and whether the op waits.
type Told = (String, Vec<String>, Option<Parked>);

fn op(words: &str) -> Op {
    Op::parse(words.split(' ').map(str::as_bytes)).expect(words)
}

fn told(out: &Out) -> Told {
    let reply = String::from_utf8_lossy(out.reply.as_bytes()).replace("\r\n", " ");
    let effects = Effects::decode(out.effects.as_bytes());
    let effects = effects.map(|effect| format!("{:?}", effect.expect("effects decode")));
    (reply.trim_end().to_owned(), effects.collect(), out.parked)
}

fn apply(shard: &mut Shard, words: &str) -> Told {
    let mut out = Out::default();
    shard.apply(Millis(1000), &op(words), &mut out);
    told(&out)
}

fn at_once(shard: &mut Shard, words: &str, protocol: Protocol) -> String {
    let mut out = Out::default();
    shard.apply_at_once(Millis(1000), &op(words).answered_in(protocol), &mut out);
    assert_eq!(out.parked, None, "{words}");
    told(&out).0
}

fn serve(shard: &mut Shard, words: &str, key: &str) -> Told {
    let mut out = Out::default();
    shard.serve(Millis(2000), &op(words), key.as_bytes(), &mut out);
    told(&out)
}

fn parked(until: Option<u64>, keys: usize) -> Told {
    let until = until.map(Millis);
    (String::new(), Vec::new(), Some(Parked { until, keys }))
}

const WAITING: [(&str, usize); 5] = [
    ("blpop a b 0", 2),
    ("brpop a b c 0", 3),
    ("blmpop 0 2 a b left", 2),
    ("blmove a to left right 0", 1),
    ("brpoplpush a to 0", 1),
];

#[test]
fn what_finds_nothing_waits_for_its_keys() {
    let mut shard = Shard::new(&ShardConfig::default());
    for (words, keys) in WAITING {
        assert_eq!(apply(&mut shard, words), parked(None, keys), "{words}");
        assert_eq!(serve(&mut shard, words, "a"), parked(None, keys), "{words}");
    }
    assert_eq!(apply(&mut shard, "blpop a 1.5"), parked(Some(2500), 1));
    assert_eq!(apply(&mut shard, "blpop a 0.0001"), parked(Some(1001), 1));
    let forever = "blpop a 9223372036854775";
    assert_eq!(
        apply(&mut shard, forever),
        parked(Some(1000 + 9_223_372_036_854_775_000), 1)
    );
    assert_eq!(apply(&mut shard, "dbsize").0, ":0");
}

#[test]
fn a_transaction_answers_at_once() {
    let mut shard = Shard::new(&ShardConfig::default());
    for (words, keys) in WAITING {
        // A move answers with a bulk string, the others with an array.
        let wanted = if keys == 1 { "$-1" } else { "*-1" };
        assert_eq!(
            at_once(&mut shard, words, Protocol::Resp2),
            wanted,
            "{words}"
        );
        assert_eq!(at_once(&mut shard, words, Protocol::Resp3), "_", "{words}");
    }
}

#[test]
fn the_key_that_is_ready_is_looked_at_and_no_other() {
    let mut shard = Shard::new(&ShardConfig::default());
    apply(&mut shard, "rpush a 1");
    apply(&mut shard, "rpush b 2 3 4");
    let (reply, effects, parked) = serve(&mut shard, "blpop a b 0", "b");
    assert_eq!((reply.as_str(), parked), ("*2 $1 b $1 2", None));
    assert_eq!(effects, ["LPOP b"]);
    let (reply, effects, _) = serve(&mut shard, "blmpop 0 2 a b right count 5", "b");
    assert_eq!(reply, "*2 $1 b *2 $1 4 $1 3");
    assert_eq!(effects, ["RPOP b 2"]);
    let (reply, effects, _) = serve(&mut shard, "blmove a b left right 0", "a");
    assert_eq!(reply, "$1 1");
    assert_eq!(effects, ["LMOVE a b left right"]);
    let (_, effects, _) = serve(&mut shard, "brpoplpush b a 0", "b");
    assert_eq!(effects, ["RPOPLPUSH b a"]);
    // The rest is gone: whoever comes next goes on waiting.
    assert_eq!(serve(&mut shard, "blpop b 0", "b"), self::parked(None, 1));
}

#[test]
fn a_wrong_kind_is_told_at_first_and_not_met_later() {
    let mut shard = Shard::new(&ShardConfig::default());
    apply(&mut shard, "set a value");
    for (words, keys) in WAITING {
        let (reply, effects, waits) = apply(&mut shard, words);
        assert!(reply.starts_with("-WRONGTYPE"), "{words}: {reply}");
        assert!(effects.is_empty() && waits.is_none());
        assert_eq!(serve(&mut shard, words, "a"), parked(None, keys), "{words}");
    }
    // Where it would go to is another matter.
    apply(&mut shard, "rpush b 1");
    let (reply, effects, waits) = serve(&mut shard, "blmove b a left right 0", "b");
    assert!(reply.starts_with("-WRONGTYPE") && effects.is_empty() && waits.is_none());
    assert_eq!(apply(&mut shard, "lrange b 0 -1").0, "*1 $1 1");
}

#[test]
fn an_impossible_timeout_is_refused() {
    let mut shard = Shard::new(&ShardConfig::default());
    for (timeout, words) in [
        ("-1", "timeout is negative"),
        ("inf", "timeout is negative"),
        ("nan", "timeout is not a float or out of range"),
        ("soon", "timeout is not a float or out of range"),
    ] {
        let (reply, _, waits) = apply(&mut shard, &format!("blpop a {timeout}"));
        assert_eq!((reply, waits), (format!("-ERR {words}"), None));
    }
}
