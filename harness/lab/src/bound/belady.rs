//! `belady`: evicts what is needed again latest, or never. Knows the future; no policy does better
//! where all sizes are equal. (With sizes in bytes it is a strong reference, not a bound.)
//!
//! Every miss is inserted, as in a cache that must serve what it fetched (no bypass); so it bounds
//! those that insert every miss, not `none`, which keeps what it has and inserts no more. The residents
//! stand in a set of bits by the number of their next request; those that are never requested again in
//! another, of which the latest seen goes first.

use std::ops::Range;

use seawall_workloads::trace::Trace;

use super::Bound;
use crate::bits::Bits;
use crate::counts::{Counts, Parts};
use crate::size::Unit;

/// The bound.
pub const BOUND: Bound = Bound {
    name: "belady",
    about: "evicts the object whose next request is farthest away: optimal where sizes are equal",
    source: "Belady 1966, A study of replacement algorithms, IBM Systems Journal 5(2)",
    replay,
};

/// No further request.
pub(super) const NEVER: u32 = u32::MAX;
/// In the array of sizes: not resident. Traces hold no such size.
const ABSENT: u32 = u32::MAX;

fn replay(trace: &Trace, parts: &Parts, size: u64, unit: Unit, _seed: u64) -> Vec<Counts> {
    let next_request = next_requests(trace);
    let objects = trace.objects();
    let mut sizes = vec![ABSENT; trace.object_count() as usize];
    let mut coming = Bits::new(trace.len());
    let mut done = Bits::new(sizes.len());
    let mut occupied = 0;
    let of_part = |(part, mut counts): (Range<usize>, Counts)| {
        let requests = objects[part.clone()]
            .iter()
            .zip(&next_request[part.clone()]);
        for (request, (&object, &next)) in part.zip(requests) {
            if sizes[object as usize] == ABSENT {
                let bytes = trace.size(request);
                let held_as = if unit == Unit::Objects { 1 } else { bytes };
                counts.miss(bytes);
                if u64::from(held_as) > size {
                    continue;
                }
                while occupied + u64::from(held_as) > size {
                    let farthest = done.greatest().inspect(|&object| done.remove(object));
                    let farthest = farthest.unwrap_or_else(|| {
                        let request = coming.greatest().expect("every resident is in a set");
                        coming.remove(request);
                        objects[request] as usize
                    });
                    let held = std::mem::replace(&mut sizes[farthest], ABSENT);
                    occupied -= u64::from(held);
                }
                sizes[object as usize] = held_as;
                occupied += u64::from(held_as);
            } else {
                coming.remove(request);
            }
            match next {
                NEVER => done.insert(object as usize),
                next => coming.insert(next as usize),
            }
        }
        counts
    };
    parts.of_gets().map(of_part).collect()
}

/// For each request, the number of the next one for the same object.
pub(super) fn next_requests(trace: &Trace) -> Vec<u32> {
    let mut next_of = vec![NEVER; trace.object_count() as usize];
    let mut next_request = vec![NEVER; trace.len()];
    for (request, &object) in trace.objects().iter().enumerate().rev() {
        next_request[request] = std::mem::replace(&mut next_of[object as usize], request as u32);
    }
    next_request
}
