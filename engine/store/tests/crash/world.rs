//! A store on a disk that may fail, and beside it one without a log that tells what each op leaves.

use seawall_store::command::brief::{BRIEF_ARGS_MAX, Brief, BriefCall};
use seawall_store::command::debug::DIGEST_VALUE;
use seawall_store::disk::MemoryDisk;
use seawall_store::log::Fsync;
use seawall_store::log::device::DeviceKind;
use seawall_store::reply::Protocol;
use seawall_store::store::{Answered, Pace, Settled};
use seawall_store::{Millis, Op, Reply, Slot, Store, StoreConfig, StoreError, Worker};

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
    /// Whether what needs no op is run without one where there is a log, and answered when that has it.
    withholds: bool,
    withheld: Vec<Withheld>,
    /// Whether that is answered before the log has it, which is wrong.
    pub is_hasty: bool,
}

/// An answer that may be said when a turn is settled, for what was done to a shard.
struct Withheld {
    tag: u64,
    reply: Reply,
    turn: u64,
    shard: usize,
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
        let withholds = config.appendonly;
        let store = Store::open(config)?;
        let workers = (0..store.workers()).map(|_| store.attach());
        let mut workers = workers.collect::<Result<Vec<Worker>, _>>()?;
        if withholds {
            workers[0].withhold();
        }
        Ok(Alone {
            store,
            workers,
            tags: 0,
            answered: Vec::new(),
            withholds,
            withheld: Vec::new(),
            is_hasty: false,
        })
    }

    /// Asks without waiting; the tag of the answer.
    pub fn ask(&mut self, asked: &Asked) -> u64 {
        self.tags += 1;
        if let Asked::Op(op) = asked
            && let Some(reply) = self.run_brief(op)
        {
            self.withhold(op, reply);
            return self.tags;
        }
        let worker = &mut self.workers[0];
        match asked {
            Asked::Op(op) => drop(worker.send(self.tags, op.clone())),
            Asked::Transaction(ops) => {
                worker.transact(self.tags, Protocol::Resp2, ops.clone(), None);
            }
        }
        self.tags
    }

    /// Does what can be done without an op, where answers are withheld.
    fn run_brief(&mut self, op: &Op) -> Option<Reply> {
        let brief = Brief::of(op.command(), op.args().len()).filter(|_| self.withholds)?;
        let mut args: [&[u8]; BRIEF_ARGS_MAX] = Default::default();
        args.iter_mut()
            .zip(op.args())
            .for_each(|(to, arg)| *to = arg);
        let (call, mut reply) = (BriefCall::new(brief, args), Vec::new());
        let ran = self.workers[0].run_brief(op.database(), &[call], &mut reply, |_| {});
        (ran == 1).then(|| Reply::parse(&reply).expect("a whole reply").0)
    }

    fn withhold(&mut self, op: &Op, reply: Reply) {
        let turn = self.workers[0].withheld_until().filter(|_| !self.is_hasty);
        let Some(turn) = turn else {
            return self.answered.push((self.tags, reply));
        };
        let key = op.args().next().expect("a key");
        self.withheld.push(Withheld {
            tag: self.tags,
            reply,
            turn,
            shard: self.store.shard_of(key),
        });
    }

    /// Says what was withheld and may be said, or what is to be said instead.
    fn settle(&mut self) {
        let worker = &self.workers[0];
        self.withheld.retain(|withheld| {
            let settled = worker.settled(withheld.turn, withheld.shard);
            let reply = match &settled {
                Settled::NotYet => return true,
                Settled::Yes => withheld.reply.clone(),
                Settled::Lost(why) => Reply::Error(why.to_string()),
            };
            self.answered.push((withheld.tag, reply));
            false
        });
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
        self.settle();
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
                // By the shards that wrote it, however many have it now.
                state[Slot::of(key.as_bytes()).shard(SHARDS)].push(holds);
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
