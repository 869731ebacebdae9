//! The frequency sketch of the `caffeine` variant: four counters of four bits an identity, in one cache line.
//!
//! After ten times as many counts as there are entries all counters are halved, so that what was popular once is
//! forgotten. (Caffeine's `FrequencySketch`; Cormode and Muthukrishnan 2005 for the count-min sketch.)

const BLOCK: usize = 8;
const COUNTER_MAX: u64 = 15;
const ENTRIES_MIN: usize = 64;
const SAMPLE: usize = 10;
const LOW_BITS: u64 = 0x7777_7777_7777_7777;
const ODD_BITS: u64 = 0x1111_1111_1111_1111;

/// How often each identity was counted lately, up to 15, or more often.
pub struct Sketch {
    /// Sixteen counters a word, as many words as entries.
    words: Vec<u64>,
    counts: usize,
}

impl Sketch {
    /// For `entries`.
    pub fn new(entries: u64) -> Sketch {
        let entries = usize::try_from(entries).unwrap_or(usize::MAX).min(1 << 30);
        Sketch {
            words: vec![0; entries.max(ENTRIES_MIN).next_power_of_two()],
            counts: 0,
        }
    }

    /// Makes room for `entries`, forgetting all counts if need be.
    pub fn grow(&mut self, entries: usize) {
        if entries > self.words.len() {
            *self = Sketch::new(entries as u64);
        }
    }

    /// After how many counts all are halved.
    pub fn sample(&self) -> usize {
        SAMPLE * self.words.len()
    }

    /// Counts `identity` once more.
    pub fn add(&mut self, identity: u64) {
        let mut added = false;
        for (word, shift) in self.places(identity) {
            let counter = self.words[word] >> shift & COUNTER_MAX;
            if counter < COUNTER_MAX {
                self.words[word] += 1 << shift;
                added = true;
            }
        }
        if added {
            self.counts += 1;
            if self.counts >= self.sample() {
                self.halve();
            }
        }
    }

    /// How often `identity` was counted.
    pub fn estimate(&self, identity: u64) -> u64 {
        let counters = self.places(identity);
        let counters = counters.map(|(word, shift)| self.words[word] >> shift & COUNTER_MAX);
        counters.into_iter().min().unwrap_or(0)
    }

    /// The word and the bit of each of its counters: one in each pair of words of its block.
    fn places(&self, identity: u64) -> [(usize, u32); 4] {
        let spread = (identity ^ identity >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let block = (spread >> 32) as usize & (self.words.len() / BLOCK - 1);
        let places = spread.wrapping_mul(0xd6e8_feb8_6659_fd93) >> 16;
        std::array::from_fn(|i| {
            let bits = places >> (8 * i);
            let word = block * BLOCK + 2 * i + (bits & 1) as usize;
            (word, (bits >> 1 & 15) as u32 * 4)
        })
    }

    fn halve(&mut self) {
        let mut odd = 0;
        for word in &mut self.words {
            odd += (*word & ODD_BITS).count_ones() as usize;
            *word = *word >> 1 & LOW_BITS;
        }
        self.counts = (self.counts - odd / 4) / 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_up_to_fifteen_and_forgets_by_halves() {
        let mut sketch = Sketch::new(1_000);
        (0..7).for_each(|_| sketch.add(42));
        assert_eq!((sketch.estimate(42), sketch.estimate(43)), (7, 0));
        (0..20).for_each(|_| sketch.add(42));
        assert_eq!(sketch.estimate(42), 15);
        sketch.halve();
        assert_eq!(sketch.estimate(42), 7);
        let mut identity = 100;
        while sketch.estimate(42) > 5 {
            sketch.add(identity);
            identity += 1;
            assert!(identity < 40_000, "it forgets after ten counts an entry");
        }
    }
}
