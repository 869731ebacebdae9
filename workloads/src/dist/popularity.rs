//! Popularity: which of `n` things is asked for, as a law or as measured.

use super::{Histogram, HistogramError, Rng, Zipf};

/// Draws things `0..n`, the most popular first.
#[derive(Clone, Debug)]
pub enum Popularity {
    /// By Zipf's law.
    Zipf(Zipf),
    /// By measured buckets: each holds a share of the things and draws a share of the requests, evenly
    /// within the bucket (the form of `popularityBuckets` in Meta's traces).
    Buckets {
        /// Where each bucket begins; one more for the end.
        begins: Vec<u64>,
        /// Which bucket is asked, by index.
        which: Histogram,
    },
}

impl Popularity {
    /// `n` things by buckets of `(share of the things, share of the requests)`, the hottest first.
    ///
    /// # Errors
    /// The shares are no histogram.
    ///
    /// # Panics
    /// Where `n` is 0.
    pub fn buckets(n: u64, shares: &[(f64, f64)]) -> Result<Popularity, HistogramError> {
        assert!(n > 0, "something must be asked for");
        let total: f64 = shares.iter().map(|&(things, _)| things).sum();
        if !(total > 0.0 && total.is_finite()) || shares.iter().any(|&(things, _)| things < 0.0) {
            return Err(HistogramError::NotFinite);
        }
        let mut begins = vec![0];
        let mut weights = Vec::new();
        let mut sum = 0.0;
        let mut carried = 0.0;
        for &(things, requests) in shares {
            sum += things;
            let end = ((sum / total * n as f64).round() as u64).min(n);
            carried += requests;
            // A bucket too small for one thing of `n` is joined with the next.
            if end > begins[begins.len() - 1] {
                weights.push((weights.len() as f64, carried));
                begins.push(end);
                carried = 0.0;
            }
        }
        *begins.last_mut().expect("it begins with 0") = n;
        Ok(Popularity::Buckets {
            begins,
            which: Histogram::new(&weights)?,
        })
    }

    /// Draws a thing.
    #[inline]
    pub fn sample(&self, rng: &mut Rng) -> u64 {
        match self {
            Popularity::Zipf(zipf) => zipf.sample(rng),
            Popularity::Buckets { begins, which } => {
                let bucket = which.sample(rng) as usize;
                begins[bucket] + rng.below(begins[bucket + 1] - begins[bucket])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chi_square::assert_fits;
    use super::*;

    #[test]
    fn buckets_draw_their_shares_evenly() {
        let dist = Popularity::buckets(10, &[(0.1, 0.5), (0.3, 0.3), (0.6, 0.2)]).unwrap();
        let (mut counts, mut rng) = ([0u64; 10], Rng::new(8));
        for _ in 0..100_000 {
            counts[dist.sample(&mut rng) as usize] += 1;
        }
        let sixth = 0.2 / 6.0;
        let expected = [0.5, 0.1, 0.1, 0.1, sixth, sixth, sixth, sixth, sixth, sixth];
        assert_fits(&counts, &expected);
    }

    #[test]
    fn buckets_too_small_for_a_thing_are_joined() {
        let dist = Popularity::buckets(2, &[(0.001, 0.4), (0.499, 0.1), (0.5, 0.5)]).unwrap();
        let (mut counts, mut rng) = ([0u64; 2], Rng::new(9));
        for _ in 0..10_000 {
            counts[dist.sample(&mut rng) as usize] += 1;
        }
        assert_fits(&counts, &[0.5, 0.5]);
    }
}
