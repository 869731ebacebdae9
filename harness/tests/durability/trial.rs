//! A trial: connections write, the server ends, and what is there when it is started again is judged.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::Reply;

use crate::judge::judge;
use crate::load::{SHARED, Tally, Writer};
use crate::model::{Held, Keys};
use crate::process::Server;
use crate::wire::Wire;

/// How many connections write.
const WRITERS: u64 = 4;

/// The longest that is waited for acknowledgements, on a machine that is too slow for them.
const LOAD_TIME_MAX: Duration = Duration::from_secs(20);

/// How long a connection rests that is in no hurry.
const PAUSE: Duration = Duration::from_millis(20);

/// What may not be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// What was acknowledged.
    Acknowledged,
    /// What had been acknowledged for so long when the end came.
    Old(Duration),
    /// Nothing; what is there has to be a beginning for each shard all the same.
    Nothing,
}

pub struct Trial {
    pub random: Xoshiro256PlusPlus,
    shards: usize,
    writers: Vec<Writer>,
    /// What the shared counter was when it was last looked at.
    shared: i64,
    /// When the end came last.
    ended: Instant,
}

/// How long is written before the end.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// Until so many ops are acknowledged.
    Acknowledged(u64),
    /// For so long, in no hurry.
    Over(Duration),
}

impl Trial {
    pub fn new(seed: u64, shards: usize) -> Trial {
        Trial {
            random: Xoshiro256PlusPlus::seed_from_u64(!seed),
            shards,
            writers: (0..WRITERS)
                .map(|number| Writer::new(number, seed))
                .collect(),
            shared: 0,
            ended: Instant::now(),
        }
    }

    /// A random end, as often after few ops as after many.
    pub fn draw(&mut self) -> Until {
        let most = 1 << self.random.random_range(0..13);
        Until::Acknowledged(self.random.random_range(0..most))
    }

    /// Writes, and calls `end` while it goes on; how many ops were acknowledged in all.
    pub fn storm(
        &mut self,
        mut server: Server,
        until: Until,
        end: impl FnOnce(Server),
    ) -> Result<u64, String> {
        let (wanted, time) = match until {
            Until::Acknowledged(ops) => (ops, LOAD_TIME_MAX),
            Until::Over(time) => (u64::MAX, time),
        };
        let further = Duration::from_micros(self.random.random_range(0..3_000));
        let pause = match until {
            Until::Acknowledged(_) => Duration::ZERO,
            Until::Over(_) => PAUSE,
        };
        self.writers.iter_mut().for_each(|it| it.pause = pause);
        let (tally, address) = (Tally::default(), server.address);
        let mut by_itself = None;
        self.writers = thread::scope(|scope| {
            let writers = self.writers.drain(..);
            let working: Vec<_> = writers
                .map(|writer| scope.spawn(|| writer.work(address, &tally)))
                .collect();
            let begin = Instant::now();
            while tally.acknowledged.load(Ordering::Relaxed) < wanted
                && begin.elapsed() < time
                && !working.iter().all(thread::ScopedJoinHandle::is_finished)
            {
                thread::sleep(Duration::from_micros(200));
            }
            thread::sleep(further);
            // Release: pairs with the acquire of who complains.
            tally.is_ending.store(true, Ordering::Release);
            self.ended = Instant::now();
            by_itself = server.ended();
            end(server);
            let ended = working.into_iter().map(thread::ScopedJoinHandle::join);
            ended.map(|writer| writer.expect("it ended")).collect()
        });
        if let Some(status) = by_itself {
            return Err(format!("the server ended by itself: {status}"));
        }
        if let Some(complaint) = self.writers.iter().find_map(|it| it.complaint.clone()) {
            return Err(complaint);
        }
        let acknowledged = tally.acknowledged.into_inner();
        if wanted > 0 && acknowledged == 0 {
            return Err(format!("no op was answered in {time:?}"));
        }
        Ok(acknowledged)
    }

    /// Decides on what `server` holds, and goes on from there.
    pub fn judge(&mut self, server: &Server, promise: Promise) -> Result<(), String> {
        let found = everything(server).map_err(|error| format!("it cannot be read: {error}"))??;
        let mut of_writers: Vec<Keys> = vec![Keys::new(); self.writers.len()];
        let mut shared = 0;
        for (key, held) in found {
            if key == SHARED {
                shared = match &held {
                    Held::Text(text) => String::from_utf8_lossy(text).parse().unwrap_or(-1),
                    _ => -1,
                };
                continue;
            }
            let Some(owner) = self.writers.iter().position(|writer| writer.owns(&key)) else {
                return Err(format!("{key} was never written"));
            };
            of_writers[owner].insert(key, held);
        }
        let (mut least, mut most) = (0, self.shared);
        let ended = self.ended;
        for (writer, found) in self.writers.iter_mut().zip(of_writers) {
            let journal = &writer.journal;
            let promised = match promise {
                Promise::Acknowledged => journal.acknowledged,
                Promise::Old(age) => {
                    let heard = journal.heard.iter();
                    heard
                        .take_while(|heard| ended.duration_since(**heard) > age)
                        .count()
                }
                Promise::Nothing => 0,
            };
            judge(journal, &found, promised, self.shards)?;
            if promise == Promise::Acknowledged {
                least = least.max(journal.shared);
            }
            most += journal.shared_sent;
            writer.begin(found);
        }
        if !(least..=most).contains(&shared) {
            return Err(format!(
                "{SHARED} is {shared}: {least} was acknowledged, and {most} is the most that was asked for"
            ));
        }
        self.shared = shared;
        Ok(())
    }
}

/// All that a server holds; the inner error says what cannot be.
fn everything(server: &Server) -> io::Result<Result<Keys, String>> {
    let mut wire = Wire::connect(server.address)?;
    let Reply::Array(names) = wire.ask(&[b"KEYS", b"*"])? else {
        return Ok(Err("KEYS has no list".to_owned()));
    };
    let names: Vec<Vec<u8>> = names.into_iter().filter_map(bulk).collect();
    let mut keys = Keys::new();
    for name in names {
        let Reply::Simple(kind) = wire.ask(&[b"TYPE", &name])? else {
            return Ok(Err("TYPE names no type".to_owned()));
        };
        let reply = match &*kind {
            "string" => wire.ask(&[b"GET", &name])?,
            "list" => wire.ask(&[b"LRANGE", &name, b"0", b"-1"])?,
            "hash" => wire.ask(&[b"HGETALL", &name])?,
            other => return Ok(Err(format!("a key of type {other}"))),
        };
        let held = match (&*kind, reply) {
            ("string", Reply::Bulk(text)) => Held::Text(text),
            ("list", Reply::Array(list)) => Held::List(list.into_iter().filter_map(bulk).collect()),
            ("hash", Reply::Array(flat)) => {
                let flat: Vec<Vec<u8>> = flat.into_iter().filter_map(bulk).collect();
                let (pairs, _) = flat.as_chunks::<2>();
                let pairs = pairs.iter().cloned().map(|[field, value]| (field, value));
                Held::Hash(pairs.collect::<BTreeMap<_, _>>())
            }
            (kind, reply) => return Ok(Err(format!("a {kind} reads as {reply:?}"))),
        };
        keys.insert(String::from_utf8_lossy(&name).into_owned(), held);
    }
    Ok(Ok(keys))
}

fn bulk(reply: Reply) -> Option<Vec<u8>> {
    match reply {
        Reply::Bulk(bytes) => Some(bytes),
        _ => None,
    }
}
