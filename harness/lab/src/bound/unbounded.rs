//! `unbounded`: a cache that holds everything. Only the first request for an object misses.

use std::ops::Range;

use seawall_workloads::trace::Trace;

use super::Bound;
use crate::counts::{Counts, Parts};
use crate::size::Unit;

/// The bound.
pub const BOUND: Bound = Bound {
    name: "unbounded",
    about: "a cache of unlimited size: the misses that no size avoids",
    source: "compulsory misses; Hill 1987, Aspects of cache memory and instruction buffer performance",
    replay,
};

fn replay(trace: &Trace, parts: &Parts, _size: u64, _unit: Unit, _seed: u64) -> Vec<Counts> {
    let mut seen = 0;
    let of_part = |(part, mut counts): (Range<usize>, Counts)| {
        for (request, &object) in part.clone().zip(&trace.objects()[part]) {
            // Ids count objects in the order in which they are first seen.
            let hit = object < seen;
            seen = seen.max(object + 1);
            if !hit {
                counts.miss(trace.size(request));
            }
        }
        counts
    };
    parts.of_gets().map(of_part).collect()
}
