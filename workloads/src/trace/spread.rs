//! How numbers are spread, to 3 %: counts in buckets, 32 to each doubling.

const BITS: u32 = 5;

/// Counts of numbers.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    buckets: Vec<u64>,
    count: u64,
    sum: u128,
}

impl Spread {
    /// Counts a number.
    pub fn add(&mut self, number: u64) {
        let bucket = bucket(number);
        if bucket >= self.buckets.len() {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
        self.sum += u128::from(number);
    }

    /// How many numbers were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The number that a share of `quantile` does not exceed, from below to 3 %; exact below 64.
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        let rank = ((quantile * self.count as f64).ceil() as u64).max(1);
        let mut passed = 0;
        let found = self.buckets.iter().position(|&count| {
            passed += count;
            passed >= rank
        });
        found.map(lowest)
    }

    /// How many numbers are in each power of `4`: from 1, from 4, from 16, … .
    pub fn by_fours(&self) -> Vec<(u64, u64)> {
        let mut found: Vec<(u64, u64)> = Vec::new();
        for (bucket, &count) in self.buckets.iter().enumerate() {
            let power = lowest(bucket).max(1).ilog2() / 2;
            while found.len() <= power as usize {
                found.push((1 << (2 * found.len()), 0));
            }
            found[power as usize].1 += count;
        }
        found
    }
}

/// The bucket of a number: itself where it is small, else by its highest bits.
fn bucket(number: u64) -> usize {
    let shift = (number | 1).ilog2().saturating_sub(BITS);
    ((u64::from(shift) << BITS) + (number >> shift)) as usize
}

/// The lowest number of a bucket.
fn lowest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket >> BITS).saturating_sub(1);
    (bucket - (shift << BITS)) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_exact_below_64_and_to_3_percent_above() {
        for number in (0..100_000).chain([u64::MAX, 1 << 40]) {
            let low = lowest(bucket(number));
            assert!(
                low <= number && number - low <= number / 32,
                "{number}: {low}"
            );
            assert!(number >= 64 || low == number);
        }
        let mut spread = Spread::default();
        assert_eq!((spread.quantile(0.5), spread.mean()), (None, None));
        for number in 1..=50 {
            spread.add(number);
        }
        assert_eq!(
            (spread.quantile(0.5), spread.quantile(1.0)),
            (Some(25), Some(50))
        );
        assert_eq!(spread.mean(), Some(25.5));
        assert_eq!(spread.by_fours(), [(1, 3), (4, 12), (16, 35)]);
    }
}
