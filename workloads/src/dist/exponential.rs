//! The exponential distribution: gaps between independent events.

use super::Rng;

/// Non-negative numbers with a mean and no memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    mean: f64,
}

impl Exponential {
    /// With this mean.
    ///
    /// # Panics
    /// Where the mean is negative or not finite.
    pub fn new(mean: f64) -> Exponential {
        assert!(mean >= 0.0 && mean.is_finite(), "{mean} is a mean");
        Exponential { mean }
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Draws a number: the inverse of the distribution function at a uniform one.
    pub fn sample(&self, rng: &mut Rng) -> f64 {
        // 1 - u is in (0, 1], so the logarithm is finite.
        -self.mean * libm::log(1.0 - rng.unit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shares_fall_between_its_quantiles() {
        let mut counts = [0u64; 10];
        let (dist, mut rng) = (Exponential::new(250.0), Rng::new(3));
        for _ in 0..100_000 {
            let below = 1.0 - libm::exp(-dist.sample(&mut rng) / 250.0);
            counts[(below * 10.0) as usize] += 1;
        }
        super::super::chi_square::assert_fits(&counts, &[1.0; 10]);
    }
}
