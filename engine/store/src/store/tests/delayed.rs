//! Who asks for a large collection that is not in memory yet waits for it, and nobody else does.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_sys::usage::thread_cpu;

use super::{alone, config, op};
use crate::command::brief::{Brief, BriefCall};
use crate::command::set::SET;
use crate::reply::{Protocol, Reply};
use crate::shard::{Out, Shard, ShardConfig};
use crate::store::{Answered, Store, StoreConfig, Watch, Worker};
use crate::time::Millis;

const NOW: Millis = Millis(1_000);
const MEMBERS: usize = 20_000;
/// So many that few of them are in the cells of the large collections, and wait with those.
const KEYS: usize = 2_000;
/// More turns than it takes to load everything.
const TURNS_MAX: usize = 2_000;

/// What a store is filled with: two large collections and a few small keys.
fn fill(mut each: impl FnMut(&str)) {
    for (large, add) in [("large:z", "zadd"), ("large:h", "hset")] {
        for from in (0..MEMBERS).step_by(500) {
            let pairs = (from..from + 500).map(|n| format!(" {n} {n:050}"));
            each(&format!("{add} {large}{}", pairs.collect::<String>()));
        }
    }
    for n in 0..KEYS {
        each(&format!("set k{n} {n}"));
        each(&format!("rpush l{n} a b c"));
    }
}

/// A folder with a snapshot of that, and what opens it cold.
fn saved(shards: usize) -> (tempfile::TempDir, StoreConfig) {
    saved_with(shards, |each| fill(each))
}

/// As [`saved`], of what `fill` gives.
fn saved_with(
    shards: usize,
    fill: impl FnOnce(&mut dyn FnMut(&str)),
) -> (tempfile::TempDir, StoreConfig) {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig {
        dir: Some(folder.path().to_owned()),
        load_at_once_bytes: 0,
        seed: 1,
        ..config(shards)
    };
    let store = Store::open(config.clone()).unwrap();
    let _workers = store.spawn().unwrap();
    let mut session = store.session();
    fill(&mut |words| {
        let done = session.execute(&op(words));
        assert!(!matches!(done, Reply::Error(_)), "{words}: {done:?}");
    });
    session.save().unwrap();
    (folder, config)
}

/// All workers of a store that was opened cold, on this thread; nothing turns unless it is said.
struct Cold {
    store: Store,
    workers: Vec<Worker>,
    heard: BTreeMap<u64, String>,
    tags: u64,
    turns: usize,
}

impl Cold {
    fn open(config: &StoreConfig) -> Cold {
        let store = Store::open(config.clone()).unwrap();
        assert!(store.is_loading());
        Cold {
            workers: alone(&store),
            store,
            heard: BTreeMap::new(),
            tags: 0,
            turns: 0,
        }
    }

    fn send(&mut self, worker: usize, words: &str) -> u64 {
        let worker = worker % self.workers.len();
        self.tags += 1;
        self.workers[worker].send(self.tags, op(words));
        self.tags
    }

    fn transact(&mut self, all: &[&str], watch: Option<&Watch>) -> u64 {
        self.tags += 1;
        let ops = all.iter().map(|words| op(words)).collect();
        self.workers[0].transact(self.tags, Protocol::Resp2, ops, watch);
        self.tags
    }

    fn turn(&mut self) {
        self.turns += 1;
        for worker in &mut self.workers {
            worker.turn(NOW);
        }
    }

    fn hear(&mut self) {
        for worker in &mut self.workers {
            worker.answers(|tag, answered| {
                let text = match answered {
                    Answered::Reply(bytes) => bytes.escape_ascii().to_string(),
                    other => format!("{other:?}"),
                };
                let heard = self.heard.entry(tag).or_default();
                heard.push_str(&text.replace("\\r\\n", " "));
            });
        }
    }

    /// What was answered to a tag, and after how many turns.
    fn wait(&mut self, tag: u64) -> (String, usize) {
        let before = self.turns;
        while self.turns - before < TURNS_MAX {
            self.hear();
            if let Some(heard) = self.heard.remove(&tag) {
                return (heard, self.turns - before);
            }
            self.turn();
        }
        panic!("tag {tag} is not answered");
    }

    fn run(&mut self, words: &str) -> String {
        let tag = self.send(0, words);
        self.wait(tag).0
    }

    /// Everything that was sent is answered as it was expected to be.
    fn answer(&mut self, sent: &mut Vec<(u64, String, String)>, seed: u64) {
        for (tag, expected, words) in sent.drain(..) {
            assert_eq!(self.wait(tag).0, expected, "seed {seed}: {words}");
        }
    }

    /// Others are answered while `large` waits: at once, or when the owner's next turn has come.
    fn serves_others(&mut self, large: u64) {
        for n in 0..4 {
            for words in [format!("lrange l{n} 0 0"), format!("set k{n} {n}")] {
                let small = self.send(n, &words);
                let (said, turns) = self.wait(small);
                assert!(["*1 $1 a ", "+OK "].contains(&&*said), "{words}: {said}");
                assert!(turns <= 2, "{turns} turns for {words}");
            }
        }
        assert!(!self.heard.contains_key(&large), "nothing was waited for");
    }
}

#[test]
fn others_are_served_while_a_large_collection_is_loaded() {
    for shards in [1, 2, 5] {
        let (_folder, config) = saved(shards);
        for worker in 0..2 {
            let mut cold = Cold::open(&config);
            let first = cold.send(worker, &format!("zscore large:z {:050}", 7));
            cold.serves_others(first);
            let (said, turns) = cold.wait(first);
            assert_eq!(said, "$1 7 ");
            // A block in a turn: more than a megabyte has many.
            assert!(turns > 15, "{turns} turns");
            // It is loaded once.
            let again = cold.send(worker, "zcard large:z");
            let (said, turns) = cold.wait(again);
            assert_eq!(said, format!(":{MEMBERS} "));
            assert!(turns <= 2, "{turns} turns for what is there");
        }
    }
}

#[test]
fn what_is_asked_of_a_key_that_is_waited_for_comes_later() {
    let (_folder, config) = saved(1);
    let mut cold = Cold::open(&config);
    let all = [
        ("zadd large:z 5 new", ":1 "),
        ("zcard large:z", ":20001 "),
        ("zscore large:z new", "$1 5 "),
        ("rename large:z k1", "+OK "),
        // They are in memory, and named by what waits.
        ("type k1", "+zset "),
        ("exists large:z k1 k2", ":2 "),
        ("copy k1 k3 db 1", ":1 "),
        ("set k2 v", "+OK "),
        ("mget k1 k2", "*2 $-1 $1 v "),
    ];
    let tags = all.map(|(words, _)| cold.send(0, words));
    for ((words, expected), tag) in all.into_iter().zip(tags) {
        assert_eq!(cold.wait(tag).0, expected, "{words}");
    }
}

/// The log has a client's writes in its order, so a later one waits; who reads something else does not.
#[test]
fn a_write_comes_after_a_write_that_waits() {
    let (_folder, config) = saved(1);
    let mut cold = Cold::open(&config);
    let all = ["zadd large:z 5 new", "set k1 flag", "rpush l2 d"].map(|words| cold.send(0, words));
    let worker = &mut cold.workers[0];
    worker.withhold();
    let brief = Brief::of(&SET, 2).expect("it is brief");
    let call = BriefCall::new(brief, [b"k3", b"brief", b""]);
    let ran = worker.run_brief(0, &[call], &mut Vec::new(), |_| {});
    assert_eq!(ran, 0, "nor is it done without an op");
    for n in 5..9 {
        let read = cold.send(0, &format!("lrange l{n} 0 0"));
        assert!(cold.wait(read).1 <= 2);
        assert!(all.iter().all(|tag| !cold.heard.contains_key(tag)));
    }
    assert_eq!(all.map(|tag| cold.wait(tag).0), [":1 ", "+OK ", ":4 "]);
    assert_eq!(cold.run("mget k1 k3"), "*2 $4 flag $1 3 ");
}

/// Whoever looks for keys that are not there has blocks loaded in which they would be: never the end of a collection
/// before its beginning.
#[test]
fn a_collection_is_whole_whatever_was_looked_for_before() {
    const ELEMENTS: usize = 40;
    let (_folder, config) = saved_with(1, |each| {
        let elements = format!(" {}", "x".repeat(8_000)).repeat(ELEMENTS);
        (0..5).for_each(|n| each(&format!("rpush list{n}{elements}")));
    });
    let mut cold = Cold::open(&config);
    for n in 0..200 {
        assert_eq!(cold.run(&format!("exists absent{n}")), ":0 ");
    }
    for n in 0..5 {
        assert_eq!(cold.run(&format!("llen list{n}")), format!(":{ELEMENTS} "));
    }
}

#[test]
fn a_transaction_waits_as_a_whole() {
    for shards in [1, 3] {
        let (_folder, config) = saved(shards);
        let mut cold = Cold::open(&config);
        let watch = Watch::new();
        cold.tags += 1;
        cold.workers[0].watch(cold.tags, &watch, &op("exists large:h"));
        let watched = cold.tags;
        cold.serves_others(watched);
        assert_eq!(cold.wait(watched).0, "+OK ");
        let all = ["set k1 first", "zcard large:z", "get k1"];
        let transacted = cold.transact(&all, Some(&watch));
        let others = cold.send(0, "lrange l1 0 0");
        assert!(cold.wait(others).1 <= 2);
        assert!(!cold.heard.contains_key(&transacted));
        assert_eq!(cold.wait(transacted).0, "*3 +OK :20000 $5 first ");
    }
}

#[test]
fn what_several_shards_do_together_waits_before_they_stand_still() {
    let (_folder, config) = saved(3);
    let mut cold = Cold::open(&config);
    let joint = cold.send(0, "exists large:z large:h k0 k1 k2 k3 k4 k5 k6 k7");
    cold.serves_others(joint);
    assert_eq!(cold.wait(joint).0, ":10 ");
}

#[test]
fn who_drops_everything_comes_after_those_who_wait() {
    for shards in [1, 2] {
        let (_folder, config) = saved(shards);
        let mut cold = Cold::open(&config);
        let all = ["zcard large:z", "zadd large:z 1 new"].map(|words| cold.send(0, words));
        // Who asks for all keys need not wait for some.
        for words in ["dbsize", "flushdb"] {
            assert!(cold.run(words).starts_with("-LOADING "), "{words}");
        }
        assert!(!cold.heard.contains_key(&all[0]), "nothing was waited for");
        let dropped = cold.send(0, "flushall");
        assert_eq!(cold.wait(dropped).0, "+OK ");
        assert_eq!(cold.wait(all[0]).0, ":20000 ");
        assert_eq!(cold.wait(all[1]).0, ":1 ");
        assert_eq!(cold.run("exists large:z large:h k1"), ":0 ");
        assert!(!cold.store.is_loading());
    }
}

#[test]
fn who_would_wait_for_an_element_can_be_given_up_while_the_collection_is_loaded() {
    let (_folder, config) = saved(1);
    let mut cold = Cold::open(&config);
    let popped = cold.send(0, "bzpopmin large:z k1 0");
    // It named this one, and is gone.
    let behind = cold.send(0, "type k1");
    cold.workers[0].cancel(popped);
    assert_eq!(cold.wait(popped), ("Cancelled".to_owned(), 1));
    let (said, turns) = cold.wait(behind);
    assert_eq!((&*said, turns <= 1), ("+string ", true), "{turns} turns");
    assert_eq!(cold.run("zcard large:z"), ":20000 ");
    // Any other op is answered as ever.
    let card = cold.send(0, "hlen large:h");
    cold.workers[0].cancel(card);
    assert_eq!(cold.wait(card).0, ":20000 ");
}

#[test]
fn who_waits_is_told_of_damage() {
    let (folder, config) = saved(1);
    let snapshot = super::saves::files(folder.path(), ".snapshot").remove(0);
    let mut bytes = std::fs::read(&snapshot).unwrap();
    let third = bytes.len() / 3;
    let damaged = bytes[third..2 * third].iter_mut().step_by(1_000);
    damaged.for_each(|byte| *byte ^= 1);
    std::fs::write(&snapshot, bytes).unwrap();
    let mut cold = Cold::open(&config);
    let tags = ["zcard large:z", "hlen large:h"].map(|words| cold.send(0, words));
    let told = tags.map(|tag| cold.wait(tag).0);
    assert!(told.iter().any(|said| said.contains("damaged")), "{told:?}");
    // From then on nothing waits, and nothing is said.
    for words in ["zcard large:z", "rename large:h k1", "lrange l1 0 0"] {
        let said = cold.run(words);
        assert!(said.contains("damaged"), "{words}: {said}");
    }
}

#[test]
fn who_is_gone_is_waited_for_by_nobody() {
    let (_folder, config) = saved(1);
    let mut cold = Cold::open(&config);
    let mut gone = cold.store.session();
    gone.submit(&op("rename large:z k1"));
    gone.submit(&op("zcard k1"));
    gone.ready(|_| panic!("nobody turned"));
    cold.turn();
    let behind = cold.send(0, "get k1");
    cold.turn();
    assert!(!cold.heard.contains_key(&behind));
    drop(gone);
    let (said, turns) = cold.wait(behind);
    assert_eq!((&*said, turns <= 3), ("$1 1 ", true), "{turns} turns");
}

/// Ops on few keys, many of them large or named together with one that is.
fn any_op(random: &mut Xoshiro256PlusPlus) -> String {
    let key = |random: &mut Xoshiro256PlusPlus| match random.random_range(0..4) {
        0 => "large:z".to_owned(),
        1 => "large:h".to_owned(),
        2 => format!("l{}", random.random_range(0..5)),
        _ => format!("k{}", random.random_range(0..5)),
    };
    let (one, other) = (key(random), key(random));
    let n = random.random_range(0..10);
    match random.random_range(0..20) {
        0 => format!("zadd large:z {n} {n}"),
        1 => "zcard large:z".to_owned(),
        2 => format!("hset large:h {n} {n}"),
        3 => "hlen large:h".to_owned(),
        4 => format!("rename {one} {other}"),
        5 => format!("copy {one} {other} replace"),
        6 => format!("set k{n} {n}"),
        7 => format!("get k{n}"),
        8 => format!("mget k{n} {one} {other}"),
        9 => format!("rpush l{n} {n}"),
        10 => format!("exists {one} {other}"),
        11 => format!("type {one}"),
        12 => format!("del {one}"),
        13 => format!("append k{n} {n}"),
        14 => format!("persist {one}"),
        15 => format!("expire {one} 1000000"),
        16 => format!("incr k{n}"),
        17 => format!("sort l{n} by k*"),
        18 => format!("zrangebyscore {one} {n} {n} limit 0 2"),
        _ => format!("hget {one} {n:050}"),
    }
}

#[test]
fn what_one_client_sends_is_done_in_its_order() {
    for shards in [1, 3] {
        let (_folder, config) = saved(shards);
        for seed in 0..12 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
            let (mut warm, mut out) = (Shard::new(&ShardConfig::default()), Out::default());
            let mut expect = |words: &str| {
                out.clear();
                warm.apply(NOW, &op(words), &mut out);
                out.reply
                    .as_bytes()
                    .escape_ascii()
                    .to_string()
                    .replace("\\r\\n", " ")
            };
            fill(|words| drop(expect(words)));
            let mut cold = Cold::open(&config);
            let mut sent = Vec::new();
            for _ in 0..150 {
                let words = any_op(&mut random);
                let is_wide = cold.workers[0].is_wide(&op(&words));
                if is_wide {
                    cold.answer(&mut sent, seed);
                }
                let tag = cold.send(0, &words);
                sent.push((tag, expect(&words), words));
                if is_wide {
                    cold.answer(&mut sent, seed);
                }
                if random.random_bool(0.1) {
                    cold.turn();
                }
            }
            cold.answer(&mut sent, seed);
        }
    }
}

/// What the first op on a large collection waits for, all of whose blocks are cold, and others for its sake.
#[test]
#[ignore = "a figure, not a promise: `just figures` prints it"]
fn how_long_a_cold_large_collection_is_waited_for() {
    const LARGE: usize = 1_000_000;
    for (add, read) in [
        ("zadd large", "zscore large member:7"),
        ("hset large", "hget large member:7"),
        ("sadd large", "sismember large member:7"),
        ("rpush large", "llen large"),
    ] {
        let (_folder, config) = saved_with(1, |each| {
            for from in (0..LARGE).step_by(1_000) {
                // Sorted sets and hashes take pairs, the others elements.
                let element = |n| match &add[..4] {
                    "zadd" => format!(" {n} member:{n}"),
                    "hset" => format!(" member:{n} {n}"),
                    _ => format!(" member:{n}"),
                };
                let elements: String = (from..from + 1_000).map(element).collect();
                each(&format!("{add}{elements}"));
            }
        });
        let mut cold = Cold::open(&config);
        let (begun, mut longest) = (Instant::now(), Duration::ZERO);
        let asked = cold.send(0, read);
        while !cold.heard.contains_key(&asked) {
            let before = thread_cpu();
            cold.turn();
            longest = longest.max(thread_cpu().saturating_sub(before));
            cold.hear();
        }
        let (waited, turns) = (begun.elapsed(), cold.turns);
        println!("{read}: {waited:?} in {turns} turns, of which the longest took {longest:?}");
    }
}
