//! A discrete histogram: given values with given weights, as measured somewhere.
//!
//! Drawn in constant time from one word of randomness by Vose's alias method. The word may come from a
//! stream ([`Histogram::sample`]) or from a hash ([`Histogram::pick`]), for a property that belongs to a
//! thing, like the size of a row.

use super::Rng;

/// Values with weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    cells: Vec<Cell>,
    mean: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    value: f64,
    /// A fraction of the cell below this (of 2⁶⁴) gives `value`, the rest `other`.
    threshold: u64,
    other: f64,
}

/// Why there is no such histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// No value has a positive weight.
    #[error("a histogram needs a value with a positive weight")]
    Empty,
    /// A value or a weight is not finite, or a weight is negative.
    #[error("values and weights of a histogram are finite numbers, weights not negative")]
    NotFinite,
}

impl Histogram {
    /// A histogram of `(value, weight)`; the weights need not add up to 1.
    pub fn new(points: &[(f64, f64)]) -> Result<Histogram, HistogramError> {
        let total: f64 = points.iter().map(|&(_, weight)| weight).sum();
        let finite = |&(value, weight): &(f64, f64)| value.is_finite() && weight >= 0.0;
        if !points.iter().all(finite) || !total.is_finite() {
            return Err(HistogramError::NotFinite);
        }
        if total <= 0.0 {
            return Err(HistogramError::Empty);
        }
        let n = points.len() as f64;
        let mut cells: Vec<Cell> = points
            .iter()
            .map(|&(value, _)| Cell {
                value,
                threshold: u64::MAX,
                other: value,
            })
            .collect();
        // Vose, "A Linear Algorithm for Generating Random Numbers with a Given Distribution", IEEE TSE
        // 17 (1991): a cell that is too light is filled up by one that is too heavy.
        let mut scaled: Vec<f64> = points.iter().map(|&(_, w)| w / total * n).collect();
        let (mut light, mut heavy): (Vec<usize>, Vec<usize>) =
            (0..points.len()).partition(|&i| scaled[i] < 1.0);
        while let (Some(&from), Some(to)) = (heavy.last(), light.pop()) {
            cells[to].threshold = (scaled[to] * 2f64.powi(64)) as u64;
            cells[to].other = points[from].0;
            scaled[from] -= 1.0 - scaled[to];
            if scaled[from] < 1.0 {
                heavy.pop();
                light.push(from);
            }
        }
        let mean = points.iter().map(|&(v, w)| v * (w / total)).sum();
        Ok(Histogram { cells, mean })
    }

    /// Always `value`.
    ///
    /// # Panics
    /// Where it is not finite.
    pub fn constant(value: f64) -> Histogram {
        Histogram::new(&[(value, 1.0)]).expect("one finite value is a histogram")
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Draws a value.
    #[inline]
    pub fn sample(&self, rng: &mut Rng) -> f64 {
        self.pick(rng.bits())
    }

    /// The value for 64 random bits.
    #[inline]
    pub fn pick(&self, bits: u64) -> f64 {
        // The high word of the product is the cell, the low word where in it.
        let product = u128::from(bits) * self.cells.len() as u128;
        let cell = &self.cells[(product >> 64) as usize];
        if product as u64 <= cell.threshold {
            cell.value
        } else {
            cell.other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chi_square::assert_fits;
    use super::*;

    #[test]
    fn frequencies_follow_the_weights() {
        let weights = [5.0, 0.0, 1.0, 0.25, 12.0, 3.5];
        let points: Vec<_> = weights
            .iter()
            .enumerate()
            .map(|(i, &w)| (i as f64, w))
            .collect();
        let dist = Histogram::new(&points).unwrap();
        let (mut counts, mut rng) = ([0u64; 6], Rng::new(6));
        let mut sum = 0.0;
        for _ in 0..200_000 {
            let value = dist.sample(&mut rng);
            counts[value as usize] += 1;
            sum += value;
        }
        assert_fits(&counts, &weights);
        assert!((sum / 200_000.0 - dist.mean()).abs() < 0.02);
    }

    #[test]
    fn what_is_no_histogram_is_refused() {
        assert_eq!(Histogram::new(&[]), Err(HistogramError::Empty));
        assert_eq!(Histogram::new(&[(1.0, 0.0)]), Err(HistogramError::Empty));
        for bad in [
            (f64::NAN, 1.0),
            (1.0, -1.0),
            (1.0, f64::INFINITY),
            (1.0, f64::NAN),
        ] {
            assert_eq!(
                Histogram::new(&[(2.0, 1.0), bad]),
                Err(HistogramError::NotFinite)
            );
        }
    }
}
