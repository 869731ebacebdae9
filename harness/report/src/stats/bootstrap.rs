//! The bootstrap: an interval from the values themselves, without assuming their distribution.
//!
//! The percentile interval of resampled values is too narrow for few values (five repetitions cover
//! 83 % where 95 % is meant), so the *expanded* percentile interval is used: the tail is widened to
//! what a t interval would have. T. Hesterberg, "What Teachers Should Know About the Bootstrap", The
//! American Statistician 69(4), 2015, §5.3.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use statrs::distribution::{ContinuousCDF as _, Normal, StudentsT};

use super::{CONFIDENCE, order};

/// Resamples drawn: enough that the interval's ends repeat to about a percent of its width.
const RESAMPLES: usize = 10_000;

/// Any constant does: it makes reports byte-identical.
const SEED: u64 = 0x5ea_3a11;

/// An interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether `value` lies within, ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// An estimate from several values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate itself.
    pub value: f64,
    /// Its interval at [`CONFIDENCE`]; absent for a single value, which says nothing about spread.
    pub interval: Option<Interval>,
    /// From how many values.
    pub n: usize,
}

impl Estimate {
    /// The median of `values` and its interval. `None` without finite values.
    pub fn median(values: &[f64]) -> Option<Self> {
        Self::of(values, |sample| {
            sample.sort_unstable_by(f64::total_cmp);
            order::quantile(sample, 0.5).unwrap_or(f64::NAN)
        })
    }

    /// The mean of `values` and its interval. `None` without finite values.
    pub fn mean(values: &[f64]) -> Option<Self> {
        Self::of(values, |sample| {
            sample.iter().sum::<f64>() / sample.len() as f64
        })
    }

    fn of(values: &[f64], statistic: impl Fn(&mut [f64]) -> f64) -> Option<Self> {
        let mut sample = order::sorted(values);
        let n = sample.len();
        if n == 0 {
            return None;
        }
        let finite = sample.clone();
        let value = statistic(&mut sample);
        let interval = (n > 1).then(|| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
            let drawn: Vec<f64> = (0..RESAMPLES)
                .map(|_| {
                    for slot in &mut sample {
                        *slot = finite[rng.random_range(0..n as u64) as usize];
                    }
                    statistic(&mut sample)
                })
                .collect();
            let drawn = order::sorted(&drawn);
            let tail = tail(n);
            let end = |q| order::quantile(&drawn, q).unwrap_or(value);
            Interval {
                low: end(tail),
                high: end(1.0 - tail),
            }
        });
        Some(Self { value, interval, n })
    }
}

/// The share of resamples to leave out at either end for `n` values (two or more).
fn tail(n: usize) -> f64 {
    let n = n as f64;
    let student = StudentsT::new(0.0, 1.0, n - 1.0).expect("n − 1 is positive");
    let t = student.inverse_cdf((1.0 - CONFIDENCE) / 2.0);
    Normal::standard().cdf((n / (n - 1.0)).sqrt() * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_that_scipy_computes() {
        // norm.cdf(sqrt(n / (n - 1)) * t.ppf(0.025, n - 1))
        for (n, expected) in [
            (2, 1.695_219_072_605_391e-72),
            (3, 6.834_137_311_941_214e-8),
            (5, 0.000_954_100_551_882_488_5),
            (8, 0.005_737_520_517_029_872),
            (20, 0.015_880_829_920_347_925),
            (100, 0.023_064_387_207_087_624),
        ] {
            let found = tail(n);
            assert!(
                (found - expected).abs() < 1e-8,
                "n = {n}: {found} is not {expected}"
            );
        }
    }
}
