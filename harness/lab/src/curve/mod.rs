//! Miss-ratio curves of lru: all sizes at once, from how deep in the stack of recent use each request finds its object.
//!
//! ```text
//!   Trace ── Depths (one pass) ── depth of each request ── Curve: misses at any size
//!      └── a sample of objects ──┘  SHARDS: depths count for as many as each sampled object stands for
//! ```
//!
//! A cache of lru holds the newest part of the stack that fits, so a request hits where its depth, its own object
//! included, is at most the size. In objects that is exact at every size. In bytes it is exact as long as objects keep
//! their sizes and none is larger than the cache.

mod depths;
pub mod shards;

use seawall_workloads::trace::Trace;

use crate::size::Unit;
use depths::Depths;

/// How many requests, of how many bytes in all, hit at which size: a miss-ratio curve.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Depths, rising, each with what hits from that size on.
    steps: Vec<Step>,
    requests: f64,
    bytes: f64,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    depth: u64,
    hits: f64,
    hit_bytes: f64,
}

impl Curve {
    /// Each request's weight and bytes by its depth, of so many requests and bytes in all.
    fn new(mut found: Vec<Step>, requests: f64, bytes: f64) -> Curve {
        found.sort_unstable_by_key(|step| step.depth);
        let mut steps: Vec<Step> = Vec::new();
        let (mut hits, mut hit_bytes) = (0.0, 0.0);
        for step in found {
            hits += step.hits;
            hit_bytes += step.hit_bytes;
            let sum = Step {
                depth: step.depth,
                hits,
                hit_bytes,
            };
            match steps.last_mut() {
                Some(last) if last.depth == step.depth => *last = sum,
                _ => steps.push(sum),
            }
        }
        Curve {
            steps,
            requests,
            bytes,
        }
    }

    fn at(&self, size: u64) -> (f64, f64) {
        let beyond = self.steps.partition_point(|step| step.depth <= size);
        match beyond.checked_sub(1) {
            Some(last) => (self.steps[last].hits, self.steps[last].hit_bytes),
            None => (0.0, 0.0),
        }
    }

    /// Requests that miss in a cache of `size`.
    pub fn misses(&self, size: u64) -> f64 {
        (self.requests - self.at(size).0).max(0.0)
    }

    /// Bytes of the requests that miss in a cache of `size`.
    pub fn bytes_missed(&self, size: u64) -> f64 {
        (self.bytes - self.at(size).1).max(0.0)
    }

    /// The share of requests that miss in a cache of `size`.
    pub fn miss_ratio(&self, size: u64) -> f64 {
        self.misses(size) / self.requests
    }
}

/// The exact curve of lru over `trace`, every request a get.
///
/// Source: Mattson et al. 1970, Evaluation techniques for storage hierarchies; Olken 1981 for the counting in a tree.
pub fn lru(trace: &Trace, unit: Unit) -> Curve {
    let mut depths = Depths::new(trace.object_count());
    let mut found = Vec::new();
    let mut bytes = 0.0;
    for (request, &object) in trace.objects().iter().enumerate() {
        let size = trace.size(request);
        bytes += f64::from(size);
        let takes = match unit {
            Unit::Objects => 1,
            Unit::Bytes => u64::from(size),
        };
        if let Some(depth) = depths.request(object, takes) {
            found.push(Step {
                depth,
                hits: 1.0,
                hit_bytes: f64::from(size),
            });
        }
    }
    Curve::new(found, trace.len() as f64, bytes)
}
