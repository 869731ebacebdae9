//! Curves beside replays: the exact one is lru at every size, the sampled ones are near it.

use std::io::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use seawall_lab::curve::shards::{self, Sample};
use seawall_lab::{Subject, Unit, curve};
use seawall_workloads::trace::Trace;

fn lru_misses(trace: &Trace, size: u64, unit: Unit) -> u64 {
    let lru = Subject::parse_list("lru").expect("a policy");
    lru[0].replay(trace, size, unit, 0).misses
}

proptest! {
    #[test]
    fn in_objects_the_curve_is_lru_at_every_size(
        keys in prop::collection::vec(prop_oneof![3 => 0..30u64, 1 => 0..900u64], 1..3000),
    ) {
        let trace = Trace::from_keys("random", keys);
        let curve = curve::lru(&trace, Unit::Objects);
        for size in 1..=u64::from(trace.object_count()) + 1 {
            prop_assert_eq!(curve.misses(size) as u64, lru_misses(&trace, size, Unit::Objects));
        }
    }

    /// Sizes that stay, none of them larger than the cache.
    #[test]
    fn in_bytes_it_is_lru_where_sizes_stay(
        keys in prop::collection::vec(0..60u64, 1..600),
        sizes in prop::collection::vec(1..100u32, 60),
    ) {
        let requests = keys.iter().map(|&key| (key, sizes[key as usize]));
        let trace = Trace::from_sized_keys("random", requests);
        let curve = curve::lru(&trace, Unit::Bytes);
        for size in [100, 317, 1_000, 2_500, 6_000] {
            prop_assert_eq!(curve.misses(size) as u64, lru_misses(&trace, size, Unit::Bytes));
        }
    }

    /// A sample of all objects is no sample.
    #[test]
    fn all_of_it_sampled_is_exact(keys in prop::collection::vec(0..200u64, 1..2000), seed: u64) {
        let trace = Trace::from_keys("random", keys);
        let exact = curve::lru(&trace, Unit::Objects);
        for sample in [Sample::Rate(1.0), Sample::Objects(200)] {
            let sampled = shards::lru(&trace, Unit::Objects, sample, seed);
            for size in [1, 7, 50, 199] {
                prop_assert!((sampled.miss_ratio(size) - exact.miss_ratio(size)).abs() < 1e-9);
            }
        }
    }
}

fn shared(file: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("SEAWALL_SHARED").map_or(beside, PathBuf::from);
    let path = folder.join("data/traces").join(file);
    if !path.is_file() {
        let reason = format!("skipped: no {}", path.display());
        writeln!(std::io::stderr(), "{reason}").expect("standard error is open");
        return None;
    }
    Some(path)
}

/// The paper finds mean absolute errors of about 0.01 at a rate of 0.01 to 0.001 with millions of objects; these traces
/// have a hundred thousand, so a tenth of them are drawn.
#[test]
fn samples_are_near_the_exact_curve() {
    let files = [
        ("twitter_cluster52_1m.csv.zst", "csv:object=2:time=1:size=3"),
        ("arc_OLTP.lis.zst", "arc"),
        ("cloudPhysicsIO.oracleGeneral.zst", "oracle-general"),
    ];
    for (file, format) in files {
        let Some(path) = shared(file) else { return };
        let format = format.parse().expect("a format");
        let trace = Trace::read(&path, Some(&format), &mut |_| {}).expect("a trace");
        let exact = curve::lru(&trace, Unit::Objects);
        let objects = u64::from(trace.object_count());
        for sample in [Sample::Rate(0.1), Sample::Objects(8_000)] {
            let sampled = shards::lru(&trace, Unit::Objects, sample, 1);
            let sizes = (1..=50).map(|part| objects * part / 50);
            let errors =
                sizes.map(|size| (sampled.miss_ratio(size) - exact.miss_ratio(size)).abs());
            let mean = errors.sum::<f64>() / 50.0;
            println!("{file} {sample:?}: mean absolute error {mean:.4}");
            assert!(mean < 0.02, "{file} {sample:?}: {mean}");
        }
    }
}
