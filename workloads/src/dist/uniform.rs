//! The uniform distribution: every number of a range equally likely. The trivial member.

use super::Rng;

/// Integers from `low` to `high`, both among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uniform {
    low: u64,
    high: u64,
}

impl Uniform {
    /// From `low` to `high`.
    ///
    /// # Panics
    /// Where `high` is below `low`, or the range is all of `u64`.
    pub fn new(low: u64, high: u64) -> Uniform {
        assert!(
            low <= high && high - low < u64::MAX,
            "{low}..={high} is a range"
        );
        Uniform { low, high }
    }

    /// Draws a number.
    pub fn sample(&self, rng: &mut Rng) -> u64 {
        self.low + rng.below(self.high - self.low + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_drawn_equally() {
        let mut counts = [0u64; 5];
        let (dist, mut rng) = (Uniform::new(10, 14), Rng::new(2));
        for _ in 0..50_000 {
            counts[(dist.sample(&mut rng) - 10) as usize] += 1;
        }
        super::super::chi_square::assert_fits(&counts, &[1.0; 5]);
    }
}
