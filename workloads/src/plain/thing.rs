//! What a number's key, member and value look like.
//!
//! ```text
//!  key     k000000000000042      member  m000000000000042
//!  value   ccaaaaaa + letters    eight letters that spell the number, then a piece of one fixed text
//! ```
//!
//! The one idea: a value is compared with two pieces of memory and is never made anew. Values are letters, so
//! that no server keeps them as integers, and not repetitive; they are not sealed, since only one is right.

use seawall_store::Op;

use crate::dist::Rng;

/// How many letters of a value spell its number: 32 bits of it, four in each.
const STAMP: usize = 8;

/// In how many different places of the fixed text values begin.
const PLACES: usize = 64;

/// Keys, members and values of one length each.
pub(super) struct Things {
    /// A key and a member with no number yet.
    key: Vec<u8>,
    member: Vec<u8>,
    /// A value as it is being made.
    value: Vec<u8>,
    /// The fixed text.
    letters: Vec<u8>,
}

impl Things {
    /// With keys and members of `key_bytes`, and values of `value_bytes`.
    pub(super) fn new(key_bytes: usize, value_bytes: usize) -> Things {
        let named = |letter| {
            let mut name = vec![b'0'; key_bytes];
            name[0] = letter;
            name
        };
        let mut rng = Rng::new(0);
        let letters = (0..value_bytes + PLACES).map(|_| b'a' + rng.below(26) as u8);
        Things {
            key: named(b'k'),
            member: named(b'm'),
            value: vec![0; value_bytes],
            letters: letters.collect(),
        }
    }

    /// How long a value is.
    pub(super) fn value_bytes(&self) -> usize {
        self.value.len()
    }

    /// The key of a number.
    #[inline]
    pub(super) fn key(&mut self, number: u64) -> &[u8] {
        spell(&mut self.key, number);
        &self.key
    }

    /// The member of a number.
    #[inline]
    pub(super) fn member(&mut self, number: u64) -> &[u8] {
        spell(&mut self.member, number);
        &self.member
    }

    /// Appends the value of a number as an argument.
    #[inline]
    pub(super) fn value_into(&mut self, number: u64, op: &mut Op) {
        let (stamp, rest) = (stamp(number), self.rest(number));
        let stamped = self.value.len().min(STAMP);
        op.extend(&stamp[..stamped]);
        op.extend(rest);
        op.end();
    }

    /// Whether this is the value of a number.
    #[inline]
    pub(super) fn is_value(&self, number: u64, value: &[u8]) -> bool {
        let stamped = self.value.len().min(STAMP);
        value.len() == self.value.len()
            && value[..stamped] == stamp(number)[..stamped]
            && value[stamped..] == *self.rest(number)
    }

    /// What follows a value's stamp.
    fn rest(&self, number: u64) -> &[u8] {
        let begin = number as usize % PLACES;
        &self.letters[begin..][..self.value.len().saturating_sub(STAMP)]
    }
}

/// The letters that spell a number, the lowest bits first.
#[inline]
fn stamp(number: u64) -> [u8; STAMP] {
    // Each byte gets four bits: spread by halves, then by quarters.
    let mut bits = number & 0xffff_ffff;
    bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    (bits + u64::from_le_bytes([b'a'; STAMP])).to_le_bytes()
}

/// Writes a number behind the letter of `name`, in as many digits as there is room for.
#[inline]
fn spell(name: &mut [u8], mut number: u64) {
    for digit in name[1..].iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    debug_assert_eq!(
        number, 0,
        "the shortest name has room for the largest number"
    );
}

/// The number of a key or member.
#[inline]
pub(super) fn number(name: &[u8]) -> Option<u64> {
    name.get(1..)?.iter().try_fold(0u64, |number, &digit| {
        let digit = digit.wrapping_sub(b'0');
        let number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
        (digit < 10).then_some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_tell_their_number() {
        let mut things = Things::new(16, 8);
        for n in [0, 7, 42, 999_999, (1 << 28) - 1] {
            assert_eq!(number(things.key(n)), Some(n));
            assert_eq!(number(things.member(n)), Some(n));
        }
        assert_eq!(things.key(42), b"k000000000000042");
        assert_eq!(number(b"k00x"), None);
        assert_eq!(number(b""), None);
    }

    #[test]
    fn a_value_is_its_numbers_alone() {
        for bytes in [8, 9, 100] {
            let mut things = Things::new(16, bytes);
            let mut seen = HashSet::new();
            for n in (0..3000).chain([1 << 27, (1 << 28) - 1]) {
                let mut op = Op::new(&seawall_store::command::string::GET);
                things.value_into(n, &mut op);
                assert_eq!(op[0].len(), bytes);
                assert!(op[0].iter().all(u8::is_ascii_lowercase));
                assert!(things.is_value(n, &op[0]));
                assert!(!things.is_value(n + 1, &op[0]));
                assert!(!things.is_value(n, &op[0][1..]));
                assert!(seen.insert(op[0].to_vec()), "{n} has another one's value");
            }
        }
    }
}
