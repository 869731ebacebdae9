//! Keys by their numbers, and what clients were told of each.

use std::hash::{BuildHasherDefault, Hasher};
use std::num::NonZeroU32;

use hashbrown::HashTable;
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

use super::{Extent, OpId, WriteId};

/// A key: its place in [`Keys`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyId(NonZeroU32);

impl KeyId {
    pub(crate) fn new(index: usize) -> KeyId {
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        KeyId(number.expect("a run has fewer keys than 32 bits count"))
    }

    pub(crate) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// A key and what is known of it.
#[derive(Debug)]
pub(super) struct Key {
    name: Box<[u8]>,
    /// The newest write that a client knows to be done.
    pub(super) newest_acked: Option<WriteId>,
    /// How it came from shard to shard, from the first move on.
    pub(super) carried: Vec<Carried>,
    /// When it was seen without any version.
    pub(super) without: Extent,
    /// What each client had of it last, by client. Most keys have one.
    sessions: SmallVec<[(u16, Session); 1]>,
}

/// How a key came to another shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carried {
    pub(super) from: u16,
    /// Writes before this one were asked for before the move.
    pub(super) until: usize,
    pub(super) how: Carriage,
}

/// What became of a key in a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carriage {
    /// An op wrote it into its new shard.
    By(OpId),
    /// It was not there, and is not in its new shard.
    Absent,
    /// The shard that had it had lost the newest write, which the move does not make good.
    Lost,
}

/// The newest write of a key that a client saw, and that it was told is done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Session {
    pub(super) seen: Option<WriteId>,
    pub(super) own: Option<WriteId>,
}

impl Key {
    /// What a client had of it last.
    pub(super) fn session(&self, client: u16) -> Session {
        let at = self.sessions.binary_search_by_key(&client, |of| of.0);
        at.map_or(Session::default(), |at| self.sessions[at].1)
    }

    pub(super) fn session_mut(&mut self, client: u16) -> &mut Session {
        let at = self.sessions.binary_search_by_key(&client, |of| of.0);
        let at = at.unwrap_or_else(|at| {
            self.sessions.insert(at, (client, Session::default()));
            at
        });
        &mut self.sessions[at].1
    }
}

/// All keys that were ever asked for. They are given out in the order in which they came; that of the table is
/// never seen, and its hash is the same in every run.
#[derive(Debug, Default)]
pub(super) struct Keys {
    keys: Vec<Key>,
    by_name: HashTable<KeyId>,
}

impl Keys {
    pub(super) fn find(&self, name: &[u8]) -> Option<KeyId> {
        let is_it = |id: &KeyId| *self.keys[id.index()].name == *name;
        self.by_name.find(xxh3_64(name), is_it).copied()
    }

    pub(super) fn find_or_add(&mut self, name: &[u8]) -> KeyId {
        if let Some(id) = self.find(name) {
            return id;
        }
        let id = KeyId::new(self.keys.len());
        self.keys.push(Key {
            name: name.into(),
            newest_acked: None,
            carried: Vec::new(),
            without: Extent::BEGINNING,
            sessions: SmallVec::new(),
        });
        let keys = &self.keys;
        let hash = |id: &KeyId| xxh3_64(&keys[id.index()].name);
        self.by_name.insert_unique(xxh3_64(name), id, hash);
        id
    }

    pub(super) fn name(&self, id: KeyId) -> &[u8] {
        &self.keys[id.index()].name
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.iter().map(|key| &*key.name)
    }

    pub(super) fn get(&self, id: KeyId) -> &Key {
        &self.keys[id.index()]
    }

    pub(super) fn get_mut(&mut self, id: KeyId) -> &mut Key {
        &mut self.keys[id.index()]
    }
}

/// A hasher of small numbers that is the same in every run.
pub(crate) type NumberHasher = BuildHasherDefault<NumberHash>;

/// See [`NumberHasher`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NumberHash(u64);

impl Hasher for NumberHash {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        // The table takes its place from the lowest bits: numbers that follow each other are asked for together, and so
        // lie together. Of those that share a place the highest seven tell most apart: the golden ratio spreads them.
        let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = number ^ spread & !(u64::MAX >> 7);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered_as_they_come() {
        let mut keys = Keys::default();
        let name = |n: usize| format!("key:{n}").into_bytes();
        for n in 0..1000 {
            assert_eq!(keys.find(&name(n)), None);
            assert_eq!(keys.find_or_add(&name(n)), KeyId::new(n));
            assert_eq!(keys.find_or_add(&name(n / 2)), KeyId::new(n / 2));
        }
        assert!(keys.names().map(<[u8]>::to_vec).eq((0..1000).map(name)));
    }

    #[test]
    fn each_client_has_a_session_of_its_own() {
        let mut keys = Keys::default();
        let id = keys.find_or_add(b"k");
        for client in [3, 1, 2] {
            keys.get_mut(id).session_mut(client).seen = Some(WriteId::new(client.into()));
        }
        for client in 1..=3 {
            let seen = keys.get(id).session(client).seen;
            assert_eq!(seen, Some(WriteId::new(client.into())));
        }
        assert_eq!(keys.get(id).session(4).seen, None);
    }
}
