//! Where keys are sought, found out ahead of the ops that seek them: so that the waits for memory of many
//! overlap, and a key is hashed once, however often its op looks for it.
//!
//! What was found out is a hash and nothing that could have changed meanwhile: the search is made when
//! the op runs.

use super::Keyspace;
use super::lookup::hash;

/// Where a key is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sought {
    /// Of its database.
    place: u8,
    hash: u64,
}

/// The key whose hash is known while an op runs: so many bytes, which lie at this address and, since the
/// op is borrowed, stay what they are.
#[derive(Debug, Default)]
pub(super) struct Foreseen {
    /// 0, where nothing lies: no key is.
    address: usize,
    len: usize,
    sought: Option<Sought>,
}

impl Foreseen {
    /// The hash of `key` in the database at `place`, where it is known.
    #[inline]
    pub(super) fn hash(&self, place: u8, key: &[u8]) -> Option<u64> {
        let is_it = self.address == key.as_ptr().addr() && self.len == key.len();
        let sought = self.sought.filter(|_| is_it)?;
        (sought.place == place).then_some(sought.hash)
    }

    /// The op is over.
    #[inline]
    pub(super) fn forget(&mut self) {
        self.address = 0;
    }
}

impl Keyspace {
    /// Where `key` of `database` is sought; the processor is asked to fetch the line of the index.
    #[inline]
    pub(crate) fn seek(&self, database: u8, key: &[u8]) -> Sought {
        let place = self.databases.place(database);
        let hash = hash(place, key, &self.secrets);
        self.index.table().prefetch(hash);
        Sought { place, hash }
    }

    /// Asks the processor to fetch the item that most likely is what is sought.
    #[inline]
    pub(crate) fn approach(&self, sought: Sought) {
        if let Some(id) = self.index.table().hint(sought.hash) {
            self.arena.prefetch(id);
        }
    }

    /// The op that runs next, or now, looks for `key`, which is its own and sought there.
    #[inline]
    pub(crate) fn foresee(&mut self, key: &[u8], sought: Sought) {
        debug_assert_eq!(hash(sought.place, key, &self.secrets), sought.hash);
        self.foreseen = Foreseen {
            address: key.as_ptr().addr(),
            len: key.len(),
            sought: Some(sought),
        };
    }
}
