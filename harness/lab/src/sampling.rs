//! Mini-simulation: a policy at a size is replayed on a sample of the objects, at a size as much smaller.
//!
//! Objects are drawn by hash, so all requests of an object are in the sample or none. Misses count for as many requests
//! as the sample should have had, which puts right a sample that drew popular objects, or drew none (as SHARDS-adj does).
//! Five samples give a mean and the interval in which it lies in 95 of 100 cases.
//!
//! Source: Waldspurger, Saemundsson, Ahmad, Park, USENIX ATC 2017, Cache modeling and optimization using miniature
//! simulations.

use std::sync::OnceLock;

use seawall_workloads::trace::{Request, Trace};

use crate::counts::Counts;
use crate::curve::shards::{place, threshold};
use crate::size::Unit;
use crate::subject::Subject;

const SAMPLES: usize = 5;
/// Student's t for 95 % and four degrees of freedom.
const T_OF_FIVE: f64 = 2.776;

/// Samples of a trace.
pub struct Sampling<'t> {
    trace: &'t Trace,
    rate: f64,
    seed: u64,
    drawn: OnceLock<Vec<Trace>>,
}

/// What a sample says.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// The counts, scaled to the whole trace.
    pub counts: Counts,
    /// The interval of the miss ratio.
    pub miss_ratio: (f64, f64),
}

impl<'t> Sampling<'t> {
    /// Samples of `trace`, each of a share of its objects above 0 and at most 1. They are drawn when first asked for.
    pub fn new(trace: &'t Trace, rate: f64, seed: u64) -> Sampling<'t> {
        Sampling {
            trace,
            rate,
            seed,
            drawn: OnceLock::new(),
        }
    }

    /// The share of objects.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// How many objects the smallest sample has: of none nothing can be estimated, of a few little.
    pub fn objects_least(&self) -> u32 {
        let objects = self.samples().iter().map(Trace::object_count);
        objects.min().unwrap_or_default()
    }

    /// What `subject` misses in a cache of `size`, by the samples.
    pub fn estimate(&self, subject: &Subject, size: u64, unit: Unit, seed: u64) -> Estimate {
        let whole = Counts::of(self.trace.columns(), 0..self.trace.len());
        let small = ((size as f64 * self.rate).round() as u64).max(1);
        let expected = whole.requests as f64 * self.rate;
        let bytes_expected = whole.bytes_requested as f64 * self.rate;
        let counts: Vec<Counts> = self
            .samples()
            .iter()
            .map(|sample| subject.replay(sample, small, unit, seed))
            .collect();
        let ratios = counts
            .iter()
            .map(|counts| (counts.misses as f64 / expected).min(1.0));
        let (mean, half) = mean_and_half(&ratios.collect::<Vec<_>>());
        let of_bytes = counts
            .iter()
            .map(|counts| (counts.bytes_missed as f64 / bytes_expected).min(1.0));
        let bytes_mean = mean_and_half(&of_bytes.collect::<Vec<_>>()).0;
        Estimate {
            counts: Counts {
                misses: (mean * whole.requests as f64).round() as u64,
                bytes_missed: (bytes_mean * whole.bytes_requested as f64).round() as u64,
                ..whole
            },
            miss_ratio: ((mean - half).max(0.0), (mean + half).min(1.0)),
        }
    }

    fn samples(&self) -> &[Trace] {
        self.drawn.get_or_init(|| {
            let seeds = (0..SAMPLES as u64).map(|sample| self.seed.wrapping_add(sample));
            seeds
                .map(|seed| draw(self.trace, self.rate, seed))
                .collect()
        })
    }
}

fn draw(trace: &Trace, rate: f64, seed: u64) -> Trace {
    let below = threshold(rate);
    let objects = trace.objects().iter().enumerate();
    let sampled = objects.filter(|(_, object)| u64::from(place(**object, seed)) < below);
    let request = |(request, &object): (usize, &u32)| Request {
        key: trace
            .numbers()
            .get(object as usize)
            .copied()
            .unwrap_or(u64::from(object)),
        size: trace.sizes().get(request).copied(),
        time_s: trace.times_s().get(request).copied(),
        op: trace.ops().get(request).copied(),
        ttl_s: trace.ttls_s().get(request).copied(),
    };
    Trace::from_requests(trace.name(), sampled.map(request))
}

/// The mean, and half of the interval around it.
fn mean_and_half(ratios: &[f64]) -> (f64, f64) {
    let count = ratios.len() as f64;
    let mean = ratios.iter().sum::<f64>() / count;
    let squares = ratios
        .iter()
        .map(|ratio| (ratio - mean).powi(2))
        .sum::<f64>();
    (mean, T_OF_FIVE * (squares / (count - 1.0) / count).sqrt())
}
