//! Service times: what each command takes of a shard, beside what a request takes of a server.
//!
//! A shard in this thread is given the ops of the four preset workloads, and each is timed by itself; the median of a
//! command's times is taken, so that what the machine does meanwhile counts for nothing. The clock's own time is taken
//! off.

use std::collections::BTreeMap;
use std::time::Instant;

use seawall_store::{Millis, Op, Out, Reply, Shard, ShardConfig};

/// The workloads whose ops are timed, small enough to be loaded in a moment.
const WORKLOADS: &[&str] = &[
    "cache-aside:keys=50000:writes=0.2",
    "session:sessions=20000",
    "leaderboard:players=20000",
    "geo:couriers=20000",
];

/// The least ops of a command that its median is taken of.
const TIMES_MIN: usize = 100;

/// The median time of each command in a shard, in nanoseconds, over `ops` ops of each workload.
///
/// # Panics
/// Never: the workloads exist.
pub fn store_ns(ops: usize, seed: u64) -> BTreeMap<&'static str, u64> {
    let clock = clock_ns();
    let mut times: BTreeMap<&'static str, Vec<u64>> = BTreeMap::new();
    for text in WORKLOADS {
        let mut load = seawall_workloads::build(text, seed, 0, 1).expect("it is in the list");
        let (mut shard, mut out) = (Shard::new(&ShardConfig::default()), Out::default());
        let mut ask = |op: &Op| {
            let begin = Instant::now();
            shard.apply(Millis(1), op, &mut out);
            let took = begin.elapsed().as_nanos() as u64;
            let reply = Reply::parse(out.reply.as_bytes()).map(|(reply, _)| reply);
            out.clear();
            (took.saturating_sub(clock), reply)
        };
        while let Some(op) = load.preload() {
            if let (_, Some(reply)) = ask(&op) {
                // What a fresh shard answers is right; a benchmark of it is elsewhere.
                let _ = load.observe(&op, &reply);
            }
        }
        for _ in 0..ops {
            let op = load.next();
            let (took, reply) = ask(&op);
            times.entry(op.command().name).or_default().push(took);
            if let Some(reply) = reply {
                let _ = load.observe(&op, &reply);
            }
        }
    }
    times
        .into_iter()
        .filter(|(_, times)| times.len() >= TIMES_MIN)
        .map(|(name, times)| (name, median(times)))
        .collect()
}

/// What reading the clock twice takes.
fn clock_ns() -> u64 {
    median(
        (0..10_000)
            .map(|_| Instant::now().elapsed().as_nanos() as u64)
            .collect(),
    )
}

fn median(mut times: Vec<u64>) -> u64 {
    times.sort_unstable();
    times[times.len() / 2]
}

#[cfg(test)]
mod tests {
    #[test]
    fn commands_of_all_workloads_are_timed() {
        let times = super::store_ns(2000, 1);
        for name in ["get", "set", "hgetall", "zadd", "geosearch"] {
            assert!(
                times.get(name).is_some_and(|&ns| ns > 0),
                "{name}: {times:?}"
            );
        }
    }
}
