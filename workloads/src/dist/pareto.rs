//! The generalized Pareto distribution: sizes with a heavy tail.

use super::Rng;

/// Numbers from `location` upwards with a tail of index 1/`shape`.
///
/// Hosking and Wallis, "Parameter and Quantile Estimation for the Generalized Pareto Distribution",
/// Technometrics 29 (1987).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneralizedPareto {
    location: f64,
    scale: f64,
    shape: f64,
}

impl GeneralizedPareto {
    /// With these parameters; `None` where one is not finite, or `scale` or `shape` is not positive.
    pub fn new(location: f64, scale: f64, shape: f64) -> Option<GeneralizedPareto> {
        let finite = location.is_finite() && scale.is_finite() && shape.is_finite();
        (finite && scale > 0.0 && shape > 0.0).then_some(GeneralizedPareto {
            location,
            scale,
            shape,
        })
    }

    /// The mean; infinite where `shape` is 1 or more.
    pub fn mean(&self) -> f64 {
        if self.shape < 1.0 {
            self.location + self.scale / (1.0 - self.shape)
        } else {
            f64::INFINITY
        }
    }

    /// Draws a number: the inverse of the distribution function at a uniform one.
    pub fn sample(&self, rng: &mut Rng) -> f64 {
        self.quantile(rng.unit())
    }

    /// What a share `q` (below 1) of all draws stays under.
    pub fn quantile(&self, q: f64) -> f64 {
        self.location + self.scale * (libm::pow(1.0 - q, -self.shape) - 1.0) / self.shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shares_fall_between_its_quantiles() {
        // The value sizes of Facebook's ETC pool.
        let dist = GeneralizedPareto::new(15.0, 214.476, 0.348_238).unwrap();
        let edges: Vec<f64> = (1..20)
            .map(|i| dist.quantile(f64::from(i) / 20.0))
            .collect();
        let (mut counts, mut rng) = ([0u64; 20], Rng::new(4));
        for _ in 0..100_000 {
            let x = dist.sample(&mut rng);
            counts[edges.partition_point(|&edge| edge <= x)] += 1;
        }
        super::super::chi_square::assert_fits(&counts, &[1.0; 20]);
    }

    #[test]
    fn the_median_is_the_analytic_one() {
        let dist = GeneralizedPareto::new(0.0, 2.0, 0.5).unwrap();
        // F(x) = 1 - (1 + x/4)^-2, so the median is 4 (√2 - 1).
        assert!((dist.quantile(0.5) - 4.0 * (2f64.sqrt() - 1.0)).abs() < 1e-12);
        assert!((dist.mean() - 4.0).abs() < 1e-12);
    }
}
