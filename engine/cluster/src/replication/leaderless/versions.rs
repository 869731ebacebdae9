//! Which version of each key a copy has, and what two copies compare to find where they differ.
//!
//! ```text
//!  key ── hash ──► one of 64 buckets { root: all versions of its keys in one number, by exclusive or }
//! ```
//!
//! Copies that have the same have equal roots; keys and versions are told of buckets whose roots differ only. It is a
//! Merkle tree (Dynamo, §4.7) of one level. What was deleted keeps its version, so that an older write of it does not
//! come back; nothing forgets it.

use std::collections::BTreeMap;

use seawall_store::Millis;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::super::RequestId;

/// Which write made a key what it is: the later one of two is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    /// When the write executed, by the clock of the copy where it did; later in any case than what it went over.
    pub(super) at: Millis,
    /// The write.
    pub(super) id: RequestId,
}

impl Version {
    /// Of a key that nobody wrote since the cluster was formed.
    pub(super) const FIRST: Version = Version {
        at: Millis(0),
        id: RequestId(0),
    };
}

/// How many buckets: as many as a mask has bits.
const BUCKETS: usize = u64::BITS as usize;

/// A key and its version.
pub(super) type Entry = (Vec<u8>, Version);

#[derive(Clone, Default)]
struct Bucket {
    root: u64,
    keys: BTreeMap<Vec<u8>, Version>,
}

/// The versions of all keys that were written since the cluster was formed.
pub(super) struct Versions {
    buckets: Vec<Bucket>,
}

impl Default for Versions {
    fn default() -> Versions {
        Versions {
            buckets: vec![Bucket::default(); BUCKETS],
        }
    }
}

fn bucket_of(key: &[u8]) -> usize {
    (xxh3_64(key) % BUCKETS as u64) as usize
}

/// A key and its version in one number.
fn leaf(key: &[u8], version: Version) -> u64 {
    let [at, id] = [version.at.0, version.id.0].map(u64::to_le_bytes);
    xxh3_64_with_seed(&[at, id].concat(), xxh3_64(key))
}

impl Versions {
    pub(super) fn get(&self, key: &[u8]) -> Version {
        let version = self.buckets[bucket_of(key)].keys.get(key);
        version.copied().unwrap_or(Version::FIRST)
    }

    pub(super) fn set(&mut self, key: &[u8], version: Version) {
        let bucket = &mut self.buckets[bucket_of(key)];
        bucket.root ^= leaf(key, version);
        if let Some(before) = bucket.keys.insert(key.to_vec(), version) {
            bucket.root ^= leaf(key, before);
        }
    }

    /// The root of each bucket.
    pub(super) fn roots(&self) -> Vec<u64> {
        self.buckets.iter().map(|bucket| bucket.root).collect()
    }

    /// The buckets whose roots are not these, as bits.
    pub(super) fn differing(&self, roots: &[u64]) -> u64 {
        let differs = |(bucket, root): (&Bucket, &u64)| bucket.root != *root;
        let bits = self.buckets.iter().zip(roots).map(differs);
        bits.rev()
            .fold(0, |mask, differs| mask << 1 | u64::from(differs))
    }

    /// What is in these buckets.
    pub(super) fn within(&self, mask: u64) -> impl Iterator<Item = Entry> {
        let chosen = (0..)
            .zip(&self.buckets)
            .filter(move |(bit, _)| mask >> bit & 1 == 1);
        chosen
            .flat_map(|(_, bucket)| &bucket.keys)
            .map(|(key, version)| (key.clone(), *version))
    }
}

impl FromIterator<Entry> for Versions {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Versions {
        let mut versions = Versions::default();
        for (key, version) in entries {
            versions.set(&key, version);
        }
        versions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(at: u64, id: u64) -> Version {
        let (at, id) = (Millis(at), RequestId(id));
        Version { at, id }
    }

    #[test]
    fn copies_that_have_the_same_have_equal_roots_whatever_the_way() {
        let (mut one, mut other) = (Versions::default(), Versions::default());
        for n in 0..1000u64 {
            let key = format!("key:{}", n % 300).into_bytes();
            one.set(&key, version(n, 1));
            let back = 999 - n;
            let key = format!("key:{}", back % 300).into_bytes();
            let newer = other.get(&key).max(version(back, 1));
            other.set(&key, newer);
        }
        assert_eq!(one.differing(&other.roots()), 0);
        other.set(b"key:7", version(2000, 1));
        let mask = one.differing(&other.roots());
        assert_eq!(mask.count_ones(), 1);
        let differing: Vec<Entry> = other.within(mask).collect();
        assert!(differing.contains(&(b"key:7".to_vec(), version(2000, 1))));
        assert!(differing.len() < 30, "one bucket of 64 was told");
        let all: Versions = other.within(u64::MAX).collect();
        assert_eq!(all.differing(&other.roots()), 0);
    }
}
