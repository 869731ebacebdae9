//! What a server asks of a worker: ops by tag, transactions, watches, ops that wait.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{alone, config, op};
use crate::command::key::EXISTS;
use crate::op::Op;
use crate::reply::Protocol;
use crate::store::{Answered, Store, StoreConfig, Watch, Worker};
use crate::time::Millis;

/// All workers of a store on one thread, and what they were answered.
pub(super) struct Bench {
    pub(super) store: Store,
    pub(super) workers: Vec<Worker>,
    pub(super) now: Millis,
    /// By worker and tag, what was answered.
    heard: BTreeMap<(usize, u64), Vec<String>>,
    tags: u64,
}

impl Bench {
    pub(super) fn new(shards: usize) -> Bench {
        Bench::open(config(shards))
    }

    pub(super) fn open(config: StoreConfig) -> Bench {
        let store = Store::open(config).unwrap();
        let mut bench = Bench {
            workers: alone(&store),
            store,
            now: Millis(1_000),
            heard: BTreeMap::new(),
            tags: 0,
        };
        bench.settle();
        bench
    }

    /// Turns everybody until nothing moves.
    pub(super) fn settle(&mut self) {
        for _ in 0..40 {
            for (number, worker) in self.workers.iter_mut().enumerate() {
                worker.turn(self.now);
                worker.answers(|tag, answered| {
                    let text = match answered {
                        Answered::Reply(bytes) => bytes.escape_ascii().to_string(),
                        Answered::Parked { until } => format!("parked {:?}", until.map(|at| at.0)),
                        Answered::Cancelled => "cancelled".to_owned(),
                        Answered::Stats(shards) => {
                            let keys: u64 = shards.iter().map(|shard| shard.keys).sum();
                            format!("{} shards, {keys} keys", shards.len())
                        }
                    };
                    self.heard.entry((number, tag)).or_default().push(text);
                });
            }
        }
    }

    /// Time passes.
    pub(super) fn pass(&mut self, ms: u64) {
        self.now = self.now + ms;
        self.settle();
    }

    pub(super) fn send(&mut self, worker: usize, words: &str) -> (usize, u64) {
        let worker = worker % self.workers.len();
        self.tags += 1;
        self.workers[worker].send(self.tags, op(words));
        (worker, self.tags)
    }

    /// What was answered to a tag since it was last asked.
    pub(super) fn heard(&mut self, (worker, tag): (usize, u64)) -> String {
        self.settle();
        let heard = self.heard.remove(&(worker, tag)).unwrap_or_default();
        heard.join(", ").replace("\\r\\n", " ")
    }

    pub(super) fn run(&mut self, worker: usize, words: &str) -> String {
        let asked = self.send(worker, words);
        self.heard(asked)
    }

    fn watch(&mut self, worker: usize, watch: &Watch, keys: &str) {
        let worker = worker % self.workers.len();
        let keys = keys.split(' ').fold(Op::new(&EXISTS), Op::arg);
        self.tags += 1;
        self.workers[worker].watch(self.tags, watch, &keys);
        let asked = (worker, self.tags);
        assert_eq!(self.heard(asked), "+OK ");
    }

    pub(super) fn transact(
        &mut self,
        worker: usize,
        ops: &[&str],
        watch: Option<&Watch>,
    ) -> String {
        let worker = worker % self.workers.len();
        let ops = ops.iter().map(|words| op(words)).collect();
        self.tags += 1;
        self.workers[worker].transact(self.tags, Protocol::Resp3, ops, watch);
        let asked = (worker, self.tags);
        self.heard(asked)
    }
}

/// `a` and `b` lie on shards of the same worker or of two, by the number of shards.
const SHARDS: [usize; 3] = [1, 2, 5];

#[test]
fn ops_are_answered_by_tag() {
    for shards in SHARDS {
        let mut bench = Bench::new(shards);
        for worker in 0..2 {
            assert_eq!(bench.run(worker, "set a 1"), "+OK ");
            assert_eq!(bench.run(worker, "mset b 2 c 3 d 4"), "+OK ");
            assert_eq!(bench.run(worker, "mget d b x a"), "*4 $1 4 $1 2 $-1 $1 1 ");
            assert_eq!(bench.run(worker, "get c"), "$1 3 ");
            assert_eq!(bench.run(worker, "get none"), "$-1 ");
            assert_eq!(
                bench.run(worker, "hset h f v"),
                if worker == 0 { ":1 " } else { ":0 " }
            );
            assert!(bench.run(worker, "get h").starts_with("-WRONGTYPE"));
            assert_eq!(bench.run(worker, "msetnx a 1 b 2"), ":0 ");
        }
        let worker = &bench.workers[0];
        assert_eq!(worker.is_wide(&op("mget a b c d")), shards > 1);
        assert!(!worker.is_wide(&op("get a")));
        assert_eq!(worker.outstanding(), 0);
    }
}

#[test]
fn a_pipeline_of_one_client_keeps_its_order_on_each_shard() {
    let mut bench = Bench::new(4);
    let asked: Vec<_> = (0..1_000)
        .map(|n| bench.send(n % 2, &format!("incr k{}", n % 7)))
        .collect();
    let mut counts = BTreeMap::new();
    for (n, asked) in asked.into_iter().enumerate() {
        let count = counts.entry(n % 7).or_insert(0);
        *count += 1;
        // Two workers ask at once, so a key's counts come in order for each of them.
        let answer = bench.heard(asked);
        assert!(answer.starts_with(':'), "{answer}");
    }
    for (key, count) in counts {
        let value = count.to_string();
        let expected = format!("${} {value} ", value.len());
        assert_eq!(bench.run(0, &format!("get k{key}")), expected);
    }
}

#[test]
fn a_transaction_is_answered_as_one() {
    for shards in SHARDS {
        for worker in 0..2 {
            let mut bench = Bench::new(shards);
            let ops = [
                "set a 1",
                "incr a",
                "mset b 2 c 3",
                "hget a f",
                "get c",
                "dbsize",
            ];
            let reply = bench.transact(worker, &ops, None);
            assert!(reply.starts_with("*6 +OK :2 +OK -WRONGTYPE"), "{reply}");
            assert!(reply.ends_with("$1 3 :3 "), "{reply}");
            assert_eq!(bench.transact(worker, &[], None), "*0 ");
            assert_eq!(bench.transact(worker, &["ping"], None), "*1 +PONG ");
            let ops = [
                "msetnx b 7 x 8",
                "msetnx x 8 y 9",
                "mget b x y",
                "flushall",
                "exists a b",
            ];
            let reply = bench.transact(worker, &ops, None);
            assert_eq!(reply, "*5 :0 :1 *3 $1 2 $1 8 $1 9 +OK :0 ");
        }
    }
}

#[test]
fn a_watch_sees_what_redis_says_it_does() {
    // What happens between WATCH and EXEC, and whether the transaction still runs.
    let cases: &[(&str, bool)] = &[
        ("get a", true),
        ("set a 2", false),
        ("set z 2", true),
        ("del a", false),
        ("del none", true),
        ("hset h f v", false),
        ("hsetnx h f x", true),
        ("expire a 100", false),
        ("persist a", true),
        ("set none 1", false),
        ("mset z 1 b 2", false),
        ("mset z 1 y 2", true),
        ("flushall", false),
        ("msetnx none 1 z 2", false),
    ];
    for shards in SHARDS {
        for (between, runs) in cases {
            for worker in 0..2 {
                let mut bench = Bench::new(shards);
                bench.run(0, "mset a 1 b 1");
                bench.run(0, "hset h f v");
                let watch = Watch::new();
                bench.watch(worker, &watch, "a b none h");
                bench.watch(worker, &watch, "a");
                bench.run(worker + 1, between);
                let reply = bench.transact(worker, &["set q 1", "get q"], Some(&watch));
                let expected = if *runs { "*2 +OK $1 1 " } else { "_ " };
                assert_eq!(reply, expected, "{between} with {shards} shards");
            }
        }
    }
}

#[test]
fn a_watched_key_that_expires_has_changed() {
    for shards in SHARDS {
        let mut bench = Bench::new(shards);
        bench.run(0, "set a 1 px 50");
        bench.run(0, "set gone 1 px 1");
        bench.pass(10);
        let (watch, other) = (Watch::new(), Watch::new());
        bench.watch(0, &watch, "a");
        // It has expired before it was watched, as Redis has it: that it goes is no change.
        bench.watch(0, &other, "gone");
        assert_eq!(bench.transact(0, &["ping"], Some(&other)), "*1 +PONG ");
        bench.pass(100);
        assert_eq!(bench.transact(1, &["set q 1"], Some(&watch)), "_ ");
        assert_eq!(bench.run(0, "get q"), "$-1 ");
    }
}

#[test]
fn a_dead_watch_is_forgotten() {
    let mut bench = Bench::new(1);
    for n in 0..5_000 {
        let watch = Watch::new();
        let keys = Op::new(&EXISTS).arg(format!("k{n}"));
        bench.workers[0].watch(n, &watch, &keys);
        bench.workers[0].turn(Millis(0));
        bench.workers[0].answers(|_, _| ());
    }
    let watched = bench.workers[0].watched();
    assert!(watched <= 1_025, "{watched} watches are kept");
}

/// A worker that sleeps in a system call is woken by what others ask, and by nothing else.
#[test]
fn a_dozing_worker_is_woken() {
    let store = Store::open(config(1)).unwrap();
    let mut worker = store.attach().unwrap();
    let poll = |worker: &Worker, at_most: Duration| {
        let fd = worker.wake_fd();
        let mut polled = [rustix::event::PollFd::new(
            &fd,
            rustix::event::PollFlags::IN,
        )];
        let at_most = rustix::event::Timespec::try_from(at_most).unwrap();
        rustix::event::poll(&mut polled, Some(&at_most)).unwrap() > 0
    };
    worker.turn(Millis(0));
    assert!(worker.doze(|| false));
    assert!(!poll(&worker, Duration::from_millis(5)), "nobody asked");
    worker.rouse();
    assert!(!worker.doze(|| true), "something is left");
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| store.session().execute(&op("set a 1")).is_ok());
        let begun = Instant::now();
        while !asked.is_finished() {
            let turn = worker.turn(Millis(0));
            if turn.requests == 0 && !turn.busy && worker.doze(|| false) {
                poll(&worker, Duration::from_secs(5));
                worker.rouse();
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "it slept through");
        }
        assert!(asked.join().unwrap());
    });
}

#[test]
fn figures_come_when_every_worker_has_told() {
    for shards in SHARDS {
        let mut bench = Bench::new(shards);
        bench.run(0, "mset a 1 b 2 c 3");
        bench.tags += 1;
        let asked = (0, bench.tags);
        bench.workers[0].ask_stats(asked.1);
        // The others stand still; whoever asked does not wait for them.
        for _ in 0..3 {
            bench.workers[0].turn(bench.now);
        }
        assert_eq!(bench.workers[0].outstanding() > 0, bench.workers.len() > 1);
        assert_eq!(bench.heard(asked), format!("{shards} shards, 3 keys"));
    }
}

#[test]
fn figures_of_a_worker_that_has_stopped_are_an_error() {
    let mut bench = Bench::new(5);
    if bench.workers.len() < 2 {
        return;
    }
    bench.workers.truncate(1);
    bench.tags += 1;
    let asked = (0, bench.tags);
    bench.workers[0].ask_stats(asked.1);
    assert_eq!(
        bench.heard(asked),
        "-ERR the worker of this shard has stopped "
    );
}
