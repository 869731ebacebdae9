//! Readers at both workers beside clients whose pipelined writes go from shard to shard.
//!
//! A client writes the numbers from 1 on, each first to one key and then to another, without waiting for answers. So
//! nobody finds the second key ahead of the first, nor, when it looks at them the other way round, more than one
//! behind: whoever the keys are owned by, whatever it reads them with, and though it asks one worker for the one key and
//! the other for the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::Reply;

use crate::client::{Client, Server, array};
use crate::seeds;

/// How long a reader reads.
const LONG: Duration = Duration::from_millis(700);
/// Numbers that a writer sends at once.
const AT_ONCE: u64 = 12;

/// Two keys of different workers: one client's.
struct Pair {
    first: String,
    second: String,
}

impl Pair {
    /// Of `writer`, which is of that worker too: its own worker has the first key or the second.
    fn of(server: &Server, writer: usize, own_first: bool) -> Pair {
        let store = &server.running().server().store;
        let key = |worker: usize| {
            let mut keys = (0..).map(|n| format!("{writer}:{own_first}:{worker}:{n}"));
            let owner = |key: &String| store.placement()[store.shard_of(key.as_bytes())].worker;
            keys.find(|key| owner(key) == worker).expect("endless")
        };
        let (own, other) = (key(writer), key(1 - writer));
        let (first, second) = if own_first {
            (own, other)
        } else {
            (other, own)
        };
        Pair { first, second }
    }
}

/// Writes until it is over.
fn write(mut client: Client, pairs: &[Pair], over: &AtomicBool) -> u64 {
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        let mut bytes = Vec::new();
        for _ in 0..AT_ONCE {
            number += 1;
            for pair in pairs {
                for key in [&pair.first, &pair.second] {
                    bytes.extend(array(&["SET", key, &number.to_string()]));
                }
            }
        }
        client.send(bytes);
        for _ in 0..AT_ONCE as usize * pairs.len() * 2 {
            assert_eq!(client.reply(), "+OK\r\n");
        }
    }
    number
}

fn number(reply: &Reply) -> u64 {
    match reply {
        Reply::Nil => 0,
        Reply::Bulk(bytes) if bytes.is_empty() => 0,
        Reply::Bulk(bytes) => {
            let text = std::str::from_utf8(bytes).expect("digits");
            text.parse().expect("a number")
        }
        reply => panic!("no number: {reply:?}"),
    }
}

/// One of the commands that tell what `key` holds, on any core or its owner alone.
fn get(random: &mut Xoshiro256PlusPlus, key: &str) -> Vec<u8> {
    if random.random_bool(0.7) {
        array(&["GET", key])
    } else {
        array(&["GETRANGE", key, "0", "-1"])
    }
}

/// Reads two keys, one after the other or together; what they hold, and how that was asked.
fn look(
    clients: &mut [Client; 2],
    random: &mut Xoshiro256PlusPlus,
    [one, other]: [&str; 2],
) -> (u64, u64, String) {
    let at = random.random_range(0..2);
    let parse = |reply: String| Reply::parse(reply.as_bytes()).expect("a whole reply").0;
    let (one, other, how) = match random.random_range(0..4) {
        way @ 0..2 => {
            let (first, second) = (get(random, one), get(random, other));
            let first = clients[at].send(first).reply();
            let next = if way == 0 { at } else { 1 - at };
            let second = clients[next].send(second).reply();
            (first, second, format!("from worker {at} and then {next}"))
        }
        way => {
            let client = &mut clients[at];
            let both = if way == 2 {
                client.send(array(&["MGET", one, other])).reply()
            } else {
                client.send("MULTI\r\n");
                client.send(get(random, one)).send(get(random, other));
                client.send("EXEC\r\n");
                (0..3).for_each(|_| drop(client.reply()));
                client.reply()
            };
            let Reply::Array(both) = parse(both) else {
                panic!("no array");
            };
            return (number(&both[0]), number(&both[1]), "together".to_owned());
        }
    };
    (number(&parse(one)), number(&parse(other)), how)
}

fn read(mut clients: [Client; 2], pairs: &[Pair], seed: u64) -> u64 {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let begun = Instant::now();
    let mut reads = 0;
    while begun.elapsed() < LONG {
        let Pair { first, second } = &pairs[random.random_range(0..pairs.len())];
        let (later, earlier, how) = look(&mut clients, &mut random, [second, first]);
        assert!(
            later <= earlier,
            "{second} holds {later}, and {first}, written before it, {earlier}: {how}, seed {seed}"
        );
        let (first_held, second_held, how) = look(&mut clients, &mut random, [first, second]);
        assert!(
            first_held <= second_held + 1,
            "{first} holds {first_held}, and {second}, written before that, {second_held}: {how}, seed {seed}"
        );
        reads += 4;
    }
    reads
}

fn check(shards: usize, net: &str) {
    let server = Server::start(shards, &[net]);
    if server.running().server().store.workers() != 2 {
        // One worker writes what it reads as it reads it.
        return;
    }
    let pairs = [0, 1].map(|writer| [true, false].map(|own| Pair::of(&server, writer, own)));
    let over = AtomicBool::new(false);
    let seed = seeds().start;
    std::thread::scope(|scope| {
        let writers = [0, 1].map(|at| {
            let (client, _) = server.connect_at(at);
            let (pairs, over) = (&pairs[at], &over);
            scope.spawn(move || write(client, pairs, over))
        });
        let readers = [0, 1].map(|at| {
            let clients = [0, 1].map(|worker| server.connect_at(worker).0);
            let pairs = &pairs[at];
            scope.spawn(move || read(clients, pairs, seed * 2 + at as u64))
        });
        let reads = readers.map(std::thread::ScopedJoinHandle::join);
        over.store(true, Ordering::Relaxed);
        let written = writers.map(|writer| writer.join().expect("it writes"));
        for read in reads {
            let read = read.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            println!("{read} reads beside {written:?} rounds of writes");
            assert!(read > 10 && written[0] > 10, "they met");
        }
    });
    server.stop();
}

#[test]
#[cfg_attr(broken_order, ignore = "the store's tests of order find it each time")]
fn pipelined_writes_are_seen_in_their_order() {
    for shards in [2, 4] {
        check(shards, "net=uring");
    }
}

#[test]
#[cfg_attr(broken_order, ignore = "the store's tests of order find it each time")]
fn pipelined_writes_are_seen_in_their_order_by_epoll_too() {
    check(2, "net=epoll");
}
