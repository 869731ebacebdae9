//! The store embedded, beside other stores in this process: 1 M keys of 16 bytes, values of 100,
//! Zipf 0.99, 95 reads to 5 writes, two threads pinned to a core each.
//!
//! `cargo bench -p seawall-store --features peers`. Both read paths of the store run, so that the
//! choice between them rests on a figure. Keys are built in registers from a sequence that was drawn
//! before: a key written byte by byte and then hashed by wide loads would stall every store alike and
//! measure that.

use std::hint::black_box;
#[cfg(feature = "peers")]
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::distr::Distribution;
use rand::{RngExt, SeedableRng};
use rand_distr::Zipf;
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_store::command::{set::SET, string::GET};
use seawall_store::{Op, ReadPath, Store, StoreConfig, Worker};

const KEYS: u64 = 1_000_000;
const VALUE: [u8; 100] = [b'v'; 100];
const SKEW: f64 = 0.99;
const WRITES_PERCENT: u32 = 5;
const SEQUENCE: usize = 1 << 20;
const THREADS: usize = 2;
/// A write's mark in the sequence.
const WRITE: u32 = 1 << 31;
/// How often a thread takes in what the other one answered.
const REAP: usize = 64;

/// The 16 hexadecimal digits of a spread of `n`, made in registers.
fn key(n: u32) -> [u8; 16] {
    // An odd factor keeps keys distinct.
    let spread = u64::from(n & !WRITE).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let digits = |half: u32| {
        let half = u64::from(half);
        let pairs = (half & 0xffff_0000) << 16 | half & 0xffff;
        let bytes = (pairs & 0x0000_ff00_0000_ff00) << 8 | pairs & 0x0000_00ff_0000_00ff;
        let nibbles = (bytes & 0x00f0_00f0_00f0_00f0) << 4 | bytes & 0x000f_000f_000f_000f;
        let letters = (nibbles + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
        nibbles + 0x3030_3030_3030_3030 + letters * 39
    };
    let text = u128::from(digits((spread >> 32) as u32)) << 64 | u128::from(digits(spread as u32));
    text.to_be_bytes()
}

fn sequence(seed: u64) -> Vec<u32> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let zipf = Zipf::new(KEYS as f64, SKEW).expect("the parameters are valid");
    let mut draw = || {
        let rank: f64 = zipf.sample(&mut random);
        let write = random.random_range(0..100) < WRITES_PERCENT;
        (rank as u32 - 1) | if write { WRITE } else { 0 }
    };
    (0..SEQUENCE).map(|_| draw()).collect()
}

#[cfg(feature = "peers")]
fn pin(thread: usize) {
    let cpus = seawall_sys::pin::allowed();
    let cpu = cpus[thread % cpus.len()];
    seawall_sys::pin::pin(cpu).expect("an allowed CPU can be pinned to");
}

/// Runs `ops` ops on each of two pinned threads; the time from the common start to the last end.
fn timed<S>(
    ops: u64,
    make: impl Fn(usize) -> S + Sync,
    run: impl Fn(&mut S, u64, usize) + Sync,
    end: impl Fn(&mut S, &AtomicUsize) + Sync,
) -> Duration {
    let start = Barrier::new(THREADS);
    let done = AtomicUsize::new(0);
    let times = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (start, done, make, run, end) = (&start, &done, &make, &run, &end);
                scope.spawn(move || {
                    let mut state = make(thread);
                    start.wait();
                    let begun = Instant::now();
                    run(&mut state, ops, thread);
                    let ended = begun.elapsed();
                    done.fetch_add(1, Ordering::AcqRel);
                    end(&mut state, done);
                    ended
                })
            })
            .collect();
        let ended = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        ended.collect::<Vec<_>>()
    });
    times.into_iter().max().unwrap_or_default()
}

fn seawall(read_path: ReadPath) -> Store {
    let store = Store::open(StoreConfig {
        shards: THREADS,
        read_path,
        ..StoreConfig::default()
    })
    .expect("a store in memory opens");
    let workers = store.spawn().expect("its workers start");
    let mut session = store.session();
    for n in 0..KEYS as u32 {
        session.submit(&Op::new(&SET).arg(key(n)).arg(VALUE));
        if n % 256 == 0 {
            session.ready(|_| ());
        }
    }
    session.complete(|reply| assert!(reply.is_ok()));
    drop(workers);
    store
}

fn run_seawall(worker: &mut Worker, sequence: &[u32], ops: u64, remote_reads: bool) {
    let mut value = Vec::with_capacity(VALUE.len());
    for i in 0..ops as usize {
        let n = sequence[i % SEQUENCE];
        let key = key(n);
        if n & WRITE != 0 {
            worker.submit(&Op::new(&SET).arg(key).arg(VALUE));
        } else if remote_reads {
            value.clear();
            let found = worker.get(&key, &mut value);
            assert!(found == Ok(true), "every key is there");
            black_box(&value);
        } else {
            // A worker's own keys directly, the other's through the ring, many at a time.
            worker.submit(&Op::new(&GET).arg(key));
        }
        if i % REAP == 0 {
            worker.ready(|reply| drop(black_box(reply)));
        }
    }
    worker.complete(|reply| drop(black_box(reply)));
}

fn embedded(c: &mut Criterion) {
    let sequences: Vec<Vec<u32>> = (0..THREADS as u64).map(sequence).collect();
    let mut group = c.benchmark_group("embedded");
    group
        .throughput(Throughput::Elements(THREADS as u64))
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    for (name, read_path) in [
        ("any-core", ReadPath::AnyCore),
        ("owner-only", ReadPath::OwnerOnly),
    ] {
        let store = seawall(read_path);
        group.bench_function(BenchmarkId::new("seawall", name), |b| {
            b.iter_custom(|ops| {
                timed(
                    ops,
                    |_| store.attach().expect("a seat is free"),
                    |worker, ops, thread| {
                        let anywhere = read_path == ReadPath::AnyCore;
                        run_seawall(worker, &sequences[thread], ops, anywhere);
                    },
                    |worker, done| {
                        // The other thread's last ops may still come here.
                        while done.load(Ordering::Acquire) < THREADS {
                            worker.turn(store.now());
                        }
                    },
                )
            });
        });
    }
    #[cfg(feature = "peers")]
    peers::all(&mut group, &sequences);
    group.finish();
}

/// Stores that callers share by reference, with values that readers take out by copy, as ours.
#[cfg(feature = "peers")]
mod peers {
    use super::{Arc, BenchmarkId, KEYS, SEQUENCE, VALUE, WRITE, black_box, key, pin, timed};
    use criterion::BenchmarkGroup;
    use criterion::measurement::WallTime;

    type Key = [u8; 16];

    trait Peer: Sync {
        const NAME: &str;
        fn make() -> Self;
        fn set(&self, key: Key);
        fn get(&self, key: &Key, value: &mut Vec<u8>) -> bool;
    }

    impl Peer for dashmap::DashMap<Box<[u8]>, Box<[u8]>> {
        const NAME: &str = "dashmap";
        fn make() -> Self {
            dashmap::DashMap::new()
        }
        fn set(&self, key: Key) {
            self.insert(key.into(), VALUE.into());
        }
        fn get(&self, key: &Key, value: &mut Vec<u8>) -> bool {
            let found = dashmap::DashMap::get(self, key.as_slice());
            found.map(|found| value.extend_from_slice(&found)).is_some()
        }
    }

    impl Peer for moka::sync::Cache<Box<[u8]>, Arc<[u8]>> {
        const NAME: &str = "moka";
        fn make() -> Self {
            // Twice as much as there is: nothing is evicted.
            moka::sync::Cache::new(2 * KEYS)
        }
        fn set(&self, key: Key) {
            self.insert(key.into(), VALUE.as_slice().into());
        }
        fn get(&self, key: &Key, value: &mut Vec<u8>) -> bool {
            let found = moka::sync::Cache::get(self, key.as_slice());
            found.map(|found| value.extend_from_slice(&found)).is_some()
        }
    }

    impl Peer for quick_cache::sync::Cache<Box<[u8]>, Arc<[u8]>> {
        const NAME: &str = "quick_cache";
        fn make() -> Self {
            quick_cache::sync::Cache::new(2 * KEYS as usize)
        }
        fn set(&self, key: Key) {
            self.insert(key.into(), VALUE.as_slice().into());
        }
        fn get(&self, key: &Key, value: &mut Vec<u8>) -> bool {
            let found = quick_cache::sync::Cache::get(self, key.as_slice());
            found.map(|found| value.extend_from_slice(&found)).is_some()
        }
    }

    pub(super) fn all(group: &mut BenchmarkGroup<'_, WallTime>, sequences: &[Vec<u32>]) {
        one::<dashmap::DashMap<Box<[u8]>, Box<[u8]>>>(group, sequences);
        one::<moka::sync::Cache<Box<[u8]>, Arc<[u8]>>>(group, sequences);
        one::<quick_cache::sync::Cache<Box<[u8]>, Arc<[u8]>>>(group, sequences);
    }

    fn one<P: Peer>(group: &mut BenchmarkGroup<'_, WallTime>, sequences: &[Vec<u32>]) {
        let peer = P::make();
        (0..KEYS as u32).for_each(|n| peer.set(key(n)));
        group.bench_function(BenchmarkId::new("peer", P::NAME), |b| {
            b.iter_custom(|ops| {
                timed(
                    ops,
                    pin,
                    |(), ops, thread| {
                        let mut value = Vec::with_capacity(VALUE.len());
                        for i in 0..ops as usize {
                            let n = sequences[thread][i % SEQUENCE];
                            let key = key(n);
                            if n & WRITE != 0 {
                                peer.set(key);
                            } else {
                                value.clear();
                                assert!(peer.get(&key, &mut value), "every key is there");
                                black_box(&value);
                            }
                        }
                    },
                    |(), _| (),
                )
            });
        });
    }
}

criterion_group!(benches, embedded);
criterion_main!(benches);
