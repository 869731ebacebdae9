//! A set of numbers that tells its greatest: a bit a number, and above each 64 words one that says which are not
//! empty.

/// The set.
pub struct Bits {
    /// The bits themselves first, then levels of summaries, the last of one word.
    levels: Vec<Vec<u64>>,
}

impl Bits {
    /// No number below `bound` is in it.
    pub fn new(bound: usize) -> Bits {
        let mut levels = Vec::new();
        let mut words = bound.div_ceil(64).max(1);
        loop {
            levels.push(vec![0; words]);
            if words == 1 {
                return Bits { levels };
            }
            words = words.div_ceil(64);
        }
    }

    /// Puts `number` in.
    #[inline]
    pub fn insert(&mut self, number: usize) {
        let mut at = number;
        for level in &mut self.levels {
            let word = &mut level[at / 64];
            let was_empty = *word == 0;
            *word |= 1 << (at % 64);
            if !was_empty {
                return;
            }
            at /= 64;
        }
    }

    /// Takes `number` out.
    #[inline]
    pub fn remove(&mut self, number: usize) {
        let mut at = number;
        for level in &mut self.levels {
            let word = &mut level[at / 64];
            *word &= !(1 << (at % 64));
            if *word != 0 {
                return;
            }
            at /= 64;
        }
    }

    /// The greatest number in it.
    #[inline]
    pub fn greatest(&self) -> Option<usize> {
        let mut at = 0;
        for level in self.levels.iter().rev() {
            let word = level[at];
            at = at * 64 + word.checked_ilog2()? as usize;
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn as_a_sorted_set(
            bound in prop::sample::select(vec![1usize, 64, 65, 5_000, 300_000]),
            steps in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..300),
        ) {
            let (mut bits, mut model) = (Bits::new(bound), BTreeSet::new());
            for (index, inserts) in steps {
                let number = index.index(bound);
                if inserts {
                    bits.insert(number);
                    model.insert(number);
                } else {
                    bits.remove(number);
                    model.remove(&number);
                }
                prop_assert_eq!(bits.greatest(), model.last().copied());
            }
        }
    }
}
