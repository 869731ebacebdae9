//! Readers on real cores beside a writer of several keys.
//!
//! A key is written with a number that only grows, together with others in one command or transaction. So
//! who reads one of them and then another never reads a smaller number: a reader that did saw a part of
//! a command without the rest.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use seawall_store::{Op, Reply, Session, Store, StoreConfig};

/// Keys of both workers.
const KEYS: [&str; 4] = ["a", "b", "c", "d"];
/// Reads of each reader.
const READS: u64 = 200_000;
/// The longest that a test goes on, on a machine that does little else.
const LONGEST: Duration = Duration::from_secs(10);

fn op(command: &str) -> Op {
    Op::parse(command.split(' ').map(str::as_bytes)).expect("a command")
}

fn number(session: &mut Session, key: &str, value: &mut Vec<u8>) -> u64 {
    value.clear();
    let found = session.get(key.as_bytes(), value).expect("a string");
    let text = std::str::from_utf8(value).expect("digits");
    if found {
        text.parse().expect("a number")
    } else {
        0
    }
}

/// Lets one thread write while two read, until each has read as often as it should.
fn race(mut write: impl FnMut(&mut Session, u64) + Send, read: impl Fn(&mut Session) + Sync) {
    let store = Store::open(StoreConfig {
        shards: 4,
        pin: false,
        ..StoreConfig::default()
    });
    let store = store.expect("a store");
    let workers = store.spawn().expect("workers");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut session = store.session();
            let mut written = 0;
            while !over.load(Ordering::Relaxed) {
                written += 1;
                write(&mut session, written);
            }
            written
        });
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut session = store.session();
                    let begun = Instant::now();
                    let mut done = 0;
                    while done < READS && begun.elapsed() < LONGEST {
                        read(&mut session);
                        done += 1;
                    }
                    done
                })
            })
            .collect();
        let reads: Vec<_> = readers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        over.store(true, Ordering::Relaxed);
        let written = writer.join().expect("it writes");
        for read in reads {
            let read = read.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            println!("{read} reads beside {written} writes");
            assert!(written > 10 && read > 10, "they met");
        }
    });
    drop(workers);
}

/// Reads the keys one by one: the numbers never fall.
fn read_one_by_one(session: &mut Session) {
    let mut value = Vec::new();
    let mut last = 0;
    for key in KEYS {
        let seen = number(session, key, &mut value);
        assert!(
            seen >= last,
            "{key} holds {seen}, where another held {last} before"
        );
        last = seen;
    }
}

#[test]
#[cfg_attr(broken_version, should_panic(expected = "where another held"))]
fn a_command_of_several_keys_is_seen_whole() {
    let write = |session: &mut Session, number: u64| {
        let command = format!("mset d {number} b {number} c {number} a {number}");
        assert!(session.execute(&op(&command)).is_ok());
    };
    race(write, read_one_by_one);
}

#[test]
fn a_key_is_under_one_of_its_names() {
    let write = |session: &mut Session, number: u64| {
        let name = |number: u64| KEYS[(number % KEYS.len() as u64) as usize];
        let command = if number == 1 {
            "set a 1".to_owned()
        } else {
            format!("rename {} {}", name(number - 2), name(number - 1))
        };
        assert!(session.execute(&op(&command)).is_ok(), "{command}");
    };
    let begun = AtomicBool::new(false);
    let read = |session: &mut Session| {
        // The other reader may be told of the key while this one still hears that there is none.
        let has_begun = begun.load(Ordering::Relaxed);
        let Reply::Array(found) = session.execute(&op("mget a b c d")) else {
            panic!("no array");
        };
        let count = found.iter().filter(|found| **found != Reply::Nil).count();
        if count == 1 {
            begun.store(true, Ordering::Relaxed);
        }
        assert!(count == 1 || !has_begun, "{count} of its names");
    };
    race(write, read);
}
