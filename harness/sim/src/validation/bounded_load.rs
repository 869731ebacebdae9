//! Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads": the bound, and what it moves.

use seawall_cluster::sharding::{BoundedLoad, most_parts};
use seawall_report::row::ValidationFigure;

use super::{Measure, Source, Validation, at_most, mean, shown};
use crate::random::seed_of;

pub(super) static SOURCE: Source = Source {
    about: "Mirrokni et al., arXiv:1608.01350",
    validations: &[Validation {
        id: "V13",
        what: "bounded-load, 1000 shards at c = 1.25: the fullest shard, and what moves when one of them leaves",
        published: "at most ceil(c · mean); some 1/e² of what must move, up to a constant, moves per change",
        tolerance: "the bound is hard; what moves is shown",
        measure: Measure::By(bound),
        note: "loads are parts of the key space, not requests: 131,072 parts, 5 circles",
    }],
};

const SHARDS: u16 = 1000;
const PERCENT: u64 = 125;
const PARTS: usize = 131_072;
const CIRCLES: usize = 5;

fn bound(seed: u64) -> Vec<ValidationFigure> {
    let most = most_parts(PARTS, SHARDS, PERCENT) as f64;
    let (mut fullest, mut moved) = (Vec::new(), Vec::new());
    for draw in 0..CIRCLES {
        let circle =
            |shards| BoundedLoad::new(shards, PERCENT, PARTS, 1, seed_of(seed, "circle", draw));
        let (before, after) = (circle(SHARDS), circle(SHARDS - 1));
        let mut loads = vec![0.0; usize::from(SHARDS)];
        for shard in before.shard_of_part() {
            loads[usize::from(*shard)] += 1.0;
        }
        fullest.push(loads.into_iter().fold(0.0, f64::max));
        let both = before.shard_of_part().iter().zip(after.shard_of_part());
        moved.push(both.filter(|(a, b)| a != b).count() as f64 / PARTS as f64);
    }
    let over_least = mean(&moved) * f64::from(SHARDS);
    vec![
        at_most(
            "parts of the fullest shard",
            fullest.into_iter().fold(0.0, f64::max),
            most,
        ),
        shown("share that moves when one leaves", mean(&moved)),
        shown("of the least that must", over_least),
    ]
}
