//! Random clients on two workers, all on one thread: a seed decides who goes on next, and what was
//! answered must be what a store that does one op after another could have answered.
//!
//! The checker searches for such an order (Wing and Gong, "Testing and verifying concurrent objects",
//! 1993; with Lowe's memory of what was tried): at each point one of the ops that had begun and that no
//! answered op precedes goes next. It knows the whole store, so what goes over several keys must be seen
//! whole.

use std::collections::{BTreeMap, HashSet, VecDeque};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{alone, config, op};
use crate::reply::Protocol;
use crate::store::{Answered, Store, Worker};
use crate::time::Millis;

/// What a key holds in the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Held {
    Text(String),
    List(VecDeque<String>),
}

type Model = BTreeMap<String, Held>;

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value ";

fn bulk(text: &str) -> String {
    format!("${} {text} ", text.len())
}

/// What an op answers and makes of the model; `None`: it waits.
fn step(model: &mut Model, words: &str) -> Option<String> {
    let words: Vec<&str> = words.split(' ').collect();
    let text = |model: &Model, key: &str| match model.get(key) {
        None => Ok(None),
        Some(Held::Text(text)) => Ok(Some(text.clone())),
        Some(Held::List(_)) => Err(WRONG_TYPE.to_owned()),
    };
    Some(match words[..] {
        ["get", key] => match text(model, key) {
            Ok(found) => found.map_or_else(|| "$-1 ".to_owned(), |text| bulk(&text)),
            Err(wrong) => wrong,
        },
        ["set", key, value] => {
            model.insert(key.to_owned(), Held::Text(value.to_owned()));
            "+OK ".to_owned()
        }
        ["incr", key] => match text(model, key) {
            Ok(found) => {
                let number = found.map_or(0, |text| text.parse::<i64>().unwrap()) + 1;
                model.insert(key.to_owned(), Held::Text(number.to_string()));
                format!(":{number} ")
            }
            Err(wrong) => wrong,
        },
        ["del", ref keys @ ..] => {
            let gone = keys.iter().filter(|&&key| model.remove(key).is_some());
            format!(":{} ", gone.count())
        }
        ["mset", ref pairs @ ..] => {
            for pair in pairs.chunks(2) {
                model.insert(pair[0].to_owned(), Held::Text(pair[1].to_owned()));
            }
            "+OK ".to_owned()
        }
        ["mget", ref keys @ ..] => {
            let found = keys.iter().map(|key| match text(model, key) {
                Ok(Some(text)) => bulk(&text),
                _ => "$-1 ".to_owned(),
            });
            format!("*{} {}", keys.len(), found.collect::<String>())
        }
        ["rename", from, to] => match model.remove(from) {
            Some(held) => {
                model.insert(to.to_owned(), held);
                "+OK ".to_owned()
            }
            None => "-ERR no such key ".to_owned(),
        },
        ["rpush", key, value] => {
            let list = || Held::List(VecDeque::new());
            match model.entry(key.to_owned()).or_insert_with(list) {
                Held::List(list) => {
                    list.push_back(value.to_owned());
                    format!(":{} ", list.len())
                }
                Held::Text(_) => WRONG_TYPE.to_owned(),
            }
        }
        ["blpop", ref keys @ .., _] => {
            for &key in keys {
                match model.get_mut(key) {
                    None => {}
                    Some(Held::Text(_)) => return Some(WRONG_TYPE.to_owned()),
                    Some(Held::List(list)) => {
                        let value = list.pop_front().expect("an empty list has no key");
                        if list.is_empty() {
                            model.remove(key);
                        }
                        return Some(format!("*2 {}{}", bulk(key), bulk(&value)));
                    }
                }
            }
            return None;
        }
        _ => unreachable!("{words:?}"),
    })
}

/// What a client asked, and when; a transaction is several ops.
#[derive(Clone, Debug)]
struct Asked {
    ops: Vec<String>,
    multi: bool,
    begun: usize,
    /// When it was answered, and what.
    ended: Option<(usize, String)>,
}

/// What the model may answer to `asked`, and become; nothing: it waits.
fn answers(model: &Model, asked: &Asked) -> Vec<(Model, String)> {
    // One that waited is served with a key that became ready, whatever its other keys hold by then.
    let alone = match asked.ops[0].split(' ').collect::<Vec<_>>()[..] {
        ["blpop", first, second, _] if !asked.multi => {
            let lists = [first, second].into_iter();
            let lists = lists.filter(|&key| matches!(model.get(key), Some(Held::List(_))));
            lists.map(|key| format!("blpop {key} 0")).collect()
        }
        _ => Vec::new(),
    };
    let ways = std::iter::once(asked.ops.clone()).chain(alone.into_iter().map(|op| vec![op]));
    let answered = ways.filter_map(|ops| {
        let mut next = model.clone();
        let replies: Option<String> = ops.iter().map(|words| step(&mut next, words)).collect();
        let head = asked.multi.then(|| format!("*{} ", ops.len()));
        Some((next, head.unwrap_or_default() + &replies?))
    });
    answered.collect()
}

/// Which ops were done, with the state that they left: no way leads on from there.
type Tried = HashSet<(Vec<bool>, Vec<(String, Held)>)>;

/// Whether the answers are those of some order in which one op came after another.
fn is_linearizable(history: &[Asked]) -> bool {
    let mut tried = Tried::new();
    search(
        history,
        &mut vec![false; history.len()],
        &Model::new(),
        &mut tried,
    )
}

fn search(history: &[Asked], done: &mut Vec<bool>, model: &Model, tried: &mut Tried) -> bool {
    let open = || history.iter().zip(&*done).filter(|(_, done)| !**done);
    // Ops that were never answered may have had no effect.
    if open().all(|(asked, _)| asked.ended.is_none()) {
        return true;
    }
    let state = model.iter().map(|(key, held)| (key.clone(), held.clone()));
    if !tried.insert((done.clone(), state.collect())) {
        return false;
    }
    let first_end = open()
        .filter_map(|(asked, _)| Some(asked.ended.as_ref()?.0))
        .min();
    for at in 0..history.len() {
        let asked = &history[at];
        if done[at] || first_end.is_some_and(|end| asked.begun > end) {
            continue;
        }
        for (next, answered) in answers(model, asked) {
            if asked
                .ended
                .as_ref()
                .is_some_and(|(_, seen)| *seen != answered)
            {
                continue;
            }
            done[at] = true;
            if search(history, done, &next, tried) {
                return true;
            }
            done[at] = false;
        }
    }
    false
}

const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// One op, drawn at random; values are all different.
fn draw(random: &mut Xoshiro256PlusPlus, value: usize, waits: bool) -> String {
    let key = KEYS[random.random_range(0..KEYS.len())];
    let other = KEYS[random.random_range(0..KEYS.len())];
    match random.random_range(0..if waits { 12 } else { 10 }) {
        0..3 => format!("get {key}"),
        3 => format!("set {key} {value}"),
        4 => format!("incr {key}"),
        5 => format!("del {key} {other}"),
        6 => format!("mset a {value} b {value} c {value} d {value}"),
        7 => "mget a b c d".to_owned(),
        8 => format!("rename {key} {other}"),
        9 => format!("rpush e {value}"),
        10 => format!("rpush {key} {value}"),
        _ => format!("blpop {key} e 0"),
    }
}

/// What four clients on two workers asked and were answered.
fn history(seed: u64, shards: usize, ops: usize) -> Vec<Asked> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let store = Store::open(config(shards)).unwrap();
    let mut workers: Vec<Worker> = alone(&store);
    let mut history: Vec<Asked> = Vec::new();
    let mut busy: [Option<usize>; 4] = [None; 4];
    let mut clock = 0;
    let mut quiet = 0;
    while quiet < 300 {
        clock += 1;
        let client = random.random_range(0..busy.len());
        let at = client % workers.len();
        if history.len() < ops && busy[client].is_none() && random.random_bool(0.6) {
            let multi = random.random_bool(0.2);
            let count = if multi { random.random_range(1..4) } else { 1 };
            let drawn = (0..count).map(|n| draw(&mut random, clock * 10 + n, !multi));
            let asked = Asked {
                ops: drawn.collect(),
                multi,
                begun: clock,
                ended: None,
            };
            let tag = history.len() as u64;
            if multi {
                let parsed = asked.ops.iter().map(|words| op(words)).collect();
                workers[at].transact(tag, Protocol::Resp2, parsed, None);
            } else {
                workers[at].send(tag, op(&asked.ops[0]));
            }
            busy[client] = Some(history.len());
            history.push(asked);
        } else {
            let number = random.random_range(0..workers.len());
            workers[number].turn(Millis(clock as u64));
        }
        quiet = if history.len() < ops && busy.iter().any(Option::is_none) {
            0
        } else {
            quiet + 1
        };
        clock += 1;
        for worker in &mut workers {
            worker.answers(|tag, answered| {
                if let Answered::Reply(bytes) = answered {
                    let text = bytes.escape_ascii().to_string().replace("\\r\\n", " ");
                    history[tag as usize].ended = Some((clock, text));
                    for client in &mut busy {
                        *client = client.filter(|asked| *asked as u64 != tag);
                    }
                }
            });
        }
    }
    history
}

/// Nobody but who waits for a list is left without an answer, and the answers are those of some order.
fn check(seed: u64, shards: usize, ops: usize) {
    let history = history(seed, shards, ops);
    let unanswered = history.iter().filter(|asked| asked.ended.is_none());
    for asked in unanswered {
        assert!(
            asked.ops[0].starts_with("blpop"),
            "seed {seed}, {shards} shards: {asked:?}"
        );
    }
    assert!(
        is_linearizable(&history),
        "seed {seed}, {shards} shards: no order answers so: {history:#?}"
    );
}

#[test]
#[cfg_attr(broken_version, should_panic(expected = "no order answers so"))]
fn random_clients_see_one_op_after_another() {
    let seeds = std::env::var("SEAWALL_STORM_SEEDS").ok();
    let seeds: u64 = seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(60);
    for seed in 0..seeds {
        for shards in [2, 5] {
            check(seed, shards, 40);
        }
    }
}

/// The checker is worth something: it refuses what no order answers.
#[test]
fn the_checker_refuses_what_cannot_be() {
    let asked = |words: &str, begun: usize, ended: usize, seen: &str| Asked {
        ops: words.split(';').map(str::to_owned).collect(),
        multi: words.contains(';'),
        begun,
        ended: Some((ended, seen.to_owned())),
    };
    // Half of an MSET is seen, in two reads one after the other.
    let half = [
        asked("mset a 1 b 1", 0, 9, "+OK "),
        asked("get a", 1, 2, "$1 1 "),
        asked("get b", 3, 4, "$-1 "),
    ];
    assert!(!is_linearizable(&half));
    let mut whole = half.clone();
    whole[2].ended = Some((4, "$1 1 ".to_owned()));
    assert!(is_linearizable(&whole));
    // A write that was answered is not seen.
    let stale = [asked("set a 1", 0, 1, "+OK "), asked("get a", 2, 3, "$-1 ")];
    assert!(!is_linearizable(&stale));
    // One element serves two.
    let twice = [
        asked("rpush a 1", 0, 9, ":1 "),
        asked("blpop a 0", 0, 9, "*2 $1 a $1 1 "),
        asked("blpop a 0", 0, 9, "*2 $1 a $1 1 "),
    ];
    assert!(!is_linearizable(&twice));
    // An increment is lost in a transaction.
    let lost = [
        asked("incr a;incr b", 0, 5, "*2 :1 :1 "),
        asked("incr b;incr a", 0, 5, "*2 :1 :2 "),
    ];
    assert!(!is_linearizable(&lost));
}
