//! Throughput of the log: append and turn, by device and `appendfsync`.
//!
//! One iteration is one worker's turn: 16 `SET`s of 100 bytes are appended and a turn is taken, with
//! the machine's own clock. Under `always` the turn is repeated until they are durable, as a worker
//! that owes answers would. The folder is the temporary one of the system: set `TMPDIR` to measure
//! another disk.

mod commit;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group};
use seawall_store::log::device::DEVICES;
use seawall_store::log::{Fsync, Log, LogConfig};
use seawall_store::{Effects, Millis, Op};

const APPENDS_PER_TURN: u64 = 16;

fn turns(criterion: &mut Criterion) {
    let mut effects = Effects::default();
    let value = [b'v'; 100];
    let set = Op::parse([&b"set"[..], b"user:1234567890", &value]).expect("a valid op");
    effects.push(&set);
    let mut group = criterion.benchmark_group("log");
    group
        .throughput(Throughput::Elements(APPENDS_PER_TURN))
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    for device in DEVICES {
        for fsync in [Fsync::Always, Fsync::EVERYSEC, Fsync::No] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let config = LogConfig {
                device: (device.kind)(),
                fsync,
                segment_bytes: 8 << 20,
                ..LogConfig::new(folder.path(), 1, 0)
            };
            let (mut log, recovery) =
                Log::open(&config, 0, &mut |_| Ok(())).expect("a new log opens");
            if let Some(notice) = recovery.notice {
                println!("{notice}");
            }
            let start = Instant::now();
            group.bench_function(format!("{}/{fsync}", device.name), |bencher| {
                bencher.iter(|| {
                    let mut last = 0;
                    for _ in 0..APPENDS_PER_TURN {
                        last = log.append(black_box(&effects));
                    }
                    loop {
                        let now = Millis(start.elapsed().as_millis() as u64);
                        let durable = log.turn(now).expect("the disk works");
                        if durable >= last || fsync != Fsync::Always {
                            // Old segments go, so that neither disk nor memory fills up.
                            log.trim(durable).expect("the disk works");
                            break durable;
                        }
                    }
                });
            });
            log.sync().expect("the disk works");
            let stats = log.stats();
            assert_eq!(log.durable(), stats.records, "every record became durable");
            println!(
                "{}/{fsync}: {} syncs, mean {:?}, longest {:?}",
                device.name,
                stats.syncs,
                stats.sync_time / stats.syncs.max(1) as u32,
                stats.sync_time_max
            );
        }
    }
    group.finish();
}

criterion_group!(benches, turns);

fn main() {
    // What a group commit costs by itself, by the ways that there are to make it durable. `cargo test` builds this, and
    // does not measure.
    if !std::env::args().any(|argument| argument == "--test") {
        commit::run();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
