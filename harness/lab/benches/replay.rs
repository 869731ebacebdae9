//! How fast policies replay: requests per second over a synthetic Zipf trace, in unit sizes.
//!
//! One million requests for a quarter of a million objects at an exponent of 0.99, seeded, in a cache
//! of 1 % and of 10 % of the objects. The time is the process's CPU time, so that what else runs on
//! the machine counts little. Reading a trace is not in it.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::SeedableRng;
use rand::distr::Distribution;
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_lab::curve::shards::{self, Sample};
use seawall_lab::{Subject, Unit, curve};
use seawall_sys::usage::process_cpu;
use seawall_workloads::trace::Trace;

const REQUESTS: usize = 1_000_000;
const OBJECTS: f64 = 250_000.0;
const EXPONENT: f64 = 0.99;

/// The CPU time of this process.
struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        process_cpu()
    }

    fn end(&self, start: Duration) -> Duration {
        process_cpu().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        static WALL: WallTime = WallTime;
        WALL.formatter()
    }
}

fn replays(criterion: &mut Criterion<CpuTime>) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let zipf = rand_distr::Zipf::new(OBJECTS, EXPONENT).expect("a Zipf distribution");
    let keys = (0..REQUESTS).map(|_| zipf.sample(&mut random) as u64);
    let trace = Trace::from_keys("zipf", keys);
    for percent in [1, 10] {
        let size = u64::from(trace.object_count()) * percent / 100;
        let mut group = criterion.benchmark_group(format!("replay {percent}%"));
        group.throughput(Throughput::Elements(REQUESTS as u64));
        for subject in Subject::parse_list("all").expect("the list") {
            group.bench_function(BenchmarkId::from_parameter(&subject), |bencher| {
                bencher.iter(|| black_box(subject.replay(&trace, size, Unit::Objects, 1)));
            });
        }
        group.finish();
    }
}

fn curves(criterion: &mut Criterion<CpuTime>) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let zipf = rand_distr::Zipf::new(OBJECTS, EXPONENT).expect("a Zipf distribution");
    let keys = (0..REQUESTS).map(|_| zipf.sample(&mut random) as u64);
    let trace = Trace::from_keys("zipf", keys);
    let mut group = criterion.benchmark_group("curve of lru");
    group.throughput(Throughput::Elements(REQUESTS as u64));
    group.bench_function("exact", |bencher| {
        bencher.iter(|| black_box(curve::lru(&trace, Unit::Objects)));
    });
    group.bench_function("SHARDS, one in a hundred", |bencher| {
        let sample = Sample::Rate(0.01);
        bencher.iter(|| black_box(shards::lru(&trace, Unit::Objects, sample, 1)));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = replays, curves
}
criterion_main!(benches);
