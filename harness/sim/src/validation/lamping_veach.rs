//! Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm": how even a ring is by its points, and jump.

use seawall_cluster::sharding::{Ring, Sharding, moved_share};
use seawall_report::row::ValidationFigure;

use super::{Measure, Source, Validation, between, key, mean, near, relative_deviation, shown};
use crate::random::seed_of;
use crate::scenario::check_sharding;

pub(super) static SOURCE: Source = Source {
    about: "Lamping and Veach, arXiv:1406.2294",
    validations: &[
        Validation {
            id: "V1",
            what: "standard error of a bucket's load, ring of 1000 buckets with 1 point each",
            published: "0.9979060; 99 % of buckets within 0.005 to 5.25 of the mean",
            tolerance: "±2 % on the standard error",
            measure: Measure::By(|seed| ring(seed, 1, 0.997_906_0, 0.02, 100)),
            note: "mean over 100 rings: one ring is one draw of a noisy figure",
        },
        Validation {
            id: "V2",
            what: "the same with 10 points",
            published: "0.3151810; 0.37 to 1.98",
            tolerance: "±2 % on the standard error",
            measure: Measure::By(|seed| ring(seed, 10, 0.315_181_0, 0.02, 100)),
            note: "mean over 100 rings",
        },
        Validation {
            id: "V3",
            what: "the same with 100 points",
            published: "0.0996996; 0.76 to 1.28",
            tolerance: "±2 % on the standard error",
            measure: Measure::By(|seed| ring(seed, 100, 0.099_699_6, 0.02, 16)),
            note: "mean over 16 rings",
        },
        Validation {
            id: "V4",
            what: "the same with 1000 points",
            published: "0.0315723; 0.92 to 1.09",
            tolerance: "±4 % on the standard error",
            measure: Measure::By(|seed| ring(seed, 1000, 0.031_572_3, 0.04, 8)),
            note: "mean over 8 rings",
        },
        Validation {
            id: "V5",
            what: "jump: share of the keys that move from 10 to 12 shards",
            published: "1/6, the least there can be",
            tolerance: "±0.002",
            measure: Measure::By(moved),
            note: "",
        },
        Validation {
            id: "V6",
            what: "jump: standard error of a bucket's load, over that of as many random draws",
            published: "7.64e-9 by the paper: only the noise of sampling is left",
            tolerance: "sqrt(buckets / keys), within 5 %",
            measure: Measure::By(noise),
            note: "mean over 6 sets of a million keys",
        },
    ],
};

const BUCKETS: u16 = 1000;

fn ring(
    seed: u64,
    points: u64,
    published: f64,
    tolerance: f64,
    rings: usize,
) -> Vec<ValidationFigure> {
    let rings = (0..rings).map(|draw| Ring::new(BUCKETS, points, seed_of(seed, "ring", draw)));
    let (mut errors, mut loads) = (Vec::new(), Vec::new());
    for ring in rings {
        let arcs = ring.arcs();
        errors.push(relative_deviation(&arcs));
        loads.extend(arcs.iter().map(|arc| arc * f64::from(BUCKETS)));
    }
    loads.sort_by(f64::total_cmp);
    let quantile = |share: f64| loads[((loads.len() - 1) as f64 * share) as usize];
    vec![
        near("standard error", mean(&errors), published, tolerance),
        shown("0.5 % of the buckets have less", quantile(0.005)),
        shown("0.5 % of the buckets have more", quantile(0.995)),
    ]
}

fn jump(shards: u16) -> Box<dyn Sharding> {
    let (member, values) = check_sharding("jump").expect("it is in the list");
    (member.build)(shards, &values)
}

fn moved(seed: u64) -> Vec<ValidationFigure> {
    let keys: Vec<_> = (0..500_000).map(|number| key(seed, 0, number)).collect();
    let before = jump(10);
    let after = before.resized(12);
    let share = moved_share(&*before, &*after, keys.iter().map(<[u8; 16]>::as_slice));
    let published = 1.0 / 6.0;
    vec![between(
        "share",
        share,
        published - 0.002,
        published + 0.002,
    )]
}

fn noise(seed: u64) -> Vec<ValidationFigure> {
    const KEYS: u64 = 1_000_000;
    let sharding = jump(BUCKETS);
    let over = |draw| {
        let mut loads = vec![0.0; usize::from(BUCKETS)];
        for number in 0..KEYS {
            loads[usize::from(sharding.shard_of(&key(seed, draw, number)))] += 1.0;
        }
        relative_deviation(&loads) / (f64::from(BUCKETS) / KEYS as f64).sqrt()
    };
    let ratios: Vec<f64> = (0..6).map(over).collect();
    vec![near(
        "measured over sampling noise",
        mean(&ratios),
        1.0,
        0.05,
    )]
}
