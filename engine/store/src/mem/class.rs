//! Size classes: which block sizes a chunk may be carved into.
//!
//! Every multiple of 4 bytes up to 128, then eight classes per doubling, so at most an eighth of a
//! block is lost to rounding. Blocks of a multiple of 8 bytes lie at multiples of 8. What is larger than the last class is a run of pages (`extent`).

use super::GRANULE;

/// The smallest block.
pub(super) const BLOCK_BYTES_MIN: usize = 16;
/// Up to here every multiple of a granule is a class.
const FINE_BYTES_MAX: usize = 128;
/// The largest block.
pub(super) const BLOCK_BYTES_MAX: usize = if cfg!(miri) { 4 << 10 } else { 128 << 10 };
const FINE: usize = (FINE_BYTES_MAX - BLOCK_BYTES_MIN) / GRANULE + 1;
const STEPS: usize = 8;

/// How many classes there are.
pub(super) const CLASSES: usize =
    FINE + (BLOCK_BYTES_MAX.trailing_zeros() - FINE_BYTES_MAX.trailing_zeros()) as usize * STEPS;

/// The class of blocks that hold `bytes`, `None` where no class does.
pub(super) fn class_of(bytes: usize) -> Option<usize> {
    if bytes <= FINE_BYTES_MAX {
        return Some(bytes.max(BLOCK_BYTES_MIN).div_ceil(GRANULE) - BLOCK_BYTES_MIN / GRANULE);
    }
    if bytes > BLOCK_BYTES_MAX {
        return None;
    }
    let doubling = (bytes - 1).ilog2();
    let step = (bytes - 1 - (1 << doubling)) >> (doubling - STEPS.trailing_zeros());
    Some(FINE + (doubling - FINE_BYTES_MAX.trailing_zeros()) as usize * STEPS + step)
}

/// The bytes of one block of `class`.
pub(super) fn class_bytes(class: usize) -> usize {
    if class < FINE {
        return BLOCK_BYTES_MIN + class * GRANULE;
    }
    let (doubling, step) = ((class - FINE) / STEPS, (class - FINE) % STEPS);
    let base = FINE_BYTES_MAX << doubling;
    base + (step + 1) * (base / STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_the_smallest_class_that_holds_it() {
        for bytes in 1..=BLOCK_BYTES_MAX {
            let class = class_of(bytes).unwrap();
            assert!(class < CLASSES && class_bytes(class) >= bytes, "{bytes}");
            assert!(class == 0 || class_bytes(class - 1) < bytes, "{bytes}");
            assert_eq!(class_bytes(class) % GRANULE, 0);
            assert!(!bytes.is_multiple_of(8) || class_bytes(class).is_multiple_of(8));
        }
        assert_eq!(class_of(BLOCK_BYTES_MAX + 1), None);
        assert_eq!(class_bytes(CLASSES - 1), BLOCK_BYTES_MAX);
    }

    #[test]
    fn at_most_an_eighth_is_lost_beyond_the_fine_classes() {
        for bytes in FINE_BYTES_MAX..=BLOCK_BYTES_MAX {
            let lost = class_bytes(class_of(bytes).unwrap()) - bytes;
            assert!(lost * STEPS <= bytes, "{bytes} loses {lost}");
        }
    }
}
