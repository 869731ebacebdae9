//! Zipf's distribution: rank `k` of `n` with probability proportional to 1 / kˢ.
//!
//! Drawn by rejection-inversion: the discrete distribution is covered by the area under a
//! continuous curve whose integral has an inverse, so one draw costs one inversion, whatever `n`, and
//! more than 9 in 10 are accepted at once. No table, any exponent from 0.

use super::Rng;

/// Ranks `0..n`, the most popular first.
///
/// Hörmann and Derflinger, "Rejection-inversion to generate variates from monotone discrete
/// distributions", TOMACS 6 (1996).
#[derive(Clone, Debug, PartialEq)]
pub struct Zipf {
    n: u64,
    exponent: f64,
    /// The area left of the first rank's cell, where the curve is cut so that the cell weighs 1.
    area_low: f64,
    /// The area up to the right edge of the last rank's cell.
    area_high: f64,
    /// A draw this close to the left of its rank is under the curve for sure.
    sure: f64,
}

impl Zipf {
    /// The largest number of ranks: beyond it a rank has no exact `f64`.
    pub const RANKS_MAX: u64 = 1 << 52;

    /// Over `n` ranks.
    ///
    /// # Panics
    /// Where `n` is 0 or above [`Zipf::RANKS_MAX`], or the exponent is negative or not finite.
    pub fn new(n: u64, exponent: f64) -> Zipf {
        assert!((1..=Zipf::RANKS_MAX).contains(&n), "{n} ranks");
        assert!(
            exponent >= 0.0 && exponent.is_finite(),
            "exponent {exponent}"
        );
        let mut zipf = Zipf {
            n,
            exponent,
            area_low: 0.0,
            area_high: 0.0,
            sure: 0.0,
        };
        zipf.area_low = zipf.area(1.5) - 1.0;
        zipf.area_high = zipf.area(n as f64 + 0.5);
        zipf.sure = 2.0 - zipf.area_inverse(zipf.area(2.5) - zipf.weight(2.0));
        zipf
    }

    /// How many ranks there are.
    pub fn ranks(&self) -> u64 {
        self.n
    }

    /// Draws a rank, from 0.
    #[inline]
    pub fn sample(&self, rng: &mut Rng) -> u64 {
        loop {
            let area = self.area_high + rng.unit() * (self.area_low - self.area_high);
            let x = self.area_inverse(area);
            let rank = (x + 0.5).clamp(1.0, self.n as f64).floor();
            if rank - x <= self.sure || area >= self.area(rank + 0.5) - self.weight(rank) {
                return rank as u64 - 1;
            }
        }
    }

    /// The unnormalised probability of rank `x`, from 1: x⁻ˢ.
    fn weight(&self, x: f64) -> f64 {
        libm::exp(-self.exponent * libm::log(x))
    }

    /// The integral of [`Zipf::weight`] from 1 to `x`.
    fn area(&self, x: f64) -> f64 {
        let log = libm::log(x);
        let power = (1.0 - self.exponent) * log;
        // (xᵖ - 1) / p near p = 0 loses all digits; expm1 keeps them, and its limit is the logarithm.
        if power.abs() < 1e-8 {
            log * (1.0 + power / 2.0)
        } else {
            log * libm::expm1(power) / power
        }
    }

    /// Where [`Zipf::area`] is `area`.
    fn area_inverse(&self, area: f64) -> f64 {
        // Below -1 only by rounding, at the left edge of a steep curve.
        let t = ((1.0 - self.exponent) * area).max(-1.0 + f64::EPSILON);
        libm::exp(if t.abs() < 1e-8 {
            area * (1.0 - t / 2.0)
        } else {
            area * libm::log1p(t) / t
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::chi_square::assert_fits;
    use super::*;

    #[test]
    fn frequencies_are_the_analytic_ones() {
        for (seed, exponent) in [0.0, 0.3048, 0.99, 1.0, 1.2117, 2.1106]
            .into_iter()
            .enumerate()
        {
            for n in [1u64, 2, 10, 1000] {
                let (zipf, mut rng) = (Zipf::new(n, exponent), Rng::new(seed as u64));
                let mut counts = vec![0u64; n as usize];
                for _ in 0..200_000 {
                    counts[zipf.sample(&mut rng) as usize] += 1;
                }
                let expected: Vec<f64> = (1..=n).map(|k| (k as f64).powf(-exponent)).collect();
                assert_fits(&counts, &expected);
            }
        }
    }

    #[test]
    fn the_chi_square_test_can_fail() {
        let (zipf, mut rng) = (Zipf::new(100, 1.0), Rng::new(0));
        let mut counts = vec![0u64; 100];
        for _ in 0..200_000 {
            counts[zipf.sample(&mut rng) as usize] += 1;
        }
        let wrong: Vec<f64> = (1..=100).map(|k| f64::from(k).powf(-1.02)).collect();
        assert!(std::panic::catch_unwind(|| assert_fits(&counts, &wrong)).is_err());
    }

    #[test]
    fn the_largest_range_stays_in_bounds() {
        for exponent in [0.0, 0.5, 1.0, 1.5, 8.0] {
            let (zipf, mut rng) = (Zipf::new(Zipf::RANKS_MAX, exponent), Rng::new(5));
            for _ in 0..10_000 {
                assert!(zipf.sample(&mut rng) < Zipf::RANKS_MAX);
            }
        }
    }

    #[test]
    fn the_stream_is_pinned() {
        let (zipf, mut rng) = (Zipf::new(1_000_000, 0.99), Rng::new(42));
        let drawn: Vec<u64> = (0..8).map(|_| zipf.sample(&mut rng)).collect();
        assert_eq!(drawn, GOLDEN);
    }

    const GOLDEN: [u64; 8] = [8, 12_612, 0, 50, 12, 268, 183_298, 209];
}
