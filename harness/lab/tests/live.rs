//! The running store hits what the lab foretells.

mod shared;

use std::sync::atomic::{AtomicUsize, Ordering};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seawall_lab::live::item_bytes;
use seawall_lab::{Grid, Size, Subject, Unit};
use seawall_report::row::LabRow;
use seawall_store::evict::PolicySpec;
use seawall_store::{Store, StoreConfig};
use seawall_workloads::trace::{Op, Request, Trace};

/// Policies that decide by nothing but what they were told, in the same order here and there.
const EXACT: &str = "fifo,lru,clock,clock:bits=2,sieve,s3fifo,s3fifo-sosp23,slru,twoq,arc,lfu,gdsf";
/// Policies that draw lots, or hash keys, which are not the same here and there.
const DRAWING: &str = "wtinylfu,allkeys-lru,allkeys-lfu,allkeys-random";
/// How far from the lab's a hit ratio may be, in points.
const POINTS: f64 = 0.5;

/// The rows of the lab and those of the store for the same cells.
fn both(trace: &Trace, plain: &Trace, policies: &str, sizes: &str) -> Vec<(LabRow, LabRow)> {
    let subjects = Subject::parse_list(policies).expect("policies");
    let sizes = Size::parse_list(sizes).expect("sizes");
    let grid = Grid::new(trace, &subjects, &sizes, Unit::Bytes, 1).expect("a grid");
    let grid = grid.live(plain);
    let mut rows = Vec::new();
    grid.run(2, &mut |replayed| rows.push(replayed.row))
        .expect("it serves");
    let live = rows.split_off(rows.len() / 2);
    let pairs: Vec<(LabRow, LabRow)> = rows.into_iter().zip(live).collect();
    for (foretold, live) in &pairs {
        assert_eq!(live.config["live"], true);
        assert_eq!(
            (&foretold.policy, foretold.size, foretold.requests),
            (&live.policy, live.size, live.requests)
        );
    }
    pairs
}

fn points(foretold: &LabRow, live: &LabRow) -> f64 {
    100.0 * foretold.misses.abs_diff(live.misses) as f64 / live.requests as f64
}

/// Requests of all kinds for objects of all sizes, some of which expire.
fn generated(seed: u64) -> Trace {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let requests = (0..60_000).map(|request| {
        let popular: f64 = random.random();
        let key = (popular.powi(3) * 4_000.0) as u64;
        let op = match random.random_range(0..20) {
            0 => Op::Delete,
            1..4 => Op::Set,
            _ => Op::Get,
        };
        Request {
            key,
            size: Some(1 + (key * 7_919 % 1_000) as u32),
            time_s: Some(request / 200),
            op: Some(op),
            ttl_s: Some(if key.is_multiple_of(5) { 40 } else { 0 }),
        }
    });
    Trace::from_requests("generated", requests)
}

#[test]
fn a_store_hits_what_is_foretold() {
    for seed in [3, 4] {
        println!("repeat with generated({seed})");
        let plain = generated(seed);
        let trace = plain.clone().with_sizes(item_bytes);
        let policies = format!("{EXACT},{DRAWING}");
        for (foretold, live) in both(&trace, &plain, &policies, "2%,10%,40%") {
            let told = format!("{:?}: {} and {}", live.config, foretold.misses, live.misses);
            assert!(points(&foretold, &live) <= POINTS, "{told}");
            assert!(live.misses > 0 && live.misses < live.requests, "{told}");
        }
    }
}

/// Where nothing is set, deleted or expires, so that time tells nothing, not one request differs.
#[test]
fn of_gets_alone_every_hit_is_foretold() {
    for seed in [3, 4] {
        println!("repeat with generated({seed})");
        let plain = generated(seed).as_gets_alone();
        let trace = plain.clone().with_sizes(item_bytes);
        for (foretold, live) in both(&trace, &plain, EXACT, "2%,10%,40%") {
            assert_eq!(foretold.misses, live.misses, "{:?}", live.config);
        }
    }
}

/// A lab that knows nothing of what lies beside key and value foretells something else.
#[test]
fn a_wrong_overhead_is_seen() {
    let plain = generated(3);
    let pairs = both(&plain, &plain, "lru,sieve", "2%,10%");
    let furthest = pairs.iter().map(|(foretold, live)| points(foretold, live));
    let furthest = furthest.fold(0.0, f64::max);
    assert!(furthest > POINTS, "{furthest}");
}

#[test]
fn a_store_hits_what_is_foretold_of_real_traces() {
    let Some(shared) = shared::folder() else {
        return;
    };
    for (file, format) in [
        ("twitter_cluster52_1m.csv.zst", "csv:object=2:time=1:size=3"),
        ("arc_OLTP.lis.zst", "arc"),
        ("cloudPhysicsIO.oracleGeneral.zst", "oracle-general"),
    ] {
        let path = shared.join("data/traces").join(file);
        let format = format.parse().expect("a format");
        let plain = Trace::read(&path, Some(&format), &mut |_| {}).expect("a whole trace");
        let trace = plain.clone().with_sizes(item_bytes);
        for (foretold, live) in both(&trace, &plain, "lru,lfu,sieve,s3fifo", "1%,5%,20%") {
            let told = format!("{:?}: {} and {}", live.config, foretold.misses, live.misses);
            assert!(points(&foretold, &live) <= POINTS, "{told}");
        }
    }
}

/// Requests that a reader asks behind each other; others ask theirs meanwhile.
const CHUNK: usize = 32;

/// Misses of a store of one shard whose readers ask in turn, a chunk each, on threads of their own; a worker on
/// another writes.
fn misses_of_readers(plain: &Trace, policy: &PolicySpec, maxmemory: u64, readers: usize) -> u64 {
    let store = Store::open(StoreConfig {
        shards: 1,
        maxmemory,
        policy: policy.clone(),
        pin: false,
        ..StoreConfig::default()
    });
    let store = store.expect("a store");
    let _workers = store.spawn().expect("threads");
    let (chunks, done) = (plain.len().div_ceil(CHUNK), AtomicUsize::new(0));
    let zeros = vec![0; plain.sizes().iter().copied().max().unwrap_or(1) as usize];
    let ask = |reader: usize| {
        let (mut session, mut value, mut misses) = (store.session(), Vec::new(), 0);
        for chunk in (reader..chunks).step_by(readers) {
            // Nobody is further ahead than the others have chunks under way.
            while chunk >= done.load(Ordering::Acquire) + readers {
                std::thread::yield_now();
            }
            for request in chunk * CHUNK..plain.len().min((chunk + 1) * CHUNK) {
                let key = format!("{:08x}", plain.objects()[request]);
                value.clear();
                if !session.get(key.as_bytes(), &mut value).expect("it serves") {
                    misses += 1;
                    let room = (plain.size(request) as usize).saturating_sub(key.len());
                    // What is larger than the store is refused.
                    let _ = session.set(key.as_bytes(), &zeros[..room]);
                }
            }
            done.fetch_add(1, Ordering::AcqRel);
        }
        misses
    };
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..readers)
            .map(|reader| scope.spawn(move || ask(reader)))
            .collect();
        let misses = readers
            .into_iter()
            .map(|reader| reader.join().expect("it ends"));
        misses.sum()
    })
}

/// How far hits that are told of late, or not at all, move the hit ratio from what the lab foretells.
#[test]
#[ignore = "figures for docs/eviction.md: minutes"]
fn how_far_readers_move_hits() {
    let Some(shared) = shared::folder() else {
        return;
    };
    let path = shared.join("data/traces/twitter_cluster52_1m.csv.zst");
    let format = "csv:object=2:time=1:size=3".parse().expect("a format");
    let plain = Trace::read(&path, Some(&format), &mut |_| {}).expect("a whole trace");
    let trace = plain.clone().with_sizes(item_bytes);
    println!("points by which more is missed than foretold, with 1, 2, 4 and 8 readers");
    for name in "fifo,lru,clock,slru,twoq,arc,lfu,sieve,s3fifo,wtinylfu,gdsf".split(',') {
        let policy: PolicySpec = name.parse().expect("a policy");
        for size in ["1%", "10%"] {
            let bytes: Size = size.parse().expect("a size");
            let bytes = bytes.resolve(trace.outline(), Unit::Bytes).expect("a size");
            let (foretold, _) = both(&trace, &plain, name, &bytes.to_string()).remove(0);
            let apart = [1, 2, 4, 8].map(|readers| {
                let misses = misses_of_readers(&plain, &policy, bytes, readers);
                100.0 * (misses as f64 - foretold.misses as f64) / plain.len() as f64
            });
            println!("{name} {size}: {apart:+.2?}");
        }
    }
}
