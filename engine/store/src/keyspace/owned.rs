//! Values apart from their keys: taken out, put in, copied; and what the store knows of a key besides.

use super::capture::Change;
use super::eviction::Usage;
use super::{Keyspace, Value};
use crate::command::CommandError;
use crate::mem::{Arena, ItemKind, Tag};
use crate::time::Millis;
use crate::value::{Collection, Hash, Stored};

/// A value that belongs to no key.
#[derive(Clone, Debug)]
pub enum Owned {
    /// A string.
    String {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Whether it was changed in its parts ([`Keyspace::set_raw`]).
        raw: bool,
        /// What Memcached's protocol keeps of it.
        tag: Option<Tag>,
    },
    /// A collection.
    Collection(Stored),
}

impl Owned {
    /// A collection.
    pub fn collection<C: Collection>(collection: C) -> Owned {
        Owned::Collection(collection.into_stored())
    }
}

/// A key as `OBJECT` and `MEMORY USAGE` see it.
#[derive(Clone, Copy, Debug)]
pub struct Inspected<'a> {
    /// What it holds.
    pub value: Value<'a>,
    /// Whether it is a string that was changed in its parts.
    pub raw: bool,
    /// Where its item lies in the shard's memory.
    pub place: u32,
    /// The bytes of its item and its collection.
    pub bytes: u64,
    /// How it was used.
    pub usage: Usage,
    /// Whether a policy keeps of each key how it was used, so that Redis would share no integers.
    pub apart: bool,
}

impl Keyspace {
    /// All that is known of `key`; neither an access, nor told to anybody.
    pub fn inspect(&mut self, key: &[u8]) -> Option<Inspected<'_>> {
        let (_, id) = self.locate(key)?;
        let item = self.arena.own(id);
        let collection = self.number(id).map(|number| self.collections.get(number));
        Some(Inspected {
            value: self.value(id),
            raw: item.kind() == ItemKind::Raw,
            place: id.bits(),
            bytes: Arena::block_bytes(item.bytes())
                + collection.map_or(0, |stored| stored.bytes() as u64),
            usage: self.eviction.usage(item, self.now),
            apart: self.eviction.marks_uses(),
        })
    }

    /// Lets `key` look as if it had been used so, where the policy keeps that.
    pub fn set_usage(&mut self, key: &[u8], usage: Usage) {
        if let Some((_, id)) = self.locate(key) {
            self.eviction.set_usage(self.arena.own(id), usage, self.now);
        }
    }

    /// A copy of what `key` holds (an access), and when it expires.
    pub fn copy_of(&mut self, key: &[u8]) -> Option<(Owned, Option<Millis>)> {
        let id = self.access(key)?;
        let item = self.arena.own(id);
        let owned = match self.number(id) {
            Some(number) => Owned::Collection(self.collections.get(number).clone()),
            None => Owned::String {
                bytes: item.value().to_vec(),
                raw: item.kind() == ItemKind::Raw,
                tag: item.tag(),
            },
        };
        Some((owned, item.expires()))
    }

    /// Takes what `key` holds and removes the key; also when it would have expired.
    pub fn take(&mut self, key: &[u8]) -> Option<(Owned, Option<Millis>)> {
        let (place, id) = self.locate(key)?;
        let Some(number) = self.number(id) else {
            let taken = self.copy_of(key);
            self.unlink(place, id);
            return taken;
        };
        if self.capture.is_some() {
            self.save_ahead(Change::Take, self.hash(key));
        }
        let expires = self.arena.own(id).expires();
        let nothing = Stored::Hash(Hash::default());
        let stored = std::mem::replace(self.collections.get_mut(number), nothing);
        self.collection_bytes -= stored.bytes() as u64;
        self.unlink(place, id);
        Some((Owned::Collection(stored), expires))
    }

    /// Puts a value at `key`, whatever that held.
    ///
    /// # Errors
    /// The store can hold no more.
    pub fn put_owned(
        &mut self,
        key: &[u8],
        value: Owned,
        expires: Option<Millis>,
    ) -> Result<(), CommandError> {
        let found = self.locate(key);
        match value {
            Owned::String { bytes, raw, tag } => {
                let kind = if raw { ItemKind::Raw } else { ItemKind::String };
                // At another key it is another item.
                let tag = tag.map(|tag| self.numbered(tag));
                self.put(found, kind, key, &bytes, expires, tag.as_ref())
            }
            Owned::Collection(stored) => self.put_collection(found, key, stored, expires),
        }
    }
}
