//! The keys of one shard: lookup, change, expiry, memory.
//!
//! Handlers see keys and values here and nothing of index, items or eviction. An expired key is never
//! seen: the first call that meets it removes it, counts it, and tells log and replicas (`DEL`).

use std::collections::HashMap;

use crate::command::CommandError;
use crate::effect::Effects;
use crate::time::Millis;
use crate::value::{Collection, Kind, Stored, Value};

/// When a key that is set expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expire {
    /// As the key that is replaced (`KEEPTTL`); never, where there was none.
    Keep,
    /// Never.
    Never,
    /// At this time.
    At(Millis),
}

enum Entry {
    String(Vec<u8>),
    Collection(Stored),
}

/// The keys of one shard.
#[derive(Default)]
pub struct Keyspace {
    now: Millis,
    entries: HashMap<Vec<u8>, (Entry, Option<Millis>)>,
    expired: Effects,
}

impl Keyspace {
    /// Sets the time of the calls that follow.
    pub fn set_now(&mut self, now: Millis) {
        self.now = now;
    }

    /// Moves the `DEL`s of keys that expired or were evicted to `effects`: they come before the effects
    /// of the op that met them.
    pub fn drain_removed(&mut self, effects: &mut Effects) {
        effects.append(&mut self.expired);
    }

    /// What `key` holds, as an access: it marks the item for the eviction policy and counts a hit or a
    /// miss.
    pub fn get(&mut self, key: &[u8]) -> Option<Value<'_>> {
        self.peek(key)
    }

    /// What `key` holds, without an access (`TYPE`, `TTL`, `EXISTS`, `OBJECT`).
    pub fn peek(&mut self, key: &[u8]) -> Option<Value<'_>> {
        let (entry, _) = self.entries.get(key)?;
        Some(match entry {
            Entry::String(bytes) => Value::String(bytes),
            Entry::Collection(Stored::Hash(hash)) => Value::Hash(hash),
            Entry::Collection(Stored::SortedSet(set)) => Value::SortedSet(set),
        })
    }

    /// The kind of value at `key`, without an access.
    pub fn kind(&mut self, key: &[u8]) -> Option<Kind> {
        Some(match self.peek(key)? {
            Value::String(_) => Kind::String,
            Value::Hash(_) => Kind::Hash,
            Value::SortedSet(_) => Kind::SortedSet,
        })
    }

    /// The string at `key` (an access), `None` where there is no key.
    ///
    /// # Errors
    /// `WRONGTYPE` where the key holds something else.
    pub fn string(&mut self, key: &[u8]) -> Result<Option<&[u8]>, CommandError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(bytes)) => Ok(Some(bytes)),
            Some(_) => Err(CommandError::WRONG_TYPE),
        }
    }

    /// Sets `key` to a string, whatever it held.
    ///
    /// # Errors
    /// The item is larger than the store can hold.
    pub fn set_string(
        &mut self,
        key: &[u8],
        value: &[u8],
        expire: Expire,
    ) -> Result<(), CommandError> {
        let old = self.entries.get(key).and_then(|(_, at)| *at);
        let at = match expire {
            Expire::Keep => old,
            Expire::Never => None,
            Expire::At(at) => Some(at),
        };
        self.entries
            .insert(key.to_vec(), (Entry::String(value.to_vec()), at));
        Ok(())
    }

    /// The collection at `key` (an access), `None` where there is no key.
    ///
    /// # Errors
    /// `WRONGTYPE` where the key holds something else.
    pub fn collection<C: Collection>(&mut self, key: &[u8]) -> Result<Option<&C>, CommandError> {
        match self.entries.get(key) {
            None => Ok(None),
            Some((Entry::Collection(stored), _)) => {
                C::of(stored).map(Some).ok_or(CommandError::WRONG_TYPE)
            }
            Some(_) => Err(CommandError::WRONG_TYPE),
        }
    }

    /// Changes the collection at `key` (an access), made empty first where there is no key. Where it is
    /// empty afterwards the key is removed. Expiry stays as it was.
    ///
    /// # Errors
    /// `WRONGTYPE` where the key holds something else, or the error of `change`, which must then have
    /// changed nothing.
    pub fn update<C: Collection, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&mut C) -> Result<R, CommandError>,
    ) -> Result<R, CommandError> {
        let mut entry = self
            .entries
            .remove(key)
            .unwrap_or_else(|| (Entry::Collection(C::default().into_stored()), None));
        let result = match &mut entry.0 {
            Entry::Collection(stored) => match C::of_mut(stored) {
                Some(collection) => {
                    let result = change(collection);
                    if collection.is_empty() {
                        return result;
                    }
                    result
                }
                None => Err(CommandError::WRONG_TYPE),
            },
            Entry::String(_) => Err(CommandError::WRONG_TYPE),
        };
        self.entries.insert(key.to_vec(), entry);
        result
    }

    /// When `key` expires: `None` where there is no key, `Some(None)` where it never does.
    pub fn expires_at(&mut self, key: &[u8]) -> Option<Option<Millis>> {
        self.entries.get(key).map(|(_, at)| *at)
    }

    /// Sets when `key` expires; whether there is such a key. A time that has passed is the caller's to
    /// treat as a removal.
    pub fn set_expires_at(&mut self, key: &[u8], at: Option<Millis>) -> bool {
        self.entries.get_mut(key).is_some_and(|(_, old)| {
            *old = at;
            true
        })
    }

    /// Removes `key`; whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        self.entries.remove(key).is_some()
    }

    /// Removes every key.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// How many keys there are, expired ones that nobody met yet among them (`DBSIZE`).
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Shows every key that has not expired, with its value and when it expires, in no order.
    pub fn for_each(&self, each: &mut dyn FnMut(&[u8], Value<'_>, Option<Millis>)) {
        for (key, (entry, at)) in &self.entries {
            let value = match entry {
                Entry::String(bytes) => Value::String(bytes),
                Entry::Collection(Stored::Hash(hash)) => Value::Hash(hash),
                Entry::Collection(Stored::SortedSet(set)) => Value::SortedSet(set),
            };
            each(key, value, *at);
        }
    }
}
