//! Every workload against a real shard, and against shards broken on purpose.

use std::collections::VecDeque;

use seawall_store::{Millis, Op, Out, Reply, Shard, ShardConfig};
use seawall_workloads::{Mismatch, WORKLOADS, Workload, build};

/// Small enough for thousands of ops to meet every thing many times.
const SPECS: &[&str] = &[
    "cache-aside:keys=2000:writes=0.1",
    "cache-aside:keys=2000:writes=0.1:warm=0",
    "cache-aside:preset=meta-leader-fbobj:keys=2000",
    "cache-aside:preset=facebook-etc:keys=2000:writes=0.2",
    "cache-aside:keys=2000:ttl_s=1",
    "session:sessions=300",
    "session:sessions=300:ttl_s=1",
    "leaderboard:players=2000:boards=7:top=10",
    "geo:couriers=3000:places=20:areas=4",
    "plain:op=get:keys=2000",
    "plain:op=get:keys=2000:loaded=0.5:zipf=0.99",
    "plain:op=set:keys=2000:value_bytes=1",
    "plain:op=incr:keys=2000",
    "plain:op=lpush:keys=2000:collections=50",
    "plain:op=sadd:keys=2000:loaded=0.25:collections=7",
    "plain:op=hset:keys=2000:collections=7",
    "plain:op=zadd:keys=2000:collections=7",
    "plain:op=mset:keys=2000",
    "plain:op=set:keys=2000:order=turn:loaded=0",
    "removal:keys=100:members=500:after=1000",
    "removal:keys=100:members=500:after=1000:kind=hash:way=expire",
    "removal:keys=100:members=500:after=1000:kind=set:way=evict:new_bytes=200000",
];

/// A shard that may give wrong answers.
struct Server {
    shard: Shard,
    now: Millis,
    /// Damages one reply in so many; 0: none.
    damage: u64,
    count: u64,
}

impl Server {
    fn new(damage: u64) -> Server {
        Server {
            shard: Shard::new(&ShardConfig::default()),
            now: Millis(1_000_000),
            damage,
            count: 0,
        }
    }

    fn apply(&mut self, op: &Op) -> Reply {
        let mut out = Out::default();
        self.now = self.now + 1;
        self.shard.apply(self.now, op, &mut out);
        let bytes = out.reply.as_bytes();
        let (mut reply, used) = Reply::parse(bytes).expect("a shard gives whole replies");
        assert_eq!(used, bytes.len(), "one reply to {op:?}");
        self.count += 1;
        if self.damage > 0 && self.count.is_multiple_of(self.damage) {
            damage(&mut reply);
        }
        reply
    }
}

/// Changes a reply into one that is well formed and wrong.
fn damage(reply: &mut Reply) {
    match reply {
        Reply::Bulk(bytes) if !bytes.is_empty() => {
            let middle = bytes.len() / 2;
            // Digits stay digits, so that the damage is not to the form.
            bytes[middle] ^= 1;
        }
        Reply::Array(items) if items.len() > 2 => {
            let last = items.len() - 1;
            damage(&mut items[last]);
        }
        Reply::Array(items) => items.clear(),
        Reply::Int(n) => *n += 1000,
        Reply::Simple(text) => text.push('!'),
        other => *other = Reply::Error("ERR broken on purpose".to_owned()),
    }
}

/// Loads and runs `clients` clients in turn, each with `depth` ops under way.
fn run(spec: &str, clients: u32, depth: usize, ops: usize, damage: u64) -> Result<(), Mismatch> {
    let mut server = Server::new(0);
    let mut loads: Vec<Box<dyn Workload>> = (0..clients)
        .map(|client| build(spec, 7, client, clients).expect("the spec is accepted"))
        .collect();
    for load in &mut loads {
        while let Some(op) = load.preload() {
            let reply = server.apply(&op);
            load.observe(&op, &reply)?;
        }
    }
    server.damage = damage;
    let mut under_way: Vec<VecDeque<(Op, Reply)>> = vec![VecDeque::new(); loads.len()];
    for step in 0..ops {
        let client = step % loads.len();
        let op = loads[client].next();
        let reply = server.apply(&op);
        under_way[client].push_back((op, reply));
        if under_way[client].len() >= depth {
            let (op, reply) = under_way[client].pop_front().expect("it is not empty");
            loads[client].observe(&op, &reply)?;
        }
    }
    Ok(())
}

#[test]
fn a_right_store_satisfies_every_workload() {
    for spec in SPECS {
        for (clients, depth) in [(1, 1), (1, 16), (3, 1), (4, 32)] {
            run(spec, clients, depth, 6_000, 0)
                .unwrap_or_else(|wrong| panic!("{spec}, {clients} clients, {depth} deep: {wrong}"));
        }
    }
}

#[test]
fn the_defaults_run_as_they_are() {
    for definition in WORKLOADS {
        run(definition.name, 40, 1, 10_000, 0).unwrap_or_else(|wrong| panic!("{wrong}"));
    }
}

#[test]
fn a_damaged_reply_is_caught() {
    for spec in SPECS {
        // Some damage is not wrong in itself (a counter of a session that could have expired), so a
        // handful of damaged replies is allowed to pass; most are met at once.
        for depth in [1, 16] {
            let caught = run(spec, 1, depth, 2_000, 97);
            assert!(
                caught.is_err(),
                "{spec}, {depth} deep: 20 damaged replies passed"
            );
        }
    }
}

/// A store that forgets: what it loses must be told from what may be gone.
#[test]
fn lost_data_is_caught_where_it_may_not_be_lost() {
    for (spec, may_be_lost) in [
        ("cache-aside:keys=2000", true),
        ("session:sessions=300", true),
        ("leaderboard:players=2000:boards=7", false),
        ("geo:couriers=3000:places=20:areas=4", false),
        ("plain:op=get:keys=2000", false),
        ("plain:op=lpush:keys=2000:collections=50", false),
        ("plain:op=hset:keys=2000", false),
    ] {
        let mut load = build(spec, 3, 0, 1).expect("the spec is accepted");
        let mut server = Server::new(0);
        while let Some(op) = load.preload() {
            let reply = server.apply(&op);
            load.observe(&op, &reply).unwrap();
        }
        server.shard = Shard::new(&ShardConfig::default());
        let wrong = (0..5_000).filter(|_| {
            let op = load.next();
            let reply = server.apply(&op);
            load.observe(&op, &reply).is_err()
        });
        assert_eq!(wrong.count() == 0, may_be_lost, "{spec}");
    }
}

/// A cache that keeps what was deleted: the classic stale read.
#[test]
fn a_lost_invalidation_is_caught() {
    let mut load = build("cache-aside:keys=200:writes=0.2", 5, 0, 1).unwrap();
    let mut server = Server::new(0);
    let mut wrong = 0;
    for _ in 0..5_000 {
        let op = load.next();
        let reply = if op.command().name == "del" {
            Reply::Int(1)
        } else {
            server.apply(&op)
        };
        wrong += u32::from(load.observe(&op, &reply).is_err());
    }
    assert!(wrong > 100, "{wrong}");
}

/// Ops without an answer may have been applied or not, and neither is a wrong answer later.
#[test]
fn unanswered_ops_raise_no_false_alarm() {
    for spec in SPECS {
        let mut load = build(spec, 11, 0, 1).expect("the spec is accepted");
        let mut server = Server::new(0);
        while let Some(op) = load.preload() {
            let reply = server.apply(&op);
            load.observe(&op, &reply).unwrap();
        }
        for step in 0..8_000u32 {
            let op = load.next();
            match step % 29 {
                // The request was lost, or the reply.
                3 => load.unanswered(&op),
                17 => {
                    server.apply(&op);
                    load.unanswered(&op);
                }
                _ => {
                    let reply = server.apply(&op);
                    load.observe(&op, &reply)
                        .unwrap_or_else(|wrong| panic!("{spec}: {wrong}"));
                }
            }
        }
    }
}
