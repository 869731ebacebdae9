//! Which bytes of one word, or of two, are a given one: what a search asks a line's tags, all at once.
//!
//! Two words together by the processor's wide registers: which of the two has the byte is anybody's guess, and a
//! processor that guesses wrong has begun nothing of the next search.
#![cfg_attr(
    all(target_arch = "x86_64", not(miri)),
    expect(unsafe_code, reason = "instructions on wide registers")
)]

/// A byte in every place.
const EVERY: u64 = 0x0101_0101_0101_0101;

/// The bytes of `word` that are `byte`, each as its top bit.
#[inline]
pub fn equal_tops(word: u64, byte: u8) -> u64 {
    const LOW: u64 = EVERY * 0x7f;
    let difference = word ^ (EVERY * u64::from(byte));
    // No carry leaves a byte: its top bit is set unless all eight are zero.
    !(((difference & LOW) + LOW) | difference | LOW)
}

/// The bytes of `words` that are `byte`, a bit each, from the lowest byte of the first on.
#[inline]
pub fn equal_bytes(words: [u64; 2], byte: u8) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x};
        let [low, high] = words.map(u64::cast_signed);
        let sought = (EVERY * u64::from(byte)).cast_signed();
        // SAFETY: every processor of this kind has these instructions (SSE2).
        let equal = unsafe {
            let equal = _mm_cmpeq_epi8(_mm_set_epi64x(high, low), _mm_set_epi64x(sought, sought));
            _mm_movemask_epi8(equal)
        };
        equal.cast_unsigned()
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    equal_bytes_of_each(words, byte)
}

/// As [`equal_bytes`], by plain words.
#[cfg(any(test, not(all(target_arch = "x86_64", not(miri)))))]
fn equal_bytes_of_each(words: [u64; 2], byte: u8) -> u32 {
    // The top bits, brought side by side.
    let bits = |word| (equal_tops(word, byte) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    let [low, high] = words.map(bits);
    (low | high << 8) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_bytes_that_fit_are_those_that_are_equal(
            words in any::<[u64; 2]>(),
            near in 0u8..8,
            byte in any::<u8>(),
        ) {
            // Bytes beside an equal one, and those that differ in one bit, are what goes wrong.
            let placed = |word: u64| word & !(0xff << (near * 8)) | u64::from(byte) << (near * 8);
            let every = u64::from(byte) * EVERY;
            for words in [words, words.map(placed), [every, words[0]], [placed(words[1]), every]] {
                for words in [words, words.map(|word| word ^ 1 << near), words.map(|word| word ^ 0x80 << (near * 8))] {
                    let is_equal = |at: &u32| (words[*at as usize / 8] >> (at % 8 * 8)) as u8 == byte;
                    let bits: u32 = (0..16).filter(is_equal).map(|at| 1 << at).sum();
                    prop_assert_eq!(equal_bytes(words, byte), bits);
                    prop_assert_eq!(equal_bytes_of_each(words, byte), bits);
                    let tops: u64 = (0..8).filter(is_equal).map(|at| 0x80 << (at * 8)).sum();
                    prop_assert_eq!(equal_tops(words[0], byte), tops);
                }
            }
        }
    }
}
