//! The driver on targets and workloads made for it: right ones, wrong ones, and ones that break.

mod ending;

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use seawall_store::{Op, Reply};
use seawall_workloads::Mismatch;

use super::*;
use crate::cost::Cost;
use crate::remote::toy::{Manner, Server};
use crate::target::{Addressed, Came, Client};
use crate::wire::Resp;

/// Counts up: each client owns a key and sets it to 0, 1, 2 …, then asks for the last value.
struct Counting {
    key: String,
    preloaded: bool,
    set: u64,
    ask: bool,
    expected: VecDeque<Option<u64>>,
}

impl Counting {
    fn of(client: usize) -> Counting {
        Counting {
            key: format!("k{client}"),
            preloaded: false,
            set: 0,
            ask: false,
            expected: VecDeque::new(),
        }
    }
}

impl Workload for Counting {
    fn preload(&mut self) -> Option<Op> {
        if std::mem::replace(&mut self.preloaded, true) {
            return None;
        }
        self.expected.push_back(None);
        Some(op(&["SET", &self.key, "0"]))
    }

    fn next(&mut self) -> Op {
        self.ask = !self.ask;
        if self.ask {
            self.expected.push_back(Some(self.set));
            op(&["GET", &self.key])
        } else {
            self.set += 1;
            self.expected.push_back(None);
            op(&["SET", &self.key, &self.set.to_string()])
        }
    }

    fn observe(&mut self, op: &Op, reply: &Reply) -> Result<(), Mismatch> {
        let expected = match self.expected.pop_front().expect("one reply an op") {
            Some(value) => Reply::Bulk(value.to_string().into_bytes()),
            None => Reply::Simple("OK".to_owned()),
        };
        if *reply == expected {
            return Ok(());
        }
        Err(Mismatch {
            op: format!("{op:?}"),
            reply: format!("{reply:?}"),
            why: format!("expected {expected:?}"),
        })
    }

    fn unanswered(&mut self, _: &Op) {
        unreachable!("every op is answered");
    }
}

fn op(words: &[&str]) -> Op {
    Op::parse(words.iter().map(|word| word.as_bytes())).expect("an op")
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature of every maker of workloads"
)]
fn counting(_: &str, _: u64, client: usize, _: usize) -> Result<Box<dyn Workload>, String> {
    Ok(Box::new(Counting::of(client)))
}

/// What goes wrong in [`Toy`].
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    WrongValue,
    Break,
    Panic,
    TwoReplies,
}

/// A map behind a lock, which answers the ops of a poll last first.
struct Toy {
    map: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    broken: AtomicBool,
    flaw: Flaw,
}

struct ToyClient<'a> {
    toy: &'a Toy,
    waiting: Vec<(u64, Op)>,
    answered: u64,
}

impl Toy {
    fn with(flaw: Flaw) -> Toy {
        Toy {
            map: Mutex::new(HashMap::new()),
            broken: AtomicBool::new(false),
            flaw,
        }
    }
}

/// [`Toy`] with a flaw, as a type of its own.
macro_rules! toy {
    ($name:ident, $flaw:expr) => {
        struct $name(Toy);
        impl Endpoint for $name {
            type Client<'a> = ToyClient<'a>;
            const ANSWERS: bool = true;
            const APART: bool = false;
            fn open(_: &Drive<'_>) -> Result<Self, String> {
                Ok($name(Toy::with($flaw)))
            }
            fn threads(&self) -> usize {
                2
            }
            fn cost(&self) -> Result<Cost, String> {
                Ok(Cost::of_this_process())
            }
            fn client(&self, _: usize) -> Result<ToyClient<'_>, String> {
                Ok(ToyClient {
                    toy: &self.0,
                    waiting: Vec::new(),
                    answered: 0,
                })
            }
            fn lookups(&self) -> Option<Lookups> {
                None
            }
            fn notes(&self) -> Map<String, Value> {
                Map::new()
            }
            fn close(self, _failed: bool) -> Result<(), String> {
                Ok(())
            }
        }
    };
}

toy!(Right, Flaw::None);
toy!(Wrong, Flaw::WrongValue);
toy!(Breaking, Flaw::Break);
toy!(Panicking, Flaw::Panic);
toy!(Chatty, Flaw::TwoReplies);

impl Client for ToyClient<'_> {
    fn submit(&mut self, _lane: usize, ticket: u64, op: &Op) -> Result<Option<Reply>, String> {
        self.waiting.push((ticket, op.clone()));
        Ok(None)
    }

    fn poll(
        &mut self,
        _until: Instant,
        done: &mut dyn FnMut(Came, &mut Reply),
    ) -> Result<(), String> {
        let mut replies = Vec::new();
        for (ticket, op) in self.waiting.drain(..) {
            self.answered += 1;
            let mut flaw = Flaw::None;
            // Only one client meets the flaw, so that the other one has to hear of it.
            if self.answered > 50 && !self.toy.broken.swap(true, Ordering::Relaxed) {
                flaw = self.toy.flaw;
            }
            match flaw {
                Flaw::Break => return Err("the toy broke".to_owned()),
                Flaw::Panic => panic!("the toy panics, as the test wants it to"),
                Flaw::TwoReplies => replies.push((ticket, Reply::Nil)),
                Flaw::None | Flaw::WrongValue => {}
            }
            let mut map = self.toy.map.lock().expect("no one panics while holding it");
            let reply = match op.get(1) {
                _ if flaw == Flaw::WrongValue => Reply::Int(7),
                Some(value) => {
                    map.insert(op[0].to_vec(), value.to_vec());
                    Reply::Simple("OK".to_owned())
                }
                None => map.get(&op[0]).cloned().map_or(Reply::Nil, Reply::Bulk),
            };
            replies.push((ticket, reply));
        }
        replies.into_iter().rev().for_each(|(ticket, mut reply)| {
            let at = Instant::now();
            done(
                Came {
                    lane: 0,
                    ticket,
                    at,
                },
                &mut reply,
            );
        });
        Ok(())
    }
}

/// A cell of its own.
fn once<E: Endpoint>(drive: &Drive<'_>) -> Result<Measured, BenchError> {
    let mut turns = Once::default();
    run::<E>(drive, &mut turns)?;
    Ok(turns
        .measured()
        .expect("a cell that did not fail was measured"))
}

/// A second of [`Counting`], without warm-up.
fn plain<'a>(configuration: &'a Configuration, scratch: &'a Path) -> Drive<'a> {
    Drive {
        target: "toy",
        which: "",
        workload: "counting",
        build: counting,
        configuration,
        seed: 1,
        warmup: Duration::ZERO,
        length: Length::Time(Duration::from_secs(1)),
        beyond: 0.5,
        disk_seed: 0,
        loads: true,
        scratch,
        latency_from: from_meant,
    }
}

fn drive<E: Endpoint>(length: Length, pipeline: usize) -> Result<Measured, BenchError> {
    let folder = tempfile::tempdir().expect("a folder");
    let configuration = Configuration {
        pipeline: Some(pipeline),
        threads: Some(2),
        ..Configuration::default()
    };
    once::<E>(&Drive {
        warmup: Duration::from_millis(5),
        length,
        ..plain(&configuration, folder.path())
    })
}

/// A cell on a server that answers nothing for 300 ms in the middle of a second, at 1,000 ops a second of
/// one client, which has one of them under way at a time.
fn stalled(latency_from: fn(Instant, Instant) -> Instant) -> Measured {
    let server = Server::start(Manner::StallsOnce {
        after: 600,
        time: Duration::from_millis(300),
    });
    let folder = tempfile::tempdir().expect("a folder");
    let configuration = Configuration {
        pipeline: Some(1),
        threads: Some(1),
        connections: Some(1),
        rate: Some(1_000),
        arrivals: Arrivals::Constant,
        ..Configuration::default()
    };
    once::<Addressed<Resp>>(&Drive {
        target: "stalling",
        which: &server.address(),
        latency_from,
        ..plain(&configuration, folder.path())
    })
    .expect("it runs")
}

#[test]
fn a_stall_is_seen_by_all_who_would_have_waited() {
    // Three ops in ten were meant to be sent while the server stalled.
    let p90_us = |measured: &Measured| measured.recording.latency_us().p90;
    let honest = stalled(from_meant);
    assert!(p90_us(&honest) > 100_000.0, "{}", p90_us(&honest));
    // Counted from their sending, the stall is one slow op: the check above would catch a driver that
    // counts so.
    let naive = stalled(|_, sent| sent);
    assert!(p90_us(&naive) < 100_000.0, "{}", p90_us(&naive));
    assert!(naive.recording.latency_us().max > 200_000.0);
    // The stall is the server's: its driver sent each op as soon as there was room for it.
    let late = honest.recording.late_at(0.9);
    assert!(late < Duration::from_millis(20), "{late:?}");
}

/// [`Counting`], whose maker now and then takes 40 ms to think of an op.
struct Dawdling(Counting);

impl Workload for Dawdling {
    fn preload(&mut self) -> Option<Op> {
        self.0.preload()
    }

    fn next(&mut self) -> Op {
        if self.0.set % 50 == 49 {
            thread::sleep(Duration::from_millis(40));
        }
        self.0.next()
    }

    fn observe(&mut self, op: &Op, reply: &Reply) -> Result<(), Mismatch> {
        self.0.observe(op, reply)
    }

    fn unanswered(&mut self, op: &Op) {
        self.0.unanswered(op);
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature of every maker of workloads"
)]
fn dawdling(_: &str, _: u64, client: usize, _: usize) -> Result<Box<dyn Workload>, String> {
    Ok(Box::new(Dawdling(Counting::of(client))))
}

#[test]
fn a_driver_that_is_late_is_told_and_its_cell_is_invalid() {
    let server = Server::start(Manner::Right);
    let folder = tempfile::tempdir().expect("a folder");
    let configuration = Configuration {
        threads: Some(1),
        connections: Some(1),
        rate: Some(1_000),
        ..Configuration::default()
    };
    let measured = once::<Addressed<Resp>>(&Drive {
        target: "right",
        which: &server.address(),
        workload: "dawdling",
        build: dawdling,
        ..plain(&configuration, folder.path())
    })
    .expect("it runs");
    let lateness = crate::verdict::Lateness {
        latency: measured.recording.latency_at(0.99),
        late: measured.recording.late_at(0.99),
    };
    assert!(lateness.late > Duration::from_millis(20), "{lateness:?}");
    let why = measured.spent.invalid(Some(lateness)).expect("invalid");
    assert!(why.contains("late"), "{why}");
}

#[test]
fn a_rate_is_kept_and_what_it_cost_is_told() {
    let server = Server::start(Manner::Right);
    let folder = tempfile::tempdir().expect("a folder");
    let configuration = Configuration {
        threads: Some(2),
        connections: Some(2),
        rate: Some(2_000),
        ..Configuration::default()
    };
    let measured = once::<Addressed<Resp>>(&Drive {
        target: "right",
        which: &server.address(),
        warmup: Duration::from_millis(50),
        ..plain(&configuration, folder.path())
    })
    .expect("it runs");
    // Poisson: five standard deviations are 224; what a busy machine delays comes on top.
    let ops = measured.recording.ops() + measured.recording.unfinished();
    assert!((1_700..=2_300).contains(&ops), "{ops}");
    assert_eq!((measured.clients, measured.recording.errors()), (4, 0));
    let share = measured.spent.driver.expect("told apart").share;
    assert!(share > 0.0 && share < 0.9, "the driver sleeps: {share}");
}

#[test]
fn servers_that_are_none_are_told_in_one_line() {
    for (manner, words) in [
        (Manner::Junk, "strange answer"),
        (Manner::Closes, "closed the connection"),
        (Manner::Full, "holds 7 keys"),
        (Manner::JunkAfter(300), "no RESP"),
        (Manner::ClosesAfter(300), "closed the connection"),
        (Manner::Refuses, "refuses DBSIZE: NOAUTH"),
    ] {
        let server = Server::start(manner);
        let folder = tempfile::tempdir().expect("a folder");
        let error = once::<Addressed<Resp>>(&Drive {
            target: "strange",
            which: &server.address(),
            length: Length::Time(Duration::from_mins(1)),
            ..plain(
                &Configuration {
                    threads: Some(2),
                    ..Configuration::default()
                },
                folder.path(),
            )
        });
        let text = error.err().expect(words).to_string();
        assert!(text.contains(words) && !text.contains('\n'), "{text}");
    }
}

#[test]
fn the_ops_that_were_asked_for_are_measured_and_verified() {
    for pipeline in [1, 7] {
        let measured = drive::<Right>(Length::Ops(1001), pipeline).expect("it runs");
        // A poll hands over up to a pipeline of replies, so each of two clients may go beyond.
        let ops = measured.recording.ops();
        assert!(
            (1001..1001 + 2 * pipeline as u64).contains(&ops),
            "{ops} at {pipeline}"
        );
        assert_eq!(measured.recording.errors(), 0);
        assert!(measured.seconds > 0.0 && measured.rss_bytes > 0);
    }
}

#[test]
fn a_time_is_kept() {
    let begin = Instant::now();
    let measured = drive::<Right>(Length::Time(Duration::from_millis(50)), 4).expect("it runs");
    assert!(measured.seconds >= 0.05);
    assert!(begin.elapsed().as_secs_f64() >= measured.seconds + 0.005);
}

#[test]
fn a_wrong_reply_ends_the_cell_and_names_the_op() {
    let error = drive::<Wrong>(Length::Time(Duration::from_mins(1)), 4)
        .err()
        .expect("a wrong reply");
    assert!(matches!(error, BenchError::Mismatch { .. }), "{error}");
    assert!(
        error.to_string().contains("k0") || error.to_string().contains("k1"),
        "{error}"
    );
}

#[test]
fn a_target_that_breaks_ends_the_cell_for_all_clients() {
    let long = Length::Time(Duration::from_mins(1));
    for (error, words) in [
        (drive::<Breaking>(long, 4).err(), "the toy broke"),
        (drive::<Panicking>(long, 4).err(), "panicked"),
        (drive::<Chatty>(long, 4).err(), "waits for none"),
    ] {
        let text = error.expect(words).to_string();
        assert!(text.contains(words), "{text}");
    }
}
