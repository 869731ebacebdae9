//! A store on a disk that may fail, and beside it one without a log that tells what each op leaves.

use seawall_store::command::debug::DIGEST_VALUE;
use seawall_store::disk::MemoryDisk;
use seawall_store::log::Fsync;
use seawall_store::log::device::DeviceKind;
use seawall_store::reply::Protocol;
use seawall_store::store::{Answered, Pace};
use seawall_store::{Millis, Op, Reply, Store, StoreConfig, StoreError, Worker};

use crate::draw::{Asked, keys};

/// How many shards.
pub const SHARDS: usize = 3;

/// How many turns an answer may take.
const PATIENCE: usize = 10_000;

/// What one key holds: a digest of its value, and when it expires (-1: never). `None`: nothing.
pub type Holds = Option<(String, i64)>;

/// What every key of every database holds, by shard.
pub type State = [Vec<Holds>; SHARDS];

/// A store whose workers all are this thread.
pub struct Alone {
    pub store: Store,
    workers: Vec<Worker>,
    tags: u64,
    /// Replies by tag, as they came.
    answered: Vec<(u64, Reply)>,
}

/// How the store is opened.
pub fn config(disk: Option<&MemoryDisk>, fsync: Fsync, now: u64) -> StoreConfig {
    StoreConfig {
        shards: SHARDS,
        seed: 11,
        databases: 2,
        appendonly: disk.is_some(),
        appendfsync: fsync,
        device: disk.map_or(DeviceKind::Uring, |disk| DeviceKind::Memory(disk.clone())),
        segment_bytes: 4_000,
        pin: false,
        opened: Millis(now),
        ..StoreConfig::default()
    }
}

impl Alone {
    pub fn open(config: StoreConfig) -> Result<Alone, StoreError> {
        let store = Store::open(config)?;
        let workers = (0..store.workers()).map(|_| store.attach());
        let workers = workers.collect::<Result<_, _>>()?;
        Ok(Alone {
            store,
            workers,
            tags: 0,
            answered: Vec::new(),
        })
    }

    /// Asks without waiting; the tag of the answer.
    pub fn ask(&mut self, asked: &Asked) -> u64 {
        self.tags += 1;
        let worker = &mut self.workers[0];
        match asked {
            Asked::Op(op) => drop(worker.send(self.tags, op.clone())),
            Asked::Transaction(ops) => {
                worker.transact(self.tags, Protocol::Resp2, ops.clone(), None);
            }
        }
        self.tags
    }

    /// Begins a snapshot; the tag of its answer.
    pub fn save(&mut self) -> u64 {
        self.tags += 1;
        self.workers[0].save(self.tags, Pace::default());
        self.tags
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Whether an op goes over several shards; a transaction may.
    pub fn is_wide(&self, asked: &Asked) -> bool {
        match asked {
            Asked::Op(op) => self.workers[0].is_wide(op),
            Asked::Transaction(_) => true,
        }
    }

    /// Turns one worker.
    pub fn turn(&mut self, number: usize, now: u64) {
        self.workers[number].turn(Millis(now));
        let answered = &mut self.answered;
        self.workers[0].answers(|tag, answer| match answer {
            Answered::Reply(bytes) => {
                let (reply, _) = Reply::parse(bytes).expect("a whole reply");
                answered.push((tag, reply));
            }
            other => panic!("{other:?}"),
        });
    }

    fn turn_all(&mut self, now: u64) {
        (0..self.workers.len()).for_each(|number| self.turn(number, now));
    }

    /// What was answered since it was last asked.
    pub fn answered(&mut self) -> Vec<(u64, Reply)> {
        std::mem::take(&mut self.answered)
    }

    /// Asks, and waits for the answer.
    pub fn execute(&mut self, asked: &Asked, now: u64) -> Reply {
        // What is done at once is done at the time of the last turn.
        self.turn_all(now);
        let tag = self.ask(asked);
        self.answer(tag, now)
    }

    /// Makes a snapshot, and waits for it.
    pub fn save_all(&mut self, now: u64) -> Reply {
        let tag = self.save();
        self.answer(tag, now)
    }

    fn answer(&mut self, tag: u64, now: u64) -> Reply {
        for _ in 0..PATIENCE {
            self.turn_all(now);
            if let Some(at) = self
                .answered
                .iter()
                .position(|(answered, _)| *answered == tag)
            {
                return self.answered.swap_remove(at).1;
            }
        }
        panic!("no answer in {PATIENCE} turns");
    }

    /// What is there at `now`; the words of a store that does not say.
    pub fn state(&mut self, now: u64) -> Result<State, String> {
        let keys = keys();
        let mut state = State::default();
        for database in 0..2 {
            let digests = keys
                .iter()
                .fold(Op::new(&DIGEST_VALUE), |op, key| op.arg(key.as_bytes()));
            let digests = self.execute(&Asked::Op(digests.within(database)), now);
            let Reply::Array(digests) = digests else {
                return Err(format!("{digests:?}"));
            };
            for (key, digest) in keys.iter().zip(digests) {
                let expires = self.execute(&op(&["pexpiretime", key], database), now);
                let holds = match (digest, expires) {
                    (_, Reply::Int(-2)) => None,
                    (Reply::Simple(digest), Reply::Int(at)) => Some((digest, at)),
                    (Reply::Bulk(digest), Reply::Int(at)) => {
                        Some((String::from_utf8_lossy(&digest).into_owned(), at))
                    }
                    other => return Err(format!("{key}: {other:?}")),
                };
                state[self.store.shard_of(key.as_bytes())].push(holds);
            }
        }
        Ok(state)
    }
}

/// A command of one of the databases.
pub fn op(words: &[&str], database: u8) -> Asked {
    let op = Op::parse(words.iter().map(|word| word.as_bytes()));
    Asked::Op(op.expect("a command").within(database))
}

/// What is left of `holds` at `now`.
pub fn at(holds: &Holds, now: u64) -> Option<&(String, i64)> {
    holds
        .as_ref()
        .filter(|(_, expires)| *expires < 0 || *expires > now as i64)
}
