//! Brief calls, many together, beside the same calls as ops, one by one.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{ReadPath, op};
use crate::Millis;
use crate::command::brief::{BRIEF_ARGS_MAX, BRIEFS, BROKEN, Brief, BriefCall};
use crate::disk::MemoryDisk;
use crate::evict::PolicySpec;
use crate::log::device::DeviceKind;
use crate::op::Op;
use crate::reply::Reply;
use crate::store::{Store, StoreConfig, Watch, Worker};

/// No bound of memory.
const UNBOUNDED: (u64, &str) = (0, "none");

/// Numbers at their bounds and what are none, entries by the hundred, and values too long for compact forms.
fn argument(random: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    const EDGES: &[&str] = &[
        "",
        "0",
        "-0",
        "1",
        "-1",
        "01",
        "+1",
        " 1",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "1.5",
        "-1e300",
        "1e400",
        "inf",
        "-inf",
        "nan",
        "nx",
        "incr",
        "xx",
    ];
    match random.random_range(0..8) {
        0 => EDGES.choose(random).unwrap().as_bytes().to_vec(),
        1 => vec![b'x'; random.random_range(0..300)],
        2 => random.random_range(-200..200_i64).to_string().into_bytes(),
        _ => format!("entry:{}", random.random_range(0..700)).into_bytes(),
    }
}

fn key(random: &mut Xoshiro256PlusPlus) -> String {
    format!("k{}", random.random_range(0..24))
}

/// A call as words, the command's name first.
type Words = (&'static Brief, Vec<Vec<u8>>);

fn call(random: &mut Xoshiro256PlusPlus, briefs: &[&'static Brief]) -> Words {
    let brief = briefs.choose(random).unwrap();
    let mut args = vec![key(random).into_bytes()];
    args.extend((1..brief.args).map(|_| argument(random)));
    (brief, args)
}

fn as_op((brief, args): &Words) -> Op {
    args.iter().fold(Op::new(brief.command), Op::arg)
}

/// Something else than a brief call, so that keys hold what calls do not expect, expire and go.
fn other(random: &mut Xoshiro256PlusPlus) -> String {
    let key = key(random);
    match random.random_range(0..8) {
        0 => format!("pexpire {key} 1"),
        1 => format!("expire {key} 1000"),
        2 => format!("set {key} 5 px 1"),
        3 => format!("setrange {key} 3 x"),
        4 => format!("del {key}"),
        5 => format!("incrbyfloat {key} 0.5"),
        6 => format!("spop {key}"),
        _ => format!("hincrby {key} entry:1 7"),
    }
}

/// All that can be asked of what there is.
fn state(worker: &mut Worker) -> Vec<Reply> {
    let asked = (0..24).flat_map(|key| {
        ["dump", "pexpiretime", "type", "object encoding"].map(|name| op(&format!("{name} k{key}")))
    });
    asked.map(|asked| worker.execute(&asked)).collect()
}

fn encoded(reply: &Reply) -> Vec<u8> {
    match reply {
        Reply::Int(n) => format!(":{n}\r\n").into_bytes(),
        Reply::Simple(text) => format!("+{text}\r\n").into_bytes(),
        other => panic!("{other:?} is no answer of a brief call"),
    }
}

/// A worker and its store, whose memory has this bound and policy. Nobody else reads, so that what goes does not
/// depend on when readers are done.
fn alone((maxmemory, policy): (u64, &str)) -> (Store, Worker) {
    open((maxmemory, policy), super::config(1))
}

/// As [`alone`], of a store that is otherwise configured so.
fn open((maxmemory, policy): (u64, &str), config: StoreConfig) -> (Store, Worker) {
    let config = StoreConfig {
        maxmemory,
        policy: policy.parse::<PolicySpec>().unwrap(),
        read_path: ReadPath::OwnerOnly,
        ..config
    };
    let store = Store::open(config).unwrap();
    let worker = super::alone(&store).remove(0);
    (store, worker)
}

/// Runs the same calls in both ways, and compares what they answer, what there is, what was counted and what
/// those who watch were told.
fn compare(seed: u64, memory: (u64, &str), all: &[&'static Brief]) {
    let both = (alone(memory), alone(memory));
    compare_in(seed, both, all);
}

/// As [`compare`], in stores that are there; the one of the brief calls.
fn compare_in(
    seed: u64,
    ((one, mut ops), (two, mut briefs)): ((Store, Worker), (Store, Worker)),
    all: &[&'static Brief],
) -> (Store, Worker) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    for round in 0..120 {
        for _ in 0..random.random_range(0..6) {
            let words = other(&mut random);
            let replies = (ops.execute(&op(&words)), briefs.execute(&op(&words)));
            assert_eq!(replies.0, replies.1, "seed {seed}, round {round}: {words}");
        }
        let now = Millis(one.now().0 + random.random_range(0..3));
        ops.turn(now);
        briefs.turn(now);
        let watched = op(&format!("exists {}", key(&mut random)));
        let both = [Watch::new(), Watch::new()];
        for (worker, watch) in [&mut ops, &mut briefs].into_iter().zip(&both) {
            worker.watch(0, watch, &watched);
            worker.turn(now);
        }
        let count = random.random_range(0..40);
        let words: Vec<Words> = (0..count).map(|_| call(&mut random, all)).collect();
        let calls = words.iter().map(|(brief, args)| {
            let mut lying: [&[u8]; BRIEF_ARGS_MAX] = [&[]; BRIEF_ARGS_MAX];
            for (to, arg) in lying.iter_mut().zip(args) {
                *to = arg;
            }
            BriefCall::new(brief, lying)
        });
        let calls: Vec<BriefCall<'_>> = calls.collect();
        let (mut at, mut answers, mut heard) = (0, Vec::new(), 0);
        while at < calls.len() {
            let rest = &calls[at..calls.len().min(at + random.random_range(1..50))];
            let before = heard;
            let ran = briefs.run_brief(0, rest, &mut answers, |ran| {
                heard += 1;
                assert_eq!(heard - before, ran, "seed {seed}, round {round}");
            });
            assert_eq!(heard - before, ran, "seed {seed}, round {round}");
            let mut asked = words[at..at + ran].iter().map(as_op);
            let wanted: Vec<u8> = asked
                .by_ref()
                .flat_map(|op| encoded(&ops.execute(&op)))
                .collect();
            assert_eq!(
                answers.drain(..).as_slice().escape_ascii().to_string(),
                wanted.escape_ascii().to_string(),
                "seed {seed}, round {round}"
            );
            at += ran;
            if ran < rest.len().min(32) {
                // It goes on as an op, and that fails.
                let failing = as_op(&words[at]);
                let replies = (ops.execute(&failing), briefs.execute(&failing));
                let is_error = matches!(replies.0, Reply::Error(_));
                assert!(is_error, "seed {seed}, round {round}: {failing:?}");
                assert_eq!(replies.0, replies.1, "seed {seed}, round {round}");
                at += 1;
            }
        }
        let told = both.map(|watch| watch.is_changed());
        assert_eq!(told[0], told[1], "seed {seed}, round {round}");
        assert_eq!(one.changes(), two.changes(), "seed {seed}, round {round}");
        if round % 20 == 19 {
            assert_eq!(state(&mut ops), state(&mut briefs), "seed {seed}, {round}");
        }
    }
    (two, briefs)
}

/// Lets brief calls run before a log, and compares what there is with what the log makes of them.
fn compare_log(seed: u64, memory: (u64, &str), all: &[&'static Brief]) {
    let (one, two) = (MemoryDisk::new(), MemoryDisk::new());
    let on = |disk: &MemoryDisk| StoreConfig {
        appendonly: true,
        device: DeviceKind::Memory(disk.clone()),
        ..super::config(1)
    };
    let (ops, mut briefs) = (open(memory, on(&one)), open(memory, on(&two)));
    briefs.1.withhold();
    let (store, mut worker) = compare_in(seed, (ops, briefs), all);
    let there = state(&mut worker);
    let now = store.now();
    drop(worker);
    drop(store);
    // What went for want of memory has gone in the log, too.
    let (_store, mut worker) = open(UNBOUNDED, on(&two));
    worker.turn(now);
    assert_eq!(state(&mut worker), there, "seed {seed}");
}

#[test]
fn brief_calls_are_their_ops() {
    let all: Vec<&Brief> = BRIEFS.iter().collect();
    for seed in 0..12 {
        compare(seed, UNBOUNDED, &all);
    }
}

#[test]
fn brief_calls_find_room_as_their_ops_do() {
    let all: Vec<&Brief> = BRIEFS.iter().collect();
    for (seed, policy) in (0..).zip(["none", "lru", "clock", "s3fifo", "volatile-ttl"]) {
        for bytes in [4 << 10, 40 << 10] {
            compare(seed, (bytes, policy), &all);
        }
    }
}

#[test]
fn the_log_has_what_brief_calls_did() {
    let all: Vec<&Brief> = BRIEFS.iter().collect();
    for (seed, policy) in (0..).zip(["none", "lru", "volatile-ttl"]) {
        compare_log(seed, UNBOUNDED, &all);
        compare_log(seed, (40 << 10, policy), &all);
    }
}

#[test]
fn what_is_otherwise_than_its_op_is_seen() {
    for broken in BROKEN {
        let is_other = |brief: &&Brief| !std::ptr::eq(brief.command, broken.command);
        let mut all: Vec<&'static Brief> = BRIEFS.iter().filter(is_other).collect();
        all.push(broken);
        let is_seen =
            std::panic::catch_unwind(|| (0..4).for_each(|seed| compare(seed, UNBOUNDED, &all)));
        assert!(is_seen.is_err(), "{:?} is taken for whole", broken.command);
    }
}

#[test]
fn who_waits_is_served_after_the_answer_and_before_the_next_call() {
    let (store, mut worker) = alone(UNBOUNDED);
    worker.send(7, op("blpop list 0"));
    worker.turn(store.now());
    let push = Brief::of(&crate::command::list::push::LPUSH, 2).unwrap();
    let calls = [b"a", b"b"].map(|value| BriefCall::new(push, [b"list", value, b""]));
    let mut answers = Vec::new();
    let ran = worker.run_brief(0, &calls, &mut answers, |_| ());
    assert_eq!((ran, &*answers), (2, &b":1\r\n:1\r\n"[..]));
    worker.turn(store.now());
    let mut served = Vec::new();
    worker.answers(|tag, answered| {
        if let crate::store::Answered::Reply(reply) = answered {
            served.push((tag, reply.to_vec()));
        }
    });
    let first = b"*2\r\n$4\r\nlist\r\n$1\r\na\r\n".to_vec();
    assert_eq!(served, [(7, first)]);
    let left = worker.execute(&op("lrange list 0 -1"));
    assert_eq!(left, Reply::Array(vec![super::text("b")]));
}

#[test]
fn where_somebody_is_to_hear_of_it_no_call_is_brief() {
    use crate::event::Classes;
    use crate::store::Change;
    let incr = Brief::of(&crate::command::counter::INCR, 1).unwrap();
    let calls = [BriefCall::new(incr, [b"k", b"", b""])];
    let mut answers = Vec::new();
    let (_store, mut worker) = alone(UNBOUNDED);
    assert_eq!(worker.run_brief(0, &calls, &mut answers, |_| ()), 1);
    assert_eq!(worker.run_brief(200, &calls, &mut answers, |_| ()), 0);
    worker.configure(&Change::Notify(Classes::parse("KEA").unwrap()));
    assert_eq!(worker.run_brief(0, &calls, &mut answers, |_| ()), 0);
    assert_eq!(answers, b":1\r\n");
}
