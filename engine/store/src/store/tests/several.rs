//! Commands on keys of several shards: they answer as on one.

use super::tagged::Bench;

/// Elements that move, the first key of several, values that go elsewhere; what is refused, too.
const SCRIPT: &[&str] = &[
    "rpush a 1 2 3",
    "lmove a b left right",
    "lmove a b right left",
    "rpoplpush a b",
    "lrange b 0 -1",
    "exists a",
    "rpoplpush a b",
    "lmove a b up down",
    "set s text",
    "lmove s b left left",
    "lmove b s left left",
    "lmove none s left left",
    "lrange b 0 -1",
    "blmove b c left right 0",
    "brpoplpush b c 0.1",
    "blmove b c left right not-a-number",
    "lrange c 0 -1",
    "sadd x m n",
    "smove x y m",
    "smove x y m",
    "smove x y n",
    "smove x y n",
    "smove x s n",
    "smembers y",
    "exists x",
    "sadd x o",
    "smove x s o",
    "smove s x o",
    "lmpop 3 n1 n2 b left",
    "lmpop 4 n1 n2 b c left count 2",
    "lmpop 3 n1 s c left",
    "lmpop 0 n1 left",
    "rpush c 7",
    "blpop n1 b c s 0",
    "blpop n1 n2 s 0",
    "zadd z 1 m 2 n",
    "zmpop 3 n1 n2 z max",
    "bzpopmin n1 z 0",
    "zmpop 2 n1 n2 min",
    "rpush a 1 2",
    "rename a d",
    "rename a d",
    "copy d e",
    "copy d e",
    "copy s e replace",
    "mget a d e s",
    "lrange d 0 -1",
];

#[test]
fn several_shards_answer_as_one() {
    let mut alone = Bench::new(1);
    let expected: Vec<String> = SCRIPT.iter().map(|words| alone.run(0, words)).collect();
    for shards in [2, 3, 5, 16] {
        let mut bench = Bench::new(shards);
        for (words, expected) in SCRIPT.iter().zip(&expected) {
            let replied = bench.run(0, words);
            assert_eq!(replied, *expected, "{words} on {shards} shards");
        }
    }
}

#[test]
fn several_shards_answer_as_one_in_a_transaction() {
    let mut alone = Bench::new(1);
    let chunks = SCRIPT.chunks(6);
    let expected: Vec<String> = chunks.map(|ops| alone.transact(0, ops, None)).collect();
    for shards in [2, 5] {
        let mut bench = Bench::new(shards);
        for (ops, expected) in SCRIPT.chunks(6).zip(&expected) {
            assert_eq!(
                bench.transact(1, ops, None),
                *expected,
                "{ops:?} on {shards} shards"
            );
        }
    }
}

/// What each key costs does not grow with the number of keys.
#[test]
fn many_keys_are_looked_at_once() {
    let names = |count: usize| (0..count).map(|key| format!("k{key}")).collect::<Vec<_>>();
    let mut bench = Bench::new(5);
    let keys = names(20_000).join(" ");
    let waiting = bench.send(0, &format!("blpop {keys} 0"));
    assert_eq!(bench.heard(waiting), "parked None");
    bench.run(1, "rpush k19999 last");
    assert_eq!(bench.heard(waiting), "*2 $6 k19999 $4 last ");
    bench.run(1, "rpush k19998 next");
    let reply = bench.run(0, &format!("blpop {keys} 0"));
    assert_eq!(reply, "*2 $6 k19998 $4 next ");
}
