//! `belady`: evicts what is needed again latest, or never. Knows the future; no policy does better
//! where all sizes are equal. (With sizes in bytes it is a strong reference, not a bound.)
//!
//! Every miss is inserted, as in a cache that must serve what it fetched (no bypass); so it bounds
//! those that insert every miss, not `none`, which keeps what it has and inserts no more. The residents
//! stand in a heap by their next request; one that was requested since has a newer entry there, and
//! its older ones are passed over.

use std::collections::BinaryHeap;

use seawall_workloads::trace::Trace;

use super::Bound;
use crate::counts::Counts;
use crate::size::Unit;

/// The bound.
pub const BOUND: Bound = Bound {
    name: "belady",
    about: "evicts the object whose next request is farthest away: optimal where sizes are equal",
    source: "Belady 1966, A study of replacement algorithms, IBM Systems Journal 5(2)",
    replay,
};

/// No further request.
const NEVER: u32 = u32::MAX;

/// An object that is in the cache.
#[derive(Clone, Copy)]
struct Resident {
    size: u32,
    next: u32,
}

fn replay(trace: &Trace, size: u64, unit: Unit) -> Counts {
    let next_request = next_requests(trace);
    let mut residents: Vec<Option<Resident>> = vec![None; trace.object_count() as usize];
    let mut farthest: BinaryHeap<(u32, u32)> = BinaryHeap::new();
    let mut occupied = 0;
    let mut counts = Counts::of(trace);
    for (request, (&object, &next)) in trace.objects().iter().zip(&next_request).enumerate() {
        let bytes = trace.size(request);
        let held_as = if unit == Unit::Objects { 1 } else { bytes };
        if let Some(resident) = &mut residents[object as usize] {
            resident.next = next;
            farthest.push((next, object));
            continue;
        }
        counts.miss(bytes);
        if u64::from(held_as) > size {
            continue;
        }
        while occupied + u64::from(held_as) > size {
            let (next, object) = farthest.pop().expect("every resident is in the heap");
            let resident = &mut residents[object as usize];
            if let Some(held) = resident.take_if(|resident| resident.next == next) {
                occupied -= u64::from(held.size);
            }
        }
        residents[object as usize] = Some(Resident {
            size: held_as,
            next,
        });
        occupied += u64::from(held_as);
        farthest.push((next, object));
    }
    counts
}

/// For each request, the number of the next one for the same object.
fn next_requests(trace: &Trace) -> Vec<u32> {
    let mut next_of = vec![NEVER; trace.object_count() as usize];
    let mut next_request = vec![NEVER; trace.len()];
    for (request, &object) in trace.objects().iter().enumerate().rev() {
        next_request[request] = std::mem::replace(&mut next_of[object as usize], request as u32);
    }
    next_request
}
