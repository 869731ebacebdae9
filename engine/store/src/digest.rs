//! Digests: twenty bytes that are the same where data is the same, on this store and on Redis.
//!
//! The one idea: what has no order (keys, fields, members) is added by exclusive or of SHA-1 digests, so
//! that any order gives the same; what has one (a list, a pair) is mixed in, each step a digest of the one
//! before. Definition: Redis 7.0, `DEBUG DIGEST` and `DEBUG DIGEST-VALUE`. Not a defence: who can choose
//! data can choose two with one digest.

use std::fmt;

use sha1::{Digest as _, Sha1};

use crate::reply::format_double;
use crate::time::Millis;
use crate::value::{Kind, Value};

/// How many bytes a digest has.
pub const DIGEST_BYTES: usize = 20;

/// What a key that expires adds.
const EXPIRES: &[u8] = b"!!expire!!";

/// A digest; [`Default`] is that of nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest([u8; DIGEST_BYTES]);

impl Digest {
    /// Of what a key holds, and of whether it expires.
    pub fn of_value(value: Value<'_>, expires: Option<Millis>) -> Digest {
        let mut digest = Digest::default();
        digest.mix_value(value, expires);
        digest
    }

    /// Of a key with what it holds.
    pub fn of_key(key: &[u8], value: Value<'_>, expires: Option<Millis>) -> Digest {
        let mut digest = Digest::default();
        digest.mix(key);
        digest.mix_value(value, expires);
        digest
    }

    /// Of a dataset: of its databases by number, each with the sum of its keys' digests; those without
    /// keys are left out.
    pub fn of_databases(databases: impl IntoIterator<Item = (u32, Digest)>) -> Digest {
        let mut digest = Digest::default();
        for (number, keys) in databases {
            digest.mix(&number.to_be_bytes());
            digest.combine(&keys);
        }
        digest
    }

    /// Adds bytes, in no order.
    pub fn add(&mut self, bytes: &[u8]) {
        self.combine(&Digest(Sha1::digest(bytes).into()));
    }

    /// Adds another digest's bytes, in no order.
    pub fn add_digest(&mut self, other: &Digest) {
        self.add(&other.0);
    }

    /// Brings two sums over parts of something together.
    pub fn combine(&mut self, other: &Digest) {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            *own ^= other;
        }
    }

    /// Adds bytes that come after all before.
    pub fn mix(&mut self, bytes: &[u8]) {
        self.add(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The digest of these bytes, where they are as many as one has.
    pub fn from_bytes(bytes: &[u8]) -> Option<Digest> {
        bytes.try_into().ok().map(Digest)
    }

    fn mix_value(&mut self, value: Value<'_>, expires: Option<Millis>) {
        self.mix(&type_number(value.kind()).to_be_bytes());
        match value {
            Value::String(bytes) => self.mix(bytes),
            Value::List(list) => list.iter().for_each(|element| self.mix(element)),
            Value::Set(set) => {
                (set.iter()).for_each(|member| member.text(|text| self.add(text)));
            }
            Value::SortedSet(set) => {
                for (member, score) in set.iter() {
                    self.add_pair(member, format_double(score).as_bytes());
                }
            }
            Value::Hash(hash) => {
                (hash.iter()).for_each(|(field, value)| self.add_pair(field, value));
            }
        }
        if expires.is_some() {
            self.add(EXPIRES);
        }
    }

    fn add_pair(&mut self, first: &[u8], second: &[u8]) {
        let mut pair = Digest::default();
        pair.mix(first);
        pair.mix(second);
        self.add_digest(&pair);
    }
}

/// The number by which Redis means a type.
fn type_number(kind: Kind) -> u32 {
    match kind {
        Kind::String => 0,
        Kind::List => 1,
        Kind::Set => 2,
        Kind::SortedSet => 3,
        Kind::Hash => 4,
    }
}

/// Forty hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Formatting byte by byte is felt where every key's digest is shown.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits = |byte: u8| [byte >> 4, byte & 15].map(|half| DIGITS[half as usize] as char);
        let text: String = self.0.into_iter().flat_map(digits).collect();
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_counts_where_it_is_mixed_and_not_where_it_is_added() {
        let (mut sums, mut chains) = ([Digest::default(); 2], [Digest::default(); 2]);
        for word in [b"a", b"b"] {
            sums[0].add(word);
            chains[0].mix(word);
        }
        for word in [b"b", b"a"] {
            sums[1].add(word);
            chains[1].mix(word);
        }
        assert_eq!(sums[0], sums[1]);
        assert_ne!(chains[0], chains[1]);
    }

    #[test]
    fn bytes_and_text_name_the_same_digest() {
        let digest = Digest::of_key(b"key", Value::String(b"value"), None);
        assert_eq!(Digest::from_bytes(digest.as_bytes()), Some(digest));
        assert_eq!(digest.to_string().len(), 2 * DIGEST_BYTES);
        let bytes = std::array::from_fn(|at| (at * 13) as u8);
        let text = "000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7";
        assert_eq!(Digest(bytes).to_string(), text);
        assert_eq!(Digest::from_bytes(b"short"), None);
        assert_eq!(Digest::of_databases([]), Digest::default());
    }
}
