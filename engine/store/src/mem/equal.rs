//! Whether two keys are one, by few words: what every search asks of every item that it meets.
//!
//! Keys are short. Their first and their last words, which may overlap, are all of them; so there is no loop
//! over bytes, and no call of a function that first finds out how many there are.

/// Whether `a` and `b` are the same bytes.
#[inline]
pub(super) fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    if let Some(ends) = ends::<8>(a, b)
        && a.len() <= 16
    {
        let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        return ends
            .iter()
            .fold(0, |differ, [a, b]| differ | (word(a) ^ word(b)))
            == 0;
    }
    if let Some(ends) = ends::<16>(a, b)
        && a.len() <= 32
    {
        let word = |bytes: &[u8; 16]| u128::from_le_bytes(*bytes);
        return ends
            .iter()
            .fold(0, |differ, [a, b]| differ | (word(a) ^ word(b)))
            == 0;
    }
    a == b
}

/// The first and the last `N` bytes of both, where there are so many.
#[inline]
fn ends<'k, const N: usize>(a: &'k [u8], b: &'k [u8]) -> Option<[[&'k [u8; N]; 2]; 2]> {
    let first = [a.first_chunk()?, b.first_chunk()?];
    Some([first, [a.last_chunk()?, b.last_chunk()?]])
}

#[cfg(test)]
mod tests {
    use super::equal;

    #[test]
    fn a_difference_anywhere_is_seen() {
        for len in 0..40 {
            let key: Vec<u8> = (0..len).collect();
            assert!(equal(&key, &key.clone()));
            assert!(!equal(&key, &[&key[..], b"x"].concat()));
            for at in 0..key.len() {
                let mut other = key.clone();
                other[at] ^= 0x80;
                assert!(!equal(&key, &other), "byte {at} of {len}");
            }
        }
    }
}
