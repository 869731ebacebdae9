//! The shards that a client has written to: those that matter where it asks what is durable.

use seawall_store::{Op, Store};

/// Some of the store's shards, a bit each.
#[derive(Clone, Debug, Default)]
pub struct Wrote {
    words: Vec<u64>,
}

impl Wrote {
    /// `op`, which writes, is sent: to the shards of its keys or, where it has none, to all.
    pub fn note(&mut self, op: &Op, store: &Store) {
        if store.shards() == 1 {
            return self.add(0);
        }
        let mut has_key = false;
        for key in op.keys() {
            has_key = true;
            self.add(store.shard_of(key));
        }
        if !has_key {
            (0..store.shards()).for_each(|shard| self.add(shard));
        }
    }

    /// Something was written to `shard`.
    pub fn add(&mut self, shard: usize) {
        let (word, bit) = (shard / 64, shard % 64);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << bit;
    }

    /// Which they are.
    pub fn shards(&self) -> impl Iterator<Item = usize> {
        let words = self.words.iter().enumerate();
        words.flat_map(|(at, word)| {
            let is_set = move |bit: &usize| word >> bit & 1 == 1;
            (0..64).filter(is_set).map(move |bit| 64 * at + bit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_kept_once_each() {
        let mut wrote = Wrote::default();
        for shard in [70, 0, 63, 64, 0, 1_023] {
            wrote.add(shard);
        }
        assert_eq!(wrote.shards().collect::<Vec<_>>(), [0, 63, 64, 70, 1_023]);
    }
}
