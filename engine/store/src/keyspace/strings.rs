//! Strings by key: read, set, and changed by what they were.

use super::{Expire, Keyspace};
use crate::command::CommandError;
use crate::index::Place;
use crate::mem::{ItemId, ItemKind};
use crate::value::Value;

impl Keyspace {
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
    #[inline]
    pub fn set_string(
        &mut self,
        key: &[u8],
        value: &[u8],
        expire: Expire,
    ) -> Result<(), CommandError> {
        let found = self.locate(key);
        self.put_string(found, ItemKind::String, key, value, expire)
    }

    /// As [`Keyspace::set_string`], of a string that was changed in its parts.
    ///
    /// # Errors
    /// As there.
    pub fn set_raw(
        &mut self,
        key: &[u8],
        value: &[u8],
        expire: Expire,
    ) -> Result<(), CommandError> {
        let found = self.locate(key);
        self.put_string(found, ItemKind::Raw, key, value, expire)
    }

    /// Sets `key` to what `change` makes of the string there (an access); `None`: there is no key. Expiry
    /// stays as it was.
    ///
    /// # Errors
    /// `WRONGTYPE` where the key holds something else, or the error of `change`: nothing has changed.
    pub fn change_string<T: AsRef<[u8]>>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(Option<&[u8]>) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let found = self.locate(key);
        let old = match found.map(|(_, id)| self.value(id)) {
            None => Ok(None),
            Some(Value::String(bytes)) => Ok(Some(bytes)),
            Some(_) => Err(CommandError::WRONG_TYPE),
        };
        let changed = old.and_then(change);
        match (changed, found) {
            // An access that changed nothing; one that did is noted by what it put.
            (Err(error), Some((_, id))) => {
                let item = self.arena.own(id);
                self.eviction.hit(item, id, self.latest, &mut self.random);
                Err(error)
            }
            (changed, _) => {
                let changed = changed?;
                self.put_string(found, ItemKind::String, key, changed.as_ref(), Expire::Keep)?;
                Ok(changed)
            }
        }
    }

    #[inline]
    fn put_string(
        &mut self,
        found: Option<(Place, ItemId)>,
        kind: ItemKind,
        key: &[u8],
        value: &[u8],
        expire: Expire,
    ) -> Result<(), CommandError> {
        let expires = match expire {
            Expire::Keep => found.and_then(|(_, id)| self.arena.own(id).expires()),
            Expire::Never => None,
            Expire::At(at) => Some(at),
        };
        // What keeps its expiry (`INCR`, `APPEND`) is still the item that Memcached's client set.
        let kept = found.filter(|_| expire == Expire::Keep);
        let tag = kept.and_then(|(_, id)| self.arena.own(id).tag());
        let tag = tag.map(|tag| self.numbered(tag));
        self.put(found, kind, key, value, expires, tag.as_ref())
    }
}
