//! Four clients on two workers, all on one thread: a seed decides who goes on next, so a history is the
//! same whenever it is repeated, and a worker may stand still at the worst moment for as long as it takes.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::reply::Protocol;
use seawall_store::store::{Answered, Change};
use seawall_store::{Classes, Millis, Op, Reply, Store, StoreConfig, Worker};

use crate::draw::Mix;
use crate::model::{Asked, Loss, Operation, is_linearizable, story};
use crate::seeds;

/// After so many steps without anything to do a history is over.
const QUIET_STEPS: usize = 300;
/// The longest time to live, in steps.
const LIVE_STEPS: u64 = 60;
/// Bytes of a long value, and of all of a shard: a few keys.
const LONG_BYTES: usize = 200;
const SHORT_MEMORY: u64 = 900;

struct Clients {
    workers: Vec<Worker>,
    history: Vec<Operation>,
    /// What each client waits for.
    busy: [Option<usize>; 4],
    clock: u64,
    loss: Loss,
}

fn op(command: &str) -> Op {
    Op::parse(command.split(' ').map(str::as_bytes)).expect("a command")
}

impl Clients {
    fn new(seed: u64, shards: usize, maxmemory: u64) -> Clients {
        let store = Store::open(StoreConfig {
            shards,
            seed,
            maxmemory,
            policy: "allkeys-lru".parse().expect("a policy"),
            pin: false,
            ..StoreConfig::default()
        });
        let store = store.expect("a store");
        let mut workers: Vec<Worker> = (0..store.workers())
            .map(|_| store.attach().expect("a seat"))
            .collect();
        let told = Classes::parse("Exe").expect("letters");
        for worker in &mut workers {
            worker.configure(&Change::Notify(told));
        }
        Clients {
            workers,
            history: Vec::new(),
            busy: [None; 4],
            clock: 0,
            loss: if maxmemory > 0 {
                Loss::Eviction
            } else {
                Loss::Told
            },
        }
    }

    fn ask(&mut self, client: usize, random: &mut Xoshiro256PlusPlus, mix: &Mix) {
        let multi = random.random_bool(mix.multi);
        let count = if multi { random.random_range(1..5) } else { 1 };
        let unique = |nth: u64| self.clock * 10 + nth;
        let commands: Vec<String> = (0..count)
            .map(|nth| mix.command(random, unique(nth), !multi))
            .collect();
        let ops: Vec<Op> = commands.iter().map(|command| op(command)).collect();
        let tag = self.history.len();
        let at = client % self.workers.len();
        let worker = &mut self.workers[at];
        let asked = if multi {
            worker.transact(tag as u64, Protocol::Resp2, ops, None);
            Asked::Multi {
                watched: None,
                commands,
            }
        } else {
            for op in ops {
                worker.send(tag as u64, op);
            }
            Asked::One(commands.concat())
        };
        self.busy[client] = Some(tag);
        self.history.push(Operation {
            asked,
            begun: self.clock,
            ended: u64::MAX,
            reply: None,
            loss: self.loss,
        });
    }

    /// Writes down what was answered and lost since the step before.
    fn listen(&mut self) {
        let ended = self.clock;
        for at in 0..self.workers.len() {
            let (history, busy) = (&mut self.history, &mut self.busy);
            self.workers[at].answers(|tag, answered| {
                if let Answered::Reply(bytes) = answered {
                    let (reply, _) = Reply::parse(bytes).expect("a whole reply");
                    let operation = &mut history[tag as usize];
                    (operation.ended, operation.reply) = (ended, Some(reply));
                    for client in busy.iter_mut() {
                        *client = client.filter(|asked| *asked as u64 != tag);
                    }
                }
            });
            // What is evicted in the midst of a transaction is neither before nor after it.
            let is_told = self.loss == Loss::Told;
            let lost = |key: &[u8]| Operation {
                asked: Asked::Lost(String::from_utf8_lossy(key).into_owned()),
                begun: ended - 1,
                ended,
                reply: None,
                loss: Loss::Told,
            };
            self.workers[at].events(|event| {
                if is_told {
                    history.push(lost(&event.key));
                }
            });
        }
    }
}

/// What four clients asked and were answered.
fn history(seed: u64, shards: usize, maxmemory: u64, operations: usize) -> Vec<Operation> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let padding = if maxmemory > 0 { LONG_BYTES } else { 0 };
    let mix = Mix::draw(&mut random, LIVE_STEPS, padding);
    let pace = [0.5, 0.8, 0.95][random.random_range(0..3)];
    let mut clients = Clients::new(seed, shards, maxmemory * shards as u64);
    let (mut asked, mut quiet) = (0, 0);
    while quiet < QUIET_STEPS {
        clients.clock += 2;
        let client = random.random_range(0..clients.busy.len());
        let is_free = clients.busy[client].is_none();
        if asked < operations && is_free && random.random_bool(pace) {
            asked += 1;
            clients.ask(client, &mut random, &mix);
        } else {
            let number = random.random_range(0..clients.workers.len());
            let now = Millis(clients.clock);
            clients.workers[number].turn(now);
        }
        clients.clock += 1;
        clients.listen();
        let is_left = asked < operations && clients.busy.iter().any(Option::is_none);
        quiet = if is_left { 0 } else { quiet + 1 };
    }
    clients.history
}

/// Nobody but who waits for a list is left without an answer, and the answers are those of some order.
fn check(seed: u64, shards: usize, maxmemory: u64, operations: usize) {
    let history = history(seed, shards, maxmemory, operations);
    let again = format!("SEAWALL_LINEARIZABLE_SEED={seed}, {shards} shards, {maxmemory} bytes");
    for operation in &history {
        let waits = matches!(&operation.asked, Asked::One(command) if command.starts_with("blpop"));
        let lost = matches!(operation.asked, Asked::Lost(_));
        assert!(
            operation.reply.is_some() || waits || lost,
            "{again}: no answer to {operation:?}"
        );
    }
    assert!(
        is_linearizable(&history),
        "{again}: no order answers so:\n{}",
        story(&history)
    );
}

#[test]
#[cfg_attr(broken_version, should_panic(expected = "no order answers so"))]
fn clients_in_turns_see_one_operation_after_another() {
    for seed in seeds() {
        for shards in [2, 5] {
            check(seed, shards, 0, 60);
        }
    }
}

#[test]
#[cfg_attr(broken_version, ignore = "the test without evictions finds it")]
fn clients_in_turns_see_keys_evicted_once() {
    for seed in seeds() {
        for shards in [2, 5] {
            check(seed, shards, SHORT_MEMORY, 60);
        }
    }
}
