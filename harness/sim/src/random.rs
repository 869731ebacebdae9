//! Randomness: one seeded stream per component, and distributions that are equal on every machine.
//!
//! `exp` and `ln` come from the `libm` crate: the system's differ in the last bit from one machine to
//! the next, and one bit is enough for another order of events.

use std::sync::LazyLock;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A component's generator.
pub(crate) type Rng = Xoshiro256PlusPlus;

/// The seed of a component of a run, so that one component's draws do not shift another's.
pub(crate) fn seed_of(seed: u64, component: &str, index: usize) -> u64 {
    xxh3_64_with_seed(component.as_bytes(), seed ^ (index as u64).rotate_left(32))
}

/// The generator of a component of a run.
pub(crate) fn rng_of(seed: u64, component: &str, index: usize) -> Rng {
    Rng::seed_from_u64(seed_of(seed, component, index))
}

/// A time from an exponential distribution with this mean.
pub(crate) fn exponential(rng: &mut Rng, mean_ns: f64) -> u64 {
    let uniform: f64 = rng.random();
    (-libm::log(1.0 - uniform) * mean_ns) as u64
}

/// How many quantiles stand for a distribution.
const QUANTILES: usize = 4096;

/// As many of the standard normal distribution: every run makes four tables from them.
static NORMAL: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let p = |i: usize| (i as f64 + 0.5) / QUANTILES as f64;
    (0..QUANTILES).map(|i| normal_quantile(p(i))).collect()
});

/// A log-normal distribution of times, as a table of its quantiles: drawing is one look-up.
#[derive(Clone, Debug)]
pub(crate) struct LogNormal {
    quantiles_ns: Vec<u64>,
}

impl LogNormal {
    /// By its median, in microseconds, and the standard deviation of its logarithm.
    pub(crate) fn new(median_us: f64, sigma: f64) -> LogNormal {
        let quantile = |z: &f64| (median_us * 1000.0 * libm::exp(sigma * z)) as u64;
        LogNormal {
            quantiles_ns: NORMAL.iter().map(quantile).collect(),
        }
    }

    /// A time in nanoseconds.
    pub(crate) fn draw(&self, rng: &mut Rng) -> u64 {
        self.quantiles_ns[rng.random_range(0..QUANTILES)]
    }
}

/// The quantile of the standard normal distribution (Abramowitz and Stegun 26.2.23; its error is
/// below 0.00045, and the table above has 4096 steps).
fn normal_quantile(p: f64) -> f64 {
    let (tail, sign) = if p < 0.5 { (p, -1.0) } else { (1.0 - p, 1.0) };
    let t = libm::sqrt(-2.0 * libm::log(tail));
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    sign * (t - above / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        for (p, z) in [
            (0.5, 0.0),
            (0.841_345, 1.0),
            (0.977_25, 2.0),
            (0.01, -2.326_35),
        ] {
            assert!(
                (normal_quantile(p) - z).abs() < 0.001,
                "{p}: {}",
                normal_quantile(p)
            );
        }
    }

    #[test]
    fn means_are_right() {
        let mut rng = rng_of(1, "test", 0);
        let draws = 100_000;
        let sum: u64 = (0..draws).map(|_| exponential(&mut rng, 1000.0)).sum();
        assert!((sum as f64 / f64::from(draws) - 1000.0).abs() < 15.0);
        // The mean of a log-normal distribution is the median times exp(sigma² / 2).
        let latency = LogNormal::new(800.0, 0.32);
        let sum: u64 = (0..draws).map(|_| latency.draw(&mut rng)).sum();
        let expected = 800_000.0 * (0.32f64 * 0.32 / 2.0).exp();
        assert!((sum as f64 / f64::from(draws) / expected - 1.0).abs() < 0.01);
    }
}
