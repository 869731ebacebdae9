//! Calls of commands: how many there were, how long they took, how they failed.
//!
//! ```text
//!  Calls::begin(entry, op) ─► Begun ─► … the shard answers … ─► Calls::end(begun, reply)
//!                                                                 ├─ counts and histogram, by worker
//!                                                                 ├─ Slowlog, where it took long
//!                                                                 └─ Monitor of latencies, likewise
//! ```
//!
//! The time of a call goes from its beginning to its answer at the connection's worker. Where it is answered
//! by an owner elsewhere, in a pipeline, it holds the wait for the commands before it; calls of one fast command
//! that are answered together are timed together, and each has its share.

pub mod histogram;
pub mod latency;
pub mod slowlog;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use seawall_store::command::Flag;
use seawall_store::command::brief::BriefCall;
use seawall_store::command::memcached::{Retrieval, Storing};
use seawall_store::{Millis, Op};

use crate::clients::Card;
use crate::command::{Called, Entry, Runner, callable};
use crate::config::Settings;
use crate::memcached::Outcome;
use crate::resp::Words;
use histogram::Histogram;
use latency::Latency;
use slowlog::Slowlog;

/// Different code words of errors that are counted by name; more are `OTHER`.
const ERROR_WORDS_MAX: usize = 128;

/// How the store refuses a call that it has no room for.
const OUT_OF_MEMORY: &[u8] = b"-OOM ";

/// Counts of one command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Calls that ran.
    pub calls: u64,
    /// How long they took together, in microseconds.
    pub us: u64,
    /// Calls that were refused before they ran.
    pub rejected: u64,
    /// Calls that ran and were answered with an error.
    pub failed: u64,
    /// Calls of Memcached's clients that found no item.
    pub missed: u64,
    /// Calls of Memcached's clients that found it otherwise than they asked.
    pub conflicting: u64,
}

/// The counts of one command at one worker.
#[derive(Debug, Default)]
struct Counter {
    calls: AtomicU64,
    ns: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    missed: AtomicU64,
    conflicting: AtomicU64,
    times: OnceLock<Histogram>,
}

/// Calls of commands.
#[derive(Debug)]
pub struct Calls {
    /// By worker, so that workers do not meet in counting; by the number of the command.
    workers: Vec<Vec<Counter>>,
    errors: Mutex<BTreeMap<Box<str>, u64>>,
    tracks: AtomicBool,
    /// Calls that took long.
    pub slowlog: Slowlog,
    /// Events that took long.
    pub latency: Latency,
}

/// A call that was begun.
#[derive(Debug)]
pub struct Begun {
    called: Called,
    at: Instant,
    /// How long it took, where it waits since.
    took: Option<Duration>,
    op: Option<Box<Op>>,
}

impl Begun {
    /// A call begins now.
    pub fn now(called: Called) -> Begun {
        Begun {
            called,
            at: Instant::now(),
            took: None,
            op: None,
        }
    }

    /// What was called.
    pub fn called(&self) -> Called {
        self.called
    }

    /// It waits from now on, which is not its time.
    pub fn park(&mut self) {
        self.took.get_or_insert(self.at.elapsed());
    }
}

/// The words of a call, as the slow log keeps them.
pub enum Spoken<'a> {
    /// The store's.
    Op(&'a Op),
    /// The server's.
    Words(&'a Words),
    /// The one argument of a command that was not kept.
    One(&'a [u8]),
    /// Those of a call that was no op.
    Brief(&'a BriefCall<'a>),
    /// Those of a Memcached's client's request that was not kept.
    Retrieval(&'a Retrieval<'a>),
    /// As well.
    Storing(&'a Storing<'a>),
}

impl Calls {
    /// Nothing was called yet.
    pub fn new(workers: usize) -> Calls {
        let counters = || callable().iter().map(|_| Counter::default()).collect();
        Calls {
            workers: (0..workers).map(|_| counters()).collect(),
            errors: Mutex::default(),
            tracks: AtomicBool::new(true),
            slowlog: Slowlog::default(),
            latency: Latency::default(),
        }
    }

    /// Follows what the parameters say.
    pub fn follow(&self, settings: &Settings) {
        self.tracks
            .store(settings.yes("latency-tracking"), Ordering::Relaxed);
        if !settings.yes("latency-tracking") {
            self.each(|counter| counter.times.get().into_iter().for_each(Histogram::clear));
        }
        self.slowlog.follow(settings);
        self.latency.follow(settings);
    }

    /// A call of the store's begins. Its words are kept where it may become one of the slow ones.
    pub fn begin(&self, called: Called, op: &Op) -> Begun {
        let is_fast = called.flags().has(Flag::Fast);
        self.begin_at(Instant::now(), called, op, is_fast)
    }

    /// As [`Calls::begin`], of one that began then, and of which it is known whether it is fast.
    pub fn begin_at(&self, at: Instant, called: Called, op: &Op, is_fast: bool) -> Begun {
        let kept = self.slowlog.may_keep(is_fast);
        Begun {
            called,
            at,
            took: None,
            op: kept.then(|| Box::new(op.clone())),
        }
    }

    /// A call of the store's is answered; `at` is when, and those that are answered together share it.
    pub fn end(&self, begun: &Begun, at: Instant, card: &Card, now: Millis, reply: &[u8]) {
        let words = begun.op.as_ref().map(|op| Spoken::Op(op));
        self.done(begun, at, words, card, now, reply);
    }

    /// A call is answered whose words are these.
    pub fn called(
        &self,
        begun: &Begun,
        words: Option<Spoken<'_>>,
        card: &Card,
        now: Millis,
        reply: &[u8],
    ) {
        self.done(begun, Instant::now(), words, card, now, reply);
    }

    fn done(
        &self,
        begun: &Begun,
        at: Instant,
        words: Option<Spoken<'_>>,
        card: &Card,
        now: Millis,
        reply: &[u8],
    ) {
        let took = begun.took;
        let took = took.unwrap_or_else(|| at.saturating_duration_since(begun.at));
        let error = (reply.first() == Some(&b'-')).then_some(reply);
        self.ended(&begun.called, words.into_iter(), 1, took, card, now, error);
    }

    /// Calls of one command, whose words are these, ran one after the other and took so long together. The last
    /// of them may have been answered with an error.
    pub fn ran<'a>(
        &self,
        called: &Called,
        words: impl ExactSizeIterator<Item = Spoken<'a>>,
        took: Duration,
        card: &Card,
        now: Millis,
        error: Option<&[u8]>,
    ) {
        let count = words.len() as u64;
        self.ended(called, words, count, took, card, now, error);
    }

    #[expect(clippy::too_many_arguments, reason = "all that is told of a call")]
    #[inline]
    fn ended<'a>(
        &self,
        called: &Called,
        words: impl Iterator<Item = Spoken<'a>>,
        mut count: u64,
        took: Duration,
        card: &Card,
        now: Millis,
        error: Option<&[u8]>,
    ) {
        let entry = called.entry;
        let counter = &self.workers[card.worker][entry.number];
        let took_ns = took.as_nanos() as u64 / count.max(1);
        if let Some(error) = error {
            if error.starts_with(OUT_OF_MEMORY) && entry.flags().has(Flag::Denyoom) {
                // The shard looks first whether there is room, as Redis does: the call did not run.
                self.rejected(card.worker, Some(entry), error);
                count -= 1;
            } else {
                counter.failed.fetch_add(1, Ordering::Relaxed);
                self.failed(error);
            }
        }
        if count == 0 {
            return;
        }
        counter.calls.fetch_add(count, Ordering::Relaxed);
        counter.ns.fetch_add(took_ns * count, Ordering::Relaxed);
        if self.tracks.load(Ordering::Relaxed) {
            (counter.times.get_or_init(Histogram::default)).record(took_ns, count);
        }
        if self.slowlog.is_slow(took_ns / 1000) && !entry.flags().has(Flag::SkipSlowlog) {
            for words in words.take(count as usize) {
                self.slowlog.add(called, &words, card, now, took_ns / 1000);
            }
        }
        let event = if entry.flags().has(Flag::Fast) {
            "fast-command"
        } else {
            "command"
        };
        self.latency.observe(event, took_ns / 1_000_000, now);
    }

    /// Counts what a call of a Memcached's client came to; [`Calls::end`] counts the call.
    pub fn came_to(&self, called: &Called, card: &Card, reply: &[u8]) {
        let Runner::Store(command) = called.entry.runner else {
            return;
        };
        self.count_outcome(called, card, Outcome::of(command, reply), 1);
    }

    /// Counts what some calls of a Memcached's client came to; [`Calls::ran`] counts the calls.
    pub fn all_came_to(&self, called: &Called, card: &Card, outcome: Outcome, count: usize) {
        if count > 0 {
            self.count_outcome(called, card, outcome, count as u64);
        }
    }

    fn count_outcome(&self, called: &Called, card: &Card, outcome: Outcome, count: u64) {
        let counter = &self.workers[card.worker][called.entry.number];
        let counter = match outcome {
            Outcome::Done => return,
            Outcome::Missed => &counter.missed,
            Outcome::Conflicting => &counter.conflicting,
        };
        counter.fetch_add(count, Ordering::Relaxed);
    }

    /// A call ran within a transaction, whose time is counted as a whole.
    pub fn within(&self, entry: &Entry, card: &Card, reply: &[u8]) {
        let counter = &self.workers[card.worker][entry.number];
        counter.calls.fetch_add(1, Ordering::Relaxed);
        if let Some(b'-') = reply.first() {
            counter.failed.fetch_add(1, Ordering::Relaxed);
            self.failed(reply);
        }
    }

    /// A call was refused before it ran: `entry` is not known where there is no such command.
    pub fn rejected(&self, worker: usize, entry: Option<&Entry>, error: &[u8]) {
        if let Some(entry) = entry {
            let counter = &self.workers[worker][entry.number];
            counter.rejected.fetch_add(1, Ordering::Relaxed);
        }
        self.failed(error);
    }

    /// Counts an error by its code word.
    fn failed(&self, reply: &[u8]) {
        let text = reply.strip_prefix(b"-").unwrap_or(reply);
        let end = text
            .iter()
            .position(|byte| !byte.is_ascii_uppercase())
            .unwrap_or(text.len());
        let word = std::str::from_utf8(&text[..end.min(32)]).unwrap_or_default();
        let mut errors = self.errors();
        let word = if errors.contains_key(word) || errors.len() < ERROR_WORDS_MAX {
            word
        } else {
            "OTHER"
        };
        *errors.entry(word.into()).or_default() += 1;
    }

    /// The counts of a command over all workers.
    pub fn count(&self, number: usize) -> Count {
        let mut sum = Count::default();
        let mut ns = 0;
        for counters in &self.workers {
            let counter = &counters[number];
            sum.calls += counter.calls.load(Ordering::Relaxed);
            ns += counter.ns.load(Ordering::Relaxed);
            sum.rejected += counter.rejected.load(Ordering::Relaxed);
            sum.failed += counter.failed.load(Ordering::Relaxed);
            sum.missed += counter.missed.load(Ordering::Relaxed);
            sum.conflicting += counter.conflicting.load(Ordering::Relaxed);
        }
        sum.us = ns / 1000;
        sum
    }

    /// Calls of all commands.
    pub fn total(&self) -> u64 {
        let counters = self.workers.iter().flatten();
        counters
            .map(|counter| counter.calls.load(Ordering::Relaxed))
            .sum()
    }

    /// How long the calls of a command took, where any was measured.
    pub fn times(&self, number: usize) -> Option<Histogram> {
        let sum = Histogram::default();
        let times = self
            .workers
            .iter()
            .filter_map(|counters| counters[number].times.get());
        times.for_each(|times| sum.add(times));
        (sum.total() > 0).then_some(sum)
    }

    /// Errors by their code words.
    pub fn errors_by_word(&self) -> Vec<(Box<str>, u64)> {
        let errors = self.errors();
        errors
            .iter()
            .map(|(word, count)| (word.clone(), *count))
            .collect()
    }

    /// Counts from nothing again.
    pub fn reset(&self) {
        self.each(|counter| {
            for count in [
                &counter.calls,
                &counter.ns,
                &counter.rejected,
                &counter.failed,
                &counter.missed,
                &counter.conflicting,
            ] {
                count.store(0, Ordering::Relaxed);
            }
            if let Some(times) = counter.times.get() {
                times.clear();
            }
        });
        self.errors().clear();
    }

    fn each(&self, each: impl Fn(&Counter)) {
        self.workers.iter().flatten().for_each(each);
    }

    fn errors(&self) -> MutexGuard<'_, BTreeMap<Box<str>, u64>> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
