//! SHARDS: curves of lru from a sample of objects.
//!
//! An object is in the sample if its hash is below a threshold, so all of its requests are, or none. Depths in the
//! sample count for 1 / rate. What the sample has too few or too many requests, of what was to be expected, is put right
//! at the least depth (SHARDS-adj). With a fixed number of objects the threshold falls as new ones come; each request
//! counts by the rate of its own time, so what was counted before needs no correction.
//!
//! Source: Waldspurger, Park, Garthwaite, Ahmad, FAST 2015, Efficient MRC construction with SHARDS.

use std::collections::BinaryHeap;

use seawall_workloads::trace::Trace;

use super::depths::Depths;
use super::{Curve, Step};
use crate::size::Unit;

/// How many objects are in the sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample {
    /// This share of all, above 0 and at most 1.
    Rate(f64),
    /// At most so many.
    Objects(u32),
}

/// An object's place in the hash order that `seed` gives: below `2^32 * rate` it is sampled.
pub fn place(object: u32, seed: u64) -> u32 {
    // SplitMix64's finalizer (Steele, Lea, Flood 2014).
    let mut bits = (u64::from(object) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed;
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits >> 32) as u32
}

/// The threshold of a rate.
pub fn threshold(rate: f64) -> u64 {
    ((rate * 2f64.powi(32)) as u64).clamp(1, 1 << 32)
}

/// The curve of lru over `trace` from a sample of its objects, every request a get.
pub fn lru(trace: &Trace, unit: Unit, sample: Sample, seed: u64) -> Curve {
    let mut depths = Depths::new(trace.object_count());
    let (mut below, most) = match sample {
        Sample::Rate(rate) => (threshold(rate), u32::MAX),
        Sample::Objects(most) => (1 << 32, most.max(1)),
    };
    let mut sampled: BinaryHeap<(u32, u32)> = BinaryHeap::new();
    let mut found: Vec<(u64, u64, u32)> = Vec::new();
    let mut bytes = 0.0;
    let (mut all_bytes, mut weight_of_requests) = (0.0, 0.0);
    for (request, &object) in trace.objects().iter().enumerate() {
        let size = trace.size(request);
        all_bytes += f64::from(size);
        let place = place(object, seed);
        if u64::from(place) >= below {
            continue;
        }
        let takes = match unit {
            Unit::Objects => 1,
            Unit::Bytes => u64::from(size),
        };
        let share = below as f64 / 2f64.powi(32);
        weight_of_requests += 1.0 / share;
        bytes += f64::from(size) / share;
        match depths.request(object, takes) {
            Some(depth) => found.push(((depth as f64 / share) as u64, below, size)),
            None if most < u32::MAX => {
                sampled.push((place, object));
                while sampled.len() > most as usize
                    && let Some((place, object)) = sampled.pop()
                {
                    below = u64::from(place).max(1);
                    depths.forget(object);
                }
            }
            None => {}
        }
    }
    let weigh = |(depth, below, size): (u64, u64, u32)| {
        let weight = 2f64.powi(32) / below as f64;
        Step {
            depth,
            hits: weight,
            hit_bytes: weight * f64::from(size),
        }
    };
    let mut steps: Vec<Step> = found.into_iter().map(weigh).collect();
    let missing = trace.len() as f64 - weight_of_requests;
    steps.push(Step {
        depth: 1,
        hits: missing,
        hit_bytes: all_bytes - bytes,
    });
    Curve::new(steps, trace.len() as f64, all_bytes)
}
