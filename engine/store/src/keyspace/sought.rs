//! Where keys are sought, found out ahead of the ops that seek them: so that the waits for memory of many
//! overlap, and a key is hashed once, however often its op looks for it.
//!
//! A hash does not change meanwhile. Where in the index the key most likely is, may: that is looked at
//! again when the op runs, and searched where it is otherwise.

use super::Keyspace;
use super::lookup::hash;
use crate::index::Place;
use crate::mem::ItemId;

/// What is fetched of an item besides its key: the header in front of that, and the number of a collection, or
/// a short value, behind it. Every third item has its key in two lines.
const BESIDE_KEY_BYTES: usize = 24;
/// More of a key the processor fetches by itself.
const KEY_BYTES_MAX: usize = 256;

/// Where a key is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sought {
    /// The place of its database.
    database: u8,
    hash: u64,
    /// How much of an item is looked at to see whether it is the key's.
    bytes: usize,
    /// The entry that it most likely is, once that was looked for.
    near: Option<(Place, ItemId)>,
}

impl Sought {
    /// The item that it most likely is, once that was looked for.
    #[inline]
    pub(super) fn near(&self) -> Option<ItemId> {
        self.near.map(|(_, id)| id)
    }
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
    /// What is known of `key` in the database at place `database`.
    #[inline]
    fn of(&self, database: u8, key: &[u8]) -> Option<&Sought> {
        let is_it = self.address == key.as_ptr().addr() && self.len == key.len();
        let sought = self.sought.as_ref().filter(|_| is_it);
        sought.filter(|sought| sought.database == database)
    }

    /// The hash of `key` in the database at place `database`, where it is known.
    #[inline]
    pub(super) fn hash(&self, database: u8, key: &[u8]) -> Option<u64> {
        self.of(database, key).map(|sought| sought.hash)
    }

    /// The entry that `key` most likely is, where one is known.
    #[inline]
    pub(super) fn near(&self, database: u8, key: &[u8]) -> Option<(Place, ItemId)> {
        self.of(database, key)?.near
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
        let database = self.databases.place(database);
        let hash = hash(database, key, &self.secrets);
        self.index.table().prefetch(hash);
        Sought {
            database,
            hash,
            bytes: BESIDE_KEY_BYTES + key.len().min(KEY_BYTES_MAX),
            near: None,
        }
    }

    /// Asks the processor to fetch the item that most likely is what is sought.
    #[inline]
    pub(crate) fn approach(&self, sought: &mut Sought) {
        sought.near = self.index.hint(sought.hash);
        if let Some((_, id)) = sought.near {
            self.arena.prefetch(id, sought.bytes);
        }
    }

    /// The op that runs next, or now, looks for `key`, which is its own and sought there.
    #[inline]
    pub(crate) fn foresee(&mut self, key: &[u8], sought: Sought) {
        debug_assert_eq!(hash(sought.database, key, &self.secrets), sought.hash);
        self.foreseen = Foreseen {
            address: key.as_ptr().addr(),
            len: key.len(),
            sought: Some(sought),
        };
    }
}
